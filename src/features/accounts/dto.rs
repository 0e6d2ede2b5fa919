mod managing;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::managing::{
    ActBody, ApiKeyBody, ChangeApiKey, ChangeUser, CreateApiKey, JwkSet, NewApiKeyBody, UserBody, read_act_filter,
    read_user_filter,
};
use super::{
    model::{Email, User},
    passwords::Password,
    service::{GuestPass, Session},
};
use crate::{
    kernel::Fault,
    platform::web::{Fields, Patch, Raw, read},
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

/// A refresh token that was given with an access token.
#[derive(Debug, ToSchema)]
pub(super) struct RefreshRequest {
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 500)]
    pub refresh_token: SecretString,
}

impl RefreshRequest {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { refresh_token: fields.required("refresh_token", password)? })
    }

    /// The same from a form. `None` for what no token looks like.
    pub fn of_form(token: &str) -> Option<Self> {
        Some(Self { refresh_token: password(Raw::Text(token)).ok()? })
    }
}

/// Another password.
#[derive(Debug, ToSchema)]
pub(super) struct PasswordChange {
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 500)]
    pub current: SecretString,
    /// Neither a common password nor the e-mail address.
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 128)]
    pub new: Password,
}

impl PasswordChange {
    /// Whether the new one may be chosen depends on the address of the account.
    pub fn read(fields: &mut Fields<'_>, email: &str) -> Option<Self> {
        let email = Email::read(Raw::Text(email)).ok();
        let current = fields.required("current", password);
        let new = fields.required("new", |raw| Password::choose(raw, email.as_ref()));
        Some(Self { current: current?, new: new? })
    }
}

/// What a user may change of itself.
#[derive(Debug, ToSchema)]
pub(super) struct ChangeMe {
    /// `null` clears it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub name: Patch<String>,
}

impl ChangeMe {
    pub fn read(fields: &mut Fields<'_>) -> Self {
        Self { name: fields.patch("name", name) }
    }
}

/// A guest's token.
#[derive(Serialize, ToSchema)]
pub(super) struct GuestBody {
    /// Sent as `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in: i64,
}

impl From<GuestPass> for GuestBody {
    fn from(pass: GuestPass) -> Self {
        let access_token = pass.access_token.expose_secret().to_owned();
        Self { access_token, token_type: "bearer", expires_in: pass.expires_in }
    }
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
            access_token: session.access_token.expose_secret().to_owned(),
            refresh_token: session.refresh_token.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: session.expires_in,
        }
    }
}

/// RFC 6749, sections 4.3.2 and 6. Other parameters are ignored, as that section's 3.2 asks.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes a form in OpenAPI; `oauth` reads its parameters one by one")]
pub(super) struct TokenRequest {
    /// `password` or `refresh_token`.
    #[schema(example = "password")]
    grant_type: String,
    /// Of the grant `password`: the account's e-mail address.
    username: Option<String>,
    #[schema(format = Password)]
    password: Option<String>,
    /// Of the grant `refresh_token`.
    #[schema(format = Password)]
    refresh_token: Option<String>,
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
            access_token: session.access_token.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: session.expires_in,
            refresh_token: session.refresh_token.expose_secret().to_owned(),
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
