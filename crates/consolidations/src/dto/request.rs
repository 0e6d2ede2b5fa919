use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_holds::read_method;
use loadmaster_kernel::{
    AirportCode, AwbNumber, Fault, FaultCode, FlightId, HandlingCode, OrganizationId, Pieces, Positions, Volume,
    Weight, words,
};
use loadmaster_payments::PaymentMethod;
use loadmaster_platform::web::{
    Fields, Patch, Raw, Reader,
    freight::{self, NewDimensions},
    list, object, objects, read, request, set, with,
};
use loadmaster_reference::Reference;
use loadmaster_shipment::{
    AmendParty, Freight, FreightPatch, Load, MOST_FLIGHTS, MOST_HANDLING_CODES, MemberFaults, Party, Texts, TextsPatch,
};
use serde_json::Value;

use crate::model::{ConsolidationStatus, MOST_ORIGINS, PartContent, PartStatus, Terms};

/// Longest name of a consolidation.
const LONGEST_NAME: usize = 120;
/// Longest number of a house air waybill.
const LONGEST_HOUSE_NUMBER: usize = 35;

request! {
    /// A new consolidation.
    pub(crate) struct CreateConsolidation in body(reference: &Reference) {
        /// Its name, in your own words.
        #[schema(max_length = 120)]
        name: String = read::line(LONGEST_NAME),
        /// The airport where all parts go.
        destination: AirportCode = |raw| reference.read_airport(raw),
        /// When all parts should have arrived.
        latest_arrival: Option<DateTime<Utc>> = read::instant,
        /// Where your own parts start.
        origin: Option<AirportCode> = |raw| read_origin(raw, reference, destination),
    }
}

/// Reads an origin, which is not the destination.
fn read_origin(raw: Raw<'_>, reference: &Reference, destination: Option<AirportCode>) -> Result<AirportCode, Fault> {
    let origin = reference.read_airport(raw)?;
    if destination == Some(origin) { Err(same_as_destination()) } else { Ok(origin) }
}

/// Returns the fault of an origin that is the destination.
pub(crate) fn same_as_destination() -> Fault {
    Fault::new(FaultCode::SameAsOrigin, "must differ from the destination of the consolidation")
}

request! {
    /// Changes to a consolidation: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a
    /// member.
    #[derive(Default)]
    pub(crate) struct ChangeConsolidation in patch(reference: &Reference) {
        /// Its name, in your own words.
        #[schema(max_length = 120)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// The airport where all parts go: only without masters that are held or booked.
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// When all parts should have arrived.
        latest_arrival: Patch<DateTime<Utc>> = read::instant,
    }
}

impl ChangeConsolidation {
    /// Returns the changed terms.
    pub fn applied(&self, before: &Terms) -> Terms {
        Terms {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            destination: self.destination.unwrap_or(before.destination),
            latest_arrival: self.latest_arrival.or(before.latest_arrival),
        }
    }
}

words! {
    /// The status that a new part has.
    pub enum NewPartStatus {
        Draft = "DRAFT",
        Ready = "READY",
    }
}

words! {
    /// What a user makes of a part.
    pub enum WantedPartStatus {
        Draft = "DRAFT",
        Ready = "READY",
        Withdrawn = "WITHDRAWN",
    }
}

impl From<WantedPartStatus> for PartStatus {
    fn from(wanted: WantedPartStatus) -> Self {
        match wanted {
            WantedPartStatus::Draft => Self::Draft,
            WantedPartStatus::Ready => Self::Ready,
            WantedPartStatus::Withdrawn => Self::Withdrawn,
        }
    }
}

request! {
    /// A new part of a consolidation.
    pub(crate) struct AddPart in body(reference: &Reference) {
        /// `DRAFT`, or `READY` to travel. Default: `DRAFT`.
        status: Option<NewPartStatus> = read::word(NewPartStatus::WORDS),
        /// The airport where it starts, other than the destination of the consolidation.
        origin: AirportCode = |raw| reference.read_airport(raw),
        /// Its pieces, by size. They may stand for `pieces`, `weight_kg` and `volume_m3`, and each must fit on the flights.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Required unless dimensions are given.
        pieces: Inferred<Pieces> = with(|fields| freight::needed_pieces(fields, dimensions.as_ref())),
        /// Required unless each line of the dimensions has a weight.
        weight_kg: Inferred<Weight> = with(|fields| freight::needed_weight(fields, dimensions.as_ref())),
        /// Default: that of the dimensions, or the weight divided by 166.667 kg per m³, rounded up to 0.001 m³.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions, of any type, on each flight.
        positions: Option<Positions> = read::positions,
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// When it is ready to be handed over.
        ready_at: Option<DateTime<Utc>> = read::instant,
        /// The number of the house air waybill.
        #[schema(max_length = 35)]
        house_number: Option<String> = read::line(LONGEST_HOUSE_NUMBER),
        /// What the freight is, in your own words.
        #[schema(max_length = 2000)]
        description: Option<String> = read::prose(read::PROSE),
        shipper: Option<Party> = object(Party::read),
        consignee: Option<Party> = object(Party::read),
    }
}

impl AddPart {
    pub fn status(&self) -> PartStatus {
        match self.status {
            Some(NewPartStatus::Ready) => PartStatus::Ready,
            Some(NewPartStatus::Draft) | None => PartStatus::Draft,
        }
    }
}

impl From<AddPart> for PartContent {
    fn from(new: AddPart) -> Self {
        Self {
            origin: new.origin,
            pieces: new.pieces,
            load: Load::of(new.weight_kg, new.volume_m3, new.positions),
            dimensions: new.dimensions.map(NewDimensions::into_inner),
            special_handling_codes: new.special_handling_codes,
            ready_at: new.ready_at,
            house_number: new.house_number,
            description: new.description,
            shipper: new.shipper,
            consignee: new.consignee,
        }
    }
}

request! {
    /// Changes to a part: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a member.
    #[derive(Default)]
    pub(crate) struct ChangePart in patch(reference: &Reference) {
        status: Option<WantedPartStatus> = read::word(WantedPartStatus::WORDS),
        /// The airport where it starts, other than the destination of the consolidation.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Its pieces, by size: bring `pieces`, `volume_m3` and, if each line has one, `weight_kg` along. Other values of these
        /// must agree with them. `null`: none.
        dimensions: Patch<NewDimensions> = with(freight::dimensions),
        pieces: Option<Pieces> = read::pieces,
        /// A defaulted volume follows the weight.
        weight_kg: Option<Weight> = read::weight,
        /// `null`: the volume follows the weight from now on, or is that of the dimensions.
        volume_m3: Patch<Volume> = read::volume,
        /// Number of whole ULD positions, of any type, on each flight.
        positions: Patch<Positions> = read::positions,
        /// IATA special handling codes of the freight, such as `PER`.
        #[schema(max_items = 9)]
        special_handling_codes: Patch<Vec<HandlingCode>> =
            set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// When it is ready to be handed over.
        ready_at: Patch<DateTime<Utc>> = read::instant,
        /// The number of the house air waybill.
        #[schema(max_length = 35)]
        house_number: Patch<String> = read::line(LONGEST_HOUSE_NUMBER),
        /// What the freight is, in your own words.
        #[schema(max_length = 2000)]
        description: Patch<String> = read::prose(read::PROSE),
        shipper: Patch<AmendParty> = object(AmendParty::read),
        consignee: Patch<AmendParty> = object(AmendParty::read),
    }
}

impl ChangePart {
    /// Returns the changed content, or the members that contradict existing values, each with its fault.
    pub fn applied(&self, before: &PartContent) -> Result<PartContent, MemberFaults> {
        let texts = Texts {
            description: before.description.clone(),
            customer_reference: None,
            shipper: before.shipper.clone(),
            consignee: before.consignee.clone(),
        };
        let patch = TextsPatch {
            description: &self.description,
            customer_reference: &Patch::Keep,
            shipper: &self.shipper,
            consignee: &self.consignee,
        };
        let Texts { description, shipper, consignee, .. } = patch.apply(texts)?;
        let kept = Freight { pieces: Some(before.pieces), load: before.load, dimensions: before.dimensions.clone() };
        let changes = FreightPatch {
            pieces: self.pieces.map_or(Patch::Keep, Patch::Set),
            weight: self.weight_kg,
            volume: self.volume_m3,
            positions: self.positions,
            dimensions: &self.dimensions,
        };
        let Freight { pieces, load, dimensions } = changes.apply(&kept)?;
        let codes = self.special_handling_codes.clone().or(Some(before.special_handling_codes.clone()));
        Ok(PartContent {
            origin: self.origin.unwrap_or(before.origin),
            pieces: pieces.unwrap_or(before.pieces),
            load,
            dimensions,
            special_handling_codes: codes.unwrap_or_default(),
            ready_at: self.ready_at.or(before.ready_at),
            house_number: self.house_number.clone().or(before.house_number.clone()),
            description,
            shipper,
            consignee,
        })
    }
}

request! {
    /// An invitation to a consolidation.
    pub(crate) struct InviteMember in body(reference: &Reference) {
        /// The address to which the invitation is sent. Whoever answers it has an account with this address.
        email: String = read::email,
        /// Where its parts start.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
    }
}

words! {
    /// The answer to an invitation.
    pub enum JoinAnswer {
        Accept = "ACCEPT",
        Decline = "DECLINE",
    }
}

request! {
    /// The answer to an invitation.
    pub(crate) struct JoinConsolidation in body {
        /// The token in the link of the letter.
        #[schema(min_length = 1, max_length = 500)]
        token: String = read::line(read::LINE),
        answer: JoinAnswer = read::word(JoinAnswer::WORDS),
    }
}

request! {
    /// Which consolidations a list shows; filters combine with AND.
    #[derive(Default)]
    pub(crate) struct ConsolidationFilter in query(caller: Principal) {
        /// Only those in this state.
        status: Option<ConsolidationStatus> = read::word(ConsolidationStatus::WORDS),
        /// Only those of which this organization is the owner or a member: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}

request! {
    /// How the master of an origin travels.
    pub(crate) struct MasterWay in body(reference: &Reference) {
        /// An origin with parts that are ready.
        origin: AirportCode = |raw| reference.read_airport(raw),
        /// One to four flights, in order, from `origin` to the destination of the consolidation.
        #[schema(value_type = Vec<FlightId>, min_items = 1, max_items = 4)]
        flight_ids: WayFlights = with(read_flights),
    }
}

request! {
    /// The ways on which masters are held.
    pub(crate) struct HoldMasters in body(reference: &Reference) {
        /// One for each origin.
        #[schema(value_type = Vec<MasterWay>, min_items = 1, max_items = 10)]
        ways: Ways = with(|fields| read_ways(fields, reference)),
    }
}

/// The flights of a way: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WayFlights(pub Vec<FlightId>);

/// The ways of a request: at least one.
#[derive(Debug, Clone)]
pub(crate) struct Ways(pub Vec<MasterWay>);

/// Reads the member `flight_ids` of a way.
fn read_flights(fields: &mut Fields<'_>) -> Option<WayFlights> {
    let flights: Vec<FlightId> = list(MOST_FLIGHTS, read::code).read(fields, "flight_ids")?;
    if flights.is_empty() {
        fields.fault("flight_ids", &empty());
        return None;
    }
    Some(WayFlights(flights))
}

/// Reads the member `ways`.
fn read_ways(fields: &mut Fields<'_>, reference: &Reference) -> Option<Ways> {
    let ways: Vec<MasterWay> = objects(MOST_ORIGINS, |inner| MasterWay::read(inner, reference)).read(fields, "ways")?;
    if fields.is_empty("ways") {
        fields.fault("ways", &empty());
        return None;
    }
    Some(Ways(ways))
}

fn empty() -> Fault {
    Fault::new(FaultCode::Required, "must have at least one entry")
}

request! {
    /// A search for the masters of a consolidation.
    pub(crate) struct SearchMasters in body(reference: &Reference) {
        /// Local calendar date at each origin.
        departure_date: NaiveDate = read::date,
        /// Routes that arrive later are left out. Not before the departure date at all origins. Default: that of the consolidation.
        latest_arrival: Option<DateTime<Utc>> = read::instant,
        /// IATA airport code, not the destination: only routes whose last flight departs there.
        hub: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Adds the prices. Sales that need no code lower them.
        #[schema(default = false)]
        price: Option<bool> = read::boolean,
    }
}

request! {
    /// Which masters are booked, and how.
    #[derive(Default)]
    pub(crate) struct BookMasters in body(reference: &Reference) {
        /// Default: all that are held.
        #[schema(max_items = 10)]
        origins: Vec<AirportCode> = set(MOST_ORIGINS, |raw| reference.read_airport(raw)),
        /// The air waybill number of each master, by its origin, such as `{"DEL": "098-12345675"}`.
        #[schema(value_type = Option<BTreeMap<String, AwbNumber>>)]
        awb_numbers: Option<AwbNumbers> = with(read_awb_numbers),
        /// Only `ACCOUNT`: the credit account of your organization. Default: it is paid later.
        #[schema(value_type = Option<String>)]
        payment_method: Option<PaymentMethod> = with(|fields| read_method(fields, false)),
    }
}

/// Air waybill numbers, by origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AwbNumbers(pub BTreeMap<AirportCode, AwbNumber>);

/// Reads the member `awb_numbers`.
fn read_awb_numbers(fields: &mut Fields<'_>) -> Option<AwbNumbers> {
    fields.optional("awb_numbers", |raw: Raw<'_>| {
        let wrong = || Fault::new(FaultCode::WrongType, "must be an object with an air waybill number for each origin");
        let Raw::Json(Value::Object(numbers)) = raw else { return Err(wrong()) };
        if numbers.len() > MOST_ORIGINS {
            return Err(Fault::new(FaultCode::TooLong, format!("must have at most {MOST_ORIGINS} origins")));
        }
        let mut by_origin = BTreeMap::new();
        for (origin, number) in numbers {
            let origin = origin.parse().map_err(|_| Fault::format("must name its origins by their airport codes"))?;
            let Value::String(number) = number else { return Err(wrong()) };
            by_origin.insert(origin, number.parse()?);
        }
        Ok(AwbNumbers(by_origin))
    })
}
