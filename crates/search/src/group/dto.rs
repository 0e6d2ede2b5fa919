//! The body of a group search, and its answer.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{
    AirportCode, Fault, FaultCode, FlightId, HandlingCode, Money, Pieces, Positions, Volume, Weight,
};
use loadmaster_platform::web::{
    Fields, Raw,
    freight::{self, NewDimensions},
    list, objects, read, request, with,
};
use loadmaster_reference::Reference;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::dto::{MOST_HANDLING_CODES, RouteOption},
    query::{GroupFreight, GroupQuery},
};

const MOST_PARTS: usize = 100;
const MOST_ORIGINS: usize = 10;
/// The largest freight of a booking: a master is one.
const LARGEST: Space = Space::from_columns(99_999_999, 9_999_999_999, 9_999);

type Parts = Vec<GroupPart>;

request! {
    /// Freight of one of the origins, such as a house shipment. `pieces` is accepted for convenience and has no effect.
    pub(crate) struct GroupPart in body(reference: &Reference, destination: Option<AirportCode>, date: Option<NaiveDate>) {
        /// IATA airport code; not the destination.
        origin: AirportCode = |raw| read_other(raw, reference, destination),
        /// Its pieces, by size: routes say whether each fits. They may stand for `pieces`, `weight_kg` and `volume_m3`.
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Number of pieces of the freight.
        pieces: Option<Pieces> = with(|fields| freight::pieces(fields, dimensions.as_ref())),
        /// Weight of the freight in kg. Required unless each line of the dimensions has a weight.
        weight_kg: Inferred<Weight> = with(|fields| freight::needed_weight(fields, dimensions.as_ref())),
        /// Volume of the freight in m³. Default: that of the dimensions, or by the weight, at 166.667 kg per m³.
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions of the freight.
        positions: Option<Positions> = read::positions,
        /// At most nine codes; those of all parts of an origin are at most nine, too.
        #[schema(max_items = 9)]
        special_handling_codes: Vec<HandlingCode> = list(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// When the freight is ready at its origin: flights with an earlier cut-off leave without it. Not after the departure date.
        ready_at: Option<DateTime<Utc>> = |raw| read_ready(raw, reference, origin, date),
    }
}

request! {
    /// A search for the freight of several origins that goes to one destination. Parts of one origin travel together.
    pub(crate) struct SearchGroup in body(reference: &Reference) {
        /// IATA airport code.
        destination: AirportCode = |raw| reference.read_airport(raw),
        /// Local calendar date at each origin.
        departure_date: NaiveDate = read::date,
        /// The freight, at most 100 parts from at most ten origins.
        #[schema(value_type = Vec<GroupPart>, min_items = 1, max_items = 100)]
        parts: Parts = with(|fields| read_parts(fields, reference, destination, departure_date)),
        /// Routes that arrive later are left out. After the beginning of the departure date at one of the origins.
        latest_arrival: Option<DateTime<Utc>> = |raw| read_latest(raw, reference, departure_date, parts.as_deref()),
        /// IATA airport code, not the destination: only routes whose last flight departs there.
        hub: Option<AirportCode> = |raw| read_other(raw, reference, destination),
        /// Adds the prices. Sales that need no code lower them.
        #[schema(default = false)]
        price: Option<bool> = read::boolean,
    }
}

/// Reads an airport that is not the destination.
fn read_other(raw: Raw<'_>, reference: &Reference, destination: Option<AirportCode>) -> Result<AirportCode, Fault> {
    let airport = reference.read_airport(raw)?;
    if destination == Some(airport) {
        return Err(Fault::new(FaultCode::SameAsOrigin, "must differ from the destination"));
    }
    Ok(airport)
}

/// Reads when freight is ready, which must not be after all flights of the day.
fn read_ready(
    raw: Raw<'_>,
    reference: &Reference,
    origin: Option<AirportCode>,
    date: Option<NaiveDate>,
) -> Result<DateTime<Utc>, Fault> {
    let ready_at = read::instant(raw)?;
    let airport = origin.and_then(|origin| reference.airport(origin));
    if airport.zip(date).is_some_and(|(airport, date)| airport.local_date(ready_at) > date) {
        return Err(Fault::new(FaultCode::OutOfOrder, "must not be after the `departure_date`"));
    }
    Ok(ready_at)
}

/// Reads the latest arrival, which must be after the first departure of the day.
fn read_latest(
    raw: Raw<'_>,
    reference: &Reference,
    date: Option<NaiveDate>,
    parts: Option<&[GroupPart]>,
) -> Result<DateTime<Utc>, Fault> {
    let latest = read::instant(raw)?;
    let is_over = |part: &GroupPart| date.is_some_and(|date| reference.local_date(part.origin, latest) < date);
    if parts.is_some_and(|parts| !parts.is_empty() && parts.iter().all(is_over)) {
        return Err(Fault::new(FaultCode::OutOfOrder, "must not be before the `departure_date`"));
    }
    Ok(latest)
}

fn read_parts(
    fields: &mut Fields<'_>,
    reference: &Reference,
    destination: Option<AirportCode>,
    date: Option<NaiveDate>,
) -> Option<Parts> {
    let was_clean = fields.is_clean();
    let parts =
        fields.optional("parts", objects(MOST_PARTS, |part| GroupPart::read(part, reference, destination, date)))?;
    if fields.is_empty("parts") {
        fields.fault("parts", &Fault::new(FaultCode::TooShort, "must have at least one entry"));
        return None;
    }
    // Without a fault the places are those of the request.
    if was_clean && fields.is_clean() {
        check_masters(fields, &parts);
    }
    Some(parts)
}

/// Refuses masters that no booking can be: each part after which one is too large, or has too many codes.
fn check_masters(fields: &mut Fields<'_>, parts: &[GroupPart]) {
    let mut masters: Vec<(AirportCode, Space, Vec<HandlingCode>)> = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let at = masters.iter().position(|(origin, ..)| *origin == part.origin).unwrap_or_else(|| {
            masters.push((part.origin, Space::default(), Vec::new()));
            masters.len() - 1
        });
        let (_, sum, codes) = &mut masters[at];
        *sum = *sum + part.space();
        for dimension in sum.exceeds(LARGEST) {
            let fault =
                Fault::new(FaultCode::TooLarge, "is too large together with that of the other parts of the origin");
            fields.fault_of_member(("parts", place), dimension.as_str(), &fault);
        }
        let new = part.special_handling_codes.iter().filter(|code| !codes.contains(code)).copied();
        let new: Vec<HandlingCode> = new.collect();
        codes.extend(new);
        codes.sort_unstable();
        codes.dedup();
        if codes.len() > MOST_HANDLING_CODES {
            let text =
                format!("must be at most {MOST_HANDLING_CODES} together with those of the other parts of the origin");
            let fault = Fault::new(FaultCode::TooLong, text);
            fields.fault_of_member(("parts", place), "special_handling_codes", &fault);
        }
    }
    if masters.len() > MOST_ORIGINS {
        fields.fault("parts", &Fault::new(FaultCode::TooLong, format!("must have at most {MOST_ORIGINS} origins")));
    }
}

impl GroupPart {
    fn space(&self) -> Space {
        Space {
            weight: self.weight_kg,
            volume: self.volume_m3.unwrap_or_else(|| self.weight_kg.standard_volume()),
            positions: self.positions.unwrap_or_default(),
        }
    }
}

impl From<SearchGroup> for GroupQuery {
    fn from(search: SearchGroup) -> Self {
        let part = |part: GroupPart| GroupFreight {
            origin: part.origin,
            space: part.space(),
            dimensions: part.dimensions.map(NewDimensions::into_inner),
            special_handling_codes: part.special_handling_codes,
            ready_at: part.ready_at,
        };
        Self {
            destination: search.destination,
            departure_date: search.departure_date,
            parts: search.parts.into_iter().map(part).collect(),
            latest_arrival: search.latest_arrival,
            hub: search.hub,
            price: search.price.unwrap_or_default(),
        }
    }
}

/// A member that is absent unless prices are asked for, and null where there is none.
#[allow(clippy::option_option, reason = "three cases")]
pub(super) type OnRequest = Option<Option<Money>>;

/// A route for the freight of each origin.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupOption {
    /// The airport from which the last flight of each route departs; null if these differ.
    #[schema(required = true)]
    pub hub: Option<AirportCode>,
    /// The flight on which all travel last; null if they do not meet on one.
    #[schema(required = true)]
    pub common_flight: Option<FlightId>,
    /// One for each origin, in the order of the parts.
    #[schema(min_items = 1, max_items = 10)]
    pub ways: Vec<GroupWay>,
    /// When the last freight arrives.
    pub last_arrival: DateTime<Utc>,
    /// From the first arrival to the last one, in minutes.
    pub spread_minutes: i64,
    /// Only if prices are asked for: the sum of the prices of the masters; null if one has none, or their currencies differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    pub price: OnRequest,
    /// Only if prices are asked for: what the parts cost on the same flights, each alone; null if one has no price, or their
    /// currencies differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    pub apart: OnRequest,
    /// Only if prices are asked for: `apart` less `price`; null if one of them is null, or their currencies differ. Below zero
    /// if the master costs more than its parts, as by a surcharge for a handling code that only some of them have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    pub saving: OnRequest,
    /// Whether all of it can be booked at this moment; `reasons` of the routes say why not.
    pub bookable: bool,
}

/// The route of the freight of one origin. It is judged by the sum of its parts and, on flights that it shares with other routes
/// of the option, by the sum of all of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupWay {
    /// IATA airport code.
    pub origin: AirportCode,
    #[serde(flatten)]
    pub option: RouteOption,
}
