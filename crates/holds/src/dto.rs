mod commit;
mod positions;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingRef, Dimensions, Fault, FlightId, FlightNumber, HandlingCode, HoldId,
    OrganizationId, Pieces, Positions, QuoteId, UserId, Volume, Weight,
};
use loadmaster_payments::PaymentBody;
use loadmaster_platform::web::{
    Condition, Fields, Raw,
    condition::{all, any, filled, given},
    freight::{self, NewDimensions},
    list, object, read, request, set, with,
};
use loadmaster_pricing::{QuoteBody, read_rule_code};
use loadmaster_reference::{Emissions, Reference};
use loadmaster_shipment::{
    AmendContact, AmendParty, Contact, Load, MOST_FLIGHTS, MOST_HANDLING_CODES, NewContact, Party, PositionNames,
    Surroundings, Texts, named_positions, read_position_names, read_product, tag_of,
};
use serde::Serialize;
use utoipa::ToSchema;

pub use commit::{CommitHold, PaymentTerms, read_method, read_payment_token};
pub use positions::{Position, PositionStatus};

use super::model::{EndReason, Hold, HoldKind, HoldLeg, HoldStatus};

const SHORTEST_SECONDS: u32 = 10;
const LONGEST_SECONDS: u32 = 900;

/// Room that is kept for a bounded time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub struct HoldBody {
    /// Permanent identifier.
    pub id: HoldId,
    pub kind: HoldKind,
    pub status: HoldStatus,
    /// Why it was released.
    #[schema(required = true)]
    pub end_reason: Option<EndReason>,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The flights, in order.
    pub flight_ids: Vec<FlightId>,
    /// The flights of the journey, in order.
    pub legs: Vec<HoldLegBody>,
    /// By when the station at the origin takes this freight, by its rules of now for the product and the handling codes, whatever
    /// the version, and never after the cut-off of the first flight; null if it has no rule for it, and once the hold keeps no
    /// room. It informs: only the cut-off closes.
    #[schema(required = true)]
    pub latest_acceptance_datetime: Option<DateTime<Utc>>,
    #[schema(required = true)]
    pub pieces: Option<Pieces>,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// The larger of gross weight and volume / 6000 cm³ per kg, rounded up to the next 0.5 kg.
    pub chargeable_weight_kg: Weight,
    /// Its pieces, by size; null: not given.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    /// Number of whole ULD positions on each flight.
    pub positions: Positions,
    /// The positions that are named, by flight.
    pub position_names: PositionNames,
    /// The product, such as `GENERAL`.
    pub product: String,
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
    #[schema(required = true)]
    pub contact: Option<Contact>,
    /// What the freight emits on these flights, an estimate by the factors of now, whatever the version; null if a factor is not
    /// known.
    #[schema(required = true)]
    pub emissions: Option<Emissions>,
    /// The price; null if there is no rate.
    #[schema(required = true)]
    pub quote: Option<QuoteBody>,
    /// The payment under way, or the last one; null if none was begun.
    #[schema(required = true)]
    pub payment: Option<PaymentBody>,
    /// Members, as JSON pointers, that are required before the hold can become a booking.
    pub missing: Vec<&'static str>,
    /// The booking that the hold became.
    #[schema(required = true)]
    pub booking_ref: Option<BookingRef>,
    /// From this time on the hold keeps no room.
    pub expires_at: DateTime<Utc>,
    /// The time up to which the hold can be extended.
    pub latest_expires_at: DateTime<Utc>,
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
}

impl HoldBody {
    /// Describes the hold as it is at this moment.
    pub fn new(hold: &Hold, now: DateTime<Utc>, surroundings: &Surroundings) -> Self {
        let (keeps, reference) = (hold.keeps(), &surroundings.reference);
        Self {
            id: hold.id,
            kind: hold.kind,
            status: hold.status_at(now),
            end_reason: hold.end_reason,
            origin: hold.origin,
            destination: hold.destination,
            flight_ids: hold.flight_ids().collect(),
            legs: hold.legs.iter().map(HoldLegBody::from).collect(),
            latest_acceptance_datetime: hold.latest_acceptance(surroundings, now),
            pieces: hold.pieces,
            weight_kg: keeps.weight,
            volume_m3: keeps.volume,
            chargeable_weight_kg: keeps.weight.chargeable(keeps.volume),
            dimensions: hold.dimensions.clone(),
            positions: keeps.positions,
            position_names: PositionNames(hold.position_names()),
            product: hold.product.clone(),
            description: hold.texts.description.clone(),
            special_handling_codes: hold.special_handling_codes.clone(),
            awb_number: hold.awb_number.clone(),
            shipper: hold.texts.shipper.clone(),
            consignee: hold.texts.consignee.clone(),
            customer_reference: hold.texts.customer_reference.clone(),
            contact: hold.contact.clone(),
            emissions: reference.emissions(keeps.weight, hold.legs.iter().map(|leg| leg.carriage)),
            quote: hold.quote.as_ref().map(|quote| QuoteBody::new(quote, reference)),
            payment: hold.payment.as_ref().map(PaymentBody::from),
            missing: hold.missing(),
            booking_ref: hold.booking.as_ref().map(|(_, reference)| reference.clone()),
            expires_at: hold.expires_at,
            latest_expires_at: hold.latest_expires_at,
            organization_id: hold.organization_id,
            created_by: hold.created_by,
            version: hold.version,
            created_at: hold.created_at,
            updated_at: hold.updated_at,
        }
    }

    /// Returns the entity tag of the hold, as this describes it.
    pub(super) fn tag(&self, hold: &Hold) -> String {
        // Expiry changes what is shown, without a change of the hold.
        if self.status == hold.status {
            tag_of(self.version, self.latest_acceptance_datetime, self.emissions.as_ref())
        } else {
            format!("{}-expired", self.version)
        }
    }
}

/// One flight of a hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HoldLeg)]
pub struct HoldLegBody {
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
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    pub positions: Positions,
}

impl From<&HoldLeg> for HoldLegBody {
    fn from(leg: &HoldLeg) -> Self {
        Self {
            sequence: leg.sequence,
            flight_id: leg.flight_id,
            flight_number: leg.flight_number,
            origin: leg.origin,
            destination: leg.destination,
            departure_datetime: leg.departure,
            arrival_datetime: leg.arrival,
            weight_kg: leg.space.weight,
            volume_m3: leg.space.volume,
            positions: leg.space.positions,
        }
    }
}

request! {
    /// Room to be held: on the named flights, or on the best option from `origin` to `destination`.
    pub struct CreateHold in body(reference: &Reference) {
        /// One to four flights, in order. If left out or empty: those of the quote, or the best option.
        #[schema(max_items = 4)]
        flight_ids: Vec<FlightId> = list(MOST_FLIGHTS, read::code),
        /// Required without `flight_ids` and `quote_id`.
        origin: Option<AirportCode> =
            with(|fields| read_end(fields, "origin", |raw| reference.read_airport(raw))),
        /// Required without `flight_ids` and `quote_id`.
        destination: Option<AirportCode> =
            with(|fields| read_end(fields, "destination", |raw| reference.read_destination(raw, origin))),
        /// Local calendar date at the origin; used only without `flight_ids`. Default: the earliest possible departure.
        departure_date: Option<NaiveDate> = read::date,
        /// Its pieces, by size. They may stand for `pieces`, `weight_kg` and `volume_m3`, and each must fit on the flights.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Required unless each line of the dimensions has a weight.
        weight_kg: Inferred<Weight> = with(|fields| freight::needed_weight(fields, dimensions.as_ref())),
        /// Default: that of the dimensions, or the weight divided by 166.667 kg per m³, rounded up to 0.001 m³.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions, of any type, on each flight.
        positions: Option<Positions> = read::positions,
        /// Whether pieces that do not fit on the named flights are taken all the same; for the carrier's staff only. Default: false.
        accept_oversize: Option<bool> = read::boolean,
        /// Time until the hold expires, if it is not extended. Default: 900.
        #[schema(minimum = 10, maximum = 900)]
        ttl_seconds: Option<u32> = read::integer(SHORTEST_SECONDS, LONGEST_SECONDS),
        /// One of your quotes, for these flights and this freight. Default: a price by the rules of today.
        quote_id: Option<QuoteId> = read::code,
        /// The code of a sale.
        #[schema(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9._-]+$")]
        discount_code: Option<String> = read_rule_code,
        /// Default: the sum of the dimensions.
        pieces: Option<Pieces> = with(|fields| freight::pieces(fields, dimensions.as_ref())),
        /// Positions by name, such as `{"<flight id>": ["P1"]}`; their number becomes `positions`.
        position_names: Option<PositionNames> = with(read_position_names),
        /// Default: `GENERAL`.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Option<String> = read_product,
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
        contact: Option<NewContact> = object(NewContact::read),
    }
}

impl CreateHold {
    /// Its flights, a quote for them, or the ends of the way; and a weight, which dimensions may have.
    pub const NEEDS: Condition = Condition::of::<Self>(&["weight_kg", "dimensions"], || {
        let ends = all(&[given("origin", "string"), given("destination", "string")]);
        let way = any(&[filled("flight_ids"), given("quote_id", "string"), ends]);
        all(&[way, any(&[given("weight_kg", "number"), filled("dimensions")])])
    });
}

request! {
    /// Room to be held on one flight.
    pub struct CreateReservation in body {
        weight_kg: Weight = read::weight,
        /// Default: the weight divided by 166.667 kg per m³, rounded up to 0.001 m³.
        volume_m3: Option<Volume> = read::volume,
        /// Number of whole ULD positions, of any type.
        positions: Option<Positions> = read::positions,
        /// Time until the reservation expires, if it is not extended. Default: 900.
        #[schema(minimum = 10, maximum = 900)]
        ttl_seconds: Option<u32> = read::integer(SHORTEST_SECONDS, LONGEST_SECONDS),
    }
}

request! {
    /// Changes to a hold: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a
    /// member.
    #[derive(Default)]
    pub struct AmendHold in patch(reference: &Reference) {
        /// Its pieces, by size: bring `pieces`, `volume_m3` and, if each line has one, `weight_kg` along. Other values of these
        /// must agree with them. `null`: none.
        dimensions: Patch<NewDimensions> = with(freight::dimensions),
        /// Whether pieces that do not fit on the named flights are taken all the same; for the carrier's staff only. Default: false.
        accept_oversize: Option<bool> = read::boolean,
        pieces: Patch<Pieces> = read::pieces,
        /// A defaulted volume follows the weight.
        weight_kg: Option<Weight> = read::weight,
        /// `null`: the volume follows the weight from now on, or is that of the dimensions.
        volume_m3: Patch<Volume> = read::volume,
        /// A number other than that of the named positions drops their names.
        positions: Patch<Positions> = read::positions,
        /// Positions by name, such as `{"<flight id>": ["P1"]}`; their number becomes `positions`. `null` drops the
        /// names, not the number.
        position_names: Patch<PositionNames> = with(read_position_names),
        /// One to four flights, in order, in place of the present ones.
        #[schema(max_items = 4)]
        flight_ids: Option<Vec<FlightId>> = list(MOST_FLIGHTS, read::code),
        /// `null`: `GENERAL`.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$")]
        product: Patch<String> = read_product,
        /// What the freight is, in your own words.
        #[schema(max_length = 2000)]
        description: Patch<String> = read::prose(read::PROSE),
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Patch<Vec<HandlingCode>> =
            set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        awb_number: Patch<AwbNumber> = read::code,
        shipper: Patch<AmendParty> = object(AmendParty::read),
        consignee: Patch<AmendParty> = object(AmendParty::read),
        /// A reference of your own, such as the number of an order.
        #[schema(max_length = 500)]
        customer_reference: Patch<String> = read::line(read::LINE),
        contact: Patch<AmendContact> = object(AmendContact::read),
        /// The code of a sale; `null`: none.
        #[schema(min_length = 1, max_length = 40, pattern = "^[A-Za-z0-9._-]+$")]
        discount_code: Patch<String> = read_rule_code,
    }
}

impl AmendHold {
    /// Returns whether pieces that do not fit are taken.
    pub fn accepts_oversize(&self) -> bool {
        self.accept_oversize.unwrap_or_default()
    }
}

request! {
    /// How long a hold is extended.
    #[derive(Copy, Default)]
    pub struct ExtendHold in body {
        /// Time from now until the hold expires. Default: 900.
        #[schema(minimum = 10, maximum = 900)]
        ttl_seconds: Option<u32> = read::integer(SHORTEST_SECONDS, LONGEST_SECONDS),
    }
}

request! {
    /// Which holds a list shows; filters combine with AND.
    #[derive(Default)]
    pub struct HoldFilter in query(caller: Principal) {
        /// Only those in this state.
        status: Option<HoldStatus> = read::word(HoldStatus::WORDS),
        /// Only those of this kind.
        kind: Option<HoldKind> = read::word(HoldKind::WORDS),
        /// Only holds of room on this flight.
        #[param(value_type = Option<uuid::Uuid>)]
        flight_id: Option<FlightId> = read::code,
        /// Only holds of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}

/// Reads an end of the way, which named flights make unnecessary.
fn read_end(
    fields: &mut Fields<'_>,
    name: &'static str,
    reader: impl Fn(Raw<'_>) -> Result<AirportCode, Fault>,
) -> Option<AirportCode> {
    let is_known = !fields.is_empty("flight_ids") || !fields.is_absent("quote_id");
    if is_known { fields.optional(name, reader) } else { fields.required(name, reader) }
}

impl CreateHold {
    /// A reservation of space on one flight.
    pub fn on_one_flight(flight: FlightId, new: &CreateReservation) -> Self {
        Self {
            flight_ids: vec![flight],
            origin: None,
            destination: None,
            departure_date: None,
            dimensions: None,
            accept_oversize: None,
            weight_kg: new.weight_kg,
            volume_m3: new.volume_m3,
            positions: new.positions,
            ttl_seconds: new.ttl_seconds,
            quote_id: None,
            discount_code: None,
            pieces: None,
            position_names: None,
            product: None,
            description: None,
            special_handling_codes: Vec::new(),
            awb_number: None,
            shipper: None,
            consignee: None,
            customer_reference: None,
            contact: None,
        }
    }

    /// Returns whether pieces that do not fit are taken.
    pub fn accepts_oversize(&self) -> bool {
        self.accept_oversize.unwrap_or_default()
    }

    /// Returns its dimensions, if they were given.
    pub fn dimensions(&self) -> Option<&Dimensions> {
        self.dimensions.as_deref()
    }

    /// Returns the space that it takes on each flight.
    pub fn load(&self) -> Load {
        let named = self.position_names.as_ref().and_then(named_positions);
        Load::of(self.weight_kg, self.volume_m3, named.or(self.positions))
    }

    pub fn texts(&self) -> Texts {
        Texts {
            description: self.description.clone(),
            customer_reference: self.customer_reference.clone(),
            shipper: self.shipper.clone(),
            consignee: self.consignee.clone(),
        }
    }

    pub fn contact(&self) -> Option<Contact> {
        let NewContact { name, email, phone } = self.contact.clone()?;
        Some(Contact { name, email, phone })
    }
}
