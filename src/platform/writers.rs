//! Remembers for a while how far the log reaches that holds each caller's changes, so that a caller sees its own changes
//! on every process although standbys answer reads. A process knows what it has written itself; the others learn it from
//! Redis, and ask the primary where Redis is away.
use std::{sync::Arc, time::Duration};

use moka::sync::Cache;

use super::{
    postgres::{Database, LogPosition, Recency},
    redis::Redis,
    settings,
};

/// Most callers that a process remembers.
const MOST: u64 = 100_000;
/// Added to twice the longest lag: the time between two observations of a standby, and the delay of a busy machine.
const MARGIN: Duration = Duration::from_secs(10);

/// The writes of callers. Callers are told apart by any text.
#[derive(Debug, Clone)]
pub struct Writers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    redis: Option<Redis>,
    installation: String,
    /// A standby that answers has replayed everything that was written this long ago.
    lifetime: Duration,
    own: Cache<String, LogPosition>,
}

impl Writers {
    /// Returns `None` if no standby answers reads: then every read sees everything.
    pub fn new(
        db: &Database,
        redis: Option<&Redis>,
        installation: &str,
        settings: &settings::Database,
    ) -> Option<Self> {
        if !db.has_replica() {
            return None;
        }
        let lifetime = settings.read_max_lag() * 2 + MARGIN;
        let own = Cache::builder().max_capacity(MOST).time_to_live(lifetime).build();
        let (db, redis, installation) = (db.clone(), redis.cloned(), installation.to_owned());
        Some(Self(Arc::new(Inner { db, redis, installation, lifetime, own })))
    }

    /// Begins a request of this caller that may change something. Dropped before its end, as when the caller hangs up, it
    /// is not known how far its changes reach.
    pub fn begin(&self, caller: Option<String>) -> Writing {
        Writing { writers: self.clone(), caller, is_over: false }
    }

    fn note(&self, caller: &str, position: LogPosition) {
        let own = &self.0.own;
        own.entry_by_ref(caller)
            .and_upsert_with(|known| known.map_or(position, |known| known.into_value().max(position)));
    }

    async fn share(&self, caller: &str, position: LogPosition) {
        let Some(redis) = &self.0.redis else { return };
        if let Err(error) = redis.raise(&self.key(caller), &position.to_string(), self.0.lifetime).await {
            tracing::debug!(%error, "the position of a change could not be shared");
        }
    }

    /// Returns how recent a state this caller must see. `told` is the position that the caller itself has named.
    pub async fn recency(&self, caller: Option<&str>, told: Option<LogPosition>) -> Recency {
        let Some(caller) = caller else { return told.map_or(Recency::Recent, Recency::After) };
        let elsewhere = match &self.0.redis {
            Some(redis) => redis.recall(&self.key(caller)).await.ok(),
            None => None,
        };
        // Changes made by other processes are not known.
        let Some(elsewhere) = elsewhere else { return Recency::Now };
        let elsewhere = elsewhere.map(|(text, _)| {
            let position = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
            position.unwrap_or(LogPosition::UNKNOWN)
        });
        let known = [self.0.own.get(caller), elsewhere, told];
        known.into_iter().flatten().max().map_or(Recency::Recent, Recency::After)
    }

    fn key(&self, caller: &str) -> String {
        format!("loadmaster:{}:wrote:{caller}", self.0.installation)
    }
}

/// A request that may change something.
#[derive(Debug)]
pub struct Writing {
    writers: Writers,
    caller: Option<String>,
    is_over: bool,
}

impl Writing {
    /// Ends a request that was refused.
    pub fn end_unchanged(mut self) {
        self.is_over = true;
    }

    /// Ends it, and returns a position after its changes. `is_certain`: they are complete.
    pub async fn end(mut self, is_certain: bool) -> LogPosition {
        let position = if is_certain { self.writers.0.db.position().await } else { None };
        let position = position.unwrap_or(LogPosition::UNKNOWN);
        if let Some(caller) = &self.caller {
            self.writers.note(caller, position);
            self.writers.share(caller, position).await;
        }
        self.is_over = true;
        position
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(caller) = self.caller.take().filter(|_| !self.is_over) else { return };
        let (writers, position) = (self.writers.clone(), LogPosition::UNKNOWN);
        writers.note(&caller, position);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { writers.share(&caller, position).await });
        }
    }
}
