use std::collections::BTreeMap;

use loadmaster_kernel::{Co2e, Currency, Money, Positions, Tenths, Volume, Weight};

use super::Sold;

/// What a report sums up.
pub trait Figures: Default {
    /// Adds figures of other bookings or flights of the same place in the report. Where a place has one row, these are all.
    fn add(&mut self, other: Self) {
        *self = other;
    }

    /// Returns whether nothing was counted.
    fn is_empty(&self) -> bool;
}

/// Bookings that were made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VolumeSums {
    pub bookings: i64,
    pub cancelled: i64,
    pub pieces: i64,
    pub weight: Weight,
    pub chargeable: Weight,
    /// The same weight in the span before.
    pub weight_before: Weight,
    /// The exact sum, as [`Co2e::rounded`] takes it; `None` if no booking has an estimate.
    pub co2e: Option<i128>,
    /// In minor units, of currencies in which anything has a price.
    pub revenue: BTreeMap<Currency, i64>,
    /// Bookings that have a price and are not cancelled.
    pub sold: BTreeMap<Currency, Sold>,
}

impl VolumeSums {
    pub fn revenue(&self) -> Vec<Money> {
        self.revenue.iter().map(|(currency, minor)| Money::new(*minor, *currency)).collect()
    }

    pub fn co2e(&self) -> Option<Co2e> {
        self.co2e.map(Co2e::rounded)
    }
}

impl Figures for VolumeSums {
    fn add(&mut self, other: Self) {
        self.bookings += other.bookings;
        self.cancelled += other.cancelled;
        self.pieces += other.pieces;
        self.weight += other.weight;
        self.chargeable += other.chargeable;
        self.weight_before += other.weight_before;
        self.co2e = self.co2e.into_iter().chain(other.co2e).reduce(|sum, more| sum + more);
        for (currency, minor) in other.revenue {
            *self.revenue.entry(currency).or_default() += minor;
        }
        for (currency, sold) in other.sold {
            self.sold.entry(currency).or_default().add(sold);
        }
    }

    fn is_empty(&self) -> bool {
        self.bookings == 0
    }
}

/// How punctual flights were, of those of which it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Punctuality {
    pub flights: i64,
    pub on_time: i64,
    /// Of all of them; early ones have none.
    pub delay_seconds: i64,
}

impl Punctuality {
    pub fn on_time_percent(self) -> Option<Tenths> {
        Tenths::percent(self.on_time, self.flights)
    }

    pub fn mean_delay_minutes(self) -> Option<Tenths> {
        Tenths::quotient(self.delay_seconds, self.flights * 60)
    }
}

/// Room on flights, or freight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    pub weight: Weight,
    pub volume: Volume,
    pub positions: Positions,
}

/// Flights on the schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlightSums {
    pub flights: i64,
    pub cancelled: i64,
    pub departed: Punctuality,
    pub arrived: Punctuality,
    /// Of flights that are not cancelled.
    pub capacity: Carried,
    pub carried: Carried,
    /// Of flights that have not departed and are not cancelled, as is `available`.
    pub held: Carried,
    /// With overbooking.
    pub available: Carried,
}

impl Figures for FlightSums {
    fn is_empty(&self) -> bool {
        self.flights == 0
    }
}

/// The least number of minutes that half, nine tenths and 95 % of the shipments did not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: i32,
    pub p90: i32,
    pub p95: i32,
}

impl Percentiles {
    /// `None` without shipments.
    pub fn of(minutes: Option<&[i32]>) -> Option<Self> {
        match minutes? {
            [p50, p90, p95] => Some(Self { p50: *p50, p90: *p90, p95: *p95 }),
            _ => None,
        }
    }
}

/// Shipments that have arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransitSums {
    pub shipments: i64,
    pub planned: Option<Percentiles>,
    pub actual: Option<Percentiles>,
    pub late: i64,
    pub as_booked: i64,
}

impl Figures for TransitSums {
    fn is_empty(&self) -> bool {
        self.shipments == 0
    }
}

/// Searches that were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DemandSums {
    pub searches: i64,
    pub options: i64,
    /// Searches with an option that could be booked.
    pub bookable: i64,
}

impl Figures for DemandSums {
    fn is_empty(&self) -> bool {
        self.searches == 0
    }
}

/// The business of some dates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DailySums {
    pub searches: i64,
    /// Microseconds that all searches took.
    pub took_us: i64,
    pub cache_hits: i64,
    pub quotes: i64,
    pub holds: i64,
    pub bookings: i64,
    pub cancelled: i64,
    pub delivered: i64,
    pub weight: Weight,
    /// In minor units, of currencies in which anything has a price.
    pub revenue: BTreeMap<Currency, i64>,
    pub new_users: i64,
    pub active_users: i64,
}

impl DailySums {
    pub fn revenue(&self) -> Vec<Money> {
        self.revenue.iter().map(|(currency, minor)| Money::new(*minor, *currency)).collect()
    }
}

impl Figures for DailySums {
    /// A place in the report has several rows, of different figures; active users are in one of them.
    fn add(&mut self, other: Self) {
        self.searches += other.searches;
        self.took_us += other.took_us;
        self.cache_hits += other.cache_hits;
        self.quotes += other.quotes;
        self.holds += other.holds;
        self.bookings += other.bookings;
        self.cancelled += other.cancelled;
        self.delivered += other.delivered;
        self.weight += other.weight;
        self.new_users += other.new_users;
        self.active_users += other.active_users;
        for (currency, minor) in other.revenue {
            *self.revenue.entry(currency).or_default() += minor;
        }
    }

    fn is_empty(&self) -> bool {
        self.searches + self.quotes + self.holds + self.bookings + self.new_users == 0
    }
}

/// What was made, and how much of it led on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    pub made: i64,
    pub done: i64,
}

/// From searches to deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunnelSums {
    pub searches: Step,
    pub quotes: Step,
    pub holds: Step,
    pub bookings: Step,
}

impl Figures for FunnelSums {
    fn is_empty(&self) -> bool {
        self.searches.made + self.quotes.made + self.holds.made + self.bookings.made == 0
    }
}
