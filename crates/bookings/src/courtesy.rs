use loadmaster_accounts::Principal;
use loadmaster_kernel::BookingRef;
use loadmaster_platform::{
    idempotency::Key,
    locks::{Guard, LockOutcome, Ticket},
    web::Precondition,
};
use tokio::time::{Instant, timeout_at};

use super::{BookingError, BookingService, model::Booking};

/// The name of the lock on a booking.
pub(super) const LOCK: &str = "booking";

/// The booking that a caller changes, and the precondition.
#[derive(Debug, Clone)]
pub struct Target {
    pub caller: Principal,
    pub reference: BookingRef,
    pub precondition: Precondition,
}

/// The place at the head of the queue for a booking and the lock shared by all processes. The row lock ensures
/// correctness.
#[derive(Debug)]
pub(super) struct BookingLock(#[expect(dead_code, reason = "it is held")] Guard<BookingRef>);

impl BookingService {
    /// Waits until no other request changes this booking, with no transaction open: in the queue of this process, then
    /// for the lock shared by all. Checks ownership and precondition before taking either, so that a stranger naming
    /// the booking delays nobody; both are checked again under the row's lock. Waits for half of the request's time at
    /// most: the rest is for the transaction. Also returns the booking if there was no wait.
    pub(super) async fn lock(
        &self,
        target: &Target,
        key: &Key,
    ) -> Result<(BookingLock, Option<Booking>), BookingError> {
        let Target { caller, reference, precondition } = target;
        let until = Instant::now() + self.locks.patience().min(self.limits.request_time / 2);
        let seen = self.visible(*caller, reference).await?;
        precondition.check(seen.version).map_err(BookingError::VersionMismatch)?;
        let Some(place) = self.lines.step_up(reference) else {
            return Ok((self.lock_in_line(reference, key, None, until).await?, None));
        };
        match self.locks.ask(LOCK, reference).await {
            LockOutcome::Got(lock) => Ok((BookingLock(Guard::new(place, Some(lock))), Some(seen))),
            LockOutcome::Away => Ok((BookingLock(Guard::new(place, None)), Some(seen))),
            LockOutcome::Held => Ok((self.lock_in_line(reference, key, Some(place), until).await?, None)),
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
            LockOutcome::Got(lock) => Ok(BookingLock(Guard::new(place, Some(lock)))),
            LockOutcome::Away => Ok(BookingLock(Guard::new(place, None))),
            LockOutcome::Held => Err(BookingError::Locked(reference.clone())),
        }
    }
}
