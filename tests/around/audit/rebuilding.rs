//! Events and ledgers alone are enough: what they rebuild in an empty database is what stood there.
use std::time::Duration;

use loadmaster_bookings::{self as bookings, Booking, OffloadReason};
use loadmaster_capacity::Space;
use loadmaster_flights::{self as flights, RebuiltFlight};
use loadmaster_kernel::{BookingId, FlightId};
use loadmaster_platform::postgres::PgSession;
use loadmaster_testkit::{TestDatabase, command::loadmaster};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use uuid::Uuid;

use super::{audit, books::Books};

/// What is told once and never told again: histories, free text, accounts, what was promised to others, and holds.
const KEPT: [&str; 13] = [
    "organizations",
    "users",
    "flight_events",
    "capacity_ledger",
    "booking_events",
    "booking_event_notes",
    "booking_texts",
    "outbox",
    "idempotency_records",
    "holds",
    "hold_legs",
    "hold_events",
    "position_claims",
];
/// What follows from it.
const REBUILT: [&str; 6] = ["flights", "flight_capacity", "bookings", "booking_legs", "booking_refs", "awb_claims"];

/// The rows of a table, as PostgreSQL writes them.
async fn rows(db: &mut PgConnection, table: &str) -> Vec<String> {
    // The channel of a booking serves reports alone, and stands in no event.
    let query = format!("select (to_jsonb(t) - 'channel')::text from {table} t order by 1");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(db).await.unwrap()
}

async fn copy(from: &mut PgConnection, to: &mut PgConnection, table: &str) {
    let rows = rows(from, table).await;
    // What is computed of other columns cannot be written.
    let columns = format!(
        "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
         where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
    );
    let columns: String = sqlx::query_scalar(AssertSqlSafe(columns)).fetch_one(&mut *to).await.unwrap();
    let insert = format!(
        "insert into {table} ({columns}) overriding system value
         select {columns} from unnest($1::text[]) row, jsonb_populate_record(null::{table}, row::jsonb) r"
    );
    sqlx::query(AssertSqlSafe(insert)).bind(&rows).execute(to).await.unwrap();
}

async fn write_flight(db: &mut PgConnection, rebuilt: &RebuiltFlight) {
    let RebuiltFlight { flight, airline_code, cancelled_at } = rebuilt;
    sqlx::query(
        "insert into flights values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(flight.id)
    .bind(flight.number)
    .bind(airline_code)
    .bind(flight.origin)
    .bind(flight.destination)
    .bind(flight.departure)
    .bind(flight.arrival)
    .bind(flight.scheduled_departure)
    .bind(flight.scheduled_arrival)
    .bind(flight.scheduled_date)
    .bind(flight.actual_departure)
    .bind(flight.actual_arrival)
    .bind(flight.aircraft)
    .bind(flight.is_freighter)
    .bind(cancelled_at)
    .bind(flight.created_at)
    .bind(flight.updated_at)
    .execute(&mut *db)
    .await
    .unwrap();
    let room = flight.space;
    let mut query =
        sqlx::query("insert into flight_capacity values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
            .bind(flight.id)
            .bind(room.status.as_str())
            .bind(room.cutoff);
    for figure in [room.capacity, room.booked, room.held].into_iter().flat_map(Space::figures) {
        query = query.bind(figure);
    }
    query.bind(room.version).bind(room.ledger_seq).execute(db).await.unwrap();
}

async fn write_booking(db: &mut PgConnection, booking: &Booking) {
    let [weight, volume, positions] = booking.space.figures();
    sqlx::query(
        "insert into bookings values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                                      $20, $21)",
    )
    .bind(booking.id)
    .bind(&booking.ref_id)
    .bind(booking.organization_id)
    .bind(booking.created_by)
    .bind(booking.status.as_str())
    .bind(booking.origin)
    .bind(booking.destination)
    .bind(booking.pieces.count())
    .bind(weight)
    .bind(volume)
    .bind(booking.volume_defaulted)
    .bind(positions)
    .bind(&booking.special_handling_codes)
    .bind(&booking.awb_number)
    .bind(booking.needs_rerouting)
    .bind(booking.event_sequence)
    .bind(booking.moved_at)
    .bind(booking.version)
    .bind(booking.created_at)
    .bind(booking.updated_at)
    .bind(booking.hold_id)
    .execute(&mut *db)
    .await
    .unwrap();
    for leg in &booking.legs {
        let [weight, volume, positions] = leg.space.figures();
        sqlx::query(
            "insert into booking_legs values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(booking.id)
        .bind(leg.id)
        .bind(leg.sequence)
        .bind(leg.flight_id)
        .bind(leg.flight_number)
        .bind(leg.origin)
        .bind(leg.destination)
        .bind(leg.departure)
        .bind(leg.arrival)
        .bind(leg.status.as_str())
        .bind(leg.offload_reason.map(OffloadReason::as_str))
        .bind(&leg.space_code)
        .bind(leg.pieces.count())
        .bind(weight)
        .bind(volume)
        .bind(positions)
        .execute(&mut *db)
        .await
        .unwrap();
    }
    sqlx::query("insert into booking_refs values ($1, $2)")
        .bind(&booking.ref_id)
        .bind(booking.id)
        .execute(&mut *db)
        .await
        .unwrap();
    // A cancelled booking keeps its number and gives up its claim.
    if let Some(awb) = booking.awb_number.as_ref().filter(|_| booking.status.as_str() != "CANCELLED") {
        sqlx::query("insert into awb_claims values ($1, $2)").bind(awb).bind(booking.id).execute(db).await.unwrap();
    }
}

#[tokio::test]
async fn all_that_stands_in_the_tables_is_rebuilt_in_an_empty_database() {
    let full = Books::keep().await.copy().await;
    let empty = TestDatabase::empty().await;
    loadmaster(&["migrate"]).on(&empty).run().await.succeeded();
    let (mut old, mut new) = (full.owner().await, empty.owner().await);
    // Events refer to flights that are not there yet.
    new.execute("set session_replication_role = replica").await.unwrap();
    for table in KEPT {
        copy(&mut old, &mut new, table).await;
    }
    new.execute("set session_replication_role = origin").await.unwrap();

    let flights: Vec<Uuid> =
        sqlx::query_scalar("select distinct flight_id from flight_events").fetch_all(&mut new).await.unwrap();
    let flights: Vec<FlightId> = flights.into_iter().map(FlightId::from).collect();
    let mut replaying = PgSession::own(empty.owner().await, Duration::from_mins(1));
    for flight in flights::replay(&mut replaying, &flights).await.unwrap() {
        write_flight(&mut new, &flight).await;
    }
    let bookings: Vec<Uuid> =
        sqlx::query_scalar("select distinct booking_id from booking_events").fetch_all(&mut new).await.unwrap();
    let bookings: Vec<BookingId> = bookings.into_iter().map(BookingId::from).collect();
    for booking in bookings::replay(&mut replaying, &bookings).await.unwrap() {
        write_booking(&mut new, &booking).await;
    }

    for table in REBUILT {
        let stood = rows(&mut old, table).await;
        assert!(!stood.is_empty(), "{table}");
        assert_eq!(rows(&mut new, table).await, stood, "{table}");
    }
    audit(&empty, &["--rebuild"]).await.succeeded();
}
