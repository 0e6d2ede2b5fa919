use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_holds::HoldBody;
use loadmaster_kernel::{
    AirportCode, BookingRef, Dimensions, Fault, FlightId, HandlingCode, OrganizationId, Positions, UserId, Volume,
    WaitlistEntryId, Weight,
};
use loadmaster_platform::web::{
    Condition, Fields, Raw,
    condition::{all, any, filled, given},
    freight::{self, NewDimensions},
    list, read, request, set, with,
};
use loadmaster_reference::Reference;
use loadmaster_shipment::{Load, MOST_FLIGHTS, MOST_HANDLING_CODES};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Waiting, WaitlistStatus};

/// An entry of the waitlist.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitlistEntry)]
pub struct WaitlistEntryBody {
    /// Permanent identifier.
    pub id: WaitlistEntryId,
    pub status: WaitlistStatus,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The flights that it waits for; empty if any way on the date will do.
    pub flight_ids: Vec<FlightId>,
    /// Local calendar date at the origin.
    #[schema(required = true)]
    pub departure_date: Option<NaiveDate>,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// Its pieces, by size; null: not given.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    pub positions: Positions,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    /// 1 is served first, 9 last; customers have 5.
    pub priority: i32,
    /// Place in the order, 1 being next; null unless it is `WAITING`. Of several flights, the worst counts.
    #[schema(required = true)]
    pub place: Option<i64>,
    /// How often one behind it got an offer because it did not fit, up to three. After that, room is kept for it for some hours.
    pub passed_over: i32,
    /// The room that is held for it.
    #[schema(required = true)]
    pub offer: Option<HoldBody>,
    #[schema(required = true)]
    pub booking_ref: Option<BookingRef>,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The user who created it.
    pub created_by: UserId,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl WaitlistEntryBody {
    pub fn new(entry: &Waiting, place: Option<i64>, offer: Option<HoldBody>, now: DateTime<Utc>) -> Self {
        Self {
            id: entry.id,
            status: entry.status_at(now),
            origin: entry.origin,
            destination: entry.destination,
            flight_ids: entry.flight_ids.clone(),
            departure_date: entry.departure_date,
            weight_kg: entry.space.weight,
            volume_m3: entry.space.volume,
            dimensions: entry.dimensions.clone(),
            positions: entry.space.positions,
            special_handling_codes: entry.special_handling_codes.clone(),
            priority: entry.priority,
            place,
            passed_over: entry.passed_over,
            offer,
            booking_ref: entry.offer.as_ref().and_then(|offer| offer.booking_ref.clone()),
            organization_id: entry.organization_id,
            created_by: entry.created_by,
            version: entry.version,
            queued_at: entry.queued_at,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

request! {
    /// Freight that waits for room: on the named flights, or on any way from `origin` to `destination` on a date.
    pub struct JoinWaitlist in body(reference: &Reference) {
        /// One to four flights, in order.
        #[schema(max_items = 4)]
        flight_ids: Vec<FlightId> = list(MOST_FLIGHTS, read::code),
        /// Required without `flight_ids`.
        origin: Option<AirportCode> = with(|fields| unless_named(fields, "origin", |raw| reference.read_airport(raw))),
        /// Required without `flight_ids`.
        destination: Option<AirportCode> =
            with(|fields| unless_named(fields, "destination", |raw| reference.read_destination(raw, origin))),
        /// Local calendar date at the origin. Required without `flight_ids`.
        departure_date: Option<NaiveDate> = with(|fields| unless_named(fields, "departure_date", read::date)),
        /// Its pieces, by size. They may stand for `weight_kg` and `volume_m3`, and no flight is offered on which one does not fit.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Required unless each line of the dimensions has a weight.
        weight_kg: Inferred<Weight> = with(|fields| freight::needed_weight(fields, dimensions.as_ref())),
        /// Default: that of the dimensions, or the weight divided by 166.667 kg per m³, rounded up to 0.001 m³.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions, of any type, on each flight.
        positions: Option<Positions> = read::positions,
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
    }
}

impl JoinWaitlist {
    /// Its flights, or the ends and the date of the way; and a weight, which dimensions may have.
    pub const NEEDS: Condition = Condition::of::<Self>(&["weight_kg", "dimensions"], || {
        let ends = all(&[given("origin", "string"), given("destination", "string")]);
        let way = any(&[filled("flight_ids"), all(&[ends, given("departure_date", "string")])]);
        all(&[way, any(&[given("weight_kg", "number"), filled("dimensions")])])
    });
}

/// Reads a member that is required unless flights are named, validly or not.
fn unless_named<T>(
    fields: &mut Fields<'_>,
    name: &'static str,
    reader: impl Fn(Raw<'_>) -> Result<T, Fault>,
) -> Option<T> {
    if fields.is_empty("flight_ids") { fields.required(name, reader) } else { fields.optional(name, reader) }
}

impl JoinWaitlist {
    /// Returns its dimensions, if they were given.
    pub fn dimensions(&self) -> Option<&Dimensions> {
        self.dimensions.as_deref()
    }

    pub fn load(&self) -> Load {
        Load::of(self.weight_kg, self.volume_m3, self.positions)
    }
}

request! {
    /// Another priority of an entry: a JSON merge patch (RFC 7396).
    pub struct ChangeEntry in patch {
        /// 1 is served first, 9 last.
        #[schema(minimum = 1, maximum = 9)]
        priority: i32 = read::integer(1, 9),
    }
}

request! {
    /// Another place in the order.
    pub struct MoveEntry in body {
        /// The entry directly before which it is placed; it takes over that entry's priority.
        before: WaitlistEntryId = read::code,
    }
}

request! {
    /// Which entries a list shows; filters combine with AND.
    #[derive(Default)]
    pub struct WaitlistFilter in query(caller: Principal) {
        /// Only those in this state.
        status: Option<WaitlistStatus> = read::word(WaitlistStatus::WORDS),
        /// Only entries that name this flight, or wait for it.
        #[param(value_type = Option<uuid::Uuid>)]
        flight_id: Option<FlightId> = read::code,
        /// Only entries of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}
