use loadmaster_kernel::{AwbNumber, BookingId, FlightId, FlightNumber, KeptDimensions, LegId, UserId};
use loadmaster_platform::{
    outbox::{self, Message},
    postgres::{IdMonths, PgSession, column, planned_list},
    telemetry,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Postgres, postgres::PgArguments, query::Query, types::Json};
use uuid::Uuid;

use super::write::{dimensions, joined};

use crate::model::{Bill, Booking, BookingMessage, DATA_VERSION, Event, Leg, OffloadReason};

/// What a change of bookings writes, except their free text. The caller holds the bookings' locks.
pub(crate) struct Changes<'a> {
    /// Their current state.
    pub bookings: Vec<&'a Booking>,
    /// Legs whose status, times or freight have changed.
    pub moved: Vec<(BookingId, &'a Leg)>,
    pub added: Vec<(BookingId, &'a Leg)>,
    /// With their notes, where there are some.
    pub events: Vec<(BookingId, &'a Event)>,
    pub messages: Vec<Message<'a, BookingMessage<'a>>>,
}

/// A statement and its parameters so far.
type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// Writes the changes in one statement for any number of bookings. Rows that are there are looked up by a list of their
/// ids as well, whatever the planner takes the tables' sizes for.
pub(crate) async fn save(db: &mut PgSession, changes: &Changes<'_>) -> sqlx::Result<()> {
    let ids = column(&changes.bookings, |booking| booking.id.uuid());
    let Some(months) = IdMonths::of_all(&ids) else { return Ok(()) };
    let save = format!(
        "with booked as (
             update bookings b
             set status = new.status, moved_at = new.moved, needs_rerouting = new.needs, event_sequence = new.sequence,
                 version = new.version, updated_at = new.updated, pieces = new.pieces, weight_hg = new.weight,
                 volume_l = new.volume, volume_defaulted = new.defaulted, positions = new.positions,
                 special_handling_codes = string_to_array(new.codes, ','), awb_number = new.awb,
                 organization_id = new.organization, bill = new.bill, dimensions = new.dimensions
             from unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::bool[], $7::int[], $8::int[],
                         $9::timestamptz[], $10::int[], $11::bigint[], $12::bigint[], $13::bool[], $14::bigint[],
                         $15::text[], $16::text[], $17::uuid[], $66::jsonb[], $68::jsonb[])
                  as new (id, status, moved, needs, sequence, version, updated, pieces, weight, volume, defaulted,
                          positions, codes, awb, organization, bill, dimensions)
             where b.id = any($1) and b.id = new.id and {bookings}
         ), moved as (
             update booking_legs l
             set status = new.status, offload_reason = new.reason, departure_at = new.departure,
                 arrival_at = new.arrival, pieces = new.pieces, weight_hg = new.weight, volume_l = new.volume,
                 positions = new.positions
             from unnest($18::uuid[], $19::uuid[], $20::text[], $21::timestamptz[], $22::timestamptz[], $23::int[],
                         $24::bigint[], $25::bigint[], $26::bigint[], $27::text[])
                  as new (booking_id, id, status, departure, arrival, pieces, weight, volume, positions, reason)
             where l.booking_id = any($1) and l.booking_id = new.booking_id and l.id = new.id and {legs}
         ), added as (
             insert into booking_legs (booking_id, id, status, departure_at, arrival_at, pieces, weight_hg, volume_l,
                                       positions, sequence, flight_id, flight_number, origin, destination)
             select * from unnest($28::uuid[], $29::uuid[], $30::text[], $31::timestamptz[], $32::timestamptz[],
                                  $33::int[], $34::bigint[], $35::bigint[], $36::bigint[], $37::int[], $38::uuid[],
                                  $39::text[], $40::text[], $41::text[])
         ), noted as (
             insert into booking_event_notes (booking_id, sequence, notes)
             select * from unnest($42::uuid[], $43::int[], $44::text[])
         ), told as (
             insert into outbox (aggregate, aggregate_id, sequence, event_type, occurred_at, payload, organization_id)
             select * from unnest($60::text[], $61::uuid[], $62::int[], $63::text[], $64::timestamptz[], $65::jsonb[], $67::uuid[])
         )
         insert into booking_events (booking_id, sequence, id, event_type, status, location, flight_id, flight_number,
                                     leg_id, pieces, weight_hg, actor_id, data, occurred_at, created_at, data_version)
         select *, $2 from unnest($45::uuid[], $46::int[], $47::uuid[], $48::text[], $49::text[], $50::text[],
                                  $51::uuid[], $52::text[], $53::uuid[], $54::int[], $55::bigint[], $56::uuid[],
                                  $57::jsonb[], $58::timestamptz[], $59::timestamptz[])",
        bookings = months.contain("b.id"),
        legs = months.contain("l.booking_id"),
    );
    let bound = sqlx::query(AssertSqlSafe(save)).bind(planned_list(&ids)).bind(DATA_VERSION);
    let bound = bind_bookings(bound.bind(ids), &changes.bookings);
    let bound = bind_moved(bound, &changes.moved);
    let bound = bind_added(bound, &changes.added);
    let bound = bind_events(bind_notes(bound, &changes.events), &changes.events);
    let trace = telemetry::traceparent();
    let bound = bind_messages(bound, &changes.messages, trace.as_deref());
    bind_rest(bound, changes).execute(db).await.map(drop)
}

/// Binds what was added to the statement later.
fn bind_rest<'q>(bound: Bound<'q>, changes: &'q Changes<'q>) -> Bound<'q> {
    let organizations: Vec<Option<Uuid>> = column(&changes.messages, |message| message.organization);
    let bills: Vec<Option<Json<&Bill>>> = column(&changes.bookings, |b| b.bill.as_ref().map(Json));
    let sizes: Vec<Option<Json<KeptDimensions>>> = column(&changes.bookings, |b| dimensions(b));
    bound.bind(bills).bind(organizations).bind(sizes)
}

fn bind_bookings<'q>(bound: Bound<'q>, bookings: &[&'q Booking]) -> Bound<'q> {
    bound
        .bind(column(bookings, |b| b.status.as_str()))
        .bind(column(bookings, |b| b.moved_at))
        .bind(column(bookings, |b| b.needs_rerouting))
        .bind(column(bookings, |b| b.event_sequence))
        .bind(column(bookings, |b| b.version))
        .bind(column(bookings, |b| b.updated_at))
        .bind(column(bookings, |b| b.pieces.count()))
        .bind(column(bookings, |b| b.space.weight.hectograms()))
        .bind(column(bookings, |b| b.space.volume.litres()))
        .bind(column(bookings, |b| b.volume_defaulted))
        .bind(column(bookings, |b| b.space.positions.count()))
        .bind(column(bookings, |b| joined(&b.special_handling_codes)))
        .bind(column(bookings, |b| b.awb_number.as_ref().map(AwbNumber::as_str)))
        .bind(column(bookings, |b| b.organization_id.uuid()))
}

/// Binds what moved and added legs have in common.
fn bind_legs<'q>(bound: Bound<'q>, legs: &[(BookingId, &'q Leg)]) -> Bound<'q> {
    bound
        .bind(column(legs, |(booking, _)| booking.uuid()))
        .bind(column(legs, |(_, l)| l.id.uuid()))
        .bind(column(legs, |(_, l)| l.status.as_str()))
        .bind(column(legs, |(_, l)| l.departure))
        .bind(column(legs, |(_, l)| l.arrival))
        .bind(column(legs, |(_, l)| l.pieces.count()))
        .bind(column(legs, |(_, l)| l.space.weight.hectograms()))
        .bind(column(legs, |(_, l)| l.space.volume.litres()))
        .bind(column(legs, |(_, l)| l.space.positions.count()))
}

fn bind_moved<'q>(bound: Bound<'q>, legs: &[(BookingId, &'q Leg)]) -> Bound<'q> {
    bind_legs(bound, legs).bind(column(legs, |(_, l)| l.offload_reason.map(OffloadReason::as_str)))
}

fn bind_added<'q>(bound: Bound<'q>, legs: &[(BookingId, &'q Leg)]) -> Bound<'q> {
    bind_legs(bound, legs)
        .bind(column(legs, |(_, l)| l.sequence))
        .bind(column(legs, |(_, l)| l.flight_id.uuid()))
        .bind(column(legs, |(_, l)| l.flight_number.as_str()))
        .bind(column(legs, |(_, l)| l.origin))
        .bind(column(legs, |(_, l)| l.destination))
}

fn bind_notes<'q>(bound: Bound<'q>, events: &[(BookingId, &'q Event)]) -> Bound<'q> {
    let noted = || events.iter().filter(|(_, event)| event.notes.is_some());
    bound
        .bind(noted().map(|(booking, _)| booking.uuid()).collect::<Vec<Uuid>>())
        .bind(noted().map(|(_, event)| event.sequence).collect::<Vec<i32>>())
        .bind(noted().map(|(_, event)| event.notes.as_deref()).collect::<Vec<Option<&str>>>())
}

fn bind_events<'q>(bound: Bound<'q>, events: &[(BookingId, &'q Event)]) -> Bound<'q> {
    let data: Vec<Json<&Value>> = column(events, |(_, e)| Json(&e.data));
    bound
        .bind(column(events, |(booking, _)| booking.uuid()))
        .bind(column(events, |(_, e)| e.sequence))
        .bind(column(events, |(_, e)| e.id.uuid()))
        .bind(column(events, |(_, e)| e.event_type.as_str()))
        .bind(column(events, |(_, e)| e.status.as_str()))
        .bind(column(events, |(_, e)| e.location))
        .bind(column(events, |(_, e)| e.flight_id.map(FlightId::uuid)))
        .bind(column(events, |(_, e)| e.flight_number.as_ref().map(FlightNumber::as_str)))
        .bind(column(events, |(_, e)| e.leg_id.map(LegId::uuid)))
        .bind(column(events, |(_, e)| e.pieces.count()))
        .bind(column(events, |(_, e)| e.weight.hectograms()))
        .bind(column(events, |(_, e)| e.actor.map(UserId::uuid)))
        .bind(data)
        .bind(column(events, |(_, e)| e.occurred_at))
        .bind(column(events, |(_, e)| e.created_at))
}

fn bind_messages<'q>(
    bound: Bound<'q>,
    messages: &'q [Message<'q, BookingMessage<'q>>],
    trace: Option<&'q str>,
) -> Bound<'q> {
    bound
        .bind(column(messages, |m| m.aggregate))
        .bind(column(messages, |m| m.aggregate_id))
        .bind(column(messages, |m| m.sequence))
        .bind(column(messages, |m| m.event_type))
        .bind(column(messages, |m| m.occurred_at))
        .bind(outbox::documents(messages, trace))
}
