//! All SQL of this room. Reads `flight_capacity` besides the schedule and never writes it.
pub(super) mod audit;
pub(super) mod dates;
pub(super) mod departures;
pub(super) mod feeds;
mod list;
pub(super) mod past;
pub(super) mod punctuality;
pub(super) mod window;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::{FLIGHT, FlightStatus, capacity_of_row};
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode, FlightId, FlightNumber, UserId};
use loadmaster_platform::{
    outbox::{self, CloudEvent, Message},
    postgres::{PgSession, Statement, column, planned_list},
    telemetry,
};
use sqlx::types::Json;
use uuid::Uuid;

pub(super) use list::{count, list, number_of};

use super::model::{AirlineLane, Flight, FlightEventType, NetworkVersion, replay::FlightData};

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    flight_number: FlightNumber,
    origin: AirportCode,
    destination: AirportCode,
    departure_at: DateTime<Utc>,
    arrival_at: DateTime<Utc>,
    scheduled_departure_at: DateTime<Utc>,
    scheduled_arrival_at: DateTime<Utc>,
    scheduled_date: NaiveDate,
    actual_departure_at: Option<DateTime<Utc>>,
    actual_arrival_at: Option<DateTime<Utc>>,
    aircraft_code: Option<AircraftCode>,
    is_freighter: bool,
    also_sold_as: Option<Vec<FlightNumber>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    status: String,
    cutoff_at: DateTime<Utc>,
    capacity_weight_hg: i64,
    capacity_volume_l: i64,
    capacity_positions: i64,
    physical_weight_hg: Option<i64>,
    physical_volume_l: Option<i64>,
    physical_positions: Option<i64>,
    overbooking_weight_percent: i16,
    overbooking_volume_percent: i16,
    overbooking_positions_percent: i16,
    booked_weight_hg: i64,
    booked_volume_l: i64,
    booked_positions: i64,
    held_weight_hg: i64,
    held_volume_l: i64,
    held_positions: i64,
    aside_weight_hg: i64,
    aside_volume_l: i64,
    aside_positions: i64,
    aside_until: Option<DateTime<Utc>>,
    waiting: i32,
    allotted: i32,
    version: i32,
    ledger_seq: i64,
}

impl TryFrom<Row> for Flight {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id.into(),
            number: row.flight_number,
            origin: row.origin,
            destination: row.destination,
            departure: row.departure_at,
            arrival: row.arrival_at,
            scheduled_departure: row.scheduled_departure_at,
            scheduled_arrival: row.scheduled_arrival_at,
            scheduled_date: row.scheduled_date,
            actual_departure: row.actual_departure_at,
            actual_arrival: row.actual_arrival_at,
            aircraft: row.aircraft_code,
            is_freighter: row.is_freighter,
            also_sold_as: row.also_sold_as,
            created_at: row.created_at,
            updated_at: row.updated_at,
            space: capacity_of_row!(row, row.id)?,
        })
    }
}

fn flights(rows: Vec<Row>) -> sqlx::Result<Vec<Flight>> {
    rows.into_iter().map(Flight::try_from).collect()
}

/// A checked query for whole flights; `$tail` selects and orders them.
macro_rules! select_flights {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select f.id, f.flight_number as "flight_number: _", f.origin as "origin: _",
                      f.destination as "destination: _", f.departure_at, f.arrival_at, f.scheduled_departure_at,
                      f.scheduled_arrival_at, f.scheduled_date, f.actual_departure_at, f.actual_arrival_at,
                      f.aircraft_code as "aircraft_code: _", f.is_freighter, f.also_sold_as as "also_sold_as: _",
                      f.created_at, f.updated_at,
                      c.status, c.cutoff_at, c.capacity_weight_hg, c.capacity_volume_l, c.capacity_positions,
                      c.physical_weight_hg, c.physical_volume_l, c.physical_positions, c.overbooking_weight_percent,
                      c.overbooking_volume_percent, c.overbooking_positions_percent,
                      c.booked_weight_hg, c.booked_volume_l, c.booked_positions,
                      c.held_weight_hg, c.held_volume_l, c.held_positions,
                      c.aside_weight_hg, c.aside_volume_l, c.aside_positions, c.aside_until, c.waiting, c.allotted,
                      c.version, c.ledger_seq
               from flights f join flight_capacity c on c.flight_id = f.id "# + $tail
            $(, $argument)*
        )
    };
}

/// Returns the network's version, and the server that reports it.
pub(super) async fn network_version(db: &mut PgSession) -> sqlx::Result<NetworkVersion> {
    let found = sqlx::query!(r#"select version, server_epoch() as "epoch!" from network"#);
    let found = found.fetch_one(db).await?;
    Ok(NetworkVersion { version: found.version, epoch: found.epoch })
}

pub(super) async fn find(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Flight>> {
    flights(select_flights!("where f.id = any($1)", &planned_list(ids)).fetch_all(db).await?)
}

/// Returns scheduled flights out of an airport in `[from, to)`.
pub(super) async fn leaving(
    db: &mut PgSession,
    origin: AirportCode,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> sqlx::Result<Vec<Flight>> {
    let rows = select_flights!(
        "where f.origin = $1 and f.departure_at >= $2 and f.departure_at < $3 and f.cancelled_at is null
           and c.status = 'SCHEDULED'",
        origin.as_str(),
        from,
        to,
    );
    flights(rows.fetch_all(db).await?)
}

/// Returns scheduled flights from any of `origins` to an airport in `[from, to)`.
pub(super) async fn reaching(
    db: &mut PgSession,
    destination: AirportCode,
    origins: &[AirportCode],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> sqlx::Result<Vec<Flight>> {
    let rows = select_flights!(
        "where f.origin = any($1) and f.destination = $2 and f.departure_at >= $3 and f.departure_at < $4
           and c.status = 'SCHEDULED'",
        origins as &[AirportCode],
        destination.as_str(),
        from,
        to,
    );
    flights(rows.fetch_all(db).await?)
}

/// Returns the flights that have these names: number, origin and scheduled local date. Includes cancelled ones: one
/// name may have several of them besides the active one.
pub(super) async fn find_named(
    db: &mut PgSession,
    names: &[(FlightNumber, AirportCode, NaiveDate)],
) -> sqlx::Result<Vec<Flight>> {
    let numbers: Vec<&str> = names.iter().map(|(number, _, _)| number.as_str()).collect();
    let origins: Vec<&str> = names.iter().map(|(_, origin, _)| origin.as_str()).collect();
    let dates: Vec<NaiveDate> = names.iter().map(|(_, _, date)| *date).collect();
    let rows = select_flights!(
        "where (f.flight_number, f.origin, f.scheduled_date) in (
             select * from unnest($1::text[], $2::text[], $3::date[]))",
        &numbers as &[&str],
        &origins as &[&str],
        &dates,
    );
    flights(rows.fetch_all(db).await?)
}

/// Imports wait for each other.
pub(super) async fn lock_imports(db: &mut PgSession) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.flight_imports', 0))")
        .execute(db)
        .await
        .map(drop)
}

/// Has the database count the flights, so that it plans statements for their new number. Until the transaction ends, the database
/// itself does not count them: it would miss those that the transaction adds.
pub(super) async fn refresh_statistics(db: &mut PgSession) -> sqlx::Result<()> {
    sqlx::query!("select refresh_statistics(array['flights', 'flight_capacity']::regclass[])")
        .execute(db)
        .await
        .map(drop)
}

/// Returns the flights of these numbers out of these origins whose scheduled local date is the first of each, the last or
/// between. Includes cancelled ones. No number may be given twice with an origin.
pub(super) async fn find_within(
    db: &mut PgSession,
    spans: &[(FlightNumber, AirportCode, NaiveDate, NaiveDate)],
) -> sqlx::Result<Vec<Flight>> {
    let numbers: Vec<&str> = spans.iter().map(|(number, ..)| number.as_str()).collect();
    let origins: Vec<&str> = spans.iter().map(|(_, origin, ..)| origin.as_str()).collect();
    let first: Vec<NaiveDate> = spans.iter().map(|(_, _, first, _)| *first).collect();
    let last: Vec<NaiveDate> = spans.iter().map(|(.., last)| *last).collect();
    let rows = select_flights!(
        "join unnest($1::text[], $2::text[], $3::date[], $4::date[]) as span (number, origin, first, last)
             on f.flight_number = span.number and f.origin = span.origin
                and f.scheduled_date between span.first and span.last",
        &numbers as &[&str],
        &origins as &[&str],
        &first,
        &last,
    );
    flights(rows.fetch_all(db).await?)
}

/// Inserts new flights; `capacity` opens their capacity.
pub(super) fn insert(new: &[Flight]) -> Statement {
    let ids: Vec<Uuid> = new.iter().map(|f| f.id.uuid()).collect();
    let dates: Vec<NaiveDate> = new.iter().map(|f| f.scheduled_date).collect();
    let numbers: Vec<&str> = new.iter().map(|f| f.number.as_str()).collect();
    let airlines: Vec<AirlineCode> = new.iter().map(|f| f.number.airline()).collect();
    let origins: Vec<AirportCode> = new.iter().map(|f| f.origin).collect();
    let destinations: Vec<AirportCode> = new.iter().map(|f| f.destination).collect();
    let departures: Vec<DateTime<Utc>> = new.iter().map(|f| f.departure).collect();
    let arrivals: Vec<DateTime<Utc>> = new.iter().map(|f| f.arrival).collect();
    let aircraft: Vec<Option<AircraftCode>> = new.iter().map(|f| f.aircraft).collect();
    let freighters: Vec<bool> = new.iter().map(|f| f.is_freighter).collect();
    let sold_as: Vec<Option<String>> = new.iter().map(joined).collect();
    let instants: Vec<DateTime<Utc>> = new.iter().map(|f| f.created_at).collect();
    sqlx::query!(
        "insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at,
                              scheduled_departure_at, scheduled_arrival_at, scheduled_date, aircraft_code,
                              is_freighter, also_sold_as, created_at, updated_at)
         select id, flight_number, airline, origin, destination, departure, arrival, departure, arrival, date,
                aircraft, is_freighter, string_to_array(sold_as, ' '), made, made
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                     $7::timestamptz[], $8::date[], $9::text[], $10::bool[], $11::text[], $12::timestamptz[])
              as new (id, flight_number, airline, origin, destination, departure, arrival, date, aircraft,
                      is_freighter, sold_as, made)",
        &ids,
        &numbers as &[&str],
        &airlines as &[AirlineCode],
        &origins as &[AirportCode],
        &destinations as &[AirportCode],
        &departures,
        &arrivals,
        &dates,
        &aircraft as &[Option<AircraftCode>],
        &freighters,
        &sold_as as &[Option<String>],
        &instants,
    )
}

/// Returns the other numbers of a flight in one text: an array of arrays would have as many in each.
fn joined(flight: &Flight) -> Option<String> {
    let numbers = flight.also_sold_as.as_ref()?;
    Some(numbers.iter().map(FlightNumber::as_str).collect::<Vec<_>>().join(" "))
}

/// Updates the flights' best known journeys, aircraft, other numbers and cancellation; their originally scheduled values stay.
pub(super) async fn update(db: &mut PgSession, flights: &[Flight]) -> sqlx::Result<()> {
    sqlx::query!(
        "update flights f
         set destination = new.destination, departure_at = new.departure, arrival_at = new.arrival,
             actual_departure_at = new.actual_departure, actual_arrival_at = new.actual_arrival,
             aircraft_code = new.aircraft, is_freighter = new.is_freighter,
             also_sold_as = string_to_array(new.sold_as, ' '), updated_at = new.updated,
             cancelled_at = case when new.is_cancelled then coalesce(f.cancelled_at, new.updated) end
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
                     $6::timestamptz[], $7::text[], $8::bool[], $9::timestamptz[], $10::bool[], $11::text[])
              as new (id, destination, departure, arrival, actual_departure, actual_arrival, aircraft, is_freighter,
                      updated, is_cancelled, sold_as)
         where f.id = new.id",
        &column(flights, |f| f.id.uuid()),
        &column(flights, |f| f.destination) as &[AirportCode],
        &column(flights, |f| f.departure),
        &column(flights, |f| f.arrival),
        &column(flights, |f| f.actual_departure) as &[Option<DateTime<Utc>>],
        &column(flights, |f| f.actual_arrival) as &[Option<DateTime<Utc>>],
        &column(flights, |f| f.aircraft) as &[Option<AircraftCode>],
        &column(flights, |f| f.is_freighter),
        &column(flights, |f| f.updated_at),
        &column(flights, |f| f.space.status == FlightStatus::Cancelled),
        &column(flights, joined) as &[Option<String>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// One event of a flight's history.
#[derive(Debug)]
pub(super) struct FlightEvent {
    pub flight_id: FlightId,
    pub sequence: i32,
    pub data: FlightData,
    pub occurred_at: DateTime<Utc>,
}

/// Writes events and their messages. The transaction must have its number before. The data, which is the same in both, is sent
/// and read once.
pub(super) fn insert_events(
    events: &[FlightEvent],
    event_type: FlightEventType,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Statement {
    let subjects: Vec<String> = events.iter().map(|event| event.flight_id.to_string()).collect();
    let messages = events.iter().zip(&subjects).map(|(event, subject)| Message {
        aggregate: FLIGHT,
        aggregate_id: event.flight_id.uuid(),
        organization: None,
        subject,
        sequence: event.sequence,
        event_type: event_type.as_str(),
        data: (),
        trace: None,
        occurred_at: event.occurred_at,
    });
    let (messages, trace): (Vec<_>, _) = (messages.collect(), telemetry::traceparent());
    sqlx::query!(
        "with written as (
             select * from unnest($1::uuid[], $2::int[], $4::jsonb[], $7::timestamptz[], $8::jsonb[])
                           as new (id, sequence, data, occurred, message)
         ), recorded as (
             insert into flight_events (flight_id, sequence, event_type, data, actor_id, occurred_at, created_at)
             select id, sequence, $3, data, $5, occurred, $6 from written
         )
         insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
         select $9, id, sequence, $3, message || jsonb_build_object('data', data), occurred from written",
        &column(events, |e| e.flight_id.uuid()),
        &column(events, |e| e.sequence),
        event_type.as_str(),
        &column(events, |e| Json(&e.data)) as &[Json<&FlightData>],
        actor.map(UserId::uuid),
        now,
        &column(events, |e| e.occurred_at),
        &outbox::documents(&messages, trace.as_deref()) as &[Json<CloudEvent<'_, ()>>],
        FLIGHT,
    )
}

/// Returns all routes of flights from 90 days ago on, with departures in the 30 days from `now`, in no particular
/// order.
pub(super) async fn routes(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<Vec<AirlineLane>> {
    let rows = sqlx::query_as!(
        AirlineLane,
        r#"select airline_code as "airline_code: _", origin as "origin: _", destination as "destination: _",
                  (percentile_disc(0.5) within group
                       (order by extract(epoch from scheduled_arrival_at - scheduled_departure_at)) / 60)::int
                      as "typical_minutes!",
                  count(*) filter (where departure_at >= $1 and departure_at < $2) as "upcoming!",
                  coalesce(array_agg(distinct date_part('isodow', scheduled_date)::smallint
                                     order by date_part('isodow', scheduled_date)::smallint)
                               filter (where departure_at >= $1 and departure_at < $2), '{}') as "days!",
                  min(scheduled_date) filter (where departure_at >= $1) as first_date,
                  max(scheduled_date) filter (where departure_at >= $1) as last_date
           from flights where cancelled_at is null and departure_at >= $3
           group by airline_code, origin, destination"#,
        now,
        now + chrono::Days::new(30),
        now - chrono::Days::new(90),
    );
    rows.fetch_all(db).await
}
