use chrono::{DateTime, Utc};
use loadmaster_holds::Party;
use loadmaster_kernel::{OrganizationId, PartyId, UserId};

/// The most parties in the address book of an organization.
pub const MOST: i64 = 1000;

/// A party in the address book of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: PartyId,
    pub organization_id: OrganizationId,
    pub party: Party,
    /// None once the person is erased.
    pub created_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
