mod template;

use std::str::FromStr;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingTemplateId, OrganizationId, PartyId, UserId};
use loadmaster_shipment::Party;
use uuid::Uuid;

pub use template::Template;

/// What an organization keeps for its next bookings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Party,
    Template,
}

impl Kind {
    /// The most of them that an organization may have.
    pub const fn most(self) -> i64 {
        match self {
            Self::Party => 1000,
            Self::Template => 200,
        }
    }
}

/// The content of an entry: a party or a template.
pub trait Content: Clone + PartialEq + Send + Sync + 'static {
    type Id: Copy + FromStr + From<Uuid> + Send + Sync + 'static;
    const KIND: Kind;
}

impl Content for Party {
    type Id = PartyId;
    const KIND: Kind = Kind::Party;
}

impl Content for Template {
    type Id = BookingTemplateId;
    const KIND: Kind = Kind::Template;
}

/// A party in the address book of an organization, or one of its templates.
#[derive(Debug)]
pub struct Entry<T: Content> {
    pub id: T::Id,
    pub organization_id: OrganizationId,
    pub content: T,
    /// None once the person is erased.
    pub created_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}
