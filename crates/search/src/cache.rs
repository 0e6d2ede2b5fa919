use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadmaster_flights::NetworkVersion;
use loadmaster_platform::{
    clock::{Moment, SharedClock},
    redis::Redis,
    seal::SealKey,
    secrets::ServerSecrets,
    settings,
    telemetry::Traced,
    zones,
};
use moka::{notification::RemovalCause, policy::EvictionPolicy, sync::Cache};
use tokio::{sync::watch, time::Instant};
use tracing::Instrument;

use super::metric;
use super::{
    SearchError,
    model::Question,
    prepared::{Prepared, Shared},
    route_set::Ways,
    stored,
};

/// Maximum size of this process's cache, in bytes.
const MOST_BYTES: u64 = 48 * 1024 * 1024;

/// Estimated size of an entry without its result: keys, times, and the nodes of the cache's table and queue.
const ENTRY_BYTES: usize = 500;

/// Whether an answer was cached, as `Cache-Status` (RFC 9211) reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CacheStatus {
    /// With its remaining time.
    Hit(Duration),
    Miss,
}

impl CacheStatus {
    pub fn header(self) -> String {
        match self {
            Self::Hit(left) => format!("loadmaster; hit; ttl={}", left.as_secs()),
            Self::Miss => "loadmaster; fwd=miss".to_owned(),
        }
    }

    /// Returns the status of an answer that consists of two.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Hit(left), Self::Hit(other)) => Self::Hit(left.min(other)),
            _ => Self::Miss,
        }
    }
}

/// A search result, and when it expires.
#[derive(Debug, Clone)]
pub(super) struct RouteResult {
    pub prepared: Shared,
    pub status: CacheStatus,
    network_version: NetworkVersion,
    /// The rules of time zones by which dates and times in it were computed.
    zones: u64,
    /// When it was stored, and for how long.
    since: Moment,
    time: Duration,
}

impl RouteResult {
    /// Returns the remaining time: zero if it has expired by either clock.
    fn left(&self, now: DateTime<Utc>) -> Duration {
        self.time.saturating_sub(self.since.age(now))
    }
}

/// Source of answers that are not cached.
pub(super) trait Source: Clone + Send + Sync + 'static {
    /// Returns the routes as of this version of the network or a later one. `is_again`: what it returned before is outdated.
    fn ways(
        &self,
        question: Question,
        network_version: NetworkVersion,
        is_again: bool,
    ) -> impl Future<Output = Result<Ways, SearchError>> + Send;

    fn prepare(&self, ways: Ways) -> Prepared;
}

/// Searches under way, each shared by all callers with the same question about the same network version.
type Filling = HashMap<(Question, NetworkVersion), watch::Receiver<Option<RouteResult>>>;

/// The network part of answers, by the version of the network in which they were found: first in this process, then in
/// Redis, where all processes find it. Results of an older version are not looked up any more. Other writers to Redis
/// must not influence answers: each value is sealed under its key, and accepted only unchanged.
#[derive(Clone)]
pub(super) struct RouteCache(Arc<State>);

struct State {
    time: Duration,
    clock: SharedClock,
    redis: Option<(Redis, SealKey)>,
    /// The end of each key in Redis: the installation and its search rules.
    group: String,
    results: Cache<Question, RouteResult>,
    filling: Mutex<Filling>,
}

impl RouteCache {
    pub fn new(
        time: Duration,
        rules: &settings::Search,
        clock: &SharedClock,
        shared: Option<(Redis, &ServerSecrets)>,
    ) -> Self {
        let installation = shared.as_ref().map(|(_, secrets)| &*secrets.namespace).unwrap_or_default();
        let group = format!("{installation}:{:016x}", fingerprint(rules));
        let redis = shared.map(|(redis, secrets)| (redis, SealKey::new(&secrets.cache_key)));
        let (results, filling) = (bounded(MOST_BYTES), Mutex::default());
        Self(Arc::new(State { time, clock: clock.clone(), redis, group, results, filling }))
    }

    /// Forgets what this process has.
    pub fn forget(&self) {
        self.0.results.invalidate_all();
    }

    /// Returns this process's cached result, unless it is `outdated`.
    fn at_hand(
        &self,
        question: &Question,
        network_version: NetworkVersion,
        outdated: Option<&Shared>,
    ) -> Option<RouteResult> {
        let now = self.0.clock.now();
        let found = self.0.results.get(question).filter(|found| {
            found.network_version == network_version
                && found.zones == zones::changes()
                && !found.left(now).is_zero()
                && outdated.is_none_or(|outdated| !Arc::ptr_eq(outdated, &found.prepared))
        })?;
        Some(RouteResult { status: CacheStatus::Hit(found.left(now)), ..found })
    }

    /// Returns whether this process has a result at hand.
    pub fn knows(&self, question: &Question, network_version: NetworkVersion) -> bool {
        self.at_hand(question, network_version, None).is_some()
    }

    /// Returns a cached result, or that of a search under way, else asks the source. `network_version` was known
    /// before; an `outdated` result is not taken again, here or from Redis.
    pub async fn get<S: Source>(
        &self,
        source: &S,
        question: Question,
        network_version: NetworkVersion,
        outdated: Option<&Shared>,
    ) -> Result<RouteResult, SearchError> {
        if let Some(found) = self.at_hand(&question, network_version, outdated) {
            return Ok(found);
        }
        let place = (question, network_version);
        let (outcome, sender) = {
            let mut filling = self.filling();
            // A search may have ended just now.
            if let Some(found) = self.at_hand(&question, network_version, outdated) {
                return Ok(found);
            }
            match filling.entry(place) {
                Entry::Occupied(under_way) => (under_way.get().clone(), None),
                Entry::Vacant(free) => {
                    let (sender, outcome) = watch::channel(None);
                    free.insert(outcome.clone());
                    (outcome, Some(sender))
                }
            }
        };
        let Some(sender) = sender else { return self.join(source, place, outdated.is_some(), outcome).await };
        // The first caller may hang up; the others wait all the same.
        let filling = self.clone().fill(source.clone(), place, outdated.is_some(), sender);
        let filling = tokio::spawn(filling.in_same_trace().in_current_span());
        filling.await.unwrap_or(Err(SearchError::Interrupted))
    }

    /// Waits for the result of another search; if it fails, searches alone.
    async fn join<S: Source>(
        &self,
        source: &S,
        (question, network_version): (Question, NetworkVersion),
        is_again: bool,
        mut outcome: watch::Receiver<Option<RouteResult>>,
    ) -> Result<RouteResult, SearchError> {
        if let Ok(found) = outcome.wait_for(Option::is_some).await
            && let Some(found) = found.as_ref()
        {
            return Ok(found.clone());
        }
        let zones = zones::changes();
        let prepared = source.prepare(source.ways(question, network_version, is_again).await?).into();
        let since = Moment::at(self.0.clock.now());
        Ok(RouteResult { prepared, status: CacheStatus::Miss, network_version, zones, since, time: Duration::ZERO })
    }

    async fn fill<S: Source>(
        self,
        source: S,
        place: (Question, NetworkVersion),
        is_again: bool,
        sender: watch::Sender<Option<RouteResult>>,
    ) -> Result<RouteResult, SearchError> {
        // However the search ends, no caller joins it afterwards.
        let _under_way = UnderWay(&self, place);
        let (question, network_version) = place;
        // What is found by these rules of time zones is not kept under others.
        let key = self.key(place);
        let recalled = if is_again { None } else { self.recall(&source, place).await };
        let (found, is_new) = if let Some(found) = recalled {
            (found, false)
        } else {
            let (began, zones) = (Instant::now(), zones::changes());
            let ways = source.ways(question, network_version, is_again).await?;
            let prepared = source.prepare(ways).into();
            metric::ROUTE_CACHE_FILL.record(began.elapsed().as_secs_f64());
            let since = Moment::at(self.0.clock.now());
            (
                RouteResult { prepared, status: CacheStatus::Miss, network_version, zones, since, time: self.0.time },
                true,
            )
        };
        self.0.results.insert(question, found.clone());
        // Makes space at once: otherwise dozens of entries above the bound could wait for it.
        self.0.results.run_pending_tasks();
        sender.send_replace(Some(found.clone()));
        if let (Some((redis, seal)), true) = (self.0.redis.clone(), is_new) {
            let (time, prepared) = (self.0.time, found.prepared.clone());
            // No caller waits for the write to Redis.
            let keeping = async move {
                let Some(ways) = stored::to_bytes(&prepared) else { return };
                if let Err(error) = redis.keep(&key, &seal.seal(&key, &ways), time).await {
                    tracing::debug!(%error, "a search result could not be cached in Redis");
                }
            };
            tokio::spawn(keeping.in_same_trace().in_current_span());
        }
        Ok(found)
    }

    /// Returns the result that a process has stored in Redis; `None` if there is none, or none sealed under this key.
    async fn recall<S: Source>(&self, source: &S, place: (Question, NetworkVersion)) -> Option<RouteResult> {
        let (question, network_version) = place;
        let (redis, seal) = self.0.redis.as_ref()?;
        let zones = zones::changes();
        let key = self.key(place);
        let recalled = redis.recall(&key).await;
        let (bytes, left) =
            recalled.inspect_err(|error| tracing::debug!(%error, "the cache in Redis could not be read")).ok()??;
        let ways = stored::from_bytes(seal.open(&key, &bytes)?, question.origin, question.destination)?;
        let prepared = source.prepare(ways).into();
        let (since, time) = (Moment::at(self.0.clock.now()), left.min(self.0.time));
        Some(RouteResult { prepared, status: CacheStatus::Hit(time), network_version, zones, since, time })
    }

    /// Returns the key in Redis. Keys are never searched by pattern: the versions of the network and of the rules of time zones
    /// make old ones unreachable.
    fn key(&self, (question, network_version): (Question, NetworkVersion)) -> String {
        let Question { origin, destination, date, max_stops } = question;
        let NetworkVersion { version, epoch } = network_version;
        let zones = zones::release().version;
        format!("route:{version}:{origin}:{destination}:{date}:{max_stops}:{}:{epoch:x}:{zones}", self.0.group)
    }

    fn filling(&self) -> MutexGuard<'_, Filling> {
        self.0.filling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the size of this process's cache in the metrics.
    pub fn measure(&self) {
        metric::ROUTE_CACHE_ENTRIES.set(u32::try_from(self.0.results.entry_count()).unwrap_or(u32::MAX));
        metric::ROUTE_CACHE_BYTES.set(u32::try_from(self.0.results.weighted_size()).unwrap_or(u32::MAX));
    }
}

/// Returns an empty cache that holds at most `most` bytes. It counts the entries evicted for lack of space: by recency alone,
/// as small results, which anybody can ask for, would keep large ones out if the frequency of all that must go counted.
fn bounded(most: u64) -> Cache<Question, RouteResult> {
    Cache::builder()
        .max_capacity(most)
        .eviction_policy(EvictionPolicy::lru())
        .weigher(|_, found: &RouteResult| u32::try_from(found.prepared.weight() + ENTRY_BYTES).unwrap_or(u32::MAX))
        .eviction_listener(|_, _, cause| {
            if cause == RemovalCause::Size {
                metric::ROUTE_CACHE_EVICTIONS.increment(1);
            }
        })
        .build()
}

/// A search that other callers may wait for.
struct UnderWay<'a>(&'a RouteCache, (Question, NetworkVersion));

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.filling().remove(&self.1);
    }
}

/// Separates processes that search by other rules or use another format.
fn fingerprint(rules: &settings::Search) -> u64 {
    let mut hasher = DefaultHasher::new();
    (stored::FORM, rules.max_stops, rules.min_connection_minutes, &rules.connection_minutes_by_airport)
        .hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[path = "cache/tests.rs"]
mod tests;
