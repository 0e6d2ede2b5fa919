use chrono::{DateTime, Utc};
use loadmaster_kernel::{OrganizationId, words};
use loadmaster_platform::listing::{By, Direction, Order};

/// A shipper, forwarder or carrier: whose bookings its people see together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}

words! {
    /// The orders of the list of organizations; a leading `-` is descending.
    pub enum OrganizationSort {
        Oldest = "created_at",
        Newest = "-created_at",
        Name = "name",
        NameDescending = "-name",
    }
}

impl OrganizationSort {
    pub fn order(self) -> Order {
        let by = match self {
            Self::Name | Self::NameDescending => By::Text { table: "organizations o", column: "o.name" },
            Self::Oldest | Self::Newest => By::Id,
        };
        Order { by, id: "o.id", direction: Direction::of(self.as_str()) }
    }
}
