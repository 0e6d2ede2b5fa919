use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::write::joined;
use crate::{
    features::bookings::model::{Booking, DATA_VERSION, Event, Leg, Party},
    kernel::{AirportCode, AwbNumber, FlightId, FlightNumber, LegId},
    platform::postgres::PgSession,
};

/// Inserts new bookings, each with its reference, its texts if there are any, its legs and its first event, which tells
/// of the booking as it is, in one statement.
pub(in crate::features::bookings) async fn insert_new(
    db: &mut PgSession,
    new: &[(&Booking, &Event)],
) -> sqlx::Result<()> {
    fn each<'a, T>(new: &[(&'a Booking, &'a Event)], column: impl Fn(&'a Booking) -> T) -> Vec<T> {
        new.iter().map(|(booking, _)| column(booking)).collect()
    }
    fn told<'a, T>(new: &[(&'a Booking, &'a Event)], column: impl Fn(&'a Event) -> T) -> Vec<T> {
        new.iter().map(|(_, event)| column(event)).collect()
    }
    fn of_legs<'a, T>(legs: &[(Uuid, &'a Leg)], column: impl Fn(&'a Leg) -> T) -> Vec<T> {
        legs.iter().map(|(_, leg)| column(leg)).collect()
    }
    debug_assert!(new.iter().all(|(booking, event)| event.sequence == 1 && event.status == booking.status));
    debug_assert!(new.iter().all(|(booking, event)| event.location == Some(booking.origin) && event.notes.is_none()));
    let legs: Vec<(Uuid, &Leg)> =
        new.iter().flat_map(|(booking, _)| booking.legs.iter().map(|leg| (booking.id.uuid(), leg))).collect();
    sqlx::query_file!(
        "src/features/bookings/repository/insert_new.sql",
        &each(new, |b| b.id.uuid()),
        &each(new, |b| b.ref_id.as_str()) as &[&str],
        &each(new, |b| b.organization_id.uuid()),
        &each(new, |b| b.created_by.uuid()),
        &each(new, |b| b.status.as_str()) as &[&str],
        &each(new, |b| b.origin) as &[AirportCode],
        &each(new, |b| b.destination) as &[AirportCode],
        &each(new, |b| b.pieces.count()),
        &each(new, |b| b.space.weight.hectograms()),
        &each(new, |b| b.space.volume.litres()),
        &each(new, |b| b.volume_defaulted),
        &each(new, |b| b.space.positions.count()),
        &each(new, |b| joined(&b.special_handling_codes)),
        &each(new, |b| b.awb_number.as_ref().map(AwbNumber::as_str)) as &[Option<&str>],
        &each(new, |b| b.created_at),
        &each(new, |b| b.texts.description.as_deref()) as &[Option<&str>],
        &each(new, |b| b.texts.customer_reference.as_deref()) as &[Option<&str>],
        &each(new, |b| b.texts.shipper.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &each(new, |b| b.texts.consignee.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &told(new, |e| e.id.uuid()),
        &told(new, |e| e.flight_id.map(FlightId::uuid)) as &[Option<Uuid>],
        &told(new, |e| e.flight_number.as_ref().map(FlightNumber::as_str)) as &[Option<&str>],
        &told(new, |e| e.leg_id.map(LegId::uuid)) as &[Option<Uuid>],
        &told(new, |e| Json(&e.data)) as &[Json<&Value>],
        &legs.iter().map(|(booking, _)| *booking).collect::<Vec<_>>(),
        &of_legs(&legs, |l| l.id.uuid()),
        &of_legs(&legs, |l| l.sequence),
        &of_legs(&legs, |l| l.flight_id.uuid()),
        &of_legs(&legs, |l| l.flight_number.as_str()) as &[&str],
        &of_legs(&legs, |l| l.origin) as &[AirportCode],
        &of_legs(&legs, |l| l.destination) as &[AirportCode],
        &of_legs(&legs, |l| l.departure) as &[DateTime<Utc>],
        &of_legs(&legs, |l| l.arrival) as &[DateTime<Utc>],
        &of_legs(&legs, |l| l.status.as_str()) as &[&str],
        &of_legs(&legs, |l| l.pieces.count()),
        &of_legs(&legs, |l| l.space.weight.hectograms()),
        &of_legs(&legs, |l| l.space.volume.litres()),
        &of_legs(&legs, |l| l.space.positions.count()),
        DATA_VERSION,
    )
    .execute(db)
    .await
    .map(drop)
}
