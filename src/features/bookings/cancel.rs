use super::{
    BookingError, BookingService,
    draft::Told,
    event::EventType,
    hold::Change,
    model::{Action, Booking, BookingStatus, LegStatus},
    movement::Locked,
};
use crate::{
    features::capacity,
    platform::postgres::{Tx, retrying},
};

impl BookingService {
    /// Cancels a shipment and gives back, in the same transaction, the room of every leg that has not departed. Departed
    /// legs keep their status and their room.
    pub(super) async fn cancel(&self, change: &Change, reason: Option<&str>) -> Result<Booking, BookingError> {
        let mut hold = self.hold(change).await?;
        let booking = retrying(|| self.try_cancel(change, hold.take_seen(), reason)).await?;
        self.changed(&booking);
        tracing::info!(ref_id = %booking.ref_id, "shipment cancelled");
        self.count(Action::Cancel, 1);
        Ok(booking)
    }

    async fn try_cancel(
        &self,
        change: &Change,
        seen: Option<Booking>,
        reason: Option<&str>,
    ) -> Result<Booking, BookingError> {
        let seen = self.seen_or_read(change, seen).await?;
        let mut tx = self.db.begin().await?;
        let cancelled = self.cancel_in_tx(&mut tx, change, &seen, reason).await;
        change.terms.once.conclude(tx, cancelled).await
    }

    async fn cancel_in_tx(
        &self,
        tx: &mut Tx,
        change: &Change,
        seen: &Booking,
        reason: Option<&str>,
    ) -> Result<Booking, BookingError> {
        let Locked { mut draft, .. } = self.lock_in_tx(tx, change, seen, Action::Cancel).await?;
        let author = self.author(Some(change.caller.user_id));
        let givings = draft.give_up(LegStatus::Released, |_| true);
        capacity::release_in_tx(tx, &givings, author.now).await?;
        draft.now.status = BookingStatus::Cancelled;
        draft.now.needs_rerouting = false;
        let told = Told { notes: reason.map(str::to_owned), ..Told::default() };
        draft.tell(author, EventType::Cancelled, told);
        Ok(draft.save_alone_in_tx(tx).await?)
    }
}
