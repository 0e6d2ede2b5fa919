use chrono::{DateTime, Utc};
use loadmaster_accounts::Channel;
use loadmaster_kernel::{AirportCode, AwbNumber, FlightId, FlightNumber, HoldId, KeptDimensions, LegId};
use loadmaster_platform::{
    outbox::{self, CloudEvent, Message},
    postgres::{Statement, column},
    telemetry,
};
use sqlx::types::Json;
use uuid::Uuid;

use super::write::{dimensions, joined};

use crate::{
    BOOKING,
    model::{Bill, Booking, BookingData, BookingMessage, DATA_VERSION, Event, Leg, Party},
};

/// Returns one statement that inserts new bookings, each with the channel that it came by, its reference, texts if there are
/// any, legs, first event and message. The data of the event are the whole booking.
pub(crate) fn insert_new(
    new: &[(&Booking, &Event<BookingData>, Option<Channel>)],
    messages: &[Message<'_, BookingMessage<'_>>],
) -> Statement {
    debug_assert!(new.iter().all(|(booking, event, _)| event.sequence == 1 && event.status == booking.status));
    debug_assert!(
        new.iter().all(|(booking, event, _)| event.location == Some(booking.origin) && event.notes.is_none())
    );
    let legs: Vec<(Uuid, &Leg)> =
        new.iter().flat_map(|(booking, ..)| booking.legs.iter().map(|leg| (booking.id.uuid(), leg))).collect();
    let trace = telemetry::traceparent();
    sqlx::query_file!(
        "src/repository/insert_new.sql",
        &column(new, |(b, ..)| b.id.uuid()),
        &column(new, |(b, ..)| b.ref_id.as_str()) as &[&str],
        &column(new, |(b, ..)| b.organization_id.uuid()),
        &column(new, |(b, ..)| b.created_by.uuid()),
        &column(new, |(b, ..)| b.status.as_str()) as &[&str],
        &column(new, |(b, ..)| b.origin) as &[AirportCode],
        &column(new, |(b, ..)| b.destination) as &[AirportCode],
        &column(new, |(b, ..)| b.pieces.count()),
        &column(new, |(b, ..)| b.space.weight.hectograms()),
        &column(new, |(b, ..)| b.space.volume.litres()),
        &column(new, |(b, ..)| b.volume_defaulted),
        &column(new, |(b, ..)| b.space.positions.count()),
        &column(new, |(b, ..)| joined(&b.special_handling_codes)),
        &column(new, |(b, ..)| b.awb_number.as_ref().map(AwbNumber::as_str)) as &[Option<&str>],
        &column(new, |(b, ..)| b.hold_id.map(HoldId::uuid)) as &[Option<Uuid>],
        &column(new, |(b, ..)| b.created_at),
        &column(new, |(b, ..)| b.texts.description.as_deref()) as &[Option<&str>],
        &column(new, |(b, ..)| b.texts.customer_reference.as_deref()) as &[Option<&str>],
        &column(new, |(b, ..)| b.texts.shipper.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &column(new, |(b, ..)| b.texts.consignee.as_ref().map(Json)) as &[Option<Json<&Party>>],
        &column(new, |(_, e, _)| e.id.uuid()),
        &column(new, |(_, e, _)| e.flight_id.map(FlightId::uuid)) as &[Option<Uuid>],
        &column(new, |(_, e, _)| e.flight_number.as_ref().map(FlightNumber::as_str)) as &[Option<&str>],
        &column(new, |(_, e, _)| e.leg_id.map(LegId::uuid)) as &[Option<Uuid>],
        &column(new, |(_, e, _)| Json(&e.data)) as &[Json<&BookingData>],
        &outbox::documents(messages, trace.as_deref()) as &[Json<CloudEvent<'_, BookingMessage<'_>>>],
        &column(&legs, |(booking, _)| *booking),
        &column(&legs, |(_, l)| l.id.uuid()),
        &column(&legs, |(_, l)| l.sequence),
        &column(&legs, |(_, l)| l.flight_id.uuid()),
        &column(&legs, |(_, l)| l.flight_number.as_str()) as &[&str],
        &column(&legs, |(_, l)| l.origin) as &[AirportCode],
        &column(&legs, |(_, l)| l.destination) as &[AirportCode],
        &column(&legs, |(_, l)| l.departure) as &[DateTime<Utc>],
        &column(&legs, |(_, l)| l.arrival) as &[DateTime<Utc>],
        &column(&legs, |(_, l)| l.status.as_str()) as &[&str],
        &column(&legs, |(_, l)| l.pieces.count()),
        &column(&legs, |(_, l)| l.space.weight.hectograms()),
        &column(&legs, |(_, l)| l.space.volume.litres()),
        &column(&legs, |(_, l)| l.space.positions.count()),
        DATA_VERSION,
        BOOKING,
        &column(new, |(b, ..)| b.bill.as_ref().map(Json)) as &[Option<Json<&Bill>>],
        &column(new, |(.., channel)| channel.map(Channel::as_str)) as &[Option<&str>],
        &column(new, |(b, ..)| dimensions(b)) as &[Option<Json<KeptDimensions>>],
    )
}
