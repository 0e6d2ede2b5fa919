mod days;
mod place_search;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::{OwnSpace, Space};
use loadmaster_flights::FlightBody;
use loadmaster_kernel::{AirportCode, HandlingCode, Money, Pieces, Positions, Volume, Weight};
use loadmaster_platform::web::{
    Condition, Fields,
    condition::{among, any, filled, given},
    freight::{self, NewDimensions},
    list, read, request, with,
};
use loadmaster_pricing::{Estimate, PriceBasis, Product, read_product};
use loadmaster_reference::{Carriage, Emissions, Place, Reference};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::model::{Itinerary, MOST_STOPS_NEAR, Options, Payer, Question, Reason, Request, Sort, co2e_order};

pub(super) use days::{RouteDay, SearchDays};
pub(super) use place_search::PlaceSearch;

const DEFAULT_LIMIT: u32 = 50;
pub(super) const MOST: u32 = 200;
/// As many as an air waybill has boxes for.
pub(super) const MOST_HANDLING_CODES: usize = 9;

request! {
    /// A route search. `pieces` is accepted for convenience and has no effect.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    pub(super) struct SearchRoutes in body(reference: &Reference, most_stops: u8) {
        /// IATA code of an airport, or of a city of `GET /cities`: all its active airports.
        #[schema(value_type = AirportCode)]
        #[param(value_type = AirportCode)]
        origin: Place = |raw| reference.read_place(raw),
        /// IATA code of an airport, or of a city of `GET /cities`: all its active airports.
        #[schema(value_type = AirportCode)]
        #[param(value_type = AirportCode)]
        destination: Place = |raw| reference.read_other_place(raw, origin),
        /// Local calendar date at the origin.
        departure_date: NaiveDate = read::date,
        /// Its pieces, by size: options say whether each fits. They may stand for `pieces`, `weight_kg` and `volume_m3`.
        #[param(ignore)]
        dimensions: Option<NewDimensions> = with(freight::dimensions),
        /// Weight of the freight in kg: options say whether it fits. Default: the sum of the dimensions, if each line has a weight.
        #[schema(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
        #[param(value_type = Option<f64>, minimum = 0.1, maximum = 9_999_999.9, multiple_of = 0.1)]
        weight_kg: Option<Weight> = with(|fields| freight::weight(fields, dimensions.as_ref())),
        /// Volume of the freight in m³. Default: that of the dimensions, or by the weight, at 166.667 kg per m³.
        #[schema(value_type = Option<f64>, minimum = 0.001, maximum = 9_999_999.999, multiple_of = 0.001)]
        #[param(value_type = Option<f64>, minimum = 0.001, maximum = 9_999_999.999, multiple_of = 0.001)]
        volume_m3: Option<Volume> = with(|fields| freight::volume(fields, dimensions.as_ref())),
        /// Number of whole ULD positions of the freight.
        #[param(value_type = Option<u32>, minimum = 0, maximum = 9999)]
        positions: Option<Positions> = read::positions,
        /// Number of pieces of the freight.
        #[param(value_type = Option<u32>, minimum = 1, maximum = 99_999)]
        pieces: Option<Pieces> = with(|fields| freight::pieces(fields, dimensions.as_ref())),
        /// At most nine codes; in a query, separated by commas.
        #[schema(max_items = 9)]
        #[param(value_type = Option<String>, min_length = 1, pattern = "^[A-Za-z]{3}(,[A-Za-z]{3}){0,8}$")]
        special_handling_codes: Vec<HandlingCode> = list(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        /// Maximum number of connections of an option.
        #[schema(default = 1, minimum = 0, maximum = 3)]
        #[param(value_type = Option<u8>, default = 1, minimum = 0, maximum = 3)]
        max_stops: Option<u8> = read::integer(0, most_stops),
        /// Adds the price to each option; needs `weight_kg`. Sales that need no code lower it.
        #[schema(default = false)]
        #[param(default = false)]
        price: Option<bool> = with(|fields| read_price(fields, weight_kg)),
        /// The product as which prices rate the freight; it has no effect without them.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$", default = "GENERAL")]
        #[param(value_type = Option<String>, min_length = 1, max_length = 20, pattern = "^[A-Za-z0-9-]+$", default = "GENERAL")]
        product: Option<Product> = read_product,
        /// Maximum number of options in each list.
        #[schema(default = 50, minimum = 1, maximum = 200)]
        #[param(default = 50, minimum = 1, maximum = 200)]
        limit: Option<u32> = read::integer(1, MOST),
    }
}

impl SearchRoutes {
    /// A weight, if prices are asked for.
    pub const NEEDS: Condition = Condition::of::<Self>(&["price"], weight_for_prices);
}

/// Prices need a weight, which dimensions may have.
pub(super) fn weight_for_prices() -> Value {
    any(&[among("price", &json!([false, null])), given("weight_kg", "number"), filled("dimensions")])
}

request! {
    /// The order of the ranked form.
    pub(super) struct Ranking in query {
        /// Default: `arrival`. `price` implies `price=true`: the cheapest first, those without a price last. `emissions`: the
        /// least first, those without an estimate last. Both need `weight_kg`.
        #[param(inline)]
        sort: Option<Sort> = read::word(Sort::WORDS),
    }
}

/// Reads whether prices are asked for: they need a weight.
pub(super) fn read_price(fields: &mut Fields<'_>, weight: Option<Weight>) -> Option<bool> {
    let wanted = fields.optional("price", read::boolean)?;
    if wanted && weight.is_none() && fields.is_absent("weight_kg") {
        fields.missing("weight_kg");
    }
    Some(wanted)
}

impl Ranking {
    /// Reads a search in this order.
    pub fn read_search(&self, fields: &mut Fields<'_>, reference: &Reference, most_stops: u8) -> Option<SearchRoutes> {
        let is_by_price = self.sort == Some(Sort::Price);
        let needs_weight = is_by_price || self.sort == Some(Sort::Emissions);
        let mut search = SearchRoutes::read(fields, reference, most_stops);
        let is_priced = search.as_ref().is_none_or(|search| search.price == Some(true));
        if needs_weight && !is_priced && fields.is_absent("weight_kg") {
            fields.missing("weight_kg");
        }
        if let Some(search) = search.as_mut().filter(|_| is_by_price) {
            search.price = Some(true);
        }
        search
    }
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
    /// The earliest departure of an alternative.
    pub earliest: Option<DateTime<Utc>>,
}

impl Search {
    pub const fn question(&self) -> Question {
        let Self { origin, destination, date, max_stops, .. } = *self;
        Question { origin, destination, date, max_stops }
    }
}

impl SearchRoutes {
    /// The search of a caller for whom allotments keep this, with the limits that the request leaves out.
    pub fn complete(self, most_stops: u8, own: OwnSpace, payer: Payer) -> PlaceSearch {
        let priced_for = self.price.unwrap_or_default().then_some(payer);
        let (origin, destination) = (self.origin, self.destination);
        let search = Search {
            origin: origin.first(),
            destination: destination.first(),
            date: self.departure_date,
            request: Request {
                weight: self.weight_kg,
                volume: self.volume_m3,
                positions: self.positions,
                dimensions: self.dimensions.map(NewDimensions::into_inner),
                special_handling_codes: self.special_handling_codes,
                product: self.product.unwrap_or_default(),
                own,
                priced_for,
            },
            max_stops: self.max_stops.unwrap_or(most_stops.min(MOST_STOPS_NEAR)),
            limit: usize::try_from(self.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX),
            earliest: None,
        };
        PlaceSearch::between(origin, destination, search)
    }
}

/// A direct flight, and whether it is bookable as requested.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectFlight {
    #[serde(flatten)]
    pub flight: FlightBody,
    /// Whether it can be booked for this freight at this moment; `reasons` says why not.
    pub bookable: bool,
    /// Reasons why the option is not bookable: `weight_exceeded`, `volume_exceeded`, `positions_exceeded`,
    /// `cutoff_passed`, `cargo_aircraft_only`, `embargoed`, `handling_required`, `too_large`.
    pub reasons: Vec<&'static str>,
    /// Only with the reason `too_large`: a text that names the flight, the line of the dimensions (from 1), and the largest
    /// opening of its aircraft.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub too_large: Option<String>,
    /// By when the station at the origin takes this freight, by its rules for the product and the handling codes, and never after
    /// the cut-off of the first flight; null if it has no rule for it. It informs: only the cut-off closes.
    #[schema(required = true)]
    pub latest_acceptance_datetime: Option<DateTime<Utc>>,
    /// What the freight emits on it, an estimate; null without `weight_kg`, or if a factor is not known.
    #[schema(required = true)]
    pub emissions: Option<Emissions>,
    /// Only if prices are asked for; null: no rate applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RoutePrice>)]
    pub price: AskedPrice,
}

/// A route from origin to destination.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteOption {
    /// `direct` or `transit`.
    pub route_type: &'static str,
    /// Number of connections.
    pub stops: usize,
    /// The flights, in order.
    pub flights: Vec<FlightBody>,
    /// The airport of the first connection; null on a direct route.
    #[schema(required = true)]
    pub transit_airport: Option<AirportCode>,
    /// The airports of the connections, in order.
    pub transit_airports: Vec<AirportCode>,
    /// When it departs.
    pub departure_datetime: DateTime<Utc>,
    /// When it arrives.
    pub arrival_datetime: DateTime<Utc>,
    /// At most two decimals.
    #[serde(serialize_with = "loadmaster_kernel::short_number")]
    pub total_duration_hours: f64,
    /// From the first departure to the last arrival, in minutes.
    pub total_duration_minutes: i64,
    /// Minutes on the ground at each connection.
    pub connection_minutes: Vec<i64>,
    /// The smallest availability of any leg, in each dimension.
    pub available: Space,
    /// Whether it can be booked for this freight at this moment; `reasons` says why not.
    pub bookable: bool,
    /// Reasons why the option is not bookable: `weight_exceeded`, `volume_exceeded`, `positions_exceeded`,
    /// `cutoff_passed`, `cargo_aircraft_only`, `embargoed`, `handling_required`, `too_large`.
    pub reasons: Vec<&'static str>,
    /// Only with the reason `too_large`: a text that names the flight, the line of the dimensions (from 1), and the largest
    /// opening of its aircraft.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub too_large: Option<String>,
    /// By when the station at the origin takes this freight, by its rules for the product and the handling codes, and never after
    /// the cut-off of the first flight; null if it has no rule for it. It informs: only the cut-off closes.
    #[schema(required = true)]
    pub latest_acceptance_datetime: Option<DateTime<Utc>>,
    /// What the freight emits on it, an estimate; null without `weight_kg`, or if a factor is not known.
    #[schema(required = true)]
    pub emissions: Option<Emissions>,
    /// Only if prices are asked for; null: no rate applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RoutePrice>)]
    pub price: AskedPrice,
}

/// What the freight costs on an option, as `POST /quotes` would quote it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoutePrice {
    pub total: Money,
    /// Before the discount.
    pub weight_charge: Money,
    pub surcharges: Money,
    pub basis: PriceBasis,
}

impl From<Estimate> for RoutePrice {
    fn from(Estimate { sums, basis }: Estimate) -> Self {
        Self { total: sums.total(), weight_charge: sums.weight_charge, surcharges: sums.surcharges, basis }
    }
}

/// A member that is absent unless it is asked for, and null without a price.
#[allow(clippy::option_option, reason = "three cases")]
type AskedPrice = Option<Option<RoutePrice>>;

/// Returns the member `price` of an option: absent unless it is asked for.
fn priced(itinerary: &Itinerary, search: &Search) -> AskedPrice {
    search.request.priced_for.map(|_| itinerary.price().map(RoutePrice::from))
}

/// Returns what the freight emits on an option.
pub(super) fn emitted(itinerary: &Itinerary, search: &Search, reference: &Reference) -> Option<Emissions> {
    reference.emissions(search.request.weight?, itinerary.legs().iter().map(Carriage::from))
}

/// Returns the text of the reason `too_large`, if an option has it.
fn too_large_text(itinerary: &Itinerary, search: &Search, reference: &Reference) -> Option<String> {
    let dimensions = search.request.dimensions.as_ref()?;
    itinerary.legs().iter().find_map(|flight| {
        let piece = reference.too_large(dimensions, flight.aircraft?)?;
        Some(format!("{} {piece}", flight.number))
    })
}

/// Direct flights and connections, in each list bookable options first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResult {
    /// As it was asked for: the code of an airport or of a city.
    pub origin: AirportCode,
    /// As it was asked for: the code of an airport or of a city.
    pub destination: AirportCode,
    /// Local calendar date at the origin.
    pub departure_date: NaiveDate,
    /// Ordered by departure.
    pub direct_flights: Vec<DirectFlight>,
    /// Ordered by arrival, then fewer stops, then duration, then id.
    pub transit_routes: Vec<RouteOption>,
    /// Only if prices are asked for: the products that tariffs rate from this origin to this destination for you, `GENERAL`
    /// first, then the others by name. The same search with `product` has the prices of one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1, max_items = 20)]
    pub products: Option<Vec<Product>>,
    /// Only if nothing can be booked as requested: at most three options that can, on the departure date or one of the
    /// next days (`search.alternative_days`), ordered by day, then arrival. Empty if none was found in 200 milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 3)]
    pub alternatives: Option<Vec<RouteOption>>,
}

fn names_of(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.as_str()).collect()
}

impl SearchResult {
    pub fn new(search: &Search, mut options: Options, products: Option<Vec<Product>>, reference: &Reference) -> Self {
        options.direct.sort_by(|a, b| Sort::Departure.compare(a, b));
        options.transit.sort_by(|a, b| Sort::Arrival.compare(a, b));
        let direct = options.direct.iter().take(search.limit);
        let transit = options.transit.iter().take(search.limit);
        Self {
            origin: search.origin,
            destination: search.destination,
            departure_date: search.date,
            direct_flights: direct.filter_map(|option| DirectFlight::new(option, search, reference)).collect(),
            transit_routes: transit.map(|option| RouteOption::new(option, search, reference)).collect(),
            products,
            // Inserted into the text (`alternatives`).
            alternatives: None,
        }
    }
}

impl DirectFlight {
    pub fn new(itinerary: &Itinerary, search: &Search, reference: &Reference) -> Option<Self> {
        Some(Self {
            flight: FlightBody::new(itinerary.legs().first()?, reference),
            bookable: itinerary.is_bookable(),
            reasons: names_of(itinerary.reasons()),
            too_large: too_large_text(itinerary, search, reference),
            latest_acceptance_datetime: itinerary.latest_acceptance(),
            emissions: emitted(itinerary, search, reference),
            price: priced(itinerary, search),
        })
    }
}

impl RouteOption {
    pub(crate) fn new(itinerary: &Itinerary, search: &Search, reference: &Reference) -> Self {
        let flights = itinerary.legs().iter().map(|flight| FlightBody::new(flight, reference)).collect();
        let legs: Vec<_> =
            itinerary.legs().iter().map(|flight| (flight.origin, flight.departure, flight.arrival)).collect();
        Self {
            flights,
            available: itinerary.available(),
            bookable: itinerary.is_bookable(),
            reasons: names_of(itinerary.reasons()),
            too_large: too_large_text(itinerary, search, reference),
            latest_acceptance_datetime: itinerary.latest_acceptance(),
            emissions: emitted(itinerary, search, reference),
            price: priced(itinerary, search),
            ..Self::frame(&legs)
        }
    }

    pub(crate) fn ranking(search: &Search, sort: Sort, options: Options, reference: &Reference) -> Vec<Self> {
        let mut all: Vec<_> = options.direct.into_iter().chain(options.transit).collect();
        all.sort_by(|a, b| sort.compare(a, b));
        if sort == Sort::Emissions {
            let co2e = |option: &Itinerary| Some(emitted(option, search, reference)?.co2e_kg);
            all.sort_by_cached_key(|option| (!option.is_bookable(), co2e_order(co2e(option))));
        }
        all.iter().take(search.limit).map(|option| Self::new(option, search, reference)).collect()
    }

    /// All of it that follows from where its legs begin, and when they depart and arrive.
    pub fn frame(legs: &[(AirportCode, DateTime<Utc>, DateTime<Utc>)]) -> Self {
        let transit_airports: Vec<AirportCode> = legs.iter().skip(1).map(|(origin, ..)| *origin).collect();
        let departure = legs.first().map_or(DateTime::UNIX_EPOCH, |(_, departure, _)| *departure);
        let arrival = legs.last().map_or(DateTime::UNIX_EPOCH, |(.., arrival)| *arrival);
        let minutes = (arrival - departure).num_minutes();
        Self {
            route_type: if transit_airports.is_empty() { "direct" } else { "transit" },
            stops: transit_airports.len(),
            flights: Vec::new(),
            transit_airport: transit_airports.first().copied(),
            transit_airports,
            departure_datetime: departure,
            arrival_datetime: arrival,
            total_duration_hours: hours(minutes),
            total_duration_minutes: minutes,
            connection_minutes: legs.windows(2).map(|pair| (pair[1].1 - pair[0].2).num_minutes()).collect(),
            available: Space::default(),
            bookable: false,
            reasons: Vec::new(),
            too_large: None,
            latest_acceptance_datetime: None,
            emissions: None,
            price: None,
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
