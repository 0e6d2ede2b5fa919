use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_capacity::{self as capacity, FLIGHT, FlightCapacity, NewCapacity};
use loadmaster_kernel::{FlightId, UserId};
use loadmaster_platform::{
    outbox::{self, Message},
    postgres::{DbError, PgSession},
};

use super::{
    Flight, FlightError, FlightEventType,
    model::replay::FlightData,
    repository::{self, FlightEvent},
};

/// Returns the flight as it is now; the caller holds its lock. Joins the caller's transaction.
pub async fn find_in_tx(tx: &mut PgSession, id: FlightId) -> Result<Flight, FlightError> {
    find_all_in_tx(tx, &[id]).await?.pop().ok_or(FlightError::Unknown(id))
}

/// Returns the existing flights with these ids as they are now, in no particular order.
pub async fn find_all_in_tx(tx: &mut PgSession, ids: &[FlightId]) -> Result<Vec<Flight>, DbError> {
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    Ok(repository::find(tx, &ids).await?)
}

/// Inserts new flights, their capacity with its first ledger entries, and their first events and messages.
pub(super) async fn insert_in_tx(
    tx: &mut PgSession,
    flights: &[Flight],
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<(), FlightError> {
    repository::insert(tx, flights).await.map_err(|error| match DbError::from(error) {
        error if error.constraint() == Some("flights_one_a_day") => FlightError::AlreadyExists,
        error => error.into(),
    })?;
    let open = |flight: &Flight| NewCapacity {
        flight_id: flight.id,
        capacity: flight.room.capacity,
        cutoff: flight.room.cutoff,
    };
    let capacities: Vec<_> = flights.iter().map(open).collect();
    capacity::open_in_tx(tx, &capacities, now).await?;
    let flights: Vec<&Flight> = flights.iter().collect();
    record_in_tx(tx, &flights, FlightEventType::Created, actor, now).await
}

/// Writes a changed flight with its next version and its event; returns it as stored. The caller holds its lock and has
/// validated the change. A `Changed` event changes schedule, capacity and cut-off; every other event moves the status.
/// Joins the caller's transaction.
pub async fn save_in_tx(
    tx: &mut PgSession,
    mut flight: Flight,
    event_type: FlightEventType,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Flight, FlightError> {
    flight.updated_at = now;
    repository::update(tx, std::slice::from_ref(&flight)).await?;
    let room = if event_type == FlightEventType::Changed {
        capacity::change_in_tx(tx, &flight.room, now).await?
    } else {
        capacity::set_status_in_tx(tx, flight.id, flight.room.status, now).await?
    };
    flight.room = room.ok_or(FlightError::Raced)?;
    record_in_tx(tx, &[&flight], event_type, actor, now).await?;
    Ok(flight)
}

/// Does the same for changes of schedule, capacity and cut-off of many flights.
pub(super) async fn change_all_in_tx(
    tx: &mut PgSession,
    mut flights: Vec<Flight>,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Vec<Flight>, FlightError> {
    for flight in &mut flights {
        flight.updated_at = now;
    }
    repository::update(tx, &flights).await?;
    let rooms: Vec<FlightCapacity> = flights.iter().map(|flight| flight.room).collect();
    let rooms = capacity::change_all_in_tx(tx, &rooms, now).await?.ok_or(FlightError::Raced)?;
    let rooms: HashMap<FlightId, FlightCapacity> = rooms.into_iter().map(|room| (room.flight_id, room)).collect();
    for flight in &mut flights {
        flight.room = *rooms.get(&flight.id).ok_or(FlightError::Raced)?;
    }
    let changed: Vec<&Flight> = flights.iter().collect();
    record_in_tx(tx, &changed, FlightEventType::Changed, actor, now).await?;
    Ok(flights)
}

/// Writes an event for each flight, with its state after it, and the events' messages. Every version of a flight has an
/// event, whose number is the version.
async fn record_in_tx(
    tx: &mut PgSession,
    flights: &[&Flight],
    event_type: FlightEventType,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<(), FlightError> {
    let occurred_at = |flight: &Flight| match event_type {
        FlightEventType::Departed => flight.actual_departure.unwrap_or(now),
        FlightEventType::Arrived => flight.actual_arrival.unwrap_or(now),
        _ => now,
    };
    let events: Vec<_> = flights
        .iter()
        .map(|flight| FlightEvent {
            flight_id: flight.id,
            sequence: flight.room.version,
            data: FlightData::from(*flight),
            occurred_at: occurred_at(flight),
        })
        .collect();
    repository::insert_events(tx, &events, event_type, actor, now).await?;
    let subjects: Vec<String> = events.iter().map(|event| event.flight_id.to_string()).collect();
    let messages: Vec<_> = events
        .iter()
        .zip(&subjects)
        .map(|(event, subject)| Message {
            aggregate: FLIGHT,
            aggregate_id: event.flight_id.uuid(),
            subject,
            sequence: event.sequence,
            event_type: event_type.as_str(),
            data: &event.data,
            trace: None,
            occurred_at: event.occurred_at,
        })
        .collect();
    Ok(outbox::append_in_tx(tx, &messages).await?)
}
