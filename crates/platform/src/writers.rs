//! Remembers for a while how far the log reaches that holds each caller's changes, so that a caller sees its own changes
//! on every process although standbys answer reads. A process knows what it has written itself; the others learn it from
//! Redis, and ask the primary where Redis is away.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

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

/// Longest wait for a standby where a position cannot be shared.
const REPLAY_PATIENCE: Duration = Duration::from_millis(250);

/// The writes of callers. Callers are distinguished by any text.
#[derive(Debug, Clone)]
pub struct Writers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    redis: Option<Redis>,
    installation: String,
    /// A standby that answers has replayed everything that was written half of this time ago.
    lifetime: Duration,
    /// The latest position of each caller, and when it was noted.
    own: Cache<String, (LogPosition, Instant)>,
    /// Callers whose changes reach an unknown position.
    doubts: Cache<String, ()>,
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
        let doubts = Cache::builder().max_capacity(MOST).time_to_live(lifetime).build();
        let (db, redis, installation) = (db.clone(), redis.cloned(), installation.to_owned());
        Some(Self(Arc::new(Inner { db, redis, installation, lifetime, own, doubts })))
    }

    /// Begins a request of this caller that may change something. Dropped before its end, as when the caller hangs up, it
    /// is not known how far its changes reach.
    pub fn writing(&self, caller: Option<String>) -> Writing {
        Writing { writers: self.clone(), caller, is_over: false }
    }

    fn note(&self, caller: &str, position: LogPosition) {
        let Inner { own, doubts, lifetime, .. } = &*self.0;
        if position == LogPosition::UNKNOWN {
            return doubts.insert(caller.to_owned(), ());
        }
        // A caller's requests may end in another order than they were committed. Long after, a greater position is one of a
        // log that has begun anew since.
        let now = Instant::now();
        own.entry_by_ref(caller).and_upsert_with(|known| match known.map(moka::Entry::into_value) {
            Some((known, noted)) if known > position && noted.elapsed() < *lifetime / 2 => (known, noted),
            _ => (position, now),
        });
    }

    /// Notifies the other processes; returns whether they will know.
    async fn share(&self, caller: &str, position: LogPosition) -> bool {
        let Some(redis) = &self.0.redis else { return true };
        let shared = if position == LogPosition::UNKNOWN {
            redis.keep(&self.key("doubt", caller), b"1", self.0.lifetime).await
        } else {
            redis.raise(&self.key("wrote", caller), &position.to_string(), self.0.lifetime).await
        };
        shared.inspect_err(|error| tracing::debug!(%error, "the position of a change could not be shared")).is_ok()
    }

    /// Returns how recent a state this caller must see. `named` is the position that the caller itself has named.
    pub async fn recency(&self, caller: Option<&str>, named: Option<LogPosition>) -> Recency {
        let Some(caller) = caller else { return named.map_or(Recency::Recent, Recency::After) };
        if self.0.doubts.contains_key(caller) {
            return Recency::Primary;
        }
        // Without Redis the changes made by other processes are not known.
        let Some(redis) = &self.0.redis else { return Recency::Now };
        let (wrote, doubt) = (self.key("wrote", caller), self.key("doubt", caller));
        let elsewhere = match tokio::join!(redis.recall(&wrote), redis.recall(&doubt)) {
            (Ok(wrote), Ok(None)) => wrote,
            (Ok(_), Ok(Some(_))) => return Recency::Primary,
            (Err(_), _) | (_, Err(_)) => return Recency::Now,
        };
        let elsewhere = elsewhere.map(|(text, _)| {
            let position = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
            position.unwrap_or(LogPosition::UNKNOWN)
        });
        let own = self.0.own.get(caller).map(|(position, _)| position);
        [own, elsewhere, named].into_iter().flatten().max().map_or(Recency::Recent, Recency::After)
    }

    fn key(&self, what: &str, caller: &str) -> String {
        format!("loadmaster:{}:{what}:{caller}", self.0.installation)
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
            if !self.writers.share(caller, position).await && position != LogPosition::UNKNOWN {
                // Another process may reach Redis, and would take the silence for an answer.
                self.writers.0.db.until_replayed(position, REPLAY_PATIENCE).await;
            }
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
