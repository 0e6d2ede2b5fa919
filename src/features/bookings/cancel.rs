use super::{
    BookingError, BookingService,
    draft::{Told, save_in_tx},
    event::EventType,
    model::{Action, Booking, BookingStatus, LegStatus},
    movement::Locked,
};
use crate::{
    features::{accounts::Principal, capacity},
    kernel::BookingRef,
    platform::{
        postgres::{commit, retrying},
        web::Precondition,
    },
};

impl BookingService {
    /// Cancels a shipment and gives back, in the same transaction, the room of every leg that has not departed. Departed
    /// legs keep their status and their room.
    pub(super) async fn cancel(
        &self,
        caller: Principal,
        reference: &BookingRef,
        reason: Option<&str>,
        precondition: &Precondition,
    ) -> Result<Booking, BookingError> {
        let booking = retrying(|| self.try_cancel(caller, reference, reason, precondition)).await?;
        tracing::info!(ref_id = %booking.ref_id, "shipment cancelled");
        self.count(Action::Cancel, 1);
        Ok(booking)
    }

    async fn try_cancel(
        &self,
        caller: Principal,
        reference: &BookingRef,
        reason: Option<&str>,
        precondition: &Precondition,
    ) -> Result<Booking, BookingError> {
        let Locked { mut tx, mut draft, .. } = self.lock(caller, reference, Action::Cancel, precondition).await?;
        let author = self.author(Some(caller.user_id));
        let givings = draft.give_up(LegStatus::Released, |_| true);
        capacity::release_in_tx(&mut tx, &givings, author.now).await?;
        draft.now.status = BookingStatus::Cancelled;
        draft.now.needs_rerouting = false;
        let told = Told { notes: reason.map(str::to_owned), ..Told::default() };
        draft.tell(author, EventType::Cancelled, told);
        let draft = [draft];
        save_in_tx(&mut tx, &draft).await?;
        commit(tx).await?;
        let [draft] = draft;
        Ok(draft.now)
    }
}
