mod amendment;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

pub use amendment::AmendBooking;
pub(super) use amendment::read_amendment;

use super::{
    book::NewBooking,
    model::{
        Action, Booking, BookingFilter, BookingStatus, Event, EventType, Leg, LegStatus, OffloadReason, Party, Texts,
    },
    movement::Movement,
};
use crate::{
    features::{
        accounts::{Principal, Role},
        capacity::Space,
        reference::Reference,
    },
    kernel::{
        AirportCode, AwbNumber, BookingId, BookingRef, EventId, Fault, FaultCode, FlightId, FlightNumber, HandlingCode,
        LegId, OrganizationId, Pieces, Positions, UserId, Volume, Weight,
    },
    platform::web::{Fields, read},
};

const MOST_FLIGHTS: usize = 4;
/// As many as an air waybill has boxes for.
const MOST_HANDLING_CODES: usize = 9;

/// A shipment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingBody {
    pub id: BookingId,
    pub ref_id: BookingRef,
    pub status: BookingStatus,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Null while in the air.
    #[schema(required = true)]
    pub current_airport: Option<AirportCode>,
    pub at_destination: bool,
    pub needs_rerouting: bool,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// The larger of gross weight and volume / 6000 cm³ per kg, up to the next half kilogram.
    pub chargeable_weight_kg: Weight,
    pub positions: Positions,
    #[schema(required = true)]
    pub description: Option<String>,
    pub special_handling_codes: Vec<HandlingCode>,
    #[schema(required = true)]
    pub awb_number: Option<AwbNumber>,
    #[schema(required = true)]
    pub shipper: Option<Party>,
    #[schema(required = true)]
    pub consignee: Option<Party>,
    #[schema(required = true)]
    pub customer_reference: Option<String>,
    /// The flights of the legs in force, in order.
    pub flight_ids: Vec<FlightId>,
    pub legs: Vec<LegBody>,
    /// What can follow, whoever asks.
    pub next_actions: Vec<Action>,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The newest events of the history, oldest first; only with `?include=history`. The others are in `/history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    pub events: Option<Vec<EventBody>>,
}

impl From<&Booking> for BookingBody {
    fn from(booking: &Booking) -> Self {
        Self {
            id: booking.id,
            ref_id: booking.ref_id.clone(),
            status: booking.status,
            origin: booking.origin,
            destination: booking.destination,
            current_airport: booking.current_airport(),
            at_destination: booking.at_destination(),
            needs_rerouting: booking.needs_rerouting,
            pieces: booking.pieces,
            weight_kg: booking.space.weight,
            volume_m3: booking.space.volume,
            chargeable_weight_kg: booking.space.weight.chargeable(booking.space.volume),
            positions: booking.space.positions,
            description: booking.texts.description.clone(),
            special_handling_codes: booking.special_handling_codes.clone(),
            awb_number: booking.awb_number.clone(),
            shipper: booking.texts.shipper.clone(),
            consignee: booking.texts.consignee.clone(),
            customer_reference: booking.texts.customer_reference.clone(),
            flight_ids: booking.legs_in_force().map(|leg| leg.flight_id).collect(),
            legs: booking.legs.iter().map(LegBody::from).collect(),
            next_actions: booking.next_actions(),
            organization_id: booking.organization_id,
            created_by: booking.created_by,
            version: booking.version,
            created_at: booking.created_at,
            updated_at: booking.updated_at,
            events: None,
        }
    }
}

/// One flight of the journey.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Leg)]
pub struct LegBody {
    pub id: LegId,
    pub sequence: i32,
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure_datetime: DateTime<Utc>,
    pub arrival_datetime: DateTime<Utc>,
    pub status: LegStatus,
    /// Why it was left behind.
    #[schema(required = true)]
    pub offload_reason: Option<OffloadReason>,
    /// IATA space allocation code; `KK` is confirmed.
    pub space_code: String,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    pub positions: Positions,
}

impl From<&Leg> for LegBody {
    fn from(leg: &Leg) -> Self {
        Self {
            id: leg.id,
            sequence: leg.sequence,
            flight_id: leg.flight_id,
            flight_number: leg.flight_number.clone(),
            origin: leg.origin,
            destination: leg.destination,
            departure_datetime: leg.departure,
            arrival_datetime: leg.arrival,
            status: leg.status,
            offload_reason: leg.offload_reason,
            space_code: leg.space_code.clone(),
            pieces: leg.pieces,
            weight_kg: leg.space.weight,
            volume_m3: leg.space.volume,
            positions: leg.space.positions,
        }
    }
}

/// One entry of a shipment's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    pub id: EventId,
    pub sequence: i32,
    pub event_type: EventType,
    /// The booking's status after it.
    pub status: BookingStatus,
    /// IATA freight status update code, where there is one.
    #[schema(required = true)]
    pub fsu_code: Option<&'static str>,
    #[schema(required = true)]
    pub location: Option<AirportCode>,
    #[schema(required = true)]
    pub flight_id: Option<FlightId>,
    #[schema(required = true)]
    pub flight_number: Option<FlightNumber>,
    #[schema(required = true)]
    pub leg_id: Option<LegId>,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    /// The user who did it.
    #[schema(required = true)]
    pub actor: Option<UserId>,
    #[schema(required = true)]
    pub notes: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
}

impl From<&Event> for EventBody {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            sequence: event.sequence,
            event_type: event.event_type,
            status: event.status,
            fsu_code: event.event_type.fsu_code(),
            location: event.location,
            flight_id: event.flight_id,
            flight_number: event.flight_number.clone(),
            leg_id: event.leg_id,
            pieces: event.pieces,
            weight_kg: event.weight,
            actor: event.actor,
            notes: event.notes.clone(),
            occurred_at: event.occurred_at,
            created_at: event.created_at,
        }
    }
}

/// Where a shipment stands, in three members.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusBody {
    pub ref_id: BookingRef,
    pub status: BookingStatus,
    pub updated_at: DateTime<Utc>,
}

/// A shipment and its history, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryBody {
    pub booking: BookingBody,
    /// The newest events, or those before them that `cursor` asks for; oldest first.
    #[schema(max_items = 200)]
    pub timeline: Vec<EventBody>,
}

/// Which part of a history is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "the fields are OpenAPI text; PageFields reads them")]
pub struct EventParams {
    /// Events on a page; over 200 means 200.
    #[param(minimum = 1, default = 200)]
    limit: Option<u32>,
    /// From the `Link` header of the page with newer events.
    cursor: Option<String>,
}

/// A shipment to book.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body; NewBooking is what it is read into")]
pub struct CreateBooking {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    /// Left out: the weight at 166.667 kg per m³, rounded up to 0.001 m³.
    pub volume_m3: Option<Volume>,
    /// Whole ULD positions of any type.
    pub positions: Option<Positions>,
    /// One to four flights in order of flying. Left out or empty: the best option is chosen.
    #[schema(max_items = 4)]
    pub flight_ids: Option<Vec<FlightId>>,
    /// Local calendar date at the origin; only looked at when no flights are named. Left out: as soon as possible.
    pub departure_date: Option<NaiveDate>,
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    #[schema(max_items = 9)]
    pub special_handling_codes: Option<Vec<HandlingCode>>,
    pub awb_number: Option<AwbNumber>,
    pub shipper: Option<Party>,
    pub consignee: Option<Party>,
    #[schema(max_length = 500)]
    pub customer_reference: Option<String>,
}

pub(super) fn read_new_booking(fields: &mut Fields<'_>, reference: &Reference) -> Option<NewBooking> {
    let origin = fields.required("origin", |raw| reference.read_airport(raw));
    let destination = fields.required("destination", |raw| reference.read_airport(raw));
    let pieces = fields.required("pieces", read::pieces);
    let weight = fields.required("weight_kg", read::weight);
    let volume = fields.optional("volume_m3", read::volume);
    let positions = fields.optional("positions", read::positions);
    let flight_ids = fields.list("flight_ids", MOST_FLIGHTS, read::code);
    let departure_date = fields.optional("departure_date", read::date);
    let special_handling_codes = read_handling_codes(fields, reference);
    let awb_number = fields.optional("awb_number", read::code);
    let texts = Texts {
        description: fields.optional("description", read::prose(read::PROSE)),
        customer_reference: fields.optional("customer_reference", read::line(read::LINE)),
        shipper: fields.object("shipper", read_party),
        consignee: fields.object("consignee", read_party),
    };
    if origin.is_some() && origin == destination {
        fields.fault("destination", &Fault::new(FaultCode::SameAsOrigin, "must differ from the origin"));
    }
    let weight = weight?;
    Some(NewBooking {
        origin: origin?,
        destination: destination?,
        pieces: pieces?,
        space: Space {
            weight,
            volume: volume.unwrap_or_else(|| weight.standard_volume()),
            positions: positions.unwrap_or_default(),
        },
        volume_defaulted: volume.is_none(),
        special_handling_codes: special_handling_codes.unwrap_or_default(),
        awb_number,
        flight_ids: flight_ids.unwrap_or_default(),
        departure_date,
        texts,
    })
}

/// Each code once, in order.
fn read_handling_codes(fields: &mut Fields<'_>, reference: &Reference) -> Option<Vec<HandlingCode>> {
    let codes = fields.list("special_handling_codes", MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw));
    let mut codes = codes?;
    codes.sort_unstable();
    codes.dedup();
    Some(codes)
}

fn read_party(fields: &mut Fields<'_>) -> Option<Party> {
    let name = fields.required("name", read::line(read::LINE));
    let account_number = fields.optional("account_number", read::line(read::LINE));
    let street = fields.optional("street", read::line(read::LINE));
    let city = fields.optional("city", read::line(read::LINE));
    let postal_code = fields.optional("postal_code", read::line(read::LINE));
    let country_code = fields.optional("country_code", read::country);
    let phone = fields.optional("phone", read::line(read::LINE));
    let email = fields.optional("email", read::email);
    Some(Party { name: name?, account_number, street, city, postal_code, country_code, phone, email })
}

/// What is known about a movement; all of it may be left out, and so may the body.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body; Movement is what it is read into")]
pub struct RecordMovement {
    /// Must be where this happens.
    pub location: Option<AirportCode>,
    /// Must be the current leg's.
    pub flight_id: Option<FlightId>,
    /// Must be the current leg's.
    pub flight_number: Option<FlightNumber>,
    /// Default now. Not before the previous movement, at most five minutes ahead.
    pub occurred_at: Option<DateTime<Utc>>,
    #[schema(max_length = 2000)]
    pub notes: Option<String>,
}

pub(super) fn read_movement(fields: &mut Fields<'_>, reference: &Reference) -> Movement {
    Movement {
        location: fields.optional("location", |raw| reference.read_airport(raw)),
        flight_id: fields.optional("flight_id", read::code),
        flight_number: fields.optional("flight_number", read::code),
        occurred_at: fields.optional("occurred_at", read::instant),
        notes: fields.optional("notes", read::prose(read::PROSE)),
    }
}

/// Why a shipment is cancelled.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body")]
pub struct CancelBooking {
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

pub(super) fn read_reason(fields: &mut Fields<'_>) -> Option<String> {
    fields.optional("reason", read::prose(read::LINE))
}

/// The filters of a list. Customers see their organization's bookings; naming one is the carrier's staff's.
pub(super) fn read_filter(fields: &mut Fields<'_>, reference: &Reference, caller: Principal) -> BookingFilter {
    let organization_id = if caller.role >= Role::Operator {
        fields.optional("organization_id", read::code)
    } else {
        Some(caller.organization_id)
    };
    BookingFilter {
        organization_id,
        status: fields.optional("status", read::word(BookingStatus::WORDS)),
        origin: fields.optional("origin", |raw| reference.read_airport(raw)),
        destination: fields.optional("destination", |raw| reference.read_airport(raw)),
        flight_id: fields.optional("flight_id", read::code),
        created_from: fields.optional("created_from", read::instant),
        created_to: fields.optional("created_to", read::instant),
        needs_rerouting: fields.optional("needs_rerouting", read::boolean),
        text: fields.optional("q", read::line(100)),
    }
}
