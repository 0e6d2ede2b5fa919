use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{
    Flight, FlightError, FlightService, NewFlight,
    repository::{self, FlightEvent},
};
use crate::{
    features::capacity::{self, NewCapacity},
    kernel::{FlightId, UserId},
    platform::{
        outbox::{self, Aggregate, Message},
        postgres::{DbError, commit, retrying},
    },
};

impl FlightService {
    /// Puts a flight on the schedule and opens it for sale.
    pub async fn create(&self, actor: UserId, new: NewFlight) -> Result<Flight, FlightError> {
        retrying(|| self.try_create(actor, &new)).await
    }

    async fn try_create(&self, actor: UserId, new: &NewFlight) -> Result<Flight, FlightError> {
        let now = self.clock.now();
        let id: FlightId = self.ids.next(now);
        let date = self.local_date(new)?;
        let mut tx = self.db.begin().await?;
        insert_in_tx(&mut tx, &[(id, date, new)], Some(actor), now).await?;
        commit(tx).await?;
        tracing::info!(flight_id = %id, flight_number = %new.number, "flight created");
        Ok(new.as_flight(id, now))
    }

    /// The local calendar date of departure: with number and origin, the flight's name.
    pub(super) fn local_date(&self, new: &NewFlight) -> Result<NaiveDate, FlightError> {
        let origin = self.reference.airport(new.origin).ok_or(FlightError::NoSuchAirport(new.origin))?;
        Ok(origin.local_date(new.departure))
    }
}

/// Flights, their capacity with its first ledger entries, their first events and messages.
pub(super) async fn insert_in_tx(
    tx: &mut PgConnection,
    new: &[(FlightId, NaiveDate, &NewFlight)],
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<(), FlightError> {
    repository::insert(tx, new, now).await.map_err(|error| match DbError::from(error) {
        error if error.constraint() == Some("flights_one_a_day") => FlightError::AlreadyExists,
        error => error.into(),
    })?;
    let capacities: Vec<_> =
        new.iter().map(|(id, _, n)| NewCapacity { flight_id: *id, capacity: n.capacity, cutoff: n.cutoff() }).collect();
    capacity::open_in_tx(tx, &capacities, now).await?;
    let events: Vec<_> = new
        .iter()
        .map(|(id, date, n)| FlightEvent {
            flight_id: *id,
            sequence: 1,
            event_type: "CREATED",
            data: event_data(n, *date),
        })
        .collect();
    record_in_tx(tx, &events, actor, now).await
}

/// Writes events of flights and the messages that tell of them.
pub(super) async fn record_in_tx(
    tx: &mut PgConnection,
    events: &[FlightEvent],
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<(), FlightError> {
    repository::insert_events(tx, events, actor, now).await?;
    let messages: Vec<_> = events
        .iter()
        .map(|event| Message {
            aggregate: Aggregate::Flight,
            aggregate_id: event.flight_id.uuid(),
            sequence: event.sequence,
            event_type: event.event_type,
            payload: event.data.clone(),
            occurred_at: now,
        })
        .collect();
    Ok(outbox::append_in_tx(tx, &messages).await?)
}

/// All values of a flight, enough to rebuild it: whole units, as the tables have them.
pub(super) fn event_data(flight: &NewFlight, scheduled_date: NaiveDate) -> Value {
    json!({
        "version": 1,
        "flight_number": flight.number,
        "origin": flight.origin,
        "destination": flight.destination,
        "departure_at": flight.departure,
        "arrival_at": flight.arrival,
        "scheduled_date": scheduled_date,
        "aircraft_code": flight.aircraft,
        "is_freighter": flight.is_freighter,
        "capacity_weight_hg": flight.capacity.weight.hectograms(),
        "capacity_volume_l": flight.capacity.volume.litres(),
        "capacity_positions": flight.capacity.positions.count(),
        "cutoff_at": flight.cutoff(),
    })
}
