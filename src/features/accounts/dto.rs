use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{Email, User},
    passwords::Password,
    service::Session,
};
use crate::{
    kernel::Fault,
    platform::web::{Fields, Raw, read},
};

const TEXT_MOST: usize = 500;

/// A new customer.
#[derive(Debug, ToSchema)]
pub(super) struct RegisterRequest {
    /// Unique, ignoring case.
    #[schema(value_type = String, format = Email, max_length = 254, example = "ann@forwarder.example")]
    pub email: Email,
    /// Neither a common password nor the e-mail address.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 128)]
    pub password: Password,
    /// Also names the organization that is made for the user; without it that is the e-mail address.
    #[schema(min_length = 1, max_length = 500)]
    pub name: Option<String>,
}

impl RegisterRequest {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", Email::read);
        let password = fields.required("password", |raw| Password::choose(raw, email.as_ref()));
        let name = fields.optional("name", name);
        Some(Self { email: email?, password: password?, name })
    }
}

/// A user's name, without the blanks around it.
pub(super) fn name(raw: Raw<'_>) -> Result<String, Fault> {
    Ok(read::line(TEXT_MOST)(raw)?.trim().to_owned())
}

/// An account and its password.
#[derive(Debug, ToSchema)]
pub(super) struct LoginRequest {
    #[schema(value_type = String, format = Email, max_length = 254, example = "ann@forwarder.example")]
    pub email: Email,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 500)]
    pub password: SecretString,
}

impl LoginRequest {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", Email::read);
        let password = fields.required("password", password);
        Some(Self { email: email?, password: password? })
    }

    /// The same from a form. `None` for what nobody's credentials look like.
    pub fn of_form(username: &str, secret: &str) -> Option<Self> {
        let email = Email::read(Raw::Text(username)).ok()?;
        Some(Self { email, password: password(Raw::Text(secret)).ok()? })
    }
}

/// A password to be checked: only bounded. What may be chosen is a matter of registering.
fn password(raw: Raw<'_>) -> Result<SecretString, Fault> {
    read::line(TEXT_MOST)(raw).map(Into::into)
}

/// A user who is logged in, and the tokens to show for it.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionBody {
    pub user: User,
    /// Sent as `Authorization: Bearer …`.
    pub access_token: String,
    pub refresh_token: String,
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in: i64,
}

impl From<Session> for SessionBody {
    fn from(session: Session) -> Self {
        Self {
            user: session.user,
            access_token: session.access_token,
            refresh_token: session.refresh_token,
            token_type: "bearer",
            expires_in: session.expires_in,
        }
    }
}

/// RFC 6749, section 4.3.2. Other parameters are ignored, as that section's 3.2 asks.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes a form in OpenAPI; `oauth` reads its parameters one by one")]
pub(super) struct TokenRequest {
    #[schema(example = "password")]
    grant_type: String,
    /// The account's e-mail address.
    username: Option<String>,
    #[schema(format = Password)]
    password: Option<String>,
}

/// RFC 6749, section 5.1.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenBody {
    /// Sent as `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in: i64,
    pub refresh_token: String,
}

impl From<Session> for TokenBody {
    fn from(session: Session) -> Self {
        Self {
            access_token: session.access_token,
            token_type: "bearer",
            expires_in: session.expires_in,
            refresh_token: session.refresh_token,
        }
    }
}

/// RFC 6749, section 5.2.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenErrorBody {
    /// `invalid_request`, `invalid_grant` or `unsupported_grant_type`.
    #[schema(example = "invalid_grant")]
    pub error: &'static str,
    pub error_description: String,
    /// One sentence, fit to show to a user.
    pub detail: String,
    pub request_id: String,
}
