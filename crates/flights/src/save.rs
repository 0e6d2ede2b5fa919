use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_capacity::{self as capacity, FlightCapacity, NewCapacity};
use loadmaster_kernel::{FlightId, UserId};
use loadmaster_platform::postgres::{DbError, PgSession, Statement};

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
    Insertion::of(flights, actor, now).run_in_tx(tx).await
}

/// The statements that insert new flights, with all their values.
pub(super) struct Insertion([Statement; 3]);

impl Insertion {
    pub fn of(flights: &[Flight], actor: Option<UserId>, now: DateTime<Utc>) -> Self {
        let open = |flight: &Flight| NewCapacity {
            flight_id: flight.id,
            capacity: flight.space.capacity,
            cutoff: flight.space.cutoff,
        };
        let capacities: Vec<_> = flights.iter().map(open).collect();
        let created = record(flights, FlightEventType::Created, actor, now);
        Self([repository::insert(flights), capacity::open(&capacities, now), created])
    }

    pub async fn run_in_tx(self, tx: &mut PgSession) -> Result<(), FlightError> {
        for statement in self.0 {
            statement.execute(&mut *tx).await.map_err(|error| match DbError::from(error) {
                error if error.constraint() == Some("flights_one_a_day") => FlightError::AlreadyExists,
                error => error.into(),
            })?;
        }
        Ok(())
    }
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
    let space = if event_type == FlightEventType::Changed {
        capacity::change_in_tx(tx, &flight.space, now).await?
    } else {
        capacity::set_status_in_tx(tx, flight.id, flight.space.status, now).await?
    };
    flight.space = space.ok_or(FlightError::Raced)?;
    record(std::slice::from_ref(&flight), event_type, actor, now).execute(tx).await?;
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
    let spaces: Vec<FlightCapacity> = flights.iter().map(|flight| flight.space).collect();
    let spaces = capacity::change_all_in_tx(tx, &spaces, now).await?.ok_or(FlightError::Raced)?;
    let spaces: HashMap<FlightId, FlightCapacity> = spaces.into_iter().map(|space| (space.flight_id, space)).collect();
    for flight in &mut flights {
        flight.space = *spaces.get(&flight.id).ok_or(FlightError::Raced)?;
    }
    record(&flights, FlightEventType::Changed, actor, now).execute(tx).await?;
    Ok(flights)
}

/// Returns the statement that writes an event for each flight, with its state after it, and the events' messages. Every version
/// of a flight has an event, whose number is the version.
fn record(flights: &[Flight], event_type: FlightEventType, actor: Option<UserId>, now: DateTime<Utc>) -> Statement {
    let occurred_at = |flight: &Flight| match event_type {
        FlightEventType::Departed => flight.actual_departure.unwrap_or(now),
        FlightEventType::Arrived => flight.actual_arrival.unwrap_or(now),
        _ => now,
    };
    let events: Vec<_> = flights
        .iter()
        .map(|flight| FlightEvent {
            flight_id: flight.id,
            sequence: flight.space.version,
            data: FlightData::from(flight),
            occurred_at: occurred_at(flight),
        })
        .collect();
    repository::insert_events(&events, event_type, actor, now)
}
