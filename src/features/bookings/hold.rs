use tokio::time::{Instant, timeout_at};

use super::{BookingError, BookingService, model::Booking};
use crate::{
    features::accounts::Principal,
    kernel::BookingRef,
    platform::{
        idempotency::Terms,
        locks::{Asked, Place, Turn},
    },
};

/// A change that a caller asks for, of one booking.
#[derive(Clone)]
pub(super) struct Change {
    pub caller: Principal,
    pub reference: BookingRef,
    pub terms: Terms<Booking>,
}

/// A booking that one caller is at. Others wait; the row lock is what makes it true.
#[derive(Debug)]
pub(super) struct Hold {
    /// As it was when the hold began, if nobody else was at it then.
    seen: Option<Booking>,
    _turn: Turn<BookingRef>,
}

impl Hold {
    /// The booking as it was seen, once; later it may have changed.
    pub fn take_seen(&mut self) -> Option<Booking> {
        self.seen.take()
    }
}

impl BookingService {
    /// The booking as the caller sees it before anything is locked.
    pub(super) async fn seen_or_read(&self, change: &Change, seen: Option<Booking>) -> Result<Booking, BookingError> {
        match seen {
            Some(seen) => Ok(seen),
            None => self.visible(change.caller, &change.reference).await,
        }
    }

    /// Waits until nobody else changes this booking, with no transaction open: in line in this process, then for the lock
    /// that all share. Neither is taken before it is known that the booking is the caller's and the precondition holds, so
    /// that a stranger who names it keeps nobody waiting; both are judged again under the row's lock. Waits for half of the
    /// request's time at most: the rest is for the transaction.
    pub(super) async fn hold(&self, change: &Change) -> Result<Hold, BookingError> {
        let Change { caller, reference, terms } = change;
        let until = Instant::now() + self.locks.patience().min(self.limits.request_time / 2);
        let seen = self.visible(*caller, reference).await?;
        if !terms.precondition.holds(seen.version) {
            return Err(BookingError::VersionMismatch(seen.version));
        }
        let Some(place) = self.lines.step_up(reference) else {
            return self.hold_in_line(change, None, until).await;
        };
        match self.locks.ask("booking", reference).await {
            Asked::Got(lock) => Ok(Hold { seen: Some(seen), _turn: Turn::new(place, Some(lock)) }),
            Asked::Away => Ok(Hold { seen: Some(seen), _turn: Turn::new(place, None) }),
            Asked::Held => self.hold_in_line(change, Some(place), until).await,
        }
    }

    /// Somebody else is at it: perhaps the first request with the same key, and then there is nothing to wait for.
    async fn hold_in_line(
        &self,
        change: &Change,
        place: Option<Place<BookingRef>>,
        until: Instant,
    ) -> Result<Hold, BookingError> {
        let reference = &change.reference;
        change.terms.once.look_before_waiting().await?;
        let place = match place {
            Some(place) => place,
            None => timeout_at(until, self.lines.wait(reference.clone(), self.lines.arrive()))
                .await
                .map_err(|_| BookingError::Locked(reference.clone()))?,
        };
        match self.locks.ask_until("booking", reference, until).await {
            Asked::Got(lock) => Ok(Hold { seen: None, _turn: Turn::new(place, Some(lock)) }),
            Asked::Away => Ok(Hold { seen: None, _turn: Turn::new(place, None) }),
            Asked::Held => Err(BookingError::Locked(reference.clone())),
        }
    }
}
