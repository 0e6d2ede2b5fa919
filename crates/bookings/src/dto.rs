mod amendment;
mod bulk;
mod connections;
mod filter;
mod guest;
mod payment;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_holds as holds;
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingId, BookingRef, Dimensions, EventId, FlightId, FlightNumber, HandlingCode, HoldId,
    LegId, Money, OrganizationId, Pieces, Positions, QuoteId, UserId, Volume, Weight,
};
use loadmaster_payments::PaymentMethod;
use loadmaster_platform::web::{
    Condition, PageUpTo,
    condition::{absent, any, given},
    freight::{self, NewDimensions},
    list, object, objects, read, request, set, with,
};
use loadmaster_pricing::read_rule_code;
use loadmaster_reference::{Emissions, Reference};
use loadmaster_shipment::{
    self as shipment, BookingContact, MOST_CONTACTS, MOST_FLIGHTS, MOST_HANDLING_CODES, NewContact, Party,
    PositionNames, Surroundings, tag_of,
};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

pub use amendment::AmendBooking;
pub use bulk::{BulkAction, BulkBookings, BulkBookingsResult, BulkParams, ChosenRoute};
pub use connections::{ConcernedBooking, ConnectionFilter, ConnectionWindow, FlightConnections};
pub use filter::{BookingFilter, BookingOrder, BookingSort};
pub use guest::{CancelGuestBooking, ClaimRequest, PayGuestBooking};
pub use payment::{CaptureRequest, NoMembers, PaymentRequest, RefundRequest, ResolveRequest};

use super::model::{
    Action, Bill, Booking, BookingPaymentStatus, BookingStatus, Correction, Event, EventType, Leg, LegStatus,
    MOST_EVENTS, OffloadReason, Price,
};

/// A booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingBody {
    /// Permanent identifier.
    pub id: BookingId,
    pub ref_id: BookingRef,
    pub status: BookingStatus,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The airport where the cargo is; null while it is in the air.
    #[schema(required = true)]
    pub current_airport: Option<AirportCode>,
    /// Whether the shipment has arrived at its destination.
    pub at_destination: bool,
    /// Whether a leg is missing, so that the shipment does not reach its destination.
    pub needs_rerouting: bool,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// The larger of gross weight and volume / 6000 cm³ per kg, rounded up to the next 0.5 kg.
    pub chargeable_weight_kg: Weight,
    /// Its pieces, by size; null: not given.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    pub positions: Positions,
    /// What the freight emits on the legs in force, an estimate: by its weight, the aircraft and the factors of now, whatever the
    /// version. Null without such a leg, or if a factor is not known.
    #[schema(required = true)]
    pub emissions: Option<Emissions>,
    /// What the freight is, in your own words.
    #[schema(required = true)]
    pub description: Option<String>,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    #[schema(required = true)]
    pub awb_number: Option<AwbNumber>,
    #[schema(required = true)]
    pub shipper: Option<Party>,
    #[schema(required = true)]
    pub consignee: Option<Party>,
    /// A reference of your own, such as the number of an order.
    #[schema(required = true)]
    pub customer_reference: Option<String>,
    /// The hold that it was made of.
    #[schema(required = true)]
    pub hold_id: Option<HoldId>,
    /// The price that was agreed; null if none was.
    #[schema(required = true)]
    pub price: Option<Price>,
    pub payment_status: BookingPaymentStatus,
    /// Captured by all payments; null without a price, like the members that follow.
    #[schema(required = true)]
    pub paid: Option<Money>,
    #[schema(required = true)]
    pub refunded: Option<Money>,
    /// The total, or the fee of a cancelled booking, less what was paid and kept. A negative amount goes back by itself.
    #[schema(required = true)]
    pub balance_due: Option<Money>,
    /// Only of a cancelled booking.
    #[schema(required = true)]
    pub cancellation_fee: Option<Money>,
    /// The flights of the legs in force, in order.
    pub flight_ids: Vec<FlightId>,
    /// The flights of the journey, in order.
    pub legs: Vec<LegBody>,
    /// By when the station at the origin takes this freight, by its rules of now for the product and the handling codes, whatever
    /// the version, and never after the cut-off of the first flight; null if it has no rule for it, and once that flight has taken
    /// the freight. It informs: only the cut-off closes.
    #[schema(required = true)]
    pub latest_acceptance_datetime: Option<DateTime<Utc>>,
    /// Actions that are possible in the current state, regardless of the caller's role.
    pub next_actions: Vec<Action>,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The user who created it.
    pub created_by: UserId,
    /// Number that increases with each change; the `ETag` begins with it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// The newest events of the history, oldest first; only with `?include=history`. Older events are in `/history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 200)]
    pub events: Option<Vec<EventBody>>,
}

impl BookingBody {
    pub fn new(booking: &Booking, surroundings: &Surroundings) -> Self {
        let bill = booking.bill.as_ref();
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
            dimensions: booking.dimensions.clone(),
            positions: booking.space.positions,
            emissions: booking.emissions(&surroundings.reference),
            description: booking.texts.description.clone(),
            special_handling_codes: booking.special_handling_codes.clone(),
            awb_number: booking.awb_number.clone(),
            shipper: booking.texts.shipper.clone(),
            consignee: booking.texts.consignee.clone(),
            customer_reference: booking.texts.customer_reference.clone(),
            hold_id: booking.hold_id,
            price: bill.map(|bill| bill.price.clone()),
            payment_status: bill.map_or(BookingPaymentStatus::NotRequired, Bill::status),
            paid: bill.map(|bill| bill.money(bill.paid)),
            refunded: bill.map(|bill| bill.money(bill.refunded)),
            balance_due: bill.map(Bill::due),
            cancellation_fee: bill.and_then(|bill| Some(bill.money(bill.fee?))),
            flight_ids: booking.legs_in_force().map(|leg| leg.flight_id).collect(),
            legs: booking.legs.iter().map(LegBody::from).collect(),
            latest_acceptance_datetime: booking.latest_acceptance(surroundings),
            next_actions: booking.next_actions(),
            organization_id: booking.organization_id,
            created_by: booking.created_by,
            version: booking.version,
            created_at: booking.created_at,
            updated_at: booking.updated_at,
            events: None,
        }
    }

    /// Returns the entity tag of the booking, as this describes it.
    pub(super) fn tag(&self) -> String {
        tag_of(self.version, self.latest_acceptance_datetime, self.emissions.as_ref())
    }
}

/// The booking made of a hold.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "it is only described: what is stored under a key has no claim")]
pub struct CommittedBooking {
    #[serde(flatten)]
    booking: BookingBody,
    /// Only for a guest.
    #[schema(nullable = false)]
    claim: Option<ClaimBody>,
}

/// A guest's right to its booking: the token moves the booking to an account, once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
pub struct ClaimBody {
    /// For `POST /bookings/claim` or `POST /auth/register`. It cannot be shown again: keep it.
    pub token: String,
    /// The token is valid until this time.
    pub expires_at: DateTime<Utc>,
}

/// One flight of a booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Leg)]
pub struct LegBody {
    /// Permanent identifier.
    pub id: LegId,
    /// Position in the order, from 1.
    pub sequence: i32,
    /// The flight.
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// When it departs.
    pub departure_datetime: DateTime<Utc>,
    /// When it arrives.
    pub arrival_datetime: DateTime<Utc>,
    pub status: LegStatus,
    /// Reason why the leg was left behind.
    #[schema(required = true)]
    pub offload_reason: Option<OffloadReason>,
    /// IATA space allocation code; `KK`: confirmed.
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
            flight_number: leg.flight_number,
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

/// One event in the history of a booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    /// Permanent identifier.
    pub id: EventId,
    /// Position in the order, from 1.
    pub sequence: i32,
    pub event_type: EventType,
    /// The status of the booking after the event.
    pub status: BookingStatus,
    /// IATA freight status update (FSU) code, if there is one; a step that was taken back has none.
    #[schema(required = true)]
    pub fsu_code: Option<&'static str>,
    #[schema(required = true)]
    pub location: Option<AirportCode>,
    /// The flight.
    #[schema(required = true)]
    pub flight_id: Option<FlightId>,
    #[schema(required = true)]
    pub flight_number: Option<FlightNumber>,
    /// The leg that it belongs to; null: the whole booking.
    #[schema(required = true)]
    pub leg_id: Option<LegId>,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    /// The step that it takes back; of a `CORRECTED` only. The booking has the status of before that step again.
    #[schema(required = true)]
    pub corrects: Option<Correction>,
    /// The next event takes this step back: it did not happen.
    pub corrected: bool,
    /// The user who acted.
    #[schema(required = true)]
    pub actor: Option<UserId>,
    /// A remark that is shown in the history.
    #[schema(required = true)]
    pub notes: Option<String>,
    /// Time at which it happened.
    pub occurred_at: DateTime<Utc>,
    /// Time at which it was recorded.
    pub created_at: DateTime<Utc>,
}

impl From<&Event> for EventBody {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            sequence: event.sequence,
            event_type: event.event_type,
            status: event.status,
            fsu_code: event.fsu_code(),
            location: event.location,
            flight_id: event.flight_id,
            flight_number: event.flight_number,
            leg_id: event.leg_id,
            pieces: event.pieces,
            weight_kg: event.weight,
            corrects: event.corrects,
            corrected: event.is_corrected,
            actor: event.actor,
            notes: event.notes.clone(),
            occurred_at: event.occurred_at,
            created_at: event.created_at,
        }
    }
}

/// The status of a booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusBody {
    pub ref_id: BookingRef,
    pub status: BookingStatus,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A booking and its history, oldest event first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryBody {
    pub booking: BookingBody,
    /// The newest events, or with `cursor` older ones; oldest first.
    #[schema(max_items = 200)]
    pub timeline: Vec<EventBody>,
}

/// Which part of a history is wanted.
pub type EventParams = PageUpTo<MOST_EVENTS>;

request! {
    /// A booking to create.
    pub struct CreateBooking in body(reference: &Reference) {
        origin: AirportCode = |raw| reference.read_airport(raw),
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// Its pieces, by size. They may stand for `pieces`, `weight_kg` and `volume_m3`, and each must fit on the flights.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Required unless dimensions are given.
        pieces: Inferred<Pieces> = with(|fields| freight::needed_pieces(fields, dimensions.as_ref())),
        /// Required unless each line of the dimensions has a weight.
        weight_kg: Inferred<Weight> = with(|fields| freight::needed_weight(fields, dimensions.as_ref())),
        /// Default: that of the dimensions, or the weight divided by 166.667 kg per m³, rounded up to 0.001 m³.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions, of any type.
        positions: Option<Positions> = read::positions,
        /// Whether pieces that do not fit on the named flights are taken all the same; for the carrier's staff only. Default: false.
        accept_oversize: Option<bool> = read::boolean,
        /// One to four flights, in order. If left out or empty, the server chooses the best option.
        #[schema(max_items = 4)]
        flight_ids: Vec<FlightId> = list(MOST_FLIGHTS, read::code),
        /// Local calendar date at the origin; used only without `flight_ids`. Default: the earliest possible departure.
        departure_date: Option<NaiveDate> = read::date,
        /// What the freight is, in your own words.
        #[schema(max_length = 2000)]
        description: Option<String> = read::prose(read::PROSE),
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        awb_number: Option<AwbNumber> = read::code,
        shipper: Option<Party> = object(Party::read),
        consignee: Option<Party> = object(Party::read),
        /// A reference of your own, such as the number of an order.
        #[schema(max_length = 500)]
        customer_reference: Option<String> = read::line(read::LINE),
        /// One of your quotes, for these flights and this freight: its total is the price. Without one there is no price.
        quote_id: Option<QuoteId> = read::code,
        /// Positions by name, such as `{"<flight id>": ["P1"]}`; their number becomes `positions`.
        position_names: Option<PositionNames> = with(shipment::read_position_names),
        /// Default: `GENERAL`.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Option<String> = shipment::read_product,
        contact: Option<NewContact> = object(NewContact::read),
        /// Persons who receive notifications about the shipment, at the addresses that agree to it.
        #[schema(max_items = 10)]
        contacts: Vec<BookingContact> = objects(MOST_CONTACTS, shipment::read_contact),
        /// The code of the sale that the quote has.
        #[schema(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9._-]+$")]
        discount_code: Option<String> = read_rule_code,
        /// What the payment provider gives to the payer's browser in place of a card number: at most 255 visible ASCII characters.
        /// It is passed on, never stored. At the provider `test`, `tok_ok` pays and `tok_declined` does not.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
        payment_token: Option<SecretString> = holds::read_payment_token,
        /// Only `ACCOUNT`: the credit account of the organization. Not together with `payment_token`.
        #[schema(value_type = Option<String>)]
        payment_method: Option<PaymentMethod> = with(|fields| holds::read_method(fields, payment_token.is_some())),
        /// The total that you expect: with another one nothing is booked.
        expected_total: Option<Money> = object(read::money),
    }
}

impl CreateBooking {
    /// The quote that the discount is in.
    pub const NEEDS: Condition =
        Condition::of::<Self>(&["discount_code"], || any(&[absent("discount_code"), given("quote_id", "string")]));
}

request! {
    /// The movement of a booking. All members are optional, and so is the body.
    #[derive(Default)]
    pub struct RecordMovement in body(reference: &Reference) {
        /// Airport; must be the one where this movement happens.
        location: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Must be the flight of the current leg.
        flight_id: Option<FlightId> = read::code,
        /// Must be the flight of the current leg.
        flight_number: Option<FlightNumber> = read::code,
        /// Default: now. Not before the booking was made or has moved, at most `operations.backdate_days` (7) ago, and at most
        /// 5 minutes in the future.
        occurred_at: Option<DateTime<Utc>> = read::instant,
        /// A remark that is shown in the history.
        #[schema(max_length = 2000)]
        notes: Option<String> = read::prose(read::PROSE),
    }
}

request! {
    /// The cancellation of a booking.
    #[derive(Default)]
    pub struct CancelBooking in body {
        /// Why, in your own words.
        #[schema(max_length = 500)]
        reason: Option<String> = read::prose(read::LINE),
        /// No fee is kept; for the carrier's staff only.
        waive_fee: Option<bool> = read::boolean,
    }
}

request! {
    /// Why the last step of a booking is taken back.
    pub struct CorrectBooking in body {
        /// Why, in your own words.
        #[schema(max_length = 500)]
        reason: String = read::prose(read::LINE),
    }
}
