use chrono::{DateTime, Utc};
use loadmaster_bookings::{Action, Moved, StepAboard};
use loadmaster_capacity::FlightStatus;
use loadmaster_flights::{self as flights, FlightEventType};
use loadmaster_platform::{postgres::PgSession, work::Command};

use super::{
    OperationError, OperationService,
    model::{FlightAction, Operated},
    service::Target,
};

/// Lands the flight and the freight in the air on it.
pub(super) struct Arrive {
    pub operations: OperationService,
    pub target: Target,
    pub occurred_at: Option<DateTime<Utc>>,
}

impl Command for Arrive {
    const NAME: &'static str = "operations.arrive";
    type Done = Operated;
    type Error = OperationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Operated, OperationError> {
        let Self { operations, target, .. } = self;
        let actor = target.caller.user_id;
        let mut flight = operations.lock_for_in_tx(tx, target, FlightAction::Arrive, &[]).await?;
        let occurred_at = operations.bookings.arrival_in_tx(tx, &flight, self.occurred_at).await?;
        let (step, only) = (StepAboard::Arrive { occurred_at }, std::slice::from_ref(&flight));
        let Moved { moved, pending, .. } = operations.take_along_in_tx(tx, only, &step, Some(actor)).await?;
        flight.arrival = occurred_at;
        flight.actual_arrival = Some(occurred_at);
        flight.space.status = FlightStatus::Arrived;
        let flight = flights::save_in_tx(tx, flight, FlightEventType::Arrived, Some(actor), operations.now()).await?;
        Ok(Operated { flight, bookings_changed: moved, bookings_pending: pending, left_behind: Vec::new() })
    }

    async fn concluded(&mut self, outcome: Result<&Operated, &OperationError>) {
        if let Ok(done) = outcome {
            self.operations.report(FlightAction::Arrive, done);
            self.operations.bookings.count(Action::Arrive, done.bookings_changed);
        }
    }
}
