use chrono::{DateTime, Utc};

use super::{
    OperationError, OperationService,
    model::{FlightAction, Operated},
    service::{Order, tell},
};
use crate::{
    features::{
        bookings::{Action, Moved, StepAboard},
        capacity::FlightStatus,
        flights::{self, FlightEventType},
    },
    platform::postgres::{Tx, retrying},
};

impl OperationService {
    /// The flight lands, and with it what is in the air on it.
    pub(super) async fn arrive(
        &self,
        order: &Order<Operated>,
        occurred_at: Option<DateTime<Utc>>,
    ) -> Result<Operated, OperationError> {
        let done = retrying(|| self.try_arrive(order, occurred_at)).await?;
        self.flights.left(&done.flight);
        tell(FlightAction::Arrive, &done);
        self.bookings.count(Action::Arrive, done.bookings_changed);
        Ok(done)
    }

    async fn try_arrive(
        &self,
        order: &Order<Operated>,
        occurred_at: Option<DateTime<Utc>>,
    ) -> Result<Operated, OperationError> {
        let mut tx = self.transaction_for(order).await?;
        let arrived = self.arrive_in_tx(&mut tx, order, occurred_at).await;
        order.terms.once.conclude(tx, arrived).await
    }

    async fn arrive_in_tx(
        &self,
        tx: &mut Tx,
        order: &Order<Operated>,
        occurred_at: Option<DateTime<Utc>>,
    ) -> Result<Operated, OperationError> {
        let actor = order.caller.user_id;
        let mut flight = self.lock_for_in_tx(tx, order, FlightAction::Arrive).await?;
        let occurred_at = self.bookings.arrival_in_tx(tx, &flight, occurred_at).await?;
        let (step, only) = (StepAboard::Arrive { occurred_at }, std::slice::from_ref(&flight));
        let Moved { moved, pending, pending_on, .. } =
            self.bookings.take_along_in_tx(tx, only, &step, Some(actor)).await?;
        self.leave_unfinished_in_tx(tx, &pending_on, &step, Some(actor)).await?;
        flight.arrival = occurred_at;
        flight.actual_arrival = Some(occurred_at);
        flight.room.status = FlightStatus::Arrived;
        let flight = flights::save_in_tx(tx, flight, FlightEventType::Arrived, Some(actor), self.now()).await?;
        Ok(Operated { flight, bookings_changed: moved, bookings_pending: pending, left_behind: Vec::new() })
    }
}
