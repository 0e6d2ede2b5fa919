//! Which flights lists show, and in which order.
use loadmaster_capacity::FlightStatus;
use loadmaster_platform::{listing::Total, postgres::PgSession};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    Row, flights,
    window::{arriving, arriving_soon},
};

use crate::{
    dto::{FlightFilter, FlightSort},
    model::{Flight, FlightAnchor},
};

/// Returns a page of the flights that the filter chooses.
pub(crate) async fn list(
    db: &mut PgSession,
    filter: &FlightFilter,
    sort: FlightSort,
    after: Option<&FlightAnchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Flight>> {
    let mut query = QueryBuilder::new(
        "select f.id, f.flight_number, f.origin, f.destination, f.departure_at, f.arrival_at,
                f.scheduled_departure_at, f.scheduled_arrival_at, f.scheduled_date, f.actual_departure_at, f.actual_arrival_at,
                f.aircraft_code, f.is_freighter, f.also_sold_as, f.created_at, f.updated_at,
                c.status, c.cutoff_at, c.capacity_weight_hg, c.capacity_volume_l, c.capacity_positions,
                c.physical_weight_hg, c.physical_volume_l, c.physical_positions, c.overbooking_weight_percent,
                c.overbooking_volume_percent, c.overbooking_positions_percent,
                c.booked_weight_hg, c.booked_volume_l, c.booked_positions,
                c.held_weight_hg, c.held_volume_l, c.held_positions,
                c.aside_weight_hg, c.aside_volume_l, c.aside_positions, c.aside_until, c.waiting, c.allotted,
                c.version, c.ledger_seq
         from (select f.* from flights f where true",
    );
    let order = order_by(filter, sort);
    choose(&mut query, filter);
    bound(&mut query, filter, sort);
    begin_behind(&mut query, sort, after);
    query.push(&order).push(" limit ").push_bind(fetch).push(" offset ").push_bind(i64::from(offset));
    query.push(") f join flight_capacity c on c.flight_id = f.id").push(&order);
    flights(query.build_query_as::<Row>().fetch_all(db).await?)
}

/// Returns the number of flights that a list with this filter has, as far as they are counted. They are read as a page is: by the
/// same index.
pub(crate) async fn number_of(db: &mut PgSession, filter: &FlightFilter, sort: FlightSort) -> sqlx::Result<Total> {
    let mut query = QueryBuilder::new("select f.id from flights f where true");
    choose(&mut query, filter);
    bound(&mut query, filter, sort);
    query.push(order_by(filter, sort)).push(" limit ").push_bind(Total::LOOKED_FOR);
    let found: Vec<Uuid> = query.build_query_scalar().fetch_all(db).await?;
    Ok(Total::of(found.len()))
}

fn order_by(filter: &FlightFilter, sort: FlightSort) -> String {
    if sort.is_by_number() {
        return sort.direction().order_by(&["f.flight_number", "f.departure_at", "f.id"]);
    }
    // The few flights of a date or a number are sorted: the index of arrivals may have them behind all others.
    if sort.is_by_arrival() && (filter.departure_date.is_some() || filter.flight_number.is_some()) {
        return sort.direction().order_by(&["(f.arrival_at + interval '0')", "f.id"]);
    }
    sort.direction().order_by(&[time_of(sort), "f.id"])
}

/// The time by which a list that is not in the order of numbers is ordered.
const fn time_of(sort: FlightSort) -> &'static str {
    if sort.is_by_arrival() { "f.arrival_at" } else { "f.departure_at" }
}

/// Restricts a list to the part of the index of its order in which the flights of the filter are. The planner does not know that
/// the numbers of an airline begin with its code, and that flights arrive soon after they depart.
fn bound(query: &mut QueryBuilder<Postgres>, filter: &FlightFilter, sort: FlightSort) {
    if sort.is_by_arrival() {
        arriving_soon(query, filter);
    }
    if let Some(airline) = filter.airline.filter(|_| sort.is_by_number()) {
        query.push(" and f.flight_number between ").push_bind(airline.to_string());
        query.push(" and ").push_bind(format!("{airline}9999Z"));
    }
}

fn begin_behind(query: &mut QueryBuilder<Postgres>, sort: FlightSort, after: Option<&FlightAnchor>) {
    let behind = sort.direction().behind();
    match after {
        None => {}
        Some(FlightAnchor::Time(time, id)) => {
            query.push(format!(" and ({}, f.id){behind}(", time_of(sort))).push_bind(*time);
            query.push(", ").push_bind(*id).push(")");
        }
        Some(FlightAnchor::Number(number, departure, id)) => {
            query.push(" and (f.flight_number, f.departure_at, f.id)").push(behind).push("(").push_bind(*number);
            query.push(", ").push_bind(*departure).push(", ").push_bind(*id).push(")");
        }
    }
}

/// Returns the number of flights that the filter chooses, and a digest of their ids and versions.
pub(crate) async fn count(db: &mut PgSession, filter: &FlightFilter) -> sqlx::Result<(i64, i64)> {
    let mut query = QueryBuilder::new(
        "select count(*), coalesce(bit_xor(uuid_hash_extended(f.id, c.version)), 0)
         from (select f.id from flights f where true",
    );
    choose(&mut query, filter);
    query.push(") f join flight_capacity c on c.flight_id = f.id");
    query.build_query_as().fetch_one(&mut *db).await
}

fn choose(query: &mut QueryBuilder<Postgres>, filter: &FlightFilter) {
    if let Some(origin) = filter.origin {
        query.push(" and f.origin = ").push_bind(origin);
    }
    if let Some(destination) = filter.destination {
        query.push(" and f.destination = ").push_bind(destination);
    }
    if let Some(date) = filter.departure_date {
        // The bounds on the instant allow use of the index: no zone is further than a day from UTC.
        query.push(" and f.scheduled_date = ").push_bind(date);
        query.push(" and f.scheduled_departure_at >= ").push_bind(date - chrono::Days::new(1));
        query.push(" and f.scheduled_departure_at < ").push_bind(date + chrono::Days::new(2));
    }
    if let Some(from) = filter.departure_from {
        query.push(" and f.departure_at >= ").push_bind(from);
    }
    if let Some(to) = filter.departure_to {
        query.push(" and f.departure_at < ").push_bind(to);
    }
    arriving(query, filter);
    if let Some(airline) = filter.airline {
        query.push(" and f.airline_code = ").push_bind(airline);
    }
    if let Some(number) = &filter.flight_number {
        query.push(" and (f.flight_number = ").push_bind(number.as_str().to_owned());
        query.push(" or f.also_sold_as @> array[").push_bind(number.as_str().to_owned()).push("])");
    }
    if let Some(status) = filter.status {
        // What the status means for the flight's own row: there are indexes for it in the order of the list.
        query.push(match status {
            FlightStatus::Scheduled => " and f.cancelled_at is null and f.actual_departure_at is null",
            FlightStatus::Departed => " and f.actual_departure_at is not null and f.actual_arrival_at is null",
            FlightStatus::Arrived => " and f.actual_arrival_at is not null",
            FlightStatus::Cancelled => " and f.cancelled_at is not null",
        });
    }
}
