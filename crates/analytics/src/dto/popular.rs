use loadmaster_kernel::AirportCode;
use loadmaster_platform::web::{read, request};
use loadmaster_reference::Reference;
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{PopularLane, PopularPeriod};

/// Lanes of an answer for which no limit is named.
pub const DEFAULT_LANES: u32 = 10;
/// Most lanes of an answer.
const MOST_LANES: u32 = 100;

request! {
    /// Which lanes are shown.
    pub struct PopularParams in query(reference: &Reference) {
        /// Only lanes from this airport, with their ranks among these.
        #[param(value_type = Option<String>)]
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// The last 24 hours, seven or 30 days. Default: `week`.
        #[param(inline)]
        period: Option<PopularPeriod> = read::word(PopularPeriod::WORDS),
        /// Number of lanes.
        #[param(minimum = 1, maximum = 100, default = 10)]
        limit: Option<u32> = read::integer(1, MOST_LANES),
    }
}

/// A lane that is searched often.
#[derive(Debug, Serialize, ToSchema)]
pub struct PopularLaneBody {
    /// By searches in the period; 1 is the lane with the most.
    #[schema(minimum = 1)]
    pub rank: i32,
    /// The rank one period earlier; null if fewer than five searches were made in it.
    #[schema(required = true, minimum = 1)]
    pub former_rank: Option<i32>,
    #[schema(value_type = AirportCode)]
    pub origin: String,
    #[schema(value_type = AirportCode)]
    pub destination: String,
    /// For carrier staff: searches in the period; null for others.
    #[schema(required = true)]
    pub searches: Option<i64>,
    /// For carrier staff: bookings that were made in the period; null for others.
    #[schema(required = true)]
    pub bookings: Option<i64>,
}

impl PopularLaneBody {
    /// `is_whole`: with what only the carrier's staff may know.
    pub fn new(lane: PopularLane, is_whole: bool) -> Self {
        let PopularLane { rank, former_rank, origin, destination, searches, bookings } = lane;
        let (searches, bookings) = (is_whole.then_some(searches), is_whole.then_some(bookings));
        Self { rank, former_rank, origin, destination, searches, bookings }
    }
}
