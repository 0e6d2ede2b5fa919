use tokio::time::{Instant, timeout_at};

use super::{BookingError, BookingService, model::Booking};
use crate::{
    features::accounts::Principal,
    kernel::BookingRef,
    platform::{
        idempotency::Key,
        locks::{Asked, Guard, Ticket},
        postgres::PgSession,
        web::Precondition,
        work::Command,
    },
};

/// The name of the lock on a booking.
pub(super) const LOCK: &str = "booking";

/// The booking that a caller changes, and the precondition.
#[derive(Clone)]
pub(super) struct Target {
    pub caller: Principal,
    pub reference: BookingRef,
    pub precondition: Precondition,
}

/// An operation on one booking.
pub(super) trait Verb: Send + Sync {
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

/// The place at the head of the queue for a booking and the lock shared by all processes. The row lock ensures
/// correctness.
#[derive(Debug)]
struct BookingLock(#[expect(dead_code, reason = "it is held")] Guard<BookingRef>);

impl<V> Change<V> {
    pub fn new(bookings: BookingService, target: Target, verb: V) -> Self {
        Self { bookings, target, verb, lock: None, seen: None }
    }
}

impl<V: Verb> Command for Change<V> {
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

impl BookingService {
    /// Waits until no other request changes this booking, with no transaction open: in the queue of this process, then
    /// for the lock shared by all. Checks ownership and precondition before taking either, so that a stranger naming
    /// the booking delays nobody; both are checked again under the row's lock. Waits for half of the request's time at
    /// most: the rest is for the transaction. Also returns the booking if there was no wait.
    async fn lock(&self, target: &Target, key: &Key) -> Result<(BookingLock, Option<Booking>), BookingError> {
        let Target { caller, reference, precondition } = target;
        let until = Instant::now() + self.locks.patience().min(self.limits.request_time / 2);
        let seen = self.visible(*caller, reference).await?;
        if !precondition.holds(seen.version) {
            return Err(BookingError::VersionMismatch(seen.version));
        }
        let Some(place) = self.lines.step_up(reference) else {
            return Ok((self.lock_in_line(reference, key, None, until).await?, None));
        };
        match self.locks.ask(LOCK, reference).await {
            Asked::Got(lock) => Ok((BookingLock(Guard::new(place, Some(lock))), Some(seen))),
            Asked::Away => Ok((BookingLock(Guard::new(place, None)), Some(seen))),
            Asked::Held => Ok((self.lock_in_line(reference, key, Some(place), until).await?, None)),
        }
    }

    /// Waits for the lock while another request holds it. That may be the first request with the same key; then there
    /// is nothing to wait for.
    async fn lock_in_line(
        &self,
        reference: &BookingRef,
        key: &Key,
        place: Option<Ticket<BookingRef>>,
        until: Instant,
    ) -> Result<BookingLock, BookingError> {
        key.look_before_waiting().await?;
        let place = match place {
            Some(place) => place,
            None => timeout_at(until, self.lines.wait(reference.clone(), self.lines.arrive()))
                .await
                .map_err(|_| BookingError::Locked(reference.clone()))?,
        };
        match self.locks.ask_until(LOCK, reference, until).await {
            Asked::Got(lock) => Ok(BookingLock(Guard::new(place, Some(lock)))),
            Asked::Away => Ok(BookingLock(Guard::new(place, None))),
            Asked::Held => Err(BookingError::Locked(reference.clone())),
        }
    }
}
