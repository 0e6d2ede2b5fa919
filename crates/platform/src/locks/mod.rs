//! Courtesy locks: they serve requests in order and spare the database collisions. Correctness never depends on one: a
//! caller without a lock, or with a lost one, still meets the row lock.
mod lines;

use std::{
    collections::HashMap,
    fmt::Display,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    random::TokenSource,
    redis::{Redis, RedisAway},
    settings,
    telemetry::{Traced, metric, span},
};

pub use lines::{Arrival, FifoLock, Ticket};

/// Number and spacing of attempts for a short wait.
const BRIEF_ATTEMPTS: u32 = 10;
const BRIEF_DELAY: Duration = Duration::from_millis(10);
/// After a short wait in vain, time for which short waits for that lock fail at once: its holder may have died.
const GIVEN_UP_FOR: Duration = Duration::from_secs(2);
/// Pause before another attempt to release a lock after a failed one.
const GIVE_BACK_AGAIN: Duration = Duration::from_millis(500);
/// Longest time that the next in line waits for a release.
const GIVE_BACK_PATIENCE: Duration = Duration::from_millis(100);

/// Locks in Redis, shared by all processes; without Redis there are none.
#[derive(Clone)]
pub struct Locks {
    redis: Option<Redis>,
    tokens: TokenSource,
    settings: settings::Locks,
    /// For each lock that a short wait did not get, the moment until which short waits fail at once.
    given_up: Arc<Mutex<HashMap<String, Instant>>>,
}

/// The outcome of a lock request.
#[derive(Debug)]
pub enum LockOutcome {
    /// The caller holds it until this is dropped, or until it expires.
    Got(Lock),
    /// Redis is away: the row lock alone suffices.
    Away,
    /// Another caller holds it.
    Held,
}

impl Locks {
    pub fn new(redis: Option<Redis>, tokens: TokenSource, settings: settings::Locks) -> Self {
        Self { redis, tokens, settings, given_up: Arc::default() }
    }

    /// Makes one attempt. Leaves a held lock out of the metrics: the caller may retry, and the final outcome counts.
    pub async fn ask(&self, what: &'static str, which: &impl Display) -> LockOutcome {
        let began = Instant::now();
        let asked = self.try_once(what, which).await;
        if !matches!(asked, LockOutcome::Held) {
            record_outcome((what, which), &asked, began);
        }
        asked
    }

    async fn try_once(&self, what: &'static str, which: &impl Display) -> LockOutcome {
        let Some(redis) = self.redis.clone().filter(|redis| !redis.is_given_up()) else { return LockOutcome::Away };
        let Ok(token) = self.tokens.token() else { return LockOutcome::Away };
        let (key, until) = (format!("lock:{what}:{which}"), Instant::now() + self.settings.ttl());
        let lock = Lock { redis: Box::new(redis), key, token: token.into(), until };
        match lock.redis.set_if_absent(&lock.key, &lock.token, self.settings.ttl()).await {
            Ok(true) => LockOutcome::Got(lock),
            Ok(false) => {
                lock.forget();
                LockOutcome::Held
            }
            // Redis may have set it nevertheless: dropping this releases it.
            Err(RedisAway(_)) => LockOutcome::Away,
        }
    }

    /// Retries until the lock is free, at most for the configured patience and not beyond `until`.
    pub async fn ask_until(&self, what: &'static str, which: &impl Display, until: Instant) -> LockOutcome {
        self.ask_again(what, which, self.settings.attempts, self.settings.delay(), until).await
    }

    /// Retries until the lock is free, for a tenth of a second at most, for things that are handed on quickly.
    pub async fn ask_briefly(&self, what: &'static str, which: &impl Display) -> LockOutcome {
        let name = which.to_string();
        let given_up = || self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        if given_up().get(&name).is_some_and(|until| Instant::now() < *until) {
            return LockOutcome::Held;
        }
        let until = Instant::now() + BRIEF_DELAY * BRIEF_ATTEMPTS;
        let asked = self.ask_again(what, which, BRIEF_ATTEMPTS, BRIEF_DELAY, until).await;
        let mut given_up = given_up();
        given_up.retain(|_, until| Instant::now() < *until);
        if matches!(asked, LockOutcome::Held) {
            given_up.insert(name, Instant::now() + GIVEN_UP_FOR);
        }
        asked
    }

    /// Longest wait of a patient request.
    pub fn patience(&self) -> Duration {
        self.settings.delay() * self.settings.attempts
    }

    async fn ask_again(
        &self,
        what: &'static str,
        which: &impl Display,
        attempts: u32,
        delay: Duration,
        until: Instant,
    ) -> LockOutcome {
        let began = Instant::now();
        let asking = async {
            let mut asked = self.try_once(what, which).await;
            for attempt in 1..attempts {
                if !matches!(asked, LockOutcome::Held) || Instant::now() + delay > until {
                    break;
                }
                if attempt == 1 {
                    tracing::debug!(lock = what, of = %which, "lock held by another caller; waiting for it");
                }
                sleep(delay).await;
                asked = self.try_once(what, which).await;
            }
            asked
        };
        let waiting = span("wait for lock");
        waiting.note("loadmaster.lock.name", what);
        let asked = asking.in_span(waiting).await;
        record_outcome((what, which), &asked, began);
        asked
    }
}

fn record_outcome((what, which): (&'static str, &impl Display), asked: &LockOutcome, began: Instant) {
    let waited = began.elapsed();
    metric::LOCK_WAIT.with([what]).record(waited.as_secs_f64());
    let (outcome, text) = match asked {
        LockOutcome::Got(_) => ("got", "lock taken"),
        LockOutcome::Away => ("away", "lock not taken; Redis is away"),
        LockOutcome::Held => ("held", "lock not taken; another caller still holds it"),
    };
    tracing::debug!(lock = what, of = %which, waited_ms = waited.as_secs_f64() * 1000.0, "{text}");
    metric::LOCKS.with([what, outcome]).increment(1);
}

/// A lock that is held. Dropping it releases it, unless it expired.
#[derive(Debug)]
pub struct Lock {
    redis: Box<Redis>,
    key: String,
    /// Empty when there is nothing to release.
    token: Box<str>,
    /// The latest moment at which it expires.
    until: Instant,
}

impl Lock {
    /// Releases it; returns when that is done or no longer needed.
    async fn give_back(mut self) {
        let (redis, key) = (self.redis.clone(), std::mem::take(&mut self.key));
        give_back(redis, key, std::mem::take(&mut self.token), self.until).await;
    }

    fn forget(mut self) {
        self.token = Box::default();
    }
}

/// Releases a lock, retrying until it expires. A Redis that was away when the lock was requested may have set it
/// nevertheless, and would block everybody until it expires. (Not a method of the lock: a runtime that shuts down drops
/// spawned tasks unrun, and a lock dropped there would spawn itself again without end.)
async fn give_back(redis: Box<Redis>, key: String, token: Box<str>, until: Instant) {
    let mut is_first = true;
    loop {
        match redis.delete_if(&key, &token).await {
            Ok(true) => return,
            Ok(false) => {
                // An attempt whose answer was lost may have deleted it.
                if is_first {
                    tracing::debug!(key, "lock lost; it had expired before it was released, or Redis had not set it");
                }
                return;
            }
            Err(RedisAway(_)) => sleep(GIVE_BACK_AGAIN).await,
        }
        is_first = false;
        // A Redis that does not answer is not called; the probe finds out when it is back.
        while redis.is_given_up() && Instant::now() < until {
            sleep(GIVE_BACK_AGAIN).await;
        }
        if Instant::now() >= until {
            break;
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let (false, Ok(runtime)) = (self.token.is_empty(), tokio::runtime::Handle::try_current()) {
            let (redis, key) = (self.redis.clone(), std::mem::take(&mut self.key));
            runtime.spawn(give_back(redis, key, std::mem::take(&mut self.token), self.until));
        }
    }
}

/// A turn at something: before all later arrivals of this process, and with its lock among processes if that was
/// available. Dropping it passes the turn on.
#[derive(Debug)]
pub struct Guard<K: Clone + Eq + Hash + Send + 'static> {
    place: Option<Ticket<K>>,
    lock: Option<Lock>,
}

impl<K: Clone + Eq + Hash + Send + 'static> Guard<K> {
    pub fn new(place: Ticket<K>, lock: Option<Lock>) -> Self {
        Self { place: Some(place), lock }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Drop for Guard<K> {
    /// Releases the lock before the place, so that the next in line here does not find it held. A Redis that is away
    /// delays nobody here.
    fn drop(&mut self) {
        let place = self.place.take();
        if let (Some(lock), Ok(runtime)) = (self.lock.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let given = tokio::spawn(lock.give_back());
                _ = tokio::time::timeout(GIVE_BACK_PATIENCE, given).await;
                drop(place);
            });
        }
    }
}
