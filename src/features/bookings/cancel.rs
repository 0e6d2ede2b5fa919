use super::{
    BookingService,
    draft::{Author, Draft, EventDetails},
    model::{BookingStatus, EventType, LegStatus},
};
use crate::features::capacity::Shift;

/// Cancels a shipment and releases the room of every leg that has not departed. Departed legs keep their status and
/// their room.
#[derive(Debug, Clone)]
pub struct Cancel {
    pub reason: Option<String>,
}

impl BookingService {
    /// Makes a cancellation that has passed its checks and records the event; returns the room to be released.
    pub(super) fn cancel(draft: &mut Draft, cancel: &Cancel, author: Author<'_>) -> Vec<Shift> {
        let released = draft.release_legs(LegStatus::Released, |_| true);
        draft.now.status = BookingStatus::Cancelled;
        draft.now.needs_rerouting = false;
        let told = EventDetails { notes: cancel.reason.clone(), ..EventDetails::default() };
        draft.record(author, EventType::Cancelled, told);
        released
    }
}
