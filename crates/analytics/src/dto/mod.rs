mod figures;
mod params;
mod popular;
mod report;
mod searches;
mod stations;
mod table;

pub use figures::{FlightFigures, FunnelFigures};
pub use params::{
    DemandGroups, FlightGroups, FreightParams, FunnelGroups, LaneGroups, LaneParams, PlaceParams, SpanParams,
    VolumeGroups, read_daily, read_demand, read_flights, read_funnel, read_transit, read_volume,
};
pub use popular::{DEFAULT_LANES, PopularLaneBody, PopularParams};
pub use report::{DailyReport, DemandReport, FlightReport, FunnelReport, TransitReport, VolumeReport};
pub use searches::{SearchParams, read_searches};
pub use stations::{DEFAULT_STATIONS, StationInsightsBody, StationTrendBody, TrendParams};
pub use table::{rows_of, split_amounts};
