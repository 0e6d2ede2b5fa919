mod figures;
mod params;
mod report;
mod table;

pub use figures::FlightFigures;
pub use params::{
    FlightGroups, FreightParams, FunnelGroups, LaneGroups, PlaceParams, SpanParams, VolumeGroups, read_flights,
    read_funnel, read_transit, read_volume,
};
pub use report::{FlightReport, FunnelReport, TransitReport, VolumeReport};
pub use table::{rows_of, split_revenue};
