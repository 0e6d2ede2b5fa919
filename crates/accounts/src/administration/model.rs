use chrono::{DateTime, Utc};
use loadmaster_kernel::OrganizationId;

/// A shipper, forwarder or carrier: whose bookings its people see together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
    pub version: i32,
    pub created_at: DateTime<Utc>,
}
