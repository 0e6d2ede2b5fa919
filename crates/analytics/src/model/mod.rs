mod offsets;
mod popular;
mod report;
mod scope;
mod search_count;
mod sold;
mod span;
mod station;
mod sums;

pub use offsets::Offsets;
pub use popular::{PopularLane, PopularPeriod};
pub use report::{FigurePosition, Report, Row};
pub use scope::Scope;
pub use search_count::{SearchCount, SearchFilter};
pub use sold::Sold;
pub use span::{LONGEST_SPAN, MOST_ROWS, Period, Span};
pub use station::{BusyLane, StationDates, StationSums, StationTrend};
pub use sums::{
    Carried, DailySums, DemandSums, Figures, FlightSums, FunnelSums, Percentiles, Punctuality, Step, TransitSums,
    VolumeSums,
};
