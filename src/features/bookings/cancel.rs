use super::{
    BookingService,
    billing::{Books, Cancellation},
    draft::{Author, Draft, EventDetails},
    model::{BookingStatus, EventType, LegStatus},
};
use crate::features::capacity::Shift;

/// Cancels a shipment and releases the room of every leg that has not departed. Departed legs keep their status and
/// their room.
#[derive(Debug, Clone)]
pub struct Cancel {
    pub reason: Option<String>,
    /// No fee is kept: the id of the request that says so.
    pub waived_by: Option<String>,
}

impl BookingService {
    /// Makes a cancellation that has passed its checks and records the event; returns the room to be released.
    /// Its fee is fixed, and what follows for its payments is promised.
    pub(super) fn cancel(
        &self,
        draft: &mut Draft,
        cancel: &Cancel,
        books: Option<&mut Books>,
        author: Author<'_>,
    ) -> Vec<Shift> {
        let kept = books.as_ref().map_or(0, |books| books.refundable());
        let bands = self.payments.cancellation_fees();
        let Cancellation { full, .. } =
            Cancellation::of(&draft.now, kept, bands, cancel.waived_by.is_some(), author.now);
        if let Some(bill) = &mut draft.now.bill {
            bill.cancel(full, kept);
        }
        let released = draft.release_legs(LegStatus::Released, |_| true);
        draft.now.status = BookingStatus::Cancelled;
        draft.now.needs_rerouting = false;
        if let Some(books) = books {
            books.settle(&mut draft.now, self.payments.capture_mode(), &self.ids, author.actor, author.now);
        }
        let told = EventDetails { notes: cancel.reason.clone(), ..EventDetails::default() };
        draft.record(author, EventType::Cancelled, told);
        released
    }
}
