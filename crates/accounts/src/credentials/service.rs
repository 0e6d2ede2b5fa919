use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::TokenFamilyId;
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, Tx, commit, retrying},
    random::{IdSource, TokenSource},
    rate_limit,
    room::Opening,
    web::ClientAddress,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{
    attempts::Attempts,
    cache::hashed,
    changes::AccessChanges,
    claims::{ClaimDesk, Claims},
    dto::{LoginRequest, PasswordChange, RegisterRequest, SessionKind},
    key_ring::KeyRing,
    model::{Ending, Session},
    passwords::{Password, Passwords, Verdict},
    refresh_token::{Origin, RefreshTokens},
    repository::{self, RefreshToken},
    tokens::TokenService,
};

use crate::{
    error::AccountError,
    lasting::{Ends, LastingAccess, has_session_ended},
    one_time::{AccountMails, OneTime, mail_verification_in_tx},
    people::{
        Account, Email, Principal, Role, User, account_by_email, account_by_id, insert_in_tx, lock_account,
        lock_account_to_change, save_login,
    },
};

/// Time for which a spent token is accepted again: the answer may have been lost, or a client may have sent two requests at
/// once.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// The result of presenting a refresh token.
enum Refreshed {
    Session(Box<Session>),
    /// The token was spent long ago: two parties have it, and one of them has stolen it.
    Reused(RefreshToken),
}

/// A refresh token that was issued, and counted against the quota of its session.
pub(super) struct Presented {
    token: RefreshToken,
    /// What is left of the quota; `None` without limits.
    pub quota: Option<rate_limit::Verdict>,
}

/// Opens, continues and ends sessions. Cheap to clone; the clones share keys and queues.
#[derive(Clone)]
pub struct SessionService {
    db: Database,
    clock: SharedClock,
    ids: IdSource,
    random: TokenSource,
    passwords: Passwords,
    attempts: Attempts,
    tokens: TokenService,
    refresh_tokens: RefreshTokens,
    changes: AccessChanges,
    claims: Claims,
    lasting: LastingAccess,
    one_time: OneTime,
    mails: AccountMails,
    /// `auth.password_grant`
    password_grant: bool,
    refresh_lifetime: TimeDelta,
    /// `server.public_url`
    public_url: Option<Arc<str>>,
}

impl SessionService {
    pub fn new(
        opening: &Opening,
        passwords: Passwords,
        tokens: TokenService,
        changes: AccessChanges,
        (one_time, mails, lasting): (OneTime, AccountMails, LastingAccess),
    ) -> Self {
        let Opening { settings, db, clock, ids, tokens: random, limiter, .. } = opening;
        Self {
            db: db.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            random: random.clone(),
            passwords,
            attempts: Attempts::new(limiter.clone(), &settings.rate_limit),
            tokens,
            refresh_tokens: RefreshTokens::new(opening),
            changes,
            claims: Claims::default(),
            lasting,
            one_time,
            mails,
            password_grant: settings.auth.password_grant,
            refresh_lifetime: TimeDelta::days(i64::from(settings.auth.refresh_token_days)),
            public_url: settings.server.public_url.as_deref().map(Arc::from),
        }
    }

    /// Provides the desk for claims, once.
    pub fn open_claims(&self, desk: Arc<dyn ClaimDesk>) {
        self.claims.open(desk);
    }

    /// Whether users may exchange a password for tokens, or change theirs: `auth.password_grant`.
    pub(crate) fn takes_passwords(&self) -> bool {
        self.password_grant
    }

    pub(crate) fn require_password_grant(&self) -> Result<(), AccountError> {
        if self.takes_passwords() { Ok(()) } else { Err(AccountError::PasswordsOff) }
    }

    /// Lifetime of a refresh token in seconds.
    pub(super) fn refresh_seconds(&self) -> i64 {
        self.refresh_lifetime.num_seconds()
    }

    /// `server.public_url`
    pub(super) fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// The caller that an access token identifies. Asks the database only when the changes of the last minute are not
    /// known, or speak against the token.
    pub async fn authenticate(&self, token: &str) -> Result<Principal, AccountError> {
        let principal = self.tokens.verify(token).await?;
        self.changes.judge(&principal).await?;
        Ok(principal)
    }

    /// Refuses a caller whose session has ended, or whose account is disabled or has another role or organization by now.
    pub async fn judge(&self, principal: &Principal) -> Result<(), AccountError> {
        self.changes.judge(principal).await
    }

    /// Makes a customer's account with an organization of its own, and logs it in. A booking that is claimed moves to
    /// it in the same transaction.
    pub(super) async fn register(&self, request: RegisterRequest) -> Result<Session, AccountError> {
        let RegisterRequest { email, password, name, claim_token, session: kind } = request;
        let hash = self.passwords.hash(password, self.random.bytes()?).await?;
        let ring = self.tokens.keys().await?;
        let registered = retrying(|| async {
            let now = self.clock.now();
            let user = User::new(&self.ids, &email, name.as_deref(), Role::Customer, now);
            let (session, refresh_token) = self.session(&ring, (user, kind), (self.ids.next(now), 0), now)?;
            let mut tx = self.db.begin().await?;
            // First: whether an address has an account is not revealed to whoever has no good claim.
            if let Some(claim) = &claim_token {
                self.claims.check_in_tx(&mut tx, claim).await?;
            }
            insert_in_tx(&mut tx, &session.user, &email, &hash).await?;
            save_login(&mut tx, session.user.id, now.date_naive()).await?;
            repository::insert_refresh_token(&mut tx, &refresh_token).await?;
            mail_verification_in_tx(&mut tx, &self.one_time, &self.mails, (session.user.id, &session.user.email))
                .await?;
            let claimed = match &claim_token {
                Some(claim) => {
                    let by = (session.user.id, session.user.organization_id);
                    Some(self.claims.claim_in_tx(&mut tx, claim, by).await?)
                }
                None => None,
            };
            commit(tx).await?;
            if let Some(ref_id) = claimed {
                tracing::info!(%ref_id, "booking claimed by a new account");
            }
            Ok(session)
        })
        .await;
        // Only an attempt to register an existing account counts as an attempt with it.
        if let Err(AccountError::EmailTaken) = registered {
            self.attempts.admit(&email).await?;
        }
        registered
    }

    /// Opens a session. An unknown address and a wrong password give the same error after the same time; that an account
    /// is disabled is revealed only with its password.
    pub(super) async fn log_in(&self, request: LoginRequest) -> Result<Session, AccountError> {
        let LoginRequest { email, password, session: kind } = request;
        self.attempts.admit(&email).await?;
        let (mut checked, verdict) = self.check_password(&email, &password).await?;
        if verdict == Verdict::Outdated {
            checked.password_hash = self.renew_hash(&checked, &password).await?;
        }
        let ring = self.tokens.keys().await?;
        retrying(|| async {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            // The first log-in of a day writes its date, and must not share its lock with others that do.
            let is_first = checked.last_login_on != Some(now.date_naive());
            // Checking takes a while: the password may have been changed or the account disabled meanwhile.
            let account = if is_first {
                lock_account_to_change(&mut tx, checked.user.id).await?
            } else {
                lock_account(&mut tx, checked.user.id).await?
            };
            let account = account.filter(|account| account.password_hash == checked.password_hash);
            let user = account.ok_or(AccountError::InvalidCredentials)?.enabled()?.user;
            let (session, refresh_token) = self.session(&ring, (user, kind), (self.ids.next(now), 0), now)?;
            repository::insert_refresh_token(&mut tx, &refresh_token).await?;
            if is_first {
                save_login(&mut tx, session.user.id, now.date_naive()).await?;
            }
            commit(tx).await?;
            Ok(session)
        })
        .await
    }

    /// The account and the verdict, if the password is right.
    async fn check_password(&self, email: &Email, password: &SecretString) -> Result<(Account, Verdict), AccountError> {
        // A statement of its own: the connection must be back before the password is checked.
        let account = account_by_email(&mut *self.db.read().await?, email).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let verdict = self.passwords.judge(password, hash).await?;
        let account =
            account.filter(|_| verdict != Verdict::Wrong).ok_or(AccountError::InvalidCredentials)?.enabled()?;
        Ok((account, verdict))
    }

    /// Replaces a hash of the password as it was typed by one of its form NFKC, unless it was replaced meanwhile. Returns the
    /// hash.
    async fn renew_hash(&self, account: &Account, password: &SecretString) -> Result<String, AccountError> {
        let hash = self.passwords.hash(Password::known(password), self.random.bytes()?).await?;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let now = lock_account_to_change(&mut tx, account.user.id).await?;
            now.filter(|now| now.password_hash == account.password_hash).ok_or(AccountError::InvalidCredentials)?;
            repository::save_password(&mut tx, account.user.id, &hash, self.clock.now()).await?;
            Ok::<_, AccountError>(commit(tx).await?)
        })
        .await?;
        Ok(hash)
    }

    /// Finds a refresh token and counts its use against the quota of its session. The caller counts a token that was
    /// never issued by the address that sent it. Only a token that bears the installation's signature, or has the form of those
    /// before it, is looked up; the latter are counted by address first.
    pub(super) async fn present(
        &self,
        token: &SecretString,
        address: Option<ClientAddress>,
    ) -> Result<Presented, AccountError> {
        match self.refresh_tokens.origin(token.expose_secret()) {
            Origin::Signed => {}
            Origin::Unsigned => self.attempts.admit_unsigned_refresh(address).await?,
            Origin::Unknown => return Err(AccountError::RefreshInvalid),
        }
        let hash = hashed(token.expose_secret());
        // A statement of its own: no connection is held while the quota is asked for.
        let token = repository::refresh_token(&mut *self.db.read().await?, &hash).await?;
        let token = token.ok_or(AccountError::RefreshInvalid)?;
        let quota = self.attempts.admit_refresh(token.family_id).await?;
        Ok(Presented { token, quota })
    }

    /// Continues a session: spends the refresh token and issues new tokens. A token that was spent more than [`GRACE`] ago
    /// ends its session: thief and owner must log in again, and only the owner can.
    pub(super) async fn refresh(
        &self,
        presented: Presented,
        kind: Option<SessionKind>,
    ) -> Result<Session, AccountError> {
        let ring = self.tokens.keys().await?;
        match retrying(|| self.try_refresh(&ring, &presented.token, kind)).await? {
            Refreshed::Session(session) => Ok(*session),
            Refreshed::Reused(token) => {
                let (family, user) = (token.family_id, token.user_id);
                tracing::warn!(%family, %user, "a spent refresh token was presented again; its session was ended");
                self.changes.poll_own_change().await;
                Err(AccountError::RefreshInvalid)
            }
        }
    }

    async fn try_refresh(
        &self,
        ring: &KeyRing,
        known: &RefreshToken,
        kind: Option<SessionKind>,
    ) -> Result<Refreshed, AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        repository::lock_family(&mut tx, known.family_id).await?;
        let account = lock_account(&mut tx, known.user_id).await?;
        // The token may have been used, or the session ended, since it was presented.
        let token = repository::refresh_token(&mut tx, &known.hash).await?.ok_or(AccountError::RefreshInvalid)?;
        if has_session_ended(&mut tx, token.family_id).await? {
            return Err(AccountError::RefreshInvalid);
        }
        if token.expires_at <= now {
            return Err(AccountError::RefreshInvalid);
        }
        if is_reused(&token, now) {
            repository::revoke_family(&mut tx, token.family_id, Ending::Reuse).await?;
            commit(tx).await?;
            return Ok(Refreshed::Reused(token));
        }
        let user = account.ok_or(AccountError::RefreshInvalid)?.enabled()?.user;
        let next = (token.family_id, token.generation.saturating_add(1));
        let (session, successor) = self.session(ring, (user, kind), next, now)?;
        repository::spend_generation(&mut tx, token.family_id, token.generation, now).await?;
        repository::insert_refresh_token(&mut tx, &successor).await?;
        commit(tx).await?;
        Ok(Refreshed::Session(Box::new(session)))
    }

    /// Ends the session of a refresh token, spent or not. An unknown token is ignored.
    pub(super) async fn log_out(&self, token: SecretString) -> Result<(), AccountError> {
        if self.refresh_tokens.origin(token.expose_secret()) == Origin::Unknown {
            return Ok(());
        }
        let hash = hashed(token.expose_secret());
        let ended = retrying(|| async {
            let mut tx: Tx = self.db.begin().await?;
            let Some(token) = repository::refresh_token(&mut tx, &hash).await? else { return Ok(false) };
            repository::lock_family(&mut tx, token.family_id).await?;
            repository::revoke_family(&mut tx, token.family_id, Ending::Logout).await?;
            commit(tx).await?;
            Ok::<bool, AccountError>(true)
        });
        if ended.await? {
            self.changes.poll_own_change().await;
        }
        Ok(())
    }

    /// Changes the caller's password. All sessions but the caller's own end. The current password is checked only once, also
    /// if the transaction is retried.
    pub(super) async fn change_password(&self, caller: Principal, change: PasswordChange) -> Result<(), AccountError> {
        let own = caller.session()?;
        let PasswordChange { current, new, end_all } = change;
        let ends = Ends::Nothing.or_all(end_all == Some(true));
        let account = account_by_id(&mut *self.db.read().await?, caller.user_id).await?;
        let account = account.ok_or(AccountError::NoAccount)?;
        self.attempts.admit(&Email::of(&account.user)?).await?;
        let before = account.password_hash;
        if !self.passwords.verify(current, Some(before.clone())).await? {
            return Err(AccountError::WrongPassword);
        }
        let hash = self.passwords.hash(new, self.random.bytes()?).await?;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = lock_account_to_change(&mut tx, caller.user_id).await?;
            // A concurrent change may have come first: then it was not the current password any more.
            let account = account.filter(|account| !account.disabled).ok_or(AccountError::SessionEnded)?;
            if account.password_hash != before {
                return Err(AccountError::WrongPassword);
            }
            repository::save_password(&mut tx, caller.user_id, &hash, self.clock.now()).await?;
            repository::revoke_families_of(&mut tx, caller.user_id, Some(own), Ending::Password).await?;
            self.lasting.renew_in_tx(&mut tx, caller.user_id, ends).await?;
            commit(tx).await?;
            Ok(())
        })
        .await?;
        self.changes.poll_own_change().await;
        Ok(())
    }

    /// New tokens of a session of `user`, and the refresh token as it must be stored. The tokens that descend from one
    /// log-in are a family; each use of one begins the next generation. Sessions by cookie are those of the console.
    fn session(
        &self,
        ring: &KeyRing,
        (user, kind): (User, Option<SessionKind>),
        (family, generation): (TokenFamilyId, i32),
        now: DateTime<Utc>,
    ) -> Result<(Session, RefreshToken), AccountError> {
        let refresh_token = self.refresh_tokens.issue()?;
        let stored = RefreshToken {
            id: self.ids.next::<Uuid>(now),
            family_id: family,
            user_id: user.id,
            hash: hashed(&refresh_token).to_vec(),
            generation,
            issued_at: now,
            expires_at: now + self.refresh_lifetime,
            spent_at: None,
        };
        let principal = Principal::of_session(user.id, user.organization_id, user.role, family);
        let principal = principal.in_console(kind.is_some());
        let access_token = self.tokens.issue_with(ring, principal, family, now)?;
        let refresh_token = refresh_token.into();
        Ok((Session { user, access_token, refresh_token, expires_in: self.tokens.lifetime() }, stored))
    }

    /// Reads what changed about accounts, sessions, API keys and signing keys. Every process does so at the
    /// interval [`Timing::access`](loadmaster_platform::timing::Timing::access).
    pub async fn poll_changes(&self) -> Result<(), AccountError> {
        self.changes.poll().await?;
        self.tokens.read_keys().await
    }

    /// Deletes what is of no use any more: refresh tokens, ended sessions, signing keys, recorded changes of access. Answers
    /// the number of refresh tokens.
    pub async fn delete_expired_tokens(&self) -> Result<u64, AccountError> {
        // The size of a transaction, so that no request waits long for its locks.
        const BATCH: u64 = 5_000;
        let limit = BATCH.cast_signed();
        let window = self.changes.window();
        let retention = window.max(TimeDelta::days(1)).as_seconds_f64();
        let mut sum = 0;
        loop {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let changes = repository::delete_access_changes(&mut tx, retention, limit).await?;
            // Sessions are found by their refresh tokens, which therefore outlive the access tokens.
            let tokens = repository::delete_expired_tokens(&mut tx, now - window, limit).await?;
            let endings = repository::delete_old_revocations(&mut tx, retention, limit).await?;
            repository::delete_spent_signing_keys(&mut tx, now).await?;
            let one_time = self.one_time.delete_old_in_tx(&mut tx, limit).await?;
            commit(tx).await?;
            sum += tokens;
            if [changes, tokens, endings, one_time].into_iter().all(|deleted| deleted < BATCH) {
                return Ok(sum);
            }
        }
    }
}

fn is_reused(token: &RefreshToken, now: DateTime<Utc>) -> bool {
    token.spent_at.is_some_and(|spent| now - spent > GRACE)
}
