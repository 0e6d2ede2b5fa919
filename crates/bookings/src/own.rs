use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use loadmaster_kernel::BookingId;

/// Most bookings whose messages have not been heard yet.
const MOST: usize = 20_000;

/// The bookings that this process has made and whose first messages it has not heard yet. It knows what they changed:
/// nothing need be read again when their messages come.
#[derive(Clone, Default)]
pub(super) struct OwnBookings(Arc<Mutex<HashSet<BookingId>>>);

impl OwnBookings {
    fn bookings(&self) -> std::sync::MutexGuard<'_, HashSet<BookingId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, booking: BookingId) {
        let mut bookings = self.bookings();
        if bookings.len() >= MOST {
            // Their messages are heard like those of other processes.
            bookings.clear();
        }
        bookings.insert(booking);
    }

    /// Returns whether the first message of this booking says nothing new.
    pub fn heard(&self, booking: BookingId) -> bool {
        self.bookings().remove(&booking)
    }
}
