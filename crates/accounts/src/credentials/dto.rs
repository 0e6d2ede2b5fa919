use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::web::{
    Condition, Fields, Raw,
    condition::{absent, all, any, given},
    read,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::{model::Session, passwords::Password};

use crate::people::{Email, MAX_TEXT, User, read_name};

/// A new customer.
#[derive(Debug, ToSchema)]
pub struct RegisterRequest {
    /// Unique, ignoring case and the spelling of its domain.
    #[schema(value_type = String, format = Email, max_length = 254, example = "ann@forwarder.example")]
    pub email: Email,
    /// Must be neither a common password nor the e-mail address.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 128)]
    pub password: Password,
    /// Also the name of the organization that is created for the user. Default: the e-mail address.
    #[schema(min_length = 1, max_length = 500)]
    pub name: Option<String>,
    /// The claim of a guest's booking, which moves to the new account.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub claim_token: Option<SecretString>,
    /// `cookie`: the refresh token is kept in a cookie of the browser.
    #[schema(value_type = Option<String>)]
    pub session: Option<SessionKind>,
}

impl RegisterRequest {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", Email::read);
        let password = fields.required("password", |raw| Password::choose(raw, email.as_ref()));
        let name = fields.optional("name", read_name);
        let claim_token = fields.optional("claim_token", secret);
        let session = fields.optional("session", SessionKind::read);
        Some(Self { email: email?, password: password?, name, claim_token, session })
    }
}

/// An account and its password.
#[derive(Debug, ToSchema)]
pub struct LoginRequest {
    /// E-mail address.
    #[schema(value_type = String, format = Email, max_length = 254, example = "ann@forwarder.example")]
    pub email: Email,
    /// The password.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 500)]
    pub password: SecretString,
    /// `cookie`: the refresh token is kept in a cookie of the browser.
    #[schema(value_type = Option<String>)]
    pub session: Option<SessionKind>,
}

impl LoginRequest {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", Email::read);
        let password = fields.required("password", secret);
        let session = fields.optional("session", SessionKind::read);
        Some(Self { email: email?, password: password?, session })
    }

    /// The same from a form. `None` for text that cannot be anybody's credentials.
    pub fn of_form(username: &str, password: &str) -> Option<Self> {
        let email = Email::read(Raw::Text(username)).ok()?;
        Some(Self { email, password: secret(Raw::Text(password)).ok()?, session: None })
    }
}

/// Reads a password or token to be checked. Only its length is bounded: the rules for passwords apply when one is
/// chosen.
pub fn secret(raw: Raw<'_>) -> Result<SecretString, Fault> {
    read::line(MAX_TEXT)(raw).map(Into::into)
}

/// Where a client keeps its refresh token, unless it keeps it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// In a cookie that only these operations read.
    Cookie,
}

impl SessionKind {
    fn read(raw: Raw<'_>) -> Result<Self, Fault> {
        read::word(&[("cookie", Self::Cookie)])(raw)
    }
}

/// The refresh token of a session: in the body, or with `"session": "cookie"` in the browser's cookie.
#[derive(Debug, ToSchema)]
#[schema(min_properties = 1)]
pub struct RefreshRequest {
    /// Required without `session`.
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 500)]
    pub refresh_token: Option<SecretString>,
    /// `cookie`: the refresh token is in the cookie `loadmaster_session` (by https `__Secure-loadmaster_session`), and must not be
    /// in the body.
    #[schema(value_type = Option<String>)]
    pub session: Option<SessionKind>,
}

impl RefreshRequest {
    /// A token, or the cookie.
    pub const NEEDS: Condition = Condition::of::<Self>(&["refresh_token", "session"], || {
        any(&[
            all(&[given("refresh_token", "string"), absent("session")]),
            all(&[absent("refresh_token"), given("session", "string")]),
        ])
    });

    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let session = fields.optional("session", SessionKind::read);
        if fields.is_absent("session") {
            return Some(Self { refresh_token: Some(fields.required("refresh_token", secret)?), session });
        }
        if fields.optional("refresh_token", secret).is_some() {
            let message = "must be left out: it is in the cookie";
            fields.fault("refresh_token", &Fault::new(FaultCode::UnknownField, message));
        }
        Some(Self { refresh_token: None, session })
    }

    /// The token of a form. `None` for text that cannot be one.
    pub fn token_of_form(token: &str) -> Option<SecretString> {
        secret(Raw::Text(token)).ok()
    }
}

/// A change of password.
#[derive(Debug, ToSchema)]
pub struct PasswordChange {
    /// The present password.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 500)]
    pub current: SecretString,
    /// Must be neither a common password nor the e-mail address.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 128)]
    pub new: Password,
    /// `true` ends all your API keys, and the webhooks that you or they made. Default: `false`.
    pub end_all: Option<bool>,
}

impl PasswordChange {
    /// The address of the account may not be the new password.
    pub fn read(fields: &mut Fields<'_>, email: &str) -> Option<Self> {
        let email = Email::read(Raw::Text(email)).ok();
        let current = fields.required("current", secret);
        let new = fields.required("new", |raw| Password::choose(raw, email.as_ref()));
        let end_all = fields.optional("end_all", read::boolean);
        Some(Self { current: current?, new: new?, end_all })
    }
}

/// The access token of a guest.
#[derive(Serialize, ToSchema)]
pub struct GuestBody {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(example = 7200)]
    pub expires_in: i64,
}

/// The user and the tokens of a session.
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    pub user: User,
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Left out if it is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
}

impl SessionBody {
    pub fn new(session: &Session, kind: Option<SessionKind>) -> Self {
        let refresh_token = kind.is_none().then(|| session.refresh_token.expose_secret().to_owned());
        Self {
            user: session.user.clone(),
            access_token: session.access_token.expose_secret().to_owned(),
            refresh_token,
            token_type: "bearer",
            expires_in: session.expires_in,
        }
    }
}

/// RFC 6749, sections 4.3.2 and 6. Other parameters are ignored, as section 3.2 requires.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes a form in OpenAPI; `oauth` reads its parameters one by one")]
pub struct TokenRequest {
    /// `password` or `refresh_token`.
    #[schema(example = "password")]
    grant_type: String,
    /// For the grant `password`: the e-mail address of the account.
    username: Option<String>,
    /// The password.
    #[schema(format = Password)]
    password: Option<String>,
    /// For the grant `refresh_token`.
    #[schema(format = Password)]
    refresh_token: Option<String>,
}

/// RFC 6749, section 5.1.
#[derive(Serialize, ToSchema)]
pub struct TokenBody {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Token with which a new access token is requested.
    pub refresh_token: String,
}

impl From<Session> for TokenBody {
    fn from(session: Session) -> Self {
        Self {
            access_token: session.access_token.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: session.expires_in,
            refresh_token: session.refresh_token.expose_secret().to_owned(),
        }
    }
}

/// RFC 6749, section 5.2.
#[derive(Serialize, ToSchema)]
pub struct TokenErrorBody {
    /// `invalid_request`, `invalid_grant` or `unsupported_grant_type`.
    #[schema(example = "invalid_grant")]
    pub error: &'static str,
    /// What is wrong, in a sentence.
    pub error_description: String,
    /// One sentence that can be shown to a user.
    pub detail: String,
    /// The id of the request, as in its header `X-Request-Id`.
    pub request_id: String,
}

/// The public keys that verify access tokens (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct JwkSet {
    /// The keys that signatures are checked with.
    pub keys: Vec<Jwk>,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub struct Jwk {
    /// The type of the key.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// The curve of the key.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// Use of the key: signatures.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: &'static str,
    /// The algorithm of signatures made with it.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// Key ID, as in the header of a token.
    pub kid: String,
    /// The public key.
    pub x: String,
}

impl From<Vec<(String, String)>> for JwkSet {
    fn from(keys: Vec<(String, String)>) -> Self {
        let jwk = |(kid, x)| Jwk { kty: "OKP", crv: "Ed25519", usage: "sig", alg: "EdDSA", kid, x };
        Self { keys: keys.into_iter().map(jwk).collect() }
    }
}
