use chrono::{DateTime, Utc};
use loadmaster_bookings::{Action, LeftBehind, Moved, StepAboard};
use loadmaster_capacity::{CapacityShortfall, FlightStatus};
use loadmaster_flights::{self as flights, Flight, FlightEventType};
use loadmaster_holds::EndReason;
use loadmaster_platform::{idempotency::Key, postgres::PgSession, work::Command};

use super::{
    OperationError, OperationService,
    held::Held,
    model::{FlightAction, Operated},
    service::Target,
};

/// Departs the flight with every booking whose cargo is there; the others are left behind and release their space. What
/// remains must not be more than the flight carries. Its holds end.
pub(super) struct Depart {
    pub operations: OperationService,
    pub target: Target,
    pub occurred_at: Option<DateTime<Utc>>,
    /// Bookings to leave behind, whether their cargo is there or not.
    pub left_behind: Vec<LeftBehind>,
    pub held: Held,
}

impl Command for Depart {
    const NAME: &'static str = "operations.depart";
    type Done = Operated;
    type Error = OperationError;

    async fn prepare(&mut self, _: &Key) -> Result<(), OperationError> {
        self.operations.prepare_held(&mut self.held, self.target.flight).await
    }

    fn is_out_of_date(&self, error: &OperationError) -> bool {
        self.held.is_out_of_date(error)
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Operated, OperationError> {
        let Self { operations, target, left_behind: named, held, .. } = self;
        let actor = target.caller.user_id;
        let flight = operations.lock_for_in_tx(tx, target, FlightAction::Depart, &held.flights()).await?;
        operations.check_reach_in_tx(tx, held, &flight).await?;
        if let Some(inbound) = operations.bookings.landing_with_in_tx(tx, flight.id).await? {
            return Err(OperationError::Unfinished(inbound));
        }
        let mut lifted = operations.bookings.offload_in_tx(tx, flight.id, named, actor).await?;
        let occurred_at = operations.bookings.departure_in_tx(tx, flight.id, self.occurred_at).await?;
        let (step, only) = (StepAboard::Depart { occurred_at }, std::slice::from_ref(&flight));
        let Moved { moved, mut left_behind, pending, lifted: more, .. } =
            operations.take_along_in_tx(tx, only, &step, Some(actor)).await?;
        lifted.extend(more);
        left_behind.extend_from_slice(named);
        left_behind.sort_by(|a, b| a.ref_id.as_str().cmp(b.ref_id.as_str()));
        operations.release_all_in_tx(tx, held, &flight, EndReason::FlightDeparted, actor).await?;
        // Read again: bookings left behind and holds have released space.
        let flight = flights::find_in_tx(tx, flight.id).await?;
        // What has departed one by one is gone: a flight that takes nothing more along can always depart.
        if moved + pending > 0
            && let Some(shortfall) = CapacityShortfall::on_board(&flight.space, flight.space.booked)
        {
            return Err(OperationError::TooMuchOnBoard(shortfall));
        }
        let flight = left(&flight, occurred_at);
        let flight = flights::save_in_tx(tx, flight, FlightEventType::Departed, Some(actor), operations.now()).await?;
        operations.bookings.return_surplus_in_tx(tx, &lifted, Some(actor)).await?;
        let bookings_changed = moved + left_behind.len();
        Ok(Operated { flight, bookings_changed, bookings_pending: pending, left_behind })
    }

    async fn concluded(&mut self, outcome: Result<&Operated, &OperationError>) {
        if let Ok(done) = outcome {
            self.operations.show_ended(&self.held);
            self.operations.report(FlightAction::Depart, done);
            self.operations.bookings.count(Action::Depart, done.bookings_changed - done.left_behind.len());
        }
    }
}

/// Returns the flight after departure. Its arrival stays the best known one unless that has passed; then the planned
/// flying time is added to the departure.
fn left(flight: &Flight, at: DateTime<Utc>) -> Flight {
    let mut left = Flight { departure: at, actual_departure: Some(at), ..flight.clone() };
    if left.arrival <= at {
        left.arrival = at + (flight.arrival - flight.departure);
    }
    left.space.status = FlightStatus::Departed;
    left
}
