use super::{BookingError, BookingService, model::Booking};
use crate::{
    features::accounts::Principal,
    kernel::BookingRef,
    platform::{
        idempotency::Terms,
        locks::{Asked, Lock},
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
    _lock: Option<Lock>,
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

    /// Waits until nobody else changes this booking, with no transaction open. Whether it is the caller's to see comes
    /// first: it is read while the lock is asked for.
    pub(super) async fn hold(&self, caller: Principal, reference: &BookingRef) -> Result<Hold, BookingError> {
        let (seen, asked) = tokio::join!(self.visible(caller, reference), self.locks.ask("booking", reference));
        let seen = seen?;
        match asked {
            Asked::Got(lock) => Ok(Hold { seen: Some(seen), _lock: Some(lock) }),
            Asked::Away => Ok(Hold { seen: Some(seen), _lock: None }),
            Asked::Held => match self.locks.ask_patiently("booking", reference).await {
                Asked::Got(lock) => Ok(Hold { seen: None, _lock: Some(lock) }),
                Asked::Away => Ok(Hold { seen: None, _lock: None }),
                Asked::Held => Err(BookingError::Locked(reference.clone())),
            },
        }
    }
}
