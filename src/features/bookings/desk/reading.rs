//! What a batch must know beyond the rows that it locks.
use std::collections::{BTreeSet, HashMap};

use super::{super::BookingService, Operation, write::OwnEntry};
use crate::{
    features::{
        capacity::FlightCapacity,
        flights::{self, Flight},
        holds::Asked,
    },
    kernel::FlightId,
    platform::{postgres::DbError, work::Transaction},
};

/// Returns what these orders must know about holds beyond the rows that they lock.
pub fn asked(batch: &[OwnEntry]) -> Asked {
    let mut asked = Asked::default();
    for operation in batch.iter().map(|entry| &entry.order.operation) {
        match operation {
            Operation::Hold(new) => asked.new_hold(&new.caller, &new.flights, new.new.position_names.is_some()),
            Operation::StepHold(order) if operation.needs_schedules() => {
                let has_names = order.step.names().is_some() || !order.step.seen.position_names().is_empty();
                asked.change(&order.step.caller, operation.flights(), has_names);
            }
            _ => {}
        }
    }
    asked
}

/// Returns the schedules of the flights to be judged: as this process knows them under the locked version, else read.
pub async fn timetable(
    tx: &mut Transaction,
    service: &BookingService,
    judged: &BTreeSet<FlightId>,
    rooms: &HashMap<FlightId, FlightCapacity>,
) -> Result<HashMap<FlightId, Flight>, DbError> {
    let (mut known, mut unknown) = (HashMap::with_capacity(judged.len()), Vec::new());
    for flight in judged {
        match rooms.get(flight).and_then(|room| service.flights.known_as(*room)) {
            Some(found) => _ = known.insert(*flight, found),
            None => unknown.push(*flight),
        }
    }
    if !unknown.is_empty() {
        let found = flights::find_all_in_tx(tx, &unknown).await?;
        service.flights.take_in(&found);
        known.extend(found.into_iter().map(|flight| (flight.id, flight)));
    }
    Ok(known)
}
