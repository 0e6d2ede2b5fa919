use serde_json::Map;

use super::{
    OperationError, OperationService,
    model::{FlightAction, Operated},
    service::{Order, tell},
};
use crate::{
    features::{
        bookings::{Moved, StepAboard},
        capacity::FlightStatus,
        flights::{self, FlightEventType},
    },
    platform::postgres::{Tx, retrying},
};

impl OperationService {
    /// The flight does not go: its bookings keep their status, give their room back and need another way.
    pub(super) async fn cancel(
        &self,
        order: &Order<Operated>,
        reason: Option<&str>,
    ) -> Result<Operated, OperationError> {
        let done = retrying(|| self.try_cancel(order, reason)).await?;
        self.flights.left(&done.flight);
        tell(FlightAction::Cancel, &done);
        Ok(done)
    }

    async fn try_cancel(&self, order: &Order<Operated>, reason: Option<&str>) -> Result<Operated, OperationError> {
        let mut tx = self.transaction_for(order).await?;
        let cancelled = self.cancel_in_tx(&mut tx, order, reason).await;
        order.terms.once.conclude(tx, cancelled).await
    }

    async fn cancel_in_tx(
        &self,
        tx: &mut Tx,
        order: &Order<Operated>,
        reason: Option<&str>,
    ) -> Result<Operated, OperationError> {
        let actor = order.caller.user_id;
        let flight = self.lock_for_in_tx(tx, order, FlightAction::Cancel).await?;
        let (step, only) = (StepAboard::Cancel { reason: reason.map(str::to_owned) }, std::slice::from_ref(&flight));
        let Moved { moved, pending, pending_on, .. } =
            self.bookings.take_along_in_tx(tx, only, &step, Some(actor)).await?;
        self.leave_unfinished_in_tx(tx, &pending_on, &step, Some(actor)).await?;
        let mut flight = flights::find_in_tx(tx, flight.id).await?;
        flight.room.status = FlightStatus::Cancelled;
        let flight = flights::save_in_tx(tx, flight, FlightEventType::Cancelled, Some(actor), self.now()).await?;
        self.record_in_tx(tx, order, "flight.cancelled", Map::new(), &flight).await?;
        Ok(Operated { flight, bookings_changed: moved, bookings_pending: pending, left_behind: Vec::new() })
    }
}
