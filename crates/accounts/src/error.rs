use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    random::NoRandomness,
    rate_limit::Verdict,
    web::{InputFault, Problem, invalid_cursor, problem_codes, version_mismatch},
};

problem_codes! {
    INVALID_TOKEN: BAD_REQUEST, "invalid_token", "The token is not valid",
        "Use a claim, a link or a code once, before it expires, and as it was given; ask for a new link or code. What was claimed belongs to another account.";
    INVALID_CREDENTIALS: UNAUTHORIZED, "invalid_credentials", "The e-mail address or password is wrong",
        "Check both; the response does not reveal which one is wrong.";
    ACCOUNT_DISABLED: FORBIDDEN, "account_disabled", "The account is disabled",
        "Ask your administrator to enable the account.";
    EMAIL_UNVERIFIED: FORBIDDEN, "email_unverified", "The e-mail address is not verified",
        "Open the link that was mailed to you; `POST /auth/email/verification` sends another.";
    SIGN_IN_REQUIRED: FORBIDDEN, "sign_in_required", "A recent log-in or the password is required",
        "Log in again and repeat the request within ten minutes, or send your password in `password`.";
}

/// A refusal or failure of this room.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("`{member}` {fault}")]
    Input { member: &'static str, fault: Fault },
    /// Another account has that e-mail address, in any case.
    #[error("an account with this e-mail address already exists")]
    EmailTaken,
    /// No such account, or another password: the answer does not say which.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    #[error("the account is disabled")]
    Disabled,
    #[error("the access token has expired")]
    TokenExpired,
    #[error("the access token is not valid")]
    TokenInvalid,
    /// The token is valid, but its account has another role or organization by now.
    #[error("the claims of the access token are out of date")]
    TokenOutdated,
    /// The token is valid, but the key that signed it has ended.
    #[error("the signing key of the access token is no longer valid")]
    KeyEnded,
    /// Logged out, revoked, or the account is disabled.
    #[error("the session has ended")]
    SessionEnded,
    /// Unknown, spent, expired or of a session that has ended: the answer does not say which.
    #[error("the refresh token is not valid")]
    RefreshInvalid,
    /// Unknown, revoked, or it sleeps.
    #[error("the API key is not valid")]
    KeyInvalid,
    #[error("the API key has expired")]
    KeyExpired,
    /// An API key may not exceed its maker's role.
    #[error("the role {0} exceeds the caller's")]
    RoleTooGreat(&'static str),
    /// A session by cookie was asked for by a page of another site, or by no page.
    #[error("the request does not come from a page of this server")]
    ForeignOrigin,
    /// `auth.password_grant` is off.
    #[error("this installation does not exchange passwords for tokens")]
    PasswordsOff,
    #[error("an API key cannot do this; a session is required")]
    NeedsSession,
    #[error("the current password is wrong")]
    WrongPassword,
    /// Only owners of their addresses make what lasts.
    #[error("the e-mail address of the account is not verified")]
    EmailUnverified,
    /// The log-in was long ago and no password was sent, or a wrong one: the answer does not say which.
    #[error("neither a recent log-in nor the password")]
    SignInRequired,
    /// No such user, or API key, or it is not the caller's.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    #[error("there is no such organization")]
    UnknownOrganization,
    /// The account at which a page begins was erased after the page before was read.
    #[error("there is no such place in the list")]
    PlaceGone,
    /// Without this user nobody could administer the installation.
    #[error("the last administrator cannot be changed: {0}")]
    LastAdministrator(&'static str),
    #[error("the user is at version {0}")]
    VersionMismatch(i32),
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error("the signing key is configured; change it in the settings")]
    KeysConfigured,
    #[error("the database did not answer in time")]
    DatabaseTooSlow,
    /// Forged, used or expired.
    #[error("the claim of a booking is not valid")]
    ClaimInvalid,
    /// Of a link: forged, used or expired, or it was sent to another address.
    #[error("the one-time token is not valid")]
    OneTimeInvalid,
    /// Wrong, used or expired, or they were sent to another number.
    #[error("the digits are not valid")]
    DigitsInvalid,
    /// There is nothing to be verified.
    #[error("the user has no phone number")]
    NoPhone,
    #[error("the credential belongs to no account")]
    NoAccount,
    #[error("too many attempts with one account, existing or not, from all addresses")]
    TooManyAttempts(Verdict),
    #[error("too many refreshes of one session")]
    RefreshedTooOften(Verdict),
    #[error("too many refresh tokens without a signature from one address")]
    UnsignedTooOften(Verdict),
    #[error("too many codes by text message for one network address")]
    CodesUsedUp(Verdict),
    #[error("the queue of passwords to be checked is full")]
    Busy,
    /// A key, a hash or a generator does not work; the text names no secret.
    #[error("{0}")]
    Crypto(String),
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("the clock of this machine is wrong")]
    ClockWrong,
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl Transient for AccountError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) | Self::Repeated(Repetition::Database(error)) => error.is_conflict(),
            _ => false,
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        use AccountError as E;
        match error {
            E::Input { member, ref fault } => faulty_member(member, fault),
            E::UnknownOrganization => faulty_member(
                "organization_id",
                &Fault::new(FaultCode::UnknownValue, "must be the id of an existing organization"),
            ),
            E::EmailTaken => {
                Self::new(code::ALREADY_EXISTS, "An account with this e-mail address already exists; log in instead.")
            }
            E::ClaimInvalid => {
                invalid_token("claim_token", "The claim is wrong, expired or used; no account was made.")
            }
            E::OneTimeInvalid => invalid_token("token", "The link is wrong, used or expired; ask for a new one."),
            E::DigitsInvalid => invalid_token("code", "The code is wrong, used or expired; ask for a new one."),
            E::NoPhone => {
                let text = "Your account has no phone number; set one with `PATCH /auth/me` first.";
                impossible_step(text, "no_phone", "verify")
            }
            E::RoleTooGreat(role) => Self::new(
                code::FORBIDDEN,
                format!("An API key cannot have a higher role than its user, and you do not have the role {role}."),
            ),
            E::NeedsSession => {
                Self::new(code::FORBIDDEN, "An API key does not permit this; log in and use the access token.")
            }
            E::ForeignOrigin => Self::new(
                code::FORBIDDEN,
                "A session by cookie is only for pages of this server: `Origin` must be its host or its public address.",
            ),
            E::PasswordsOff => Self::new(
                code::FORBIDDEN,
                "This installation does not accept passwords; use a refresh token or an API key, or ask its \
                 administrators how to log in.",
            ),
            E::Unknown(what) => Self::not_found(format!("{what} with this id")),
            E::PlaceGone => invalid_cursor("What the page begins behind has changed or is gone."),
            E::LastAdministrator(action) => {
                let text = "This user is the last administrator; give another user the role admin first.";
                impossible_step(text, "admin", action)
            }
            E::VersionMismatch(version) => version_mismatch(version),
            E::Repeated(repetition) => repetition.into(),
            E::TooManyAttempts(verdict)
            | E::RefreshedTooOften(verdict)
            | E::UnsignedTooOften(verdict)
            | E::CodesUsedUp(verdict) => too_often(&error, verdict),
            E::ClockWrong => Self::unavailable("The clock of this instance is wrong; nothing was changed, try again."),
            E::Busy => Self::unavailable("Too many log-ins are in progress; nothing was changed, try again shortly."),
            E::DatabaseTooSlow => Self::unavailable("The database cannot answer right now; try again shortly."),
            E::Crypto(_) | E::KeysConfigured => Self::internal(&error),
            E::Random(error) => error.into(),
            E::Database(error) => error.into(),
            error => refused_credential(&error),
        }
    }
}

/// The problem of a quota that is used up.
fn too_often(error: &AccountError, verdict: Verdict) -> Problem {
    let what = match error {
        AccountError::RefreshedTooOften(_) => "refresh one session",
        AccountError::UnsignedTooOften(_) => "send refresh tokens of a former release",
        AccountError::CodesUsedUp(_) => {
            let codes = if verdict.limit == 1 { "code" } else { "codes" };
            let detail = format!(
                "Your network address had {} {codes} sent by text message within a day; nothing was changed, try again later.",
                verdict.limit
            );
            return Problem::limited(verdict, detail);
        }
        _ => "try the credentials of one account",
    };
    Problem::quota_used_up(verdict, &format!("{what} {}", times(verdict)))
}

/// An action that leads nowhere from this state.
fn impossible_step(text: &str, from: &str, action: &str) -> Problem {
    Problem::new(code::INVALID_TRANSITION, text).with("from", from).with("action", action).with("allowed", [(); 0])
}

/// The limit in words.
fn times(verdict: Verdict) -> String {
    if verdict.limit == 1 { "once".to_owned() } else { format!("{} times", verdict.limit) }
}

/// The problem for a token, digits or a claim that nobody has given out, or that are no longer of use.
pub fn invalid_token(member: &str, text: &'static str) -> Problem {
    let fault = Fault::new(FaultCode::UnknownValue, text);
    Problem::new(code::INVALID_TOKEN, text).about(&InputFault::body(format!("/{member}"), &fault))
}

fn faulty_member(member: &str, fault: &Fault) -> Problem {
    Problem::validation(&InputFault::members(&[(format!("/{member}"), fault.clone())]))
}

/// The problem for a credential that is not valid, or does not suffice.
fn refused_credential(error: &AccountError) -> Problem {
    use AccountError as E;
    let (code, detail) = match error {
        E::InvalidCredentials => (code::INVALID_CREDENTIALS, "The e-mail address or the password is wrong."),
        E::WrongPassword => (code::INVALID_CREDENTIALS, "The current password is wrong."),
        E::EmailUnverified => (
            code::EMAIL_UNVERIFIED,
            "Verify your e-mail address first, by the link that was mailed to it; you can have another one sent.",
        ),
        E::SignInRequired => (
            code::SIGN_IN_REQUIRED,
            "This requires a log-in within the last ten minutes, or the right password in `password`.",
        ),
        E::Disabled => (code::ACCOUNT_DISABLED, "This account is disabled; your administrator can enable it."),
        E::TokenExpired => (
            code::TOKEN_EXPIRED,
            "The access token has expired; use the refresh token, or log in again, to get a new one.",
        ),
        E::TokenOutdated => (
            code::TOKEN_EXPIRED,
            "Your role or organization has changed since this token was issued; use the refresh token to get a new one.",
        ),
        E::KeyEnded => (
            code::TOKEN_EXPIRED,
            "The key that signed this token is no longer valid; use the refresh token to get a new one.",
        ),
        E::KeyExpired => (code::TOKEN_EXPIRED, "The API key has expired; create a new one."),
        E::SessionEnded => (code::UNAUTHENTICATED, "This session has ended; log in again."),
        E::RefreshInvalid => (code::UNAUTHENTICATED, "The refresh token is no longer valid; log in again."),
        E::KeyInvalid => (
            code::UNAUTHENTICATED,
            "The API key is not valid; it is unknown or revoked, or its user is disabled or in another organization.",
        ),
        E::NoAccount => (code::UNAUTHENTICATED, "The account of this access token no longer exists; log in again."),
        _ => (
            code::UNAUTHENTICATED,
            "The Authorization header contains no valid access token; send `Bearer` and a token from a log-in.",
        ),
    };
    Problem::new(code, detail)
}
