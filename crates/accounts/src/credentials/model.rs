use chrono::{DateTime, Utc};
use loadmaster_kernel::OrganizationId;
use secrecy::SecretString;

use crate::people::{Role, User};

/// The result of a log-in. No `Debug`: it holds secrets.
pub struct Session {
    pub user: User,
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
}

/// The reason for which a session ended before its refresh tokens expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Logout,
    /// Another session changed the password.
    Password,
    /// A refresh token that was spent long ago was presented again: two parties have it.
    Reuse,
    Disabled,
    Erased,
}

impl Ending {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "LOGOUT",
            Self::Password => "PASSWORD",
            Self::Reuse => "REUSE",
            Self::Disabled => "DISABLED",
            Self::Erased => "ERASED",
        }
    }
}

/// The part of an account by which its access tokens are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    pub role: Role,
    pub organization_id: OrganizationId,
    pub disabled: bool,
}

/// A key pair of the database.
pub struct StoredKey {
    /// The RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// PKCS #8.
    pub private_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub signs_from: DateTime<Utc>,
    pub verifies_until: Option<DateTime<Utc>>,
    /// Never signs.
    pub is_retired: bool,
}
