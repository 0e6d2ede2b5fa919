use chrono::{DateTime, Utc};
use loadmaster_bookings::BookingStatus;
use loadmaster_holds::HoldStatus;
use loadmaster_kernel::{AirportCode, BookingRef, ConsolidationPartId, HoldId, words};

use super::{Freight, SplitPart};

words! {
    /// The status of a master: that of its hold, then that of its booking.
    pub enum MasterStatus {
        /// Its hold keeps room.
        Held = "HELD",
        /// Its hold keeps no room any more.
        Expired = "EXPIRED",
        /// Its hold was released.
        Released = "RELEASED",
        Booked = "BOOKED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        Delivered = "DELIVERED",
        Cancelled = "CANCELLED",
    }
}

impl MasterStatus {
    /// Returns the status of a hold that is no booking.
    pub const fn of_hold(status: HoldStatus) -> Self {
        match status {
            HoldStatus::Active | HoldStatus::Committing => Self::Held,
            HoldStatus::Released => Self::Released,
            HoldStatus::Expired | HoldStatus::Committed => Self::Expired,
        }
    }

    pub const fn of_booking(status: BookingStatus) -> Self {
        match status {
            BookingStatus::Booked => Self::Booked,
            BookingStatus::Departed => Self::Departed,
            BookingStatus::Arrived => Self::Arrived,
            BookingStatus::Delivered => Self::Delivered,
            BookingStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// The hold or booking of an origin, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    pub origin: AirportCode,
    pub hold_id: HoldId,
    pub booking_ref: Option<BookingRef>,
    pub status: MasterStatus,
    pub freight: Freight,
    /// The parts that it carries.
    pub parts: Vec<ConsolidationPartId>,
    /// What decides their shares, as it was when this was held, booked or amended last; empty of masters made before that was kept.
    pub weighed: Vec<SplitPart<ConsolidationPartId>>,
    /// Of a hold that keeps room: when that ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Of a booking: a leg is missing.
    pub needs_rerouting: bool,
}

impl Master {
    pub fn is_held(&self) -> bool {
        self.status == MasterStatus::Held
    }

    /// Returns whether it is a booking that is not cancelled.
    pub fn is_booked(&self) -> bool {
        use MasterStatus::{Arrived, Booked, Delivered, Departed};
        matches!(self.status, Booked | Departed | Arrived | Delivered)
    }

    /// Returns whether what it carries can still be changed.
    pub fn is_open(&self) -> bool {
        self.is_held() || self.status == MasterStatus::Booked
    }

    /// Returns whether it has space on flights, or had it until the freight arrived.
    pub fn is_in_force(&self) -> bool {
        self.is_held() || self.is_booked()
    }
}
