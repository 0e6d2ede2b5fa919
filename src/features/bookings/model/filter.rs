use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::BookingStatus;
use crate::kernel::{AirportCode, BookingId, FlightId, OrganizationId};

/// Which bookings a list shows; filters combine with AND.
#[derive(Debug, Clone, Default)]
pub struct BookingFilter {
    /// Always set for a caller who may only see its own.
    pub organization_id: Option<OrganizationId>,
    pub status: Option<BookingStatus>,
    pub origin: Option<AirportCode>,
    pub destination: Option<AirportCode>,
    /// With a leg in force on this flight.
    pub flight_id: Option<FlightId>,
    pub created_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub created_to: Option<DateTime<Utc>>,
    pub needs_rerouting: Option<bool>,
    /// Part of the reference, the air waybill number, the customer's reference or the description, in any case.
    pub text: Option<String>,
}

/// Where a page of bookings ended: lists go from the newest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingAnchor(pub BookingId);
