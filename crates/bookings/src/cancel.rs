use loadmaster_capacity::Shift;

use super::{
    BookingService,
    billing::{Books, Cancellation},
    draft::{Author, Draft, EventDetails},
    model::{Booking, BookingStatus, EventType, LegStatus},
};

/// Cancels a shipment and releases the space of every leg that has not departed. Departed legs keep their status and
/// their space.
#[derive(Debug, Clone)]
pub struct Cancel {
    pub reason: Option<String>,
    /// No fee is kept: the id of the request that says so.
    pub waived_by: Option<String>,
}

impl BookingService {
    /// Makes a cancellation that has passed its checks and records the event; returns the space to be released.
    /// Its fee is fixed, and what follows for its payments is promised. `present`: the booking once its flights have
    /// reached it, by which the fee is judged.
    pub(super) fn cancel(
        &self,
        draft: &mut Draft,
        present: &Booking,
        cancel: &Cancel,
        books: Option<&mut Books>,
        author: Author<'_>,
    ) -> Vec<Shift> {
        let kept = books.as_ref().map(|books| books.kept()).unwrap_or_default();
        let (bands, waives) = (self.payments.cancellation_fees(), cancel.waived_by.is_some());
        let full = Cancellation::of(present, kept, bands, waives, author.now).full;
        if let (Some(bill), Some(full)) = (&mut draft.now.bill, full) {
            bill.floor = present.bill.as_ref().and_then(|bill| bill.floor);
            bill.cancel(full, kept.captured);
        }
        let released = draft.release_legs(LegStatus::Released, |_| true);
        draft.now.status = BookingStatus::Cancelled;
        draft.now.needs_rerouting = false;
        if let Some(books) = books {
            books.capture_fee(full.map_or(0, |full| full.amount), &self.ids, author.now);
            books.settle(&mut draft.now, self.payments.capture_mode(), &self.ids, author.actor, author.now);
        }
        let details = EventDetails { notes: cancel.reason.clone(), ..EventDetails::default() };
        draft.record(author, EventType::Cancelled, details);
        released
    }
}
