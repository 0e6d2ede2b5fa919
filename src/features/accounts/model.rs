use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    kernel::{Fault, OrganizationId, UserId},
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

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Guest, Self::Customer, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// The caller of a request, as its credential proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    pub user_id: UserId,
    pub organization_id: OrganizationId,
    pub role: Role,
}

impl Principal {
    /// Whether a thing of that organization is the caller's to see: one's own, or all for the carrier's staff.
    pub fn may_see(&self, organization: OrganizationId) -> bool {
        self.role >= Role::Operator || self.organization_id == organization
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

impl User {
    pub const fn principal(&self) -> Principal {
        Principal { user_id: self.id, organization_id: self.organization_id, role: self.role }
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
