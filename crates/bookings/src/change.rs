use std::collections::BTreeSet;

use loadmaster_kernel::FlightId;
use loadmaster_platform::{idempotency::Key, postgres::PgSession, work::Command};
use loadmaster_shipment::ItineraryError;

use super::{
    BookingError, BookingService,
    courtesy::{BookingLock, Target},
    model::Booking,
};

/// An operation on one booking in a transaction of its own.
pub(super) trait Alteration: Send + Sync {
    const NAME: &'static str;

    /// Locks the rows that the change needs, checks the change and makes it. `seen` is the booking as read before
    /// anything was locked.
    fn apply(
        &self,
        bookings: &BookingService,
        tx: &mut PgSession,
        target: &Target,
        seen: &Booking,
    ) -> impl Future<Output = Result<Booking, BookingError>> + Send;

    /// Runs after the commit.
    fn applied(&self, bookings: &BookingService, booking: &Booking);
}

/// A change of one booking, made while no other request changes it.
pub(super) struct Change<V> {
    bookings: BookingService,
    target: Target,
    verb: V,
    lock: Option<BookingLock>,
    seen: Option<Booking>,
    /// The flight that ran short in the last attempt.
    short: Option<FlightId>,
    /// Flights that ran short before, and on which space was freed that nobody had a right to any more.
    cleared: BTreeSet<FlightId>,
}

impl<V> Change<V> {
    pub fn new(bookings: BookingService, target: Target, verb: V) -> Self {
        Self { bookings, target, verb, lock: None, seen: None, short: None, cleared: BTreeSet::new() }
    }
}

impl<V: Alteration> Command for Change<V> {
    const NAME: &'static str = V::NAME;
    type Done = Booking;
    type Error = BookingError;

    async fn prepare(&mut self, key: &Key) -> Result<(), BookingError> {
        // A booking read before the lock was taken is valid only if the lock was free.
        self.seen = None;
        if let Some(short) = self.short.take() {
            self.bookings.holds.clear(&[short]).await?;
            self.cleared.insert(short);
        }
        if self.lock.is_none() {
            let (lock, seen) = self.bookings.lock(&self.target, key).await?;
            (self.lock, self.seen) = (Some(lock), seen);
        }
        if self.seen.is_none() {
            self.seen = Some(self.bookings.visible(self.target.caller, &self.target.reference).await?);
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Booking, BookingError> {
        let seen = self.seen.as_ref().ok_or(BookingError::Raced)?;
        let outcome = self.verb.apply(&self.bookings, tx, &self.target, seen).await;
        self.short = outcome.as_ref().err().and_then(short_of);
        outcome
    }

    fn is_out_of_date(&self, error: &BookingError) -> bool {
        short_of(error).is_some_and(|flight| !self.cleared.contains(&flight))
    }

    async fn concluded(&mut self, outcome: Result<&Booking, &BookingError>) {
        if let Ok(booking) = outcome {
            self.verb.applied(&self.bookings, booking);
        }
        self.lock = None;
    }
}

/// Returns the flight that lacks space, some of which may be kept by holds whose time is up.
const fn short_of(error: &BookingError) -> Option<FlightId> {
    match error {
        BookingError::Itinerary(ItineraryError::Full { flight_id, .. }) => Some(*flight_id),
        _ => None,
    }
}
