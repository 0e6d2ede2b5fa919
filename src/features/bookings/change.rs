use super::{
    BookingError, BookingService,
    courtesy::{BookingLock, Target},
    model::Booking,
};
use crate::platform::{idempotency::Key, postgres::PgSession, work::Command};

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
}

impl<V> Change<V> {
    pub fn new(bookings: BookingService, target: Target, verb: V) -> Self {
        Self { bookings, target, verb, lock: None, seen: None }
    }
}

impl<V: Alteration> Command for Change<V> {
    const NAME: &'static str = V::NAME;
    type Done = Booking;
    type Error = BookingError;

    async fn prepare(&mut self, key: &Key) -> Result<(), BookingError> {
        // A booking read before the lock was taken is valid only if the lock was free.
        self.seen = None;
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
        self.verb.apply(&self.bookings, tx, &self.target, seen).await
    }

    async fn concluded(&mut self, outcome: Result<&Booking, &BookingError>) {
        if let Ok(booking) = outcome {
            self.verb.applied(&self.bookings, booking);
        }
        self.lock = None;
    }
}
