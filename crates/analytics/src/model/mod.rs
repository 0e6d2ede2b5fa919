mod offsets;
mod report;
mod scope;
mod span;
mod sums;
mod tenths;

pub use offsets::Offsets;
pub use report::{Place, Report, Row};
pub use scope::Scope;
pub use span::{LONGEST_SPAN, MOST_ROWS, Period, Span};
pub use sums::{Carried, Figures, FlightSums, FunnelSums, Percentiles, Punctuality, Step, TransitSums, VolumeSums};
pub use tenths::Tenths;
