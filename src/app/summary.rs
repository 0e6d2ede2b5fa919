use std::{sync::Arc, time::Duration};

use loadmaster_kernel::Counted;
use loadmaster_platform::{
    redis::Redis,
    tally::{Counts, Tally},
};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

/// A process that is silent for longer is no longer counted.
const LIFETIME: Duration = Duration::from_mins(1);
/// Interval at which a process repeats unchanged counts.
const REPEAT: Duration = Duration::from_secs(15);

/// Counts since the start; the operation's description says over which processes.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct SummaryBody {
    /// Numbers of bookings by step.
    pub bookings: BookingCounts,
    /// Counts of searches.
    pub routes: RouteCounts,
    pub cache: CacheCounts,
}

/// Numbers of bookings by step.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct BookingCounts {
    /// Number created.
    pub created: u64,
    /// Number that have departed.
    pub departed: u64,
    /// Number that have arrived.
    pub arrived: u64,
    /// Number delivered.
    pub delivered: u64,
    /// Number cancelled.
    pub cancelled: u64,
}

/// Number of searches.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct RouteCounts {
    /// Number of searches.
    pub searches: u64,
}

/// The route cache.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CacheCounts {
    /// Number of searches found in the cache.
    pub hits: u64,
    /// Number of searches not found in the cache.
    pub misses: u64,
}

/// Adds up the tallies of all processes that share one Redis and one database. Without Redis, has only this process's
/// own.
#[derive(Clone)]
pub struct Summary {
    tally: Tally,
    redis: Option<Redis>,
    group: Arc<str>,
    process: Arc<str>,
}

impl Summary {
    pub fn new(tally: Tally, redis: Option<Redis>, namespace: &str, process: &str) -> Self {
        Self { tally, redis, group: format!("loadmaster:{namespace}:tally").into(), process: process.into() }
    }

    pub async fn total(&self) -> SummaryBody {
        let own = self.tally.counts();
        let Some(redis) = &self.redis else { return own.into() };
        match redis.announcements(&self.group).await {
            Ok(all) => {
                let others = all.iter().filter(|(process, _)| **process != *self.process);
                others.filter_map(|(_, word)| Counts::from_text(word)).fold(own, |sum, counts| sum.plus(&counts)).into()
            }
            Err(error) => {
                tracing::warn!(%error, "the shared counters cannot be read; the summary covers this process only");
                own.into()
            }
        }
    }

    /// Announces this process's counts to the others if they have changed or are due again. To be called about every
    /// second.
    pub async fn share(&self, last: &mut Option<(Instant, Counts)>) {
        let counts = self.tally.counts();
        let is_known = last.is_some_and(|(when, known)| known == counts && when.elapsed() < REPEAT);
        let Some(redis) = self.redis.as_ref().filter(|_| !is_known) else { return };
        // `/health` reports an unavailable Redis; the next call tries again.
        if redis.announce(&self.group, &self.process, &counts.to_text(), LIFETIME).await.is_ok() {
            *last = Some((Instant::now(), counts));
        }
    }
}

impl From<Counts> for SummaryBody {
    fn from(counts: Counts) -> Self {
        Self {
            bookings: BookingCounts {
                created: counts.of(Counted::BookingsCreated),
                departed: counts.of(Counted::BookingsDeparted),
                arrived: counts.of(Counted::BookingsArrived),
                delivered: counts.of(Counted::BookingsDelivered),
                cancelled: counts.of(Counted::BookingsCancelled),
            },
            routes: RouteCounts { searches: counts.of(Counted::RouteSearches) },
            cache: CacheCounts { hits: counts.of(Counted::CacheHits), misses: counts.of(Counted::CacheMisses) },
        }
    }
}
