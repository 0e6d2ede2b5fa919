use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_search::Outcome;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Span;

/// Equal searches that a process counted between two writes.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
pub struct SearchCount {
    /// Permanent identifier.
    pub id: Uuid,
    /// The local date at the origin on which was asked.
    pub asked_on: NaiveDate,
    /// `*`: of any lane. A process keeps 2000 sums between two writes; what is beyond counts under it.
    pub origin: String,
    /// `*` as of the origin.
    pub destination: String,
    /// Null if the lane is `*`.
    #[schema(required = true)]
    pub departure_date: Option<NaiveDate>,
    /// In kg: the highest of 0, 45, 100, 300, 500 and 1000 that is not above the weight.
    pub weight_class: i32,
    /// Null without a credential.
    #[schema(required = true)]
    pub role: Option<String>,
    /// `CONSOLE`, `API`, `API_KEY`, `GUEST` or `ANONYMOUS`.
    pub channel: String,
    /// `BOOKABLE`, the commonest obstacle (`NO_FLIGHT`, `NO_ROOM`, `CUTOFF`, `EMBARGO`, `AIRCRAFT`), or `NO_RATE`.
    pub outcome: String,
    /// Number of searches. A caller's same question counts once in ten minutes.
    pub searches: i64,
    /// Options that were found, of all searches.
    pub options: i64,
    /// Searches with an option that can be booked as requested.
    pub bookable: i64,
    /// Microseconds, of all searches.
    pub took_us: i64,
    /// Searches whose routes came from the cache.
    pub cache_hits: i64,
    /// When the sums were taken.
    pub counted_at: DateTime<Utc>,
}

/// Filters of a list of counts of searches; they combine with AND.
#[derive(Debug, Clone)]
pub struct SearchFilter {
    pub span: Span,
    pub origin: Option<AirportCode>,
    pub destination: Option<AirportCode>,
    pub outcome: Option<Outcome>,
}
