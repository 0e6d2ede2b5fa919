use chrono::{DateTime, Utc};
use loadmaster_kernel::FeedId;
use serde::Serialize;
use utoipa::ToSchema;

/// The feed that gives a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlightFeed {
    pub id: FeedId,
    /// When a run of the feed that changed the schedule last gave the flight.
    pub seen_at: DateTime<Utc>,
    /// Whether a person has changed the flight: runs of feeds leave it as it is until `follow_feed` gives it back.
    pub is_kept: bool,
}
