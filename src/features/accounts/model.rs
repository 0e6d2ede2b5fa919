use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::{OrganizationId, UserId};

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
