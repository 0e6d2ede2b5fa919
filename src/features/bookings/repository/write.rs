use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    features::bookings::{
        event::{DATA_VERSION, Event},
        model::{Booking, Leg, LegStatus},
    },
    kernel::{AirportCode, AwbNumber, BookingId, HandlingCode, LegId, UserId},
};

pub(in crate::features::bookings) async fn next_reference_block(db: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select nextval('booking_ref_blocks') as "number!""#).fetch_one(db).await
}

/// True when the air waybill now belongs to this booking. Waits for a booking that is being made with the same number.
pub(in crate::features::bookings) async fn claim_awb(
    db: &mut PgConnection,
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
    db: &mut PgConnection,
    awb: &AwbNumber,
    booking: BookingId,
) -> sqlx::Result<()> {
    let freed =
        sqlx::query!("delete from awb_claims where awb_number = $1 and booking_id = $2", awb.as_str(), booking.uuid());
    freed.execute(db).await.map(drop)
}

/// The booking, its reference and, where there are any, its texts; legs come on their own.
pub(in crate::features::bookings) async fn insert_booking(
    db: &mut PgConnection,
    booking: &Booking,
) -> sqlx::Result<()> {
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
    db: &mut PgConnection,
    booking: BookingId,
    legs: &[Leg],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = legs.iter().map(|leg| leg.id.uuid()).collect();
    let sequences: Vec<i32> = legs.iter().map(|leg| leg.sequence).collect();
    let flights: Vec<Uuid> = legs.iter().map(|leg| leg.flight_id.uuid()).collect();
    let numbers: Vec<&str> = legs.iter().map(|leg| leg.flight_number.as_str()).collect();
    let origins: Vec<AirportCode> = legs.iter().map(|leg| leg.origin).collect();
    let destinations: Vec<AirportCode> = legs.iter().map(|leg| leg.destination).collect();
    let departures: Vec<DateTime<Utc>> = legs.iter().map(|leg| leg.departure).collect();
    let arrivals: Vec<DateTime<Utc>> = legs.iter().map(|leg| leg.arrival).collect();
    let statuses: Vec<&str> = legs.iter().map(|leg| leg.status.as_str()).collect();
    let pieces: Vec<i32> = legs.iter().map(|leg| leg.pieces.count()).collect();
    let weights: Vec<i64> = legs.iter().map(|leg| leg.space.weight.hectograms()).collect();
    let volumes: Vec<i64> = legs.iter().map(|leg| leg.space.volume.litres()).collect();
    let positions: Vec<i64> = legs.iter().map(|leg| leg.space.positions.count()).collect();
    sqlx::query!(
        "insert into booking_legs (booking_id, id, sequence, flight_id, flight_number, origin, destination,
                                   departure_at, arrival_at, status, pieces, weight_hg, volume_l, positions)
         select $1, id, sequence, flight_id, number, origin, destination, departure, arrival, status, pieces, weight,
                volume, positions
         from unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
                     $9::timestamptz[], $10::text[], $11::int[], $12::bigint[], $13::bigint[], $14::bigint[])
              as leg (id, sequence, flight_id, number, origin, destination, departure, arrival, status, pieces, weight,
                      volume, positions)",
        booking.uuid(),
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

pub(in crate::features::bookings) async fn insert_event(
    db: &mut PgConnection,
    booking: BookingId,
    event: &Event,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into booking_events (booking_id, sequence, id, event_type, status, location, flight_id, flight_number,
                                     leg_id, pieces, weight_hg, actor_id, data_version, data, occurred_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        booking.uuid(),
        event.sequence,
        event.id.uuid(),
        event.event_type.as_str(),
        event.status.as_str(),
        event.location.as_ref().map(AirportCode::as_str),
        event.flight_id.map(crate::kernel::FlightId::uuid),
        event.flight_number.as_ref().map(crate::kernel::FlightNumber::as_str),
        event.leg_id.map(LegId::uuid),
        event.pieces.count(),
        event.weight.hectograms(),
        event.actor.map(UserId::uuid),
        DATA_VERSION,
        event.data,
        event.occurred_at,
        event.created_at,
    )
    .execute(db)
    .await
    .map(drop)
}

pub(in crate::features::bookings) async fn insert_notes(
    db: &mut PgConnection,
    booking: BookingId,
    sequence: i32,
    notes: &str,
) -> sqlx::Result<()> {
    let query = sqlx::query!(
        "insert into booking_event_notes (booking_id, sequence, notes) values ($1, $2, $3)",
        booking.uuid(),
        sequence,
        notes,
    );
    query.execute(db).await.map(drop)
}

pub(in crate::features::bookings) async fn update_legs(
    db: &mut PgConnection,
    booking: BookingId,
    legs: &[LegId],
    status: LegStatus,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = legs.iter().map(|leg| leg.uuid()).collect();
    let query = sqlx::query!(
        "update booking_legs set status = $3 where booking_id = $1 and id = any($2)",
        booking.uuid(),
        &ids,
        status.as_str(),
    );
    query.execute(db).await.map(drop)
}

/// Writes what a step of the journey changes; the caller holds the row's lock.
pub(in crate::features::bookings) async fn update_booking(
    db: &mut PgConnection,
    booking: &Booking,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update bookings
         set status = $2, moved_at = $3, needs_rerouting = $4, event_sequence = $5, version = $6, updated_at = $7
         where id = $1",
        booking.id.uuid(),
        booking.status.as_str(),
        booking.moved_at,
        booking.needs_rerouting,
        booking.event_sequence,
        booking.version,
        booking.updated_at,
    )
    .execute(db)
    .await
    .map(drop)
}
