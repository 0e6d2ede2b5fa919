use chrono::{DateTime, Utc};
use loadmaster_accounts::Channel;
use loadmaster_capacity::FlightCapacity;
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingId, FlightId, HandlingCode, HoldId, KeptDimensions, PaymentId, QuoteId, UserId,
};
use loadmaster_platform::{
    outbox::{self, CloudEvent},
    postgres::{PgSession, column, planned_list},
    telemetry,
};
use loadmaster_shipment::{Contact, Party};
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{EndReason, HOLD, Hold, HoldChange, HoldEvent, HoldLeg, message};

/// One text for the codes of a hold: arrays of arrays must have equal lengths.
fn joined(hold: &Hold) -> String {
    let codes: Vec<&str> = hold.special_handling_codes.iter().map(HandlingCode::as_str).collect();
    codes.join(",")
}

fn dimensions(hold: &Hold) -> Option<Json<KeptDimensions>> {
    hold.dimensions.as_ref().map(|dimensions| Json(dimensions.into()))
}

fn names(leg: &HoldLeg) -> String {
    leg.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn legs<'a>(holds: &[&'a Hold]) -> Vec<(HoldId, &'a HoldLeg)> {
    holds.iter().flat_map(|hold| hold.legs.iter().map(|leg| (hold.id, leg))).collect()
}

/// Inserts new holds, each with its legs, texts if there are any, first event and message, in one statement.
pub(crate) async fn insert(db: &mut PgSession, changes: &[&HoldChange]) -> sqlx::Result<()> {
    let new: Vec<&Hold> = changes.iter().map(|change| &change.after).collect();
    let legs = legs(&new);
    let subjects: Vec<String> = new.iter().map(|hold| hold.id.to_string()).collect();
    let messages: Vec<_> = changes.iter().zip(&subjects).map(|(change, subject)| message(change, subject)).collect();
    let trace = telemetry::traceparent();
    sqlx::query_file!(
        "src/repository/insert.sql",
        &column(&new, |h| h.id.uuid()),
        &column(&new, |h| h.kind.as_str()) as &[&str],
        &column(&new, |h| h.organization_id.uuid()),
        &column(&new, |h| h.created_by.uuid()),
        &column(&new, |h| h.is_guest),
        &column(&new, |h| h.address_key.as_deref()) as &[Option<&[u8]>],
        &column(&new, |h| h.is_counted),
        &column(&new, |h| h.origin) as &[AirportCode],
        &column(&new, |h| h.destination) as &[AirportCode],
        &column(&new, |h| h.pieces.map(loadmaster_kernel::Pieces::count)) as &[Option<i32>],
        &column(&new, |h| h.space.weight.hectograms()),
        &column(&new, |h| h.space.volume.litres()),
        &column(&new, |h| h.volume_defaulted),
        &column(&new, |h| h.space.positions.count()),
        &column(&new, |h| h.product.as_str()) as &[&str],
        &column(&new, |h| joined(h)),
        &column(&new, |h| h.awb_number.as_ref().map(AwbNumber::as_str)) as &[Option<&str>],
        &column(&new, |h| h.expires_at),
        &column(&new, |h| h.latest_expires_at),
        &column(&new, |h| h.created_at),
        &column(&new, |h| h.texts.description.as_deref()) as &[Option<&str>],
        &column(&new, |h| h.texts.customer_reference.as_deref()) as &[Option<&str>],
        &column(&new, |h| h.texts.shipper.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &column(&new, |h| h.texts.consignee.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &column(&new, |h| h.contact.as_ref().map(Json)) as &[Option<Json<&Contact>>],
        &column(changes, |c| c.actor.map(UserId::uuid)) as &[Option<Uuid>],
        &column(&new, |h| Json(HoldEvent::from(*h))) as &[Json<HoldEvent>],
        &outbox::documents(&messages, trace.as_deref()) as &[Json<CloudEvent<'_, HoldEvent>>],
        &column(&legs, |(hold, _)| hold.uuid()),
        &column(&legs, |(_, l)| l.sequence),
        &column(&legs, |(_, l)| l.flight_id.uuid()),
        &column(&legs, |(_, l)| l.flight_number.as_str()) as &[&str],
        &column(&legs, |(_, l)| l.origin) as &[AirportCode],
        &column(&legs, |(_, l)| l.destination) as &[AirportCode],
        &column(&legs, |(_, l)| l.departure),
        &column(&legs, |(_, l)| l.arrival),
        &column(&legs, |(_, l)| l.space.weight.hectograms()),
        &column(&legs, |(_, l)| l.space.volume.litres()),
        &column(&legs, |(_, l)| l.space.positions.count()),
        &column(&legs, |(_, l)| names(l)),
        HOLD,
        &column(&new, |h| h.status.as_str()) as &[&str],
        &column(&new, |h| h.quote_id().map(QuoteId::uuid)) as &[Option<Uuid>],
        &column(&new, |h| h.payment_id().map(PaymentId::uuid)) as &[Option<Uuid>],
        &column(&new, |h| h.attempts.cast_signed()),
        &column(&new, |h| h.active_until) as &[Option<DateTime<Utc>>],
        &column(&new, |h| h.channel.map(Channel::as_str)) as &[Option<&str>],
        &column(&new, |h| dimensions(h)) as &[Option<Json<KeptDimensions>>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes the new states of holds with their events and messages, in one statement. Their legs are open as long as they
/// are. The caller holds their locks.
pub(crate) async fn save(db: &mut PgSession, changes: &[&HoldChange]) -> sqlx::Result<()> {
    let holds: Vec<&Hold> = changes.iter().map(|change| &change.after).collect();
    let subjects: Vec<String> = holds.iter().map(|hold| hold.id.to_string()).collect();
    let messages: Vec<_> = changes.iter().zip(&subjects).map(|(change, subject)| message(change, subject)).collect();
    let trace = telemetry::traceparent();
    let ids = column(&holds, |h| h.id.uuid());
    sqlx::query_file!(
        "src/repository/save.sql",
        &planned_list(&ids),
        &ids,
        &column(&holds, |h| h.status.as_str()) as &[&str],
        &column(&holds, |h| h.end_reason.map(EndReason::as_str)) as &[Option<&str>],
        &column(&holds, |h| h.origin) as &[AirportCode],
        &column(&holds, |h| h.destination) as &[AirportCode],
        &column(&holds, |h| h.pieces.map(loadmaster_kernel::Pieces::count)) as &[Option<i32>],
        &column(&holds, |h| h.space.weight.hectograms()),
        &column(&holds, |h| h.space.volume.litres()),
        &column(&holds, |h| h.volume_defaulted),
        &column(&holds, |h| h.space.positions.count()),
        &column(&holds, |h| h.product.as_str()) as &[&str],
        &column(&holds, |h| joined(h)),
        &column(&holds, |h| h.awb_number.as_ref().map(AwbNumber::as_str)) as &[Option<&str>],
        &column(&holds, |h| h.booking.as_ref().map(|(id, _)| id.uuid())) as &[Option<Uuid>],
        &column(&holds, |h| h.booking.as_ref().map(|(_, reference)| reference.as_str())) as &[Option<&str>],
        &column(&holds, |h| h.expires_at),
        &column(&holds, |h| h.latest_expires_at),
        &column(&holds, |h| h.ended_at) as &[Option<DateTime<Utc>>],
        &column(&holds, |h| h.event_sequence),
        &column(&holds, |h| h.version),
        &column(&holds, |h| h.updated_at),
        &column(changes, |c| c.event_type.as_str()) as &[&str],
        &column(changes, |c| c.actor.map(UserId::uuid)) as &[Option<Uuid>],
        &column(&holds, |h| Json(HoldEvent::from(*h))) as &[Json<HoldEvent>],
        &outbox::documents(&messages, trace.as_deref()) as &[Json<CloudEvent<'_, HoldEvent>>],
        HOLD,
        &column(&holds, |h| h.quote_id().map(QuoteId::uuid)) as &[Option<Uuid>],
        &column(&holds, |h| h.payment_id().map(PaymentId::uuid)) as &[Option<Uuid>],
        &column(&holds, |h| h.attempts.cast_signed()),
        &column(&holds, |h| h.active_until) as &[Option<DateTime<Utc>>],
        &column(&holds, |h| h.organization_id.uuid()),
        &column(&holds, |h| dimensions(h)) as &[Option<Json<KeptDimensions>>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes the legs of these holds in place of those there are.
pub(crate) async fn replace_legs(db: &mut PgSession, holds: &[&Hold]) -> sqlx::Result<()> {
    let legs = legs(holds);
    let ids = column(holds, |hold| hold.id.uuid());
    sqlx::query!("delete from hold_legs where hold_id = any($1)", &planned_list(&ids)).execute(&mut *db).await?;
    let open: Vec<bool> = holds.iter().flat_map(|hold| hold.legs.iter().map(|_| hold.is_open())).collect();
    sqlx::query!(
        "insert into hold_legs (hold_id, sequence, flight_id, flight_number, origin, destination, departure_at,
                                arrival_at, weight_hg, volume_l, positions, position_names, is_open)
         select hold_id, sequence, flight_id, number, origin, destination, departure, arrival, weight, volume, positions,
                string_to_array(names, ','), is_open
         from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
                     $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bool[])
              as l (hold_id, sequence, flight_id, number, origin, destination, departure, arrival, weight, volume,
                    positions, names, is_open)",
        &column(&legs, |(hold, _)| hold.uuid()),
        &column(&legs, |(_, l)| l.sequence),
        &column(&legs, |(_, l)| l.flight_id.uuid()),
        &column(&legs, |(_, l)| l.flight_number.as_str()) as &[&str],
        &column(&legs, |(_, l)| l.origin) as &[AirportCode],
        &column(&legs, |(_, l)| l.destination) as &[AirportCode],
        &column(&legs, |(_, l)| l.departure),
        &column(&legs, |(_, l)| l.arrival),
        &column(&legs, |(_, l)| l.space.weight.hectograms()),
        &column(&legs, |(_, l)| l.space.volume.litres()),
        &column(&legs, |(_, l)| l.space.positions.count()),
        &column(&legs, |(_, l)| names(l)),
        &open,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes the texts of these holds in place of those there are.
pub(crate) async fn save_texts(db: &mut PgSession, holds: &[&Hold]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into hold_texts (hold_id, description, customer_reference, shipper, consignee, contact)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::jsonb[])
         on conflict (hold_id) do update
         set description = excluded.description, customer_reference = excluded.customer_reference,
             shipper = excluded.shipper, consignee = excluded.consignee, contact = excluded.contact",
        &column(holds, |h| h.id.uuid()),
        &column(holds, |h| h.texts.description.as_deref()) as &[Option<&str>],
        &column(holds, |h| h.texts.customer_reference.as_deref()) as &[Option<&str>],
        &column(holds, |h| h.texts.shipper.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &column(holds, |h| h.texts.consignee.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &column(holds, |h| h.contact.as_ref().map(Json)) as &[Option<Json<&Contact>>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Gives these positions to holds or, with one, to their bookings. The claim of a hold whose time is up gives way.
pub(crate) async fn claim_names(db: &mut PgSession, holds: &[&Hold]) -> sqlx::Result<()> {
    let claims: Vec<(&Hold, FlightId, String)> = holds
        .iter()
        .flat_map(|hold| {
            let of_leg =
                |leg: &HoldLeg| leg.names.iter().map(|name| (leg.flight_id, name.to_string())).collect::<Vec<_>>();
            hold.legs.iter().flat_map(of_leg).map(|(flight, name)| (*hold, flight, name))
        })
        .collect();
    if claims.is_empty() {
        return Ok(());
    }
    let claimed = sqlx::query!(
        "insert into position_claims (flight_id, name, hold_id, booking_id)
         select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[])
         on conflict (flight_id, name) do update set hold_id = excluded.hold_id, booking_id = excluded.booking_id
         where exists (select from holds h where h.id = position_claims.hold_id and h.expires_at <= $5)",
        &column(&claims, |(_, flight, _)| flight.uuid()),
        &column(&claims, |(_, _, name)| name.as_str()) as &[&str],
        &column(&claims, |(hold, ..)| hold.is_open().then(|| hold.id.uuid())) as &[Option<Uuid>],
        &column(&claims, |(hold, ..)| hold.booking.as_ref().map(|(id, _)| id.uuid())) as &[Option<Uuid>],
        claims[0].0.updated_at,
    )
    .execute(db)
    .await?;
    // Whoever decided knew the holders: it would be somebody else's position.
    if usize::try_from(claimed.rows_affected()) == Ok(claims.len()) { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Frees the positions of these holds.
pub(crate) async fn free_names(db: &mut PgSession, holds: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("delete from position_claims where hold_id = any($1)", &planned_list(holds))
        .execute(db)
        .await
        .map(drop)
}

/// Frees the positions of these bookings on these flights.
pub(crate) async fn free_booked_names(db: &mut PgSession, legs: &[(BookingId, FlightId)]) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from position_claims c using unnest($1::uuid[], $2::uuid[]) as l (booking_id, flight_id)
         where c.booking_id = l.booking_id and c.flight_id = l.flight_id",
        &column(legs, |(booking, _)| booking.uuid()),
        &column(legs, |(_, flight)| flight.uuid()),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Frees the positions that bookings have and these flights do not have any more.
pub(crate) async fn drop_booked_names(db: &mut PgSession, spaces: &[FlightCapacity]) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from position_claims c using unnest($1::uuid[], $2::bigint[]) as f (id, positions)
         where c.flight_id = f.id and c.booking_id is not null and substr(c.name, 2)::bigint > f.positions",
        &column(spaces, |space| space.flight_id.uuid()),
        &column(spaces, |space| space.physical.positions.count()),
    )
    .execute(db)
    .await
    .map(drop)
}
