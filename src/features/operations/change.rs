use serde_json::{Map, json};

use super::{
    OperationError, OperationService,
    model::{CapacityShortfall, FlightAction, allowed},
    repository,
    service::{Target, count_changes, lock_in_tx},
};
use crate::{
    features::{
        bookings::{LeftBehind, OffloadReason, StepAboard},
        flights::{self, ChangeFlight, Flight, FlightError, FlightEventType},
    },
    platform::{postgres::PgSession, work::Command},
};

/// Changes times, aircraft, capacity, overbooking or cut-off of a flight, after taking the named bookings off it: all of it or
/// nothing. Passes new times on to its bookings.
pub(super) struct Change {
    pub operations: OperationService,
    pub target: Target,
    pub wanted: ChangeFlight,
    pub has_changed: bool,
}

impl Command for Change {
    const NAME: &'static str = "operations.change";
    type Done = Flight;
    type Error = OperationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Flight, OperationError> {
        let Self { operations, target, wanted: change, .. } = self;
        let flight = lock_in_tx(tx, target).await?;
        // New times may follow new times: each booking gets the times that the flight then has.
        if repository::find(tx, flight.id).await?.is_some_and(|unfinished| unfinished.step != StepAboard::Retime) {
            return Err(OperationError::Unfinished(flight.number));
        }
        let (status, version) = (flight.room.status, flight.room.version);
        if !change.is_possible_for(status) {
            let allowed = allowed(status, false, target.caller.role);
            return Err(OperationError::InvalidTransition { from: status, action: FlightAction::Change, allowed });
        }
        // Invalid combinations are reported before anything is moved.
        operations.apply(change, &flight)?;
        let named =
            change.offload.iter().cloned().map(|ref_id| LeftBehind { ref_id, reason: OffloadReason::Offloaded });
        let named: Vec<LeftBehind> = named.collect();
        operations.bookings.offload_in_tx(tx, flight.id, &named, target.caller.user_id).await?;
        let flight = flights::find_in_tx(tx, flight.id).await?;
        let changed = operations.apply(change, &flight)?;
        if let Some(shortfall) = CapacityShortfall::of(&flight, changed.room.capacity) {
            return Err(OperationError::CapacityBelowBooked(shortfall));
        }
        let flight = operations.save(tx, target, &flight, changed).await?;
        self.has_changed = flight.room.version != version || !change.offload.is_empty();
        if self.has_changed {
            let mut data = Map::from_iter([("offloaded".to_owned(), json!(change.offload))]);
            if !change.overbooking.is_keep() {
                data.insert("overbooking".to_owned(), json!(flight.room.overbooking));
            }
            operations.record_in_tx(tx, target, "flight.changed", data, &flight).await?;
        }
        if change.names_times() {
            let actor = Some(target.caller.user_id);
            operations.retime_in_tx(tx, std::slice::from_ref(&flight), actor).await?;
        }
        Ok(flight)
    }

    async fn concluded(&mut self, outcome: Result<&Flight, &OperationError>) {
        if let Ok(flight) = outcome {
            self.operations.flights.changed([flight]);
            let (version, offloaded) = (flight.room.version, self.wanted.offload.len());
            tracing::info!(flight_id = %flight.id, version, offloaded, "flight changed");
            count_changes(u64::from(self.has_changed));
        }
    }
}

impl OperationService {
    fn apply(&self, change: &ChangeFlight, flight: &Flight) -> Result<Flight, OperationError> {
        Ok(change.apply(flight, &self.reference).map_err(FlightError::Invalid)?)
    }

    /// Writes the change, if it changes anything.
    async fn save(
        &self,
        tx: &mut PgSession,
        target: &Target,
        flight: &Flight,
        changed: Flight,
    ) -> Result<Flight, OperationError> {
        if changed == *flight {
            return Ok(changed);
        }
        if flight.is_freighter && !changed.is_freighter {
            let bookings = self.bookings.freighter_bound_in_tx(tx, flight.id).await?;
            if !bookings.is_empty() {
                return Err(OperationError::FreighterNeeded { number: changed.number, bookings });
            }
        }
        let actor = Some(target.caller.user_id);
        Ok(flights::save_in_tx(tx, changed, FlightEventType::Changed, actor, self.now()).await?)
    }
}
