use super::{
    BookingError, BookingService,
    change::{Target, Verb},
    draft::EventDetails,
    model::{Action, Booking, BookingStatus, EventType, LegStatus},
    movement::Locked,
};
use crate::{features::capacity, platform::postgres::PgSession};

/// Cancels a shipment and releases, in the same transaction, the room of every leg that has not departed. Departed legs
/// keep their status and their room.
pub(super) struct Cancel {
    pub reason: Option<String>,
}

impl Verb for Cancel {
    const NAME: &'static str = "bookings.cancel";

    async fn apply(
        &self,
        bookings: &BookingService,
        tx: &mut PgSession,
        target: &Target,
        seen: &Booking,
    ) -> Result<Booking, BookingError> {
        let Locked { mut draft, .. } = bookings.lock_in_tx(tx, target, seen, Action::Cancel).await?;
        let author = bookings.author(Some(target.caller.user_id));
        let releases = draft.release_legs(LegStatus::Released, |_| true);
        capacity::release_in_tx(tx, &releases, author.now).await?;
        draft.now.status = BookingStatus::Cancelled;
        draft.now.needs_rerouting = false;
        draft.record(
            author,
            EventType::Cancelled,
            EventDetails { notes: self.reason.clone(), ..EventDetails::default() },
        );
        Ok(draft.save_alone_in_tx(tx).await?)
    }

    fn applied(&self, bookings: &BookingService, booking: &Booking) {
        bookings.changed(booking);
        tracing::info!(ref_id = %booking.ref_id, "booking cancelled");
        bookings.count(Action::Cancel, 1);
    }
}
