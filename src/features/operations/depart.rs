use chrono::{DateTime, Utc};

use super::{
    OperationError, OperationService,
    model::{FlightAction, Operated},
    service::{Order, tell},
};
use crate::{
    features::{
        bookings::{Action, LeftBehind, Moved, StepAboard},
        capacity::FlightStatus,
        flights::{self, Flight, FlightEventType},
    },
    platform::postgres::{Tx, retrying},
};

impl OperationService {
    /// The flight leaves, with every booking whose cargo is there; the others are left behind and give their room back.
    pub(super) async fn depart(
        &self,
        order: &Order<Operated>,
        occurred_at: Option<DateTime<Utc>>,
        left_behind: &[LeftBehind],
    ) -> Result<Operated, OperationError> {
        let done = retrying(|| self.try_depart(order, occurred_at, left_behind)).await?;
        self.flights.left(&done.flight);
        tell(FlightAction::Depart, &done);
        self.bookings.count(Action::Depart, done.bookings_changed - done.left_behind.len());
        Ok(done)
    }

    async fn try_depart(
        &self,
        order: &Order<Operated>,
        occurred_at: Option<DateTime<Utc>>,
        left_behind: &[LeftBehind],
    ) -> Result<Operated, OperationError> {
        let mut tx = self.transaction_for(order).await?;
        let departed = self.depart_in_tx(&mut tx, order, occurred_at, left_behind).await;
        order.terms.once.conclude(tx, departed).await
    }

    async fn depart_in_tx(
        &self,
        tx: &mut Tx,
        order: &Order<Operated>,
        occurred_at: Option<DateTime<Utc>>,
        named: &[LeftBehind],
    ) -> Result<Operated, OperationError> {
        let actor = order.caller.user_id;
        let flight = self.lock_for_in_tx(tx, order, FlightAction::Depart).await?;
        if let Some(inbound) = self.bookings.landing_with_in_tx(tx, flight.id).await? {
            return Err(OperationError::Unfinished(inbound));
        }
        self.bookings.offload_in_tx(tx, flight.id, named, actor).await?;
        let occurred_at = self.bookings.departure_in_tx(tx, flight.id, occurred_at).await?;
        let (step, only) = (StepAboard::Depart { occurred_at }, std::slice::from_ref(&flight));
        let Moved { moved, mut left_behind, pending, pending_on } =
            self.bookings.take_along_in_tx(tx, only, &step, Some(actor)).await?;
        self.leave_unfinished_in_tx(tx, &pending_on, &step, Some(actor)).await?;
        left_behind.extend_from_slice(named);
        left_behind.sort_by(|a, b| a.ref_id.as_str().cmp(b.ref_id.as_str()));
        // Again: whoever was left behind has given room back.
        let flight = left(&flights::find_in_tx(tx, flight.id).await?, occurred_at);
        let flight = flights::save_in_tx(tx, flight, FlightEventType::Departed, Some(actor), self.now()).await?;
        let bookings_changed = moved + left_behind.len();
        Ok(Operated { flight, bookings_changed, bookings_pending: pending, left_behind })
    }
}

/// The flight once it has left. Its arrival is still the best known one, unless that has passed: then it flies as long as
/// it was to fly.
fn left(flight: &Flight, at: DateTime<Utc>) -> Flight {
    let mut left = Flight { departure: at, actual_departure: Some(at), ..flight.clone() };
    if left.arrival <= at {
        left.arrival = at + (flight.arrival - flight.departure);
    }
    left.room.status = FlightStatus::Departed;
    left
}
