use loadmaster_bookings::{Moved, StepAboard};
use loadmaster_capacity::FlightStatus;
use loadmaster_flights::{self as flights, FlightEventType};
use loadmaster_holds::EndReason;
use loadmaster_platform::{idempotency::Key, postgres::PgSession, work::Command};
use serde_json::Map;

use super::{
    OperationError, OperationService,
    held::Held,
    model::{FlightAction, Operated},
    service::Target,
};

/// Cancels the flight: its bookings keep their status, release their space and need rerouting; its holds end.
pub(super) struct Cancel {
    pub operations: OperationService,
    pub target: Target,
    pub reason: Option<String>,
    pub held: Held,
}

impl Command for Cancel {
    const NAME: &'static str = "operations.cancel";
    type Done = Operated;
    type Error = OperationError;

    async fn prepare(&mut self, _: &Key) -> Result<(), OperationError> {
        self.operations.prepare_held(&mut self.held, self.target.flight).await
    }

    fn is_out_of_date(&self, error: &OperationError) -> bool {
        self.held.is_out_of_date(error)
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Operated, OperationError> {
        let Self { operations, target, reason, held } = self;
        let actor = target.caller.user_id;
        let flight = operations.lock_for_in_tx(tx, target, FlightAction::Cancel, &held.flights()).await?;
        operations.check_reach_in_tx(tx, held, &flight).await?;
        let (step, only) = (StepAboard::Cancel { reason: reason.clone() }, std::slice::from_ref(&flight));
        let Moved { moved, pending, lifted, .. } = operations.take_along_in_tx(tx, only, &step, Some(actor)).await?;
        operations.release_all_in_tx(tx, held, &flight, EndReason::FlightCancelled, actor).await?;
        let mut flight = flights::find_in_tx(tx, flight.id).await?;
        flight.space.status = FlightStatus::Cancelled;
        let flight = flights::save_in_tx(tx, flight, FlightEventType::Cancelled, Some(actor), operations.now()).await?;
        // The feed that gives it would put it on the schedule again.
        flights::keep_from_feeds_in_tx(tx, flight.id, true).await?;
        operations.record_in_tx(tx, target, "flight.cancelled", Map::new(), &flight).await?;
        operations.bookings.return_surplus_in_tx(tx, &lifted, Some(actor)).await?;
        Ok(Operated { flight, bookings_changed: moved, bookings_pending: pending, left_behind: Vec::new() })
    }

    async fn concluded(&mut self, outcome: Result<&Operated, &OperationError>) {
        if let Ok(done) = outcome {
            self.operations.show_ended(&self.held);
            self.operations.report(FlightAction::Cancel, done);
        }
    }
}
