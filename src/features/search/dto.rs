use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::model::{Itinerary, Options, Reason, Request, Sort};
use crate::{
    features::{capacity::Space, flights::FlightBody, reference::Reference},
    kernel::{AirportCode, Fault, FaultCode, HandlingCode, Pieces, Positions, Volume, Weight},
    platform::web::{Fields, read},
};

const DEFAULT_LIMIT: u32 = 50;
const MOST: u32 = 200;
/// As many as an air waybill has boxes for.
const MOST_HANDLING_CODES: usize = 9;

/// What to look for. `pieces` is taken along for convenience and decides nothing.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body; Search is what it is read into")]
pub struct SearchRoutes {
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Local calendar date at the origin.
    pub departure_date: NaiveDate,
    #[schema(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
    pub weight_kg: Option<Weight>,
    #[schema(value_type = Option<f64>, minimum = 0.001, maximum = 9_999_999.999, multiple_of = 0.001)]
    pub volume_m3: Option<Volume>,
    pub positions: Option<Positions>,
    pub pieces: Option<Pieces>,
    #[schema(max_items = 9)]
    pub special_handling_codes: Option<Vec<HandlingCode>>,
    #[schema(default = 1, minimum = 0, maximum = 1)]
    pub max_stops: Option<u8>,
    /// Per list.
    #[schema(default = 50, minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// The same as a query, with the order of the ranked form.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "the fields are OpenAPI text; Search reads them")]
pub struct RouteParams {
    /// IATA airport code.
    origin: AirportCode,
    /// IATA airport code.
    destination: AirportCode,
    /// Local calendar date at the origin.
    departure_date: NaiveDate,
    #[param(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
    weight_kg: Option<Weight>,
    #[param(value_type = Option<f64>, minimum = 0.001, maximum = 9_999_999.999, multiple_of = 0.001)]
    volume_m3: Option<Volume>,
    #[param(value_type = Option<u32>, minimum = 0, maximum = 9999)]
    positions: Option<Positions>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 99_999)]
    pieces: Option<Pieces>,
    /// Codes between commas, at most nine.
    special_handling_codes: Option<String>,
    #[param(default = 1, minimum = 0, maximum = 1)]
    max_stops: Option<u8>,
    #[param(default = 50, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `arrival` unless asked for otherwise.
    #[param(inline)]
    sort: Option<Sort>,
}

/// A validated search.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub date: NaiveDate,
    pub request: Request,
    pub max_stops: u8,
    pub limit: usize,
}

impl Search {
    /// From a body or a query: the members are the same.
    pub fn read(fields: &mut Fields<'_>, reference: &Reference, max_stops: u8) -> Option<Self> {
        let origin = fields.required("origin", |raw| reference.read_airport(raw));
        let destination = fields.required("destination", |raw| reference.read_airport(raw));
        let date = fields.required("departure_date", read::date);
        let weight = fields.optional("weight_kg", read::weight);
        let volume = fields.optional("volume_m3", read::volume);
        let positions = fields.optional("positions", read::positions);
        fields.optional("pieces", read::pieces);
        let codes = fields.list("special_handling_codes", MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw));
        let stops = fields.optional("max_stops", read::integer(0, u32::from(max_stops)));
        let limit = fields.optional("limit", read::integer(1, MOST)).unwrap_or(DEFAULT_LIMIT);
        if origin.is_some() && origin == destination {
            fields.fault("destination", &Fault::new(FaultCode::SameAsOrigin, "must differ from the origin"));
        }
        Some(Self {
            origin: origin?,
            destination: destination?,
            date: date?,
            request: Request { weight, volume, positions, special_handling_codes: codes.unwrap_or_default() },
            max_stops: stops.and_then(|stops| u8::try_from(stops).ok()).unwrap_or(max_stops),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }

    /// The same with the order of the ranked form.
    pub fn read_sorted(fields: &mut Fields<'_>, reference: &Reference, max_stops: u8) -> Option<(Self, Sort)> {
        let sort = fields.optional("sort", read::word(Sort::WORDS)).unwrap_or_default();
        Some((Self::read(fields, reference, max_stops)?, sort))
    }
}

/// A direct flight, and whether it can be booked as asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectFlight {
    #[serde(flatten)]
    pub flight: FlightBody,
    pub bookable: bool,
    /// Why not: `weight_exceeded`, `volume_exceeded`, `positions_exceeded`, `cutoff_passed`, `cargo_aircraft_only`.
    pub reasons: Vec<&'static str>,
}

/// A way from origin to destination.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteOption {
    /// `direct` or `transit`.
    pub route_type: &'static str,
    pub stops: usize,
    pub flights: Vec<FlightBody>,
    /// The airport of the first connection; null on a direct route.
    #[schema(required = true)]
    pub transit_airport: Option<AirportCode>,
    pub transit_airports: Vec<AirportCode>,
    pub departure_datetime: DateTime<Utc>,
    pub arrival_datetime: DateTime<Utc>,
    /// At most two decimals.
    #[serde(serialize_with = "crate::kernel::short_number")]
    pub total_duration_hours: f64,
    pub total_duration_minutes: i64,
    /// Time on the ground at each connection.
    pub connection_minutes: Vec<i64>,
    /// Least room over the legs.
    pub available: Space,
    pub bookable: bool,
    /// Why not: `weight_exceeded`, `volume_exceeded`, `positions_exceeded`, `cutoff_passed`, `cargo_aircraft_only`.
    pub reasons: Vec<&'static str>,
}

/// Both lists, each with what can be booked before what cannot.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResult {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure_date: NaiveDate,
    /// By departure.
    pub direct_flights: Vec<DirectFlight>,
    /// By arrival, then shorter, then id.
    pub transit_routes: Vec<RouteOption>,
}

fn told(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.as_str()).collect()
}

impl SearchResult {
    pub fn new(search: &Search, mut options: Options, reference: &Reference) -> Self {
        options.direct.sort_by(|a, b| Sort::Departure.compare(a, b));
        options.transit.sort_by(|a, b| Sort::Arrival.compare(a, b));
        let direct = options.direct.iter().take(search.limit);
        let transit = options.transit.iter().take(search.limit);
        Self {
            origin: search.origin,
            destination: search.destination,
            departure_date: search.date,
            direct_flights: direct.filter_map(|option| DirectFlight::new(option, reference)).collect(),
            transit_routes: transit.map(|option| RouteOption::new(option, reference)).collect(),
        }
    }
}

impl DirectFlight {
    pub fn new(itinerary: &Itinerary, reference: &Reference) -> Option<Self> {
        Some(Self {
            flight: FlightBody::new(itinerary.legs().first()?, reference),
            bookable: itinerary.is_bookable(),
            reasons: told(itinerary.reasons()),
        })
    }
}

impl RouteOption {
    pub fn new(itinerary: &Itinerary, reference: &Reference) -> Self {
        let flights = itinerary.legs().iter().map(|flight| FlightBody::new(flight, reference)).collect();
        Self { flights, ..Self::frame(itinerary) }
    }

    pub fn ranking(search: &Search, sort: Sort, options: Options, reference: &Reference) -> Vec<Self> {
        let mut all: Vec<_> = options.direct.into_iter().chain(options.transit).collect();
        all.sort_by(|a, b| sort.compare(a, b));
        all.iter().take(search.limit).map(|option| Self::new(option, reference)).collect()
    }

    /// All of it but its flights.
    pub fn frame(itinerary: &Itinerary) -> Self {
        let transit_airports = itinerary.transit_airports();
        let minutes = itinerary.duration().num_minutes();
        Self {
            route_type: if itinerary.is_direct() { "direct" } else { "transit" },
            stops: transit_airports.len(),
            flights: Vec::new(),
            transit_airport: transit_airports.first().copied(),
            transit_airports,
            departure_datetime: itinerary.departure(),
            arrival_datetime: itinerary.arrival(),
            total_duration_hours: hours(minutes),
            total_duration_minutes: minutes,
            connection_minutes: itinerary.connection_minutes(),
            available: itinerary.available(),
            bookable: itinerary.is_bookable(),
            reasons: told(itinerary.reasons()),
        }
    }
}

/// Minutes as hours, rounded to two decimals.
fn hours(minutes: i64) -> f64 {
    let hundredths = (minutes * 100 + 30) / 60;
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let hours = hundredths as f64 / 100.0;
    hours
}
