use loadmaster_kernel::{Co2e, Currency, Money, Positions, Rate, Tenths, Volume, Weight};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{
    Carried, DailySums, DemandSums, FlightSums, FunnelSums, Percentiles, Punctuality, Sold, TransitSums, VolumeSums,
};

/// Bookings that were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct VolumeFigures {
    /// Number of bookings.
    pub bookings: i64,
    /// Of these, those that are cancelled now.
    pub cancelled: i64,
    /// Of bookings that are not cancelled, like the weights.
    pub pieces: i64,
    /// Weight in kg.
    #[schema(value_type = f64, minimum = 0)]
    pub weight_kg: Weight,
    /// Chargeable weight in kg.
    #[schema(value_type = f64, minimum = 0)]
    pub chargeable_weight_kg: Weight,
    /// Kilograms of CO₂ equivalents that the freight emits on the legs in force, an estimate by the aircraft and the factors of
    /// now, rounded once. Bookings without an estimate add nothing; null without any that has one.
    #[schema(required = true)]
    pub co2e_kg: Option<Co2e>,
    /// The totals that are agreed now, of cancelled bookings the fees, in each currency. Bookings without a price add nothing.
    pub revenue: Vec<Money>,
    /// The agreed totals of bookings that have a price and are not cancelled, by the kilogram of their chargeable weight, in each
    /// currency.
    pub yield_per_kg: Vec<YieldPerKg>,
    /// How much more `weight_kg` is than in the span of the same length before; in a row, than on its dates moved back by the
    /// length of the span. Null where nothing was before.
    #[schema(value_type = Option<f64>, required = true)]
    pub change_percent: Option<Tenths>,
}

impl From<&VolumeSums> for VolumeFigures {
    fn from(sums: &VolumeSums) -> Self {
        Self {
            bookings: sums.bookings,
            cancelled: sums.cancelled,
            pieces: sums.pieces,
            weight_kg: sums.weight,
            chargeable_weight_kg: sums.chargeable,
            co2e_kg: sums.co2e(),
            revenue: sums.revenue(),
            yield_per_kg: sums.sold.iter().filter_map(YieldPerKg::of).collect(),
            change_percent: Tenths::growth(sums.weight.hectograms(), sums.weight_before.hectograms()),
        }
    }
}

/// What a kilogram of chargeable weight was sold for.
#[derive(Debug, Serialize, ToSchema)]
pub struct YieldPerKg {
    /// At most four decimals.
    pub amount: Rate,
    pub currency: Currency,
}

impl YieldPerKg {
    fn of((currency, sold): (&Currency, &Sold)) -> Option<Self> {
        Some(Self { amount: sold.per_kg(*currency)?, currency: *currency })
    }
}

/// How punctual flights were.
#[derive(Debug, Serialize, ToSchema)]
pub struct PunctualityFigures {
    /// Flights of which the actual time is known.
    pub flights: i64,
    /// Of these, those at most 15 minutes after the scheduled time; null without any.
    #[schema(value_type = Option<f64>, required = true)]
    pub on_time_percent: Option<Tenths>,
    /// Minutes after the scheduled time; an early flight has 0. Null without any.
    #[schema(value_type = Option<f64>, required = true)]
    pub mean_delay_minutes: Option<Tenths>,
}

impl From<Punctuality> for PunctualityFigures {
    fn from(punctuality: Punctuality) -> Self {
        Self {
            flights: punctuality.flights,
            on_time_percent: punctuality.on_time_percent(),
            mean_delay_minutes: punctuality.mean_delay_minutes(),
        }
    }
}

/// Room on flights, or freight.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarriedFigures {
    /// Weight in kg.
    #[schema(value_type = f64, minimum = 0)]
    pub weight_kg: Weight,
    /// Volume in m³.
    #[schema(value_type = f64, minimum = 0)]
    pub volume_m3: Volume,
    /// Number of whole ULD positions.
    #[schema(value_type = i64, minimum = 0)]
    pub positions: Positions,
}

impl From<Carried> for CarriedFigures {
    fn from(carried: Carried) -> Self {
        Self { weight_kg: carried.weight, volume_m3: carried.volume, positions: carried.positions }
    }
}

/// What was carried, in percent of the capacity; null where there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarriedPercent {
    /// Percentage of the weight that was carried.
    #[schema(value_type = Option<f64>, required = true)]
    pub weight: Option<Tenths>,
    /// Percentage of the volume that was carried.
    #[schema(value_type = Option<f64>, required = true)]
    pub volume: Option<Tenths>,
    /// Percentage of the positions that were carried.
    #[schema(value_type = Option<f64>, required = true)]
    pub positions: Option<Tenths>,
}

/// Flights on the schedule.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightFigures {
    /// Number of flights.
    pub flights: i64,
    /// Null without flights.
    #[schema(value_type = Option<f64>, required = true)]
    pub cancelled_percent: Option<Tenths>,
    pub departed: PunctualityFigures,
    pub arrived: PunctualityFigures,
    /// What the flights carry that are not cancelled; null for customers.
    #[schema(required = true)]
    pub capacity: Option<CarriedFigures>,
    /// What was booked on them at departure; on flights that have not departed, what is booked now. Null for customers.
    #[schema(required = true)]
    pub carried: Option<CarriedFigures>,
    /// Null for customers.
    #[schema(required = true)]
    pub percent: Option<CarriedPercent>,
    /// What holds keep on flights that have not departed and are not cancelled; null for customers.
    #[schema(required = true)]
    pub held: Option<CarriedFigures>,
    /// What can still be sold on the same flights, with overbooking; null for customers.
    #[schema(required = true)]
    pub available: Option<CarriedFigures>,
}

impl FlightFigures {
    /// `is_whole`: with what only the carrier's staff may know.
    pub fn new(sums: &FlightSums, is_whole: bool) -> Self {
        let (capacity, carried) = (sums.capacity, sums.carried);
        let percent = CarriedPercent {
            weight: Tenths::percent(carried.weight.hectograms(), capacity.weight.hectograms()),
            volume: Tenths::percent(carried.volume.litres(), capacity.volume.litres()),
            positions: Tenths::percent(carried.positions.count(), capacity.positions.count()),
        };
        Self {
            flights: sums.flights,
            cancelled_percent: Tenths::percent(sums.cancelled, sums.flights),
            departed: sums.departed.into(),
            arrived: sums.arrived.into(),
            capacity: is_whole.then(|| capacity.into()),
            carried: is_whole.then(|| carried.into()),
            percent: is_whole.then_some(percent),
            held: is_whole.then(|| sums.held.into()),
            available: is_whole.then(|| sums.available.into()),
        }
    }
}

/// Minutes from the first departure to the arrival at the destination that half, 90 % and 95 % of the shipments did not exceed:
/// each is the time of a shipment.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransitMinutes {
    /// Median: half of the values are at most this.
    pub p50: i32,
    /// 90th percentile: 90 % of the values are at most this.
    pub p90: i32,
    /// 95th percentile: 95 % of the values are at most this.
    pub p95: i32,
}

impl From<Percentiles> for TransitMinutes {
    fn from(Percentiles { p50, p90, p95 }: Percentiles) -> Self {
        Self { p50, p90, p95 }
    }
}

/// Shipments that have arrived.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransitFigures {
    /// Number of shipments.
    pub shipments: i64,
    /// As first booked; null without shipments.
    #[schema(required = true)]
    pub planned: Option<TransitMinutes>,
    /// As it was; null without shipments.
    #[schema(required = true)]
    pub actual: Option<TransitMinutes>,
    /// Shipments that arrived more than 15 minutes later than first booked; null without shipments.
    #[schema(value_type = Option<f64>, required = true)]
    pub late_percent: Option<Tenths>,
    /// Shipments that were never rerouted or off-loaded; null without shipments.
    #[schema(value_type = Option<f64>, required = true)]
    pub as_booked_percent: Option<Tenths>,
}

impl From<&TransitSums> for TransitFigures {
    fn from(sums: &TransitSums) -> Self {
        Self {
            shipments: sums.shipments,
            planned: sums.planned.map(TransitMinutes::from),
            actual: sums.actual.map(TransitMinutes::from),
            late_percent: Tenths::percent(sums.late, sums.shipments),
            as_booked_percent: Tenths::percent(sums.as_booked, sums.shipments),
        }
    }
}

/// Searches that were counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemandFigures {
    /// Number of searches.
    pub searches: i64,
    /// Of these, those with an option that could be booked as requested; null without searches.
    #[schema(value_type = Option<f64>, required = true)]
    pub bookable_percent: Option<Tenths>,
    /// Options that a search found, whether they could be booked or not; null without searches.
    #[schema(value_type = Option<f64>, required = true)]
    pub mean_options: Option<Tenths>,
}

impl From<&DemandSums> for DemandFigures {
    fn from(sums: &DemandSums) -> Self {
        Self {
            searches: sums.searches,
            bookable_percent: Tenths::percent(sums.bookable, sums.searches),
            mean_options: Tenths::quotient(sums.options, sums.searches),
        }
    }
}

/// The business of some dates.
#[derive(Debug, Serialize, ToSchema)]
pub struct DailyFigures {
    /// Number of searches.
    pub searches: i64,
    /// Null without searches.
    #[schema(value_type = Option<f64>, required = true)]
    pub mean_search_ms: Option<Tenths>,
    /// Searches whose routes came from the cache; null without searches.
    #[schema(value_type = Option<f64>, required = true)]
    pub cache_hit_percent: Option<Tenths>,
    /// Quotes that nothing took are deleted after seven days: of earlier dates only those taken are counted.
    pub quotes: i64,
    /// Without holds of allotments.
    pub holds: i64,
    /// Number of bookings.
    pub bookings: i64,
    /// Of the bookings, those that are cancelled now.
    pub cancelled: i64,
    /// Of the bookings, those that are delivered now.
    pub delivered: i64,
    /// Of bookings that are not cancelled.
    #[schema(value_type = f64, minimum = 0)]
    pub weight_kg: Weight,
    /// The totals that are agreed now, of cancelled bookings the fees, in each currency. Bookings without a price add nothing.
    pub revenue: Vec<Money>,
    /// Accounts that were made, on the date in UTC.
    pub new_users: i64,
    /// Accounts that made a quote, hold or booking, without offers of the waitlist: each counts once in a row, and once in `total`.
    pub active_users: i64,
}

impl From<&DailySums> for DailyFigures {
    fn from(sums: &DailySums) -> Self {
        Self {
            searches: sums.searches,
            mean_search_ms: Tenths::quotient(sums.took_us, sums.searches.saturating_mul(1000)),
            cache_hit_percent: Tenths::percent(sums.cache_hits, sums.searches),
            quotes: sums.quotes,
            holds: sums.holds,
            bookings: sums.bookings,
            cancelled: sums.cancelled,
            delivered: sums.delivered,
            weight_kg: sums.weight,
            revenue: sums.revenue(),
            new_users: sums.new_users,
            active_users: sums.active_users,
        }
    }
}

/// Quotes that were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuotesMade {
    /// Number created.
    pub made: i64,
    /// Of these, those that a hold or a booking has.
    pub taken: i64,
}

/// Holds that were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldsMade {
    /// Number created.
    pub made: i64,
    /// Of these, those that became bookings.
    pub committed: i64,
}

/// Bookings that were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookingsMade {
    /// Number created.
    pub made: i64,
    /// Of these, those that are delivered now.
    pub delivered: i64,
}

/// Searches that were made.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchesMade {
    /// Number of searches.
    pub made: i64,
    /// Of these, those with an option that could be booked as requested.
    pub bookable: i64,
}

/// What was made, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelFigures {
    /// Null in a report about an airline, a product or an organization, of which searches have none. By product, all are in a
    /// row without a key.
    #[schema(required = true)]
    pub searches: Option<SearchesMade>,
    pub quotes: QuotesMade,
    pub holds: HoldsMade,
    pub bookings: BookingsMade,
}

impl FunnelFigures {
    /// `knows_searches`: they could be chosen by the filters of the report.
    pub fn new(FunnelSums { searches, quotes, holds, bookings }: &FunnelSums, knows_searches: bool) -> Self {
        Self {
            searches: knows_searches.then_some(SearchesMade { made: searches.made, bookable: searches.done }),
            quotes: QuotesMade { made: quotes.made, taken: quotes.done },
            holds: HoldsMade { made: holds.made, committed: holds.done },
            bookings: BookingsMade { made: bookings.made, delivered: bookings.done },
        }
    }
}
