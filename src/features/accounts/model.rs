use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::AccountError;
use crate::{
    kernel::{ApiKeyId, Fault, OrganizationId, TokenFamilyId, UserId},
    platform::web::{Raw, read},
};

/// What a caller may do; each role may do all that the lesser ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks around: reference data, search, tracking.
    Guest,
    /// A shipper or forwarder: books and follows the shipments of its organization.
    Customer,
    /// The carrier's staff: sees and moves all shipments.
    Operator,
    /// Runs the schedule and the users.
    Admin,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Customer => "customer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Those that an account can have: guests have none.
    pub const OF_ACCOUNTS: &[(&'static str, Self)] =
        &[("customer", Self::Customer), ("operator", Self::Operator), ("admin", Self::Admin)];

    /// Those that an API key can have.
    pub const OF_KEYS: &[(&'static str, Self)] =
        &[("guest", Self::Guest), ("customer", Self::Customer), ("operator", Self::Operator), ("admin", Self::Admin)];

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Guest, Self::Customer, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// What a caller has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A guest's token: anybody gets one, and it stands for no account.
    Guest,
    /// An access token of a log-in, with the family of refresh tokens that it belongs to.
    Session(TokenFamilyId),
    /// `rate_limit_per_minute` is the key's own, if an administrator has given it one.
    ApiKey { id: ApiKeyId, rate_limit_per_minute: Option<u32> },
}

/// The caller of a request, as its credential proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// A guest's is its own and names no account.
    pub user_id: UserId,
    pub organization_id: OrganizationId,
    pub role: Role,
    pub credential: Credential,
}

impl Principal {
    /// Who an access token speaks for; `session` is its family of refresh tokens.
    pub const fn of_session(
        user_id: UserId,
        organization_id: OrganizationId,
        role: Role,
        session: TokenFamilyId,
    ) -> Self {
        let credential = match role {
            Role::Guest => Credential::Guest,
            _ => Credential::Session(session),
        };
        Self { user_id, organization_id, role, credential }
    }

    /// The session that the caller is logged in with. An API key has none: there are things that only a person does.
    pub(super) fn session(&self) -> Result<TokenFamilyId, AccountError> {
        match self.credential {
            Credential::Session(family) => Ok(family),
            Credential::Guest | Credential::ApiKey { .. } => Err(AccountError::NeedsSession),
        }
    }

    /// Whose things the caller sees: those of one's own organization, or, `None`, all for the carrier's staff.
    pub fn sees_only(&self) -> Option<OrganizationId> {
        (self.role < Role::Operator).then_some(self.organization_id)
    }
}

/// A person or program with an account, as the account's owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    pub id: UserId,
    /// As it was written at registration; upper and lower case are the same.
    #[schema(format = Email)]
    pub email: String,
    #[schema(required = true)]
    pub name: Option<String>,
    pub role: Role,
    /// Whose bookings the user sees.
    pub organization_id: OrganizationId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An account as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedUser {
    pub user: User,
    pub disabled: bool,
    pub version: i32,
}

/// A key for programs, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub rate_limit_per_minute: Option<u32>,
}

impl ApiKey {
    /// Whether it may do more than a customer: what becomes of it is on record.
    pub const fn is_administrative(&self) -> bool {
        matches!(self.role, Role::Operator | Role::Admin)
    }
}

/// Why a family of refresh tokens ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Logout,
    /// Another session changed the password.
    Password,
    /// A token that was spent long ago came again: somebody else has it too.
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

/// An account to be made by the operator of the installation. It gets an organization of its own; the same rules hold
/// as for registering.
#[derive(Debug)]
pub struct NewUser {
    pub email: String,
    pub name: Option<String>,
    /// Customer or more: guests have no account.
    pub role: Role,
    pub password: SecretString,
}

/// The address that names an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Email(String);

impl Email {
    pub fn read(raw: Raw<'_>) -> Result<Self, Fault> {
        read::email(raw).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What accounts are told apart by.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}
