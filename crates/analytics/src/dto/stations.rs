use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirportCode, Currency, Rate, Tenths};
use loadmaster_platform::web::{read, request};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{BusyLane, StationSums, StationTrend};

/// Stations of an answer for which no limit is named.
pub const DEFAULT_STATIONS: u32 = 10;
/// Most stations of an answer.
const MOST_STATIONS: u32 = 100;
/// With fewer flights there is no percentage.
const FEWEST_FLIGHTS: i64 = 20;
/// The weeks of the dates that insights are about.
const WEEKS: i64 = 4;

request! {
    /// Which stations are shown.
    pub struct TrendParams in query {
        /// Number of stations.
        #[param(minimum = 1, maximum = 100, default = 10)]
        limit: Option<u32> = read::integer(1, MOST_STATIONS),
    }
}

/// A station to which more is searched and booked than before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StationTrend)]
pub struct StationTrendBody {
    /// By the growth; 1 is the station with the most.
    #[schema(minimum = 1)]
    pub rank: i32,
    /// The airport.
    #[schema(value_type = AirportCode)]
    pub station: String,
    /// Searches and bookings to it on the last seven dates on the mean of the four weeks before, in percent. A mean below one counts as
    /// one.
    #[schema(value_type = f64, example = 62.5)]
    pub growth_percent: Tenths,
    /// For carrier staff: searches on the last seven dates; null for others.
    #[schema(required = true)]
    pub searches: Option<i64>,
    /// For carrier staff: bookings on the last seven dates; null for others.
    #[schema(required = true)]
    pub bookings: Option<i64>,
}

impl StationTrendBody {
    /// `is_whole`: with what only the carrier's staff may know.
    pub fn new(trend: StationTrend, is_whole: bool) -> Option<Self> {
        let StationTrend { station, rank, searches, bookings, former } = trend;
        let growth_percent = Tenths::growth(WEEKS * (searches + bookings), former.max(WEEKS))?;
        let (searches, bookings) = (is_whole.then_some(searches), is_whole.then_some(bookings));
        Some(Self { rank, station, growth_percent, searches, bookings })
    }
}

/// What anybody was offered on a lane in the last 90 days, for a kilogram of chargeable weight.
#[derive(Debug, Serialize, ToSchema)]
pub struct StationRate {
    pub low: Rate,
    pub average: Rate,
    pub high: Rate,
    /// That of most offers.
    pub currency: Currency,
}

/// A lane of a station.
#[derive(Debug, Serialize, ToSchema)]
pub struct StationLane {
    /// Airport of arrival.
    pub destination: AirportCode,
    /// Flights a week that were to leave.
    #[schema(value_type = f64, example = 7)]
    pub departures_per_week: Tenths,
    /// For 300 kg, or the next lower standard weight; null: nothing was offered.
    #[schema(required = true)]
    pub typical_rate: Option<StationRate>,
}

/// What is going on at a station.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = StationInsights)]
pub struct StationInsightsBody {
    /// The first of 28 dates, local to the station; null if no flight was to leave it.
    #[schema(required = true)]
    pub from: Option<NaiveDate>,
    /// The last date, which has ended.
    #[schema(required = true)]
    pub to: Option<NaiveDate>,
    /// Flights a week that were to leave.
    #[schema(value_type = Option<f64>, required = true, example = 21.5)]
    pub departures_per_week: Option<Tenths>,
    /// Of the flights that left, those at most 15 minutes after the scheduled time; null with fewer than 20.
    #[schema(value_type = Option<f64>, required = true, example = 87.5)]
    pub on_time_percent: Option<Tenths>,
    /// Of the weight that the flights that left could carry, the part that was booked; null with fewer than 20.
    #[schema(value_type = Option<f64>, required = true, example = 71.3)]
    pub fullness_percent: Option<Tenths>,
    /// The lanes with most flights, at most five.
    #[schema(max_items = 5)]
    pub busiest_lanes: Vec<StationLane>,
    /// When it was computed; null if no flight was to leave it.
    #[schema(required = true)]
    pub computed_at: Option<DateTime<Utc>>,
}

impl From<StationSums> for StationInsightsBody {
    fn from(sums: StationSums) -> Self {
        let has_enough = sums.departed >= FEWEST_FLIGHTS;
        let percent = |part, whole| Tenths::percent(part, whole).filter(|_| has_enough);
        Self {
            from: Some(sums.first_date),
            to: Some(sums.last_date),
            departures_per_week: Tenths::quotient(sums.departures, WEEKS),
            on_time_percent: percent(sums.on_time, sums.departed),
            fullness_percent: percent(sums.booked_hg, sums.capacity_hg),
            busiest_lanes: sums.lanes.iter().filter_map(StationLane::of).collect(),
            computed_at: Some(sums.computed_at),
        }
    }
}

impl StationLane {
    fn of(lane: &BusyLane) -> Option<Self> {
        let currency = lane.currency.as_deref().and_then(|currency| currency.parse::<Currency>().ok());
        let rate = currency.zip(lane.low.zip(lane.average.zip(lane.high)));
        let rate = rate.map(|(currency, (low, (average, high)))| StationRate {
            low: Rate::from_ten_thousandths(low),
            average: Rate::from_ten_thousandths(average),
            high: Rate::from_ten_thousandths(high),
            currency,
        });
        let departures_per_week = Tenths::quotient(lane.departures, WEEKS)?;
        Some(Self { destination: lane.destination, departures_per_week, typical_rate: rate })
    }
}
