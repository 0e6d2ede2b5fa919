use loadmaster_kernel::{Money, Positions, Volume, Weight};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Carried, FlightSums, FunnelSums, Percentiles, Punctuality, Tenths, TransitSums, VolumeSums};

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
    /// The totals that are agreed now, of cancelled bookings the fees, in each currency. Bookings without a price add nothing.
    pub revenue: Vec<Money>,
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
            revenue: sums.revenue(),
            change_percent: Tenths::growth(sums.weight.hectograms(), sums.weight_before.hectograms()),
        }
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

/// What was made, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelFigures {
    pub quotes: QuotesMade,
    pub holds: HoldsMade,
    pub bookings: BookingsMade,
}

impl From<&FunnelSums> for FunnelFigures {
    fn from(FunnelSums { quotes, holds, bookings }: &FunnelSums) -> Self {
        Self {
            quotes: QuotesMade { made: quotes.made, taken: quotes.done },
            holds: HoldsMade { made: holds.made, committed: holds.done },
            bookings: BookingsMade { made: bookings.made, delivered: bookings.done },
        }
    }
}
