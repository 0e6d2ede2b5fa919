use loadmaster_bookings::Booking;
use loadmaster_kernel::{AirportCode, BookingRef, Money};

use super::{Master, SplitLine};

/// What the booking of an origin costs.
pub struct Costs {
    pub origin: AirportCode,
    pub booking_ref: BookingRef,
    /// What the carrier is to have. `None` without a price.
    pub owed: Option<Money>,
    /// They sum to it.
    pub lines: Vec<SplitLine>,
}

/// Returns the booking of a master.
pub fn booking_of<'a>(master: &Master, bookings: &'a [Booking]) -> Option<&'a Booking> {
    bookings.iter().find(|booking| Some(&booking.ref_id) == master.booking_ref.as_ref())
}
