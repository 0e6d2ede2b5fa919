use serde_json::{Map, json};

use super::{
    OperationError, OperationService,
    model::{CapacityShortfall, FlightAction, allowed},
    repository,
    service::{Order, count_changes, lock_in_tx},
};
use crate::{
    features::{
        bookings::{LeftBehind, OffloadReason, StepAboard},
        capacity::FlightStatus,
        flights::{self, Flight, FlightChange, FlightError, FlightEventType},
    },
    kernel::BookingRef,
    platform::postgres::{Tx, retrying},
};

impl OperationService {
    /// Changes times, aircraft, capacity or cut-off of a flight, after taking the named bookings off it: all of it or
    /// nothing. Its bookings are told of new times.
    pub(super) async fn change(
        &self,
        order: &Order<Flight>,
        change: &FlightChange,
        offload: &[BookingRef],
    ) -> Result<Flight, OperationError> {
        let flight = retrying(|| self.try_change(order, change, offload)).await?;
        self.flights.changed([&flight]);
        tracing::info!(flight_id = %flight.id, version = flight.room.version, offloaded = offload.len(), "flight changed");
        Ok(flight)
    }

    async fn try_change(
        &self,
        order: &Order<Flight>,
        change: &FlightChange,
        offload: &[BookingRef],
    ) -> Result<Flight, OperationError> {
        let mut tx = self.transaction_for(order).await?;
        let mut has_changed = false;
        let changed = self.change_in_tx(&mut tx, order, change, offload, &mut has_changed).await;
        let flight = order.terms.once.conclude(tx, changed).await?;
        count_changes(u64::from(has_changed));
        Ok(flight)
    }

    async fn change_in_tx(
        &self,
        tx: &mut Tx,
        order: &Order<Flight>,
        change: &FlightChange,
        offload: &[BookingRef],
        has_changed: &mut bool,
    ) -> Result<Flight, OperationError> {
        let flight = lock_in_tx(tx, order).await?;
        // New times may follow new times: each booking gets those that the flight then has.
        if repository::find(tx, flight.id).await?.is_some_and(|unfinished| unfinished.step != StepAboard::Retime) {
            return Err(OperationError::Unfinished(flight.number));
        }
        let (status, version) = (flight.room.status, flight.room.version);
        let offloads = status == FlightStatus::Scheduled || offload.is_empty();
        if !offloads || !change.is_possible_for(status) {
            let allowed = allowed(status, false, order.caller.role);
            return Err(OperationError::InvalidTransition { from: status, action: FlightAction::Change, allowed });
        }
        // What makes no sense at all is told before anything is moved.
        self.apply(change, &flight)?;
        let named = offload.iter().cloned().map(|ref_id| LeftBehind { ref_id, reason: OffloadReason::Offloaded });
        let named: Vec<LeftBehind> = named.collect();
        self.bookings.offload_in_tx(tx, flight.id, &named, order.caller.user_id).await?;
        let flight = flights::find_in_tx(tx, flight.id).await?;
        let changed = self.apply(change, &flight)?;
        if let Some(shortfall) = CapacityShortfall::of(&flight, changed.room.capacity) {
            return Err(OperationError::CapacityBelowBooked(shortfall));
        }
        let flight = self.save(tx, order, &flight, changed).await?;
        *has_changed = flight.room.version != version || !offload.is_empty();
        if *has_changed {
            let data = Map::from_iter([("offloaded".to_owned(), json!(offload))]);
            self.record_in_tx(tx, order, "flight.changed", data, &flight).await?;
        }
        if change.names_times() {
            let actor = Some(order.caller.user_id);
            self.retime_in_tx(tx, std::slice::from_ref(&flight), actor).await?;
        }
        Ok(flight)
    }

    fn apply(&self, change: &FlightChange, flight: &Flight) -> Result<Flight, OperationError> {
        Ok(change.apply(flight, &self.reference).map_err(FlightError::Invalid)?)
    }

    /// Writes the change, if it is one.
    async fn save(
        &self,
        tx: &mut Tx,
        order: &Order<Flight>,
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
        let actor = Some(order.caller.user_id);
        Ok(flights::save_in_tx(tx, changed, FlightEventType::Changed, actor, self.now()).await?)
    }
}
