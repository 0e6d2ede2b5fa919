use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    features::bookings::model::{Booking, DATA_VERSION, Event, Leg, OffloadReason},
    kernel::{AirportCode, AwbNumber, BookingId, FlightId, FlightNumber, HandlingCode, LegId, UserId},
    platform::postgres::PgSession,
};

pub(in crate::features::bookings) async fn next_reference_block(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select nextval('booking_ref_blocks') as "number!""#).fetch_one(db).await
}

/// Claims the air waybill; returns whether it now belongs to this booking. Waits for an uncommitted booking with the
/// same number.
pub(in crate::features::bookings) async fn claim_awb(
    db: &mut PgSession,
    awb: &AwbNumber,
    booking: BookingId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into awb_claims (awb_number, booking_id) values ($1, $2) on conflict (awb_number) do nothing",
        awb.as_str(),
        booking.uuid(),
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

pub(in crate::features::bookings) async fn free_awb(
    db: &mut PgSession,
    awb: &AwbNumber,
    booking: BookingId,
) -> sqlx::Result<()> {
    let freed =
        sqlx::query!("delete from awb_claims where awb_number = $1 and booking_id = $2", awb.as_str(), booking.uuid());
    freed.execute(db).await.map(drop)
}

/// Inserts the booking, its reference and, if there are any, its texts; legs are inserted separately.
pub(in crate::features::bookings) async fn insert_booking(db: &mut PgSession, booking: &Booking) -> sqlx::Result<()> {
    let texts = &booking.texts;
    let codes: Vec<&str> = booking.special_handling_codes.iter().map(HandlingCode::as_str).collect();
    sqlx::query!(
        "with reference as (
             insert into booking_refs (ref_id, booking_id) values ($2, $1)
         ), texts as (
             insert into booking_texts (booking_id, description, customer_reference, shipper, consignee)
             select $1, $15, $16, $17, $18
             where num_nonnulls($15::text, $16::text, $17::jsonb, $18::jsonb) > 0
         )
         insert into bookings (id, ref_id, organization_id, created_by, status, origin, destination, pieces, weight_hg,
                               volume_l, volume_defaulted, positions, special_handling_codes, awb_number, created_at,
                               updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $19, $19)",
        booking.id.uuid(),
        booking.ref_id.as_str(),
        booking.organization_id.uuid(),
        booking.created_by.uuid(),
        booking.status.as_str(),
        booking.origin.as_str(),
        booking.destination.as_str(),
        booking.pieces.count(),
        booking.space.weight.hectograms(),
        booking.space.volume.litres(),
        booking.volume_defaulted,
        booking.space.positions.count(),
        &codes as &[&str],
        booking.awb_number.as_ref().map(AwbNumber::as_str),
        texts.description.as_deref(),
        texts.customer_reference.as_deref(),
        texts.shipper.as_ref().map(Json) as Option<Json<_>>,
        texts.consignee.as_ref().map(Json) as Option<Json<_>>,
        booking.created_at,
    )
    .execute(db)
    .await
    .map(drop)
}

pub(in crate::features::bookings) async fn insert_legs(
    db: &mut PgSession,
    legs: &[(BookingId, &Leg)],
) -> sqlx::Result<()> {
    let bookings: Vec<Uuid> = legs.iter().map(|(booking, _)| booking.uuid()).collect();
    let ids: Vec<Uuid> = legs.iter().map(|(_, leg)| leg.id.uuid()).collect();
    let sequences: Vec<i32> = legs.iter().map(|(_, leg)| leg.sequence).collect();
    let flights: Vec<Uuid> = legs.iter().map(|(_, leg)| leg.flight_id.uuid()).collect();
    let numbers: Vec<&str> = legs.iter().map(|(_, leg)| leg.flight_number.as_str()).collect();
    let origins: Vec<AirportCode> = legs.iter().map(|(_, leg)| leg.origin).collect();
    let destinations: Vec<AirportCode> = legs.iter().map(|(_, leg)| leg.destination).collect();
    let departures: Vec<DateTime<Utc>> = legs.iter().map(|(_, leg)| leg.departure).collect();
    let arrivals: Vec<DateTime<Utc>> = legs.iter().map(|(_, leg)| leg.arrival).collect();
    let statuses: Vec<&str> = legs.iter().map(|(_, leg)| leg.status.as_str()).collect();
    let pieces: Vec<i32> = legs.iter().map(|(_, leg)| leg.pieces.count()).collect();
    let weights: Vec<i64> = legs.iter().map(|(_, leg)| leg.space.weight.hectograms()).collect();
    let volumes: Vec<i64> = legs.iter().map(|(_, leg)| leg.space.volume.litres()).collect();
    let positions: Vec<i64> = legs.iter().map(|(_, leg)| leg.space.positions.count()).collect();
    if legs.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into booking_legs (booking_id, id, sequence, flight_id, flight_number, origin, destination,
                                   departure_at, arrival_at, status, pieces, weight_hg, volume_l, positions)
         select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                              $8::timestamptz[], $9::timestamptz[], $10::text[], $11::int[], $12::bigint[],
                              $13::bigint[], $14::bigint[])",
        &bookings,
        &ids,
        &sequences,
        &flights,
        &numbers as &[&str],
        &origins as &[AirportCode],
        &destinations as &[AirportCode],
        &departures,
        &arrivals,
        &statuses as &[&str],
        &pieces,
        &weights,
        &volumes,
        &positions,
    )
    .execute(db)
    .await
    .map(drop)
}

pub(in crate::features::bookings) async fn insert_events(
    db: &mut PgSession,
    events: &[(BookingId, &Event)],
) -> sqlx::Result<()> {
    let bookings: Vec<Uuid> = events.iter().map(|(booking, _)| booking.uuid()).collect();
    let sequences: Vec<i32> = events.iter().map(|(_, event)| event.sequence).collect();
    let ids: Vec<Uuid> = events.iter().map(|(_, event)| event.id.uuid()).collect();
    let types: Vec<&str> = events.iter().map(|(_, event)| event.event_type.as_str()).collect();
    let statuses: Vec<&str> = events.iter().map(|(_, event)| event.status.as_str()).collect();
    let locations: Vec<Option<AirportCode>> = events.iter().map(|(_, event)| event.location).collect();
    let flights: Vec<Option<Uuid>> = events.iter().map(|(_, event)| event.flight_id.map(FlightId::uuid)).collect();
    let numbers: Vec<Option<&str>> =
        events.iter().map(|(_, event)| event.flight_number.as_ref().map(FlightNumber::as_str)).collect();
    let legs: Vec<Option<Uuid>> = events.iter().map(|(_, event)| event.leg_id.map(LegId::uuid)).collect();
    let pieces: Vec<i32> = events.iter().map(|(_, event)| event.pieces.count()).collect();
    let weights: Vec<i64> = events.iter().map(|(_, event)| event.weight.hectograms()).collect();
    let actors: Vec<Option<Uuid>> = events.iter().map(|(_, event)| event.actor.map(UserId::uuid)).collect();
    let data: Vec<Value> = events.iter().map(|(_, event)| event.data.clone()).collect();
    let occurred: Vec<DateTime<Utc>> = events.iter().map(|(_, event)| event.occurred_at).collect();
    let created: Vec<DateTime<Utc>> = events.iter().map(|(_, event)| event.created_at).collect();
    sqlx::query!(
        "insert into booking_events (booking_id, sequence, id, event_type, status, location, flight_id, flight_number,
                                     leg_id, pieces, weight_hg, actor_id, data, occurred_at, created_at, data_version)
         select *, $16 from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[],
                                   $8::text[], $9::uuid[], $10::int[], $11::bigint[], $12::uuid[], $13::jsonb[],
                                   $14::timestamptz[], $15::timestamptz[])",
        &bookings,
        &sequences,
        &ids,
        &types as &[&str],
        &statuses as &[&str],
        &locations as &[Option<AirportCode>],
        &flights as &[Option<Uuid>],
        &numbers as &[Option<&str>],
        &legs as &[Option<Uuid>],
        &pieces,
        &weights,
        &actors as &[Option<Uuid>],
        &data,
        &occurred,
        &created,
        DATA_VERSION,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Inserts the notes of those events that have some.
pub(in crate::features::bookings) async fn insert_notes(
    db: &mut PgSession,
    events: &[(BookingId, &Event)],
) -> sqlx::Result<()> {
    let noted =
        events.iter().filter_map(|(booking, event)| Some((booking.uuid(), event.sequence, event.notes.as_deref()?)));
    let noted: Vec<(Uuid, i32, &str)> = noted.collect();
    if noted.is_empty() {
        return Ok(());
    }
    let bookings: Vec<Uuid> = noted.iter().map(|(booking, ..)| *booking).collect();
    let sequences: Vec<i32> = noted.iter().map(|(_, sequence, _)| *sequence).collect();
    let texts: Vec<&str> = noted.iter().map(|(.., text)| *text).collect();
    let query = sqlx::query!(
        "insert into booking_event_notes (booking_id, sequence, notes)
         select * from unnest($1::uuid[], $2::int[], $3::text[])",
        &bookings,
        &sequences,
        &texts as &[&str],
    );
    query.execute(db).await.map(drop)
}

/// Writes the current status, times and freight of legs.
pub(in crate::features::bookings) async fn update_legs(
    db: &mut PgSession,
    legs: &[(BookingId, &Leg)],
) -> sqlx::Result<()> {
    if legs.is_empty() {
        return Ok(());
    }
    let bookings: Vec<Uuid> = legs.iter().map(|(booking, _)| booking.uuid()).collect();
    let ids: Vec<Uuid> = legs.iter().map(|(_, leg)| leg.id.uuid()).collect();
    let statuses: Vec<&str> = legs.iter().map(|(_, leg)| leg.status.as_str()).collect();
    let reasons: Vec<Option<&str>> =
        legs.iter().map(|(_, leg)| leg.offload_reason.map(OffloadReason::as_str)).collect();
    let departures: Vec<DateTime<Utc>> = legs.iter().map(|(_, leg)| leg.departure).collect();
    let arrivals: Vec<DateTime<Utc>> = legs.iter().map(|(_, leg)| leg.arrival).collect();
    let pieces: Vec<i32> = legs.iter().map(|(_, leg)| leg.pieces.count()).collect();
    let weights: Vec<i64> = legs.iter().map(|(_, leg)| leg.space.weight.hectograms()).collect();
    let volumes: Vec<i64> = legs.iter().map(|(_, leg)| leg.space.volume.litres()).collect();
    let positions: Vec<i64> = legs.iter().map(|(_, leg)| leg.space.positions.count()).collect();
    sqlx::query!(
        "update booking_legs l
         set status = new.status, offload_reason = new.reason, departure_at = new.departure, arrival_at = new.arrival,
             pieces = new.pieces, weight_hg = new.weight, volume_l = new.volume, positions = new.positions
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[],
                     $8::bigint[], $9::bigint[], $10::bigint[])
              as new (booking_id, id, status, reason, departure, arrival, pieces, weight, volume, positions)
         where l.booking_id = new.booking_id and l.id = new.id",
        &bookings,
        &ids,
        &statuses as &[&str],
        &reasons as &[Option<&str>],
        &departures,
        &arrivals,
        &pieces,
        &weights,
        &volumes,
        &positions,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes the current state of bookings, except their free text; the caller holds the rows' locks.
pub(in crate::features::bookings) async fn update_bookings(
    db: &mut PgSession,
    bookings: &[&Booking],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = bookings.iter().map(|b| b.id.uuid()).collect();
    let statuses: Vec<&str> = bookings.iter().map(|b| b.status.as_str()).collect();
    let moved: Vec<Option<DateTime<Utc>>> = bookings.iter().map(|b| b.moved_at).collect();
    let needs: Vec<bool> = bookings.iter().map(|b| b.needs_rerouting).collect();
    let sequences: Vec<i32> = bookings.iter().map(|b| b.event_sequence).collect();
    let versions: Vec<i32> = bookings.iter().map(|b| b.version).collect();
    let updated: Vec<DateTime<Utc>> = bookings.iter().map(|b| b.updated_at).collect();
    let pieces: Vec<i32> = bookings.iter().map(|b| b.pieces.count()).collect();
    let weights: Vec<i64> = bookings.iter().map(|b| b.space.weight.hectograms()).collect();
    let volumes: Vec<i64> = bookings.iter().map(|b| b.space.volume.litres()).collect();
    let defaulted: Vec<bool> = bookings.iter().map(|b| b.volume_defaulted).collect();
    let positions: Vec<i64> = bookings.iter().map(|b| b.space.positions.count()).collect();
    let codes: Vec<String> = bookings.iter().map(|b| joined(&b.special_handling_codes)).collect();
    let awbs: Vec<Option<&str>> = bookings.iter().map(|b| b.awb_number.as_ref().map(AwbNumber::as_str)).collect();
    sqlx::query!(
        "update bookings b
         set status = new.status, moved_at = new.moved, needs_rerouting = new.needs, event_sequence = new.sequence,
             version = new.version, updated_at = new.updated, pieces = new.pieces, weight_hg = new.weight,
             volume_l = new.volume, volume_defaulted = new.defaulted, positions = new.positions,
             special_handling_codes = string_to_array(new.codes, ','), awb_number = new.awb
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bool[], $5::int[], $6::int[], $7::timestamptz[],
                     $8::int[], $9::bigint[], $10::bigint[], $11::bool[], $12::bigint[], $13::text[], $14::text[])
              as new (id, status, moved, needs, sequence, version, updated, pieces, weight, volume, defaulted, positions,
                      codes, awb)
         where b.id = new.id",
        &ids,
        &statuses as &[&str],
        &moved as &[Option<DateTime<Utc>>],
        &needs,
        &sequences,
        &versions,
        &updated,
        &pieces,
        &weights,
        &volumes,
        &defaulted,
        &positions,
        &codes,
        &awbs as &[Option<&str>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Joins the codes of one booking into one text: arrays of arrays cannot be unnested.
fn joined(codes: &[HandlingCode]) -> String {
    codes.iter().map(HandlingCode::as_str).collect::<Vec<_>>().join(",")
}

/// Writes a booking's current free text and personal data.
pub(in crate::features::bookings) async fn save_texts(db: &mut PgSession, booking: &Booking) -> sqlx::Result<()> {
    let texts = &booking.texts;
    sqlx::query!(
        "insert into booking_texts (booking_id, description, customer_reference, shipper, consignee)
         values ($1, $2, $3, $4, $5)
         on conflict (booking_id) do update
         set description = excluded.description, customer_reference = excluded.customer_reference,
             shipper = excluded.shipper, consignee = excluded.consignee",
        booking.id.uuid(),
        texts.description.as_deref(),
        texts.customer_reference.as_deref(),
        texts.shipper.as_ref().map(Json) as Option<Json<_>>,
        texts.consignee.as_ref().map(Json) as Option<Json<_>>,
    )
    .execute(db)
    .await
    .map(drop)
}
