use std::{cmp::Ordering, collections::HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_capacity::{Dimension, OwnSpace, Space};
use loadmaster_flights::{Connections, Flight, Lane, Scope, is_connection};
use loadmaster_kernel::{
    AirportCode, Co2e, Currency, Dimensions, FlightId, HandlingCode, OrganizationId, Positions, Volume, Weight,
};
use loadmaster_pricing::{Estimate, Product};
use utoipa::ToSchema;

/// The cargo to carry; an unspecified dimension cannot be exceeded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    pub weight: Option<Weight>,
    pub volume: Option<Volume>,
    pub positions: Option<Positions>,
    /// `None`: whether its pieces fit is not judged.
    pub dimensions: Option<Dimensions>,
    pub special_handling_codes: Vec<HandlingCode>,
    /// By whose tariffs prices are.
    pub product: Product,
    /// What allotments keep for the caller.
    pub own: OwnSpace,
    /// The caller whose prices are asked for.
    pub priced_for: Option<Payer>,
}

/// The organization by whose tariffs an option is rated; `None`: nobody's.
pub type Payer = Option<OrganizationId>;

impl Request {
    /// Returns the request for freight that takes this space.
    pub fn of(space: Space, special_handling_codes: &[HandlingCode]) -> Self {
        Self {
            weight: Some(space.weight),
            volume: Some(space.volume),
            positions: Some(space.positions),
            dimensions: None,
            special_handling_codes: special_handling_codes.to_vec(),
            product: Product::GENERAL,
            own: OwnSpace::default(),
            priced_for: None,
        }
    }

    /// Returns the same for freight of these dimensions.
    #[must_use]
    pub fn sized(self, dimensions: Option<&Dimensions>) -> Self {
        Self { dimensions: dimensions.cloned(), ..self }
    }

    /// Returns the request of a caller for whom allotments keep this.
    #[must_use]
    pub fn by(self, own: OwnSpace) -> Self {
        Self { own, ..self }
    }

    /// Returns the requested space. A weight without a volume gets the volume that a booking would default to.
    pub fn space(&self) -> Space {
        let volume = self.volume.or_else(|| self.weight.map(Weight::standard_volume));
        Space {
            weight: self.weight.unwrap_or_default(),
            volume: volume.unwrap_or_default(),
            positions: self.positions.unwrap_or_default(),
        }
    }

    pub fn needs_freighter(&self) -> bool {
        self.special_handling_codes.contains(&HandlingCode::CARGO_AIRCRAFT_ONLY)
    }
}

/// Reason why an option cannot be booked as requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    WeightExceeded,
    VolumeExceeded,
    PositionsExceeded,
    CutoffPassed,
    CargoAircraftOnly,
    Embargoed,
    HandlingRequired,
    TooLarge,
}

impl Reason {
    const fn is_of_space(self) -> bool {
        matches!(self, Self::WeightExceeded | Self::VolumeExceeded | Self::PositionsExceeded)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WeightExceeded => "weight_exceeded",
            Self::VolumeExceeded => "volume_exceeded",
            Self::PositionsExceeded => "positions_exceeded",
            Self::CutoffPassed => "cutoff_passed",
            Self::CargoAircraftOnly => "cargo_aircraft_only",
            Self::Embargoed => "embargoed",
            Self::HandlingRequired => "handling_required",
            Self::TooLarge => "too_large",
        }
    }

    pub const fn of(dimension: Dimension) -> Self {
        match dimension {
            Dimension::Weight => Self::WeightExceeded,
            Dimension::Volume => Self::VolumeExceeded,
            Dimension::Positions => Self::PositionsExceeded,
        }
    }
}

/// One or more flights that lead from origin to destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itinerary {
    legs: Vec<Flight>,
    reasons: Vec<Reason>,
    latest_acceptance: Option<DateTime<Utc>>,
    price: Option<Estimate>,
}

impl Itinerary {
    /// Returns what its judge found of these flights.
    pub const fn judged(
        legs: Vec<Flight>,
        reasons: Vec<Reason>,
        latest_acceptance: Option<DateTime<Utc>>,
        price: Option<Estimate>,
    ) -> Self {
        Self { legs, reasons, latest_acceptance, price }
    }

    /// Returns by when its origin takes the freight, if it says so.
    pub const fn latest_acceptance(&self) -> Option<DateTime<Utc>> {
        self.latest_acceptance
    }

    /// Returns its price, if it was asked for and there is one.
    pub const fn price(&self) -> Option<Estimate> {
        self.price
    }

    pub fn legs(&self) -> &[Flight] {
        &self.legs
    }

    pub fn into_legs(self) -> Vec<Flight> {
        self.legs
    }

    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Returns the same with more reasons why it cannot be booked.
    #[must_use]
    pub fn with_reasons(self, more: impl IntoIterator<Item = Reason>) -> Self {
        let mut reasons = self.reasons;
        reasons.extend(more);
        reasons.sort_unstable();
        reasons.dedup();
        Self { reasons, ..self }
    }

    /// Returns whether it would be bookable with more space.
    pub fn lacks_only_space(&self) -> bool {
        !self.reasons.is_empty() && self.reasons.iter().all(|reason| reason.is_of_space())
    }

    pub fn is_bookable(&self) -> bool {
        self.reasons.is_empty()
    }

    pub fn is_direct(&self) -> bool {
        self.legs.len() == 1
    }

    pub fn departure(&self) -> DateTime<Utc> {
        self.legs.first().map_or(DateTime::UNIX_EPOCH, |flight| flight.departure)
    }

    pub fn arrival(&self) -> DateTime<Utc> {
        self.legs.last().map_or(DateTime::UNIX_EPOCH, |flight| flight.arrival)
    }

    pub fn duration(&self) -> TimeDelta {
        self.arrival() - self.departure()
    }

    /// Returns the least available capacity over the legs.
    pub fn available(&self) -> Space {
        self.legs.iter().map(|flight| flight.space.available()).reduce(Space::least).unwrap_or_default()
    }
}

/// The figures of one option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionFigures {
    pub arrival: DateTime<Utc>,
    pub is_bookable: bool,
    /// The least of its legs.
    pub available: Space,
    /// That of its fullest leg.
    pub utilization_percent: f64,
}

impl From<&Itinerary> for OptionFigures {
    fn from(itinerary: &Itinerary) -> Self {
        let utilizations = itinerary.legs().iter().map(|flight| flight.space.utilization_percent());
        Self {
            arrival: itinerary.arrival(),
            is_bookable: itinerary.is_bookable(),
            available: itinerary.available(),
            utilization_percent: utilizations.fold(0.0, f64::max),
        }
    }
}

/// The answer that a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Two lists, as of `POST /routes/search`.
    Lists,
    /// One list, as of `GET /routes`.
    Ranking(Sort),
}

/// The order of options; bookable options always come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Sort {
    #[default]
    Arrival,
    Duration,
    Departure,
    /// The cheapest first, those without a price last.
    Price,
    /// The least emissions first, those without an estimate last.
    Emissions,
}

/// The order by price: amounts of one currency by their size, and those without a price last.
pub fn price_order(price: Option<Estimate>) -> (bool, Option<(Currency, i64)>) {
    let total = price.map(|price| price.sums.total());
    (total.is_none(), total.map(|total| (total.currency(), total.minor())))
}

/// The order by emissions: those without an estimate last.
pub fn co2e_order(co2e: Option<Co2e>) -> (bool, Option<Co2e>) {
    (co2e.is_none(), co2e)
}

impl Sort {
    pub const WORDS: &[(&'static str, Self)] = &[
        ("arrival", Self::Arrival),
        ("duration", Self::Duration),
        ("departure", Self::Departure),
        ("price", Self::Price),
        ("emissions", Self::Emissions),
    ];

    /// Compares by this key, then by earlier arrival, fewer stops, shorter duration, id. Who orders by emissions, which it takes
    /// reference data to know, orders what this has ordered.
    pub fn compare(self, a: &Itinerary, b: &Itinerary) -> Ordering {
        let by_key = match self {
            Self::Arrival | Self::Emissions => Ordering::Equal,
            Self::Duration => a.duration().cmp(&b.duration()),
            Self::Departure => a.departure().cmp(&b.departure()),
            Self::Price => price_order(a.price).cmp(&price_order(b.price)),
        };
        let ids = |itinerary: &Itinerary| itinerary.legs.iter().map(|flight| flight.id).collect::<Vec<_>>();
        b.is_bookable()
            .cmp(&a.is_bookable())
            .then(by_key)
            .then_with(|| a.arrival().cmp(&b.arrival()))
            .then_with(|| a.legs.len().cmp(&b.legs.len()))
            .then_with(|| a.duration().cmp(&b.duration()))
            .then_with(|| ids(a).cmp(&ids(b)))
    }
}

/// Pairs first legs with onward legs by the connection rules. No airport occurs twice.
pub fn connect(
    first: &[Flight],
    onward: &[Flight],
    departure_date: NaiveDate,
    rules: &impl Connections,
) -> Vec<Vec<Flight>> {
    let mut by_origin = HashMap::<AirportCode, Vec<&Flight>>::new();
    for flight in onward {
        by_origin.entry(flight.origin).or_default().push(flight);
    }
    let mut pairs = Vec::new();
    for inbound in first {
        let via = inbound.destination;
        let Some(onward) = by_origin.get(&via) else { continue };
        let Some(end) = rules.connection_window_end(via, departure_date) else { continue };
        let minimum = rules.minimum_connection(via);
        let fits = onward.iter().filter(|next| {
            next.destination != inbound.origin && next.departure < end && is_connection(inbound, **next, minimum)
        });
        pairs.extend(fits.map(|next| vec![inbound.clone(), (*next).clone()]));
    }
    pairs
}

/// The most stops of routes of which all are found; of those with more, only the best.
pub const MOST_STOPS_NEAR: u8 = 1;

/// Which routes are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub date: NaiveDate,
    pub max_stops: u8,
}

impl Question {
    pub const fn is_far(&self) -> bool {
        self.max_stops > MOST_STOPS_NEAR
    }

    /// Returns what the answer depends on.
    pub const fn scope(&self) -> Scope {
        if self.is_far() { Scope::All } else { Scope::Lane(self.lane()) }
    }

    const fn lane(&self) -> Lane {
        (self.origin, self.destination)
    }
}

/// The options of one day, judged for one request.
#[derive(Debug, Default)]
pub struct Options {
    pub direct: Vec<Itinerary>,
    pub transit: Vec<Itinerary>,
}

/// What a booking without flights may try.
#[derive(Debug)]
pub struct Candidates {
    /// The best first.
    pub bookable: Vec<Itinerary>,
    /// Flights of options that lack nothing but space, of which some is held.
    pub full: Vec<FlightId>,
}

/// Requested departure of a booking that names no flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departing {
    /// On a local calendar date at the origin.
    On(NaiveDate),
    /// From now on, within this time.
    Within(TimeDelta),
}
