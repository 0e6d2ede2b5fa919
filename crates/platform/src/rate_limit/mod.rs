//! Rate limits: a sliding window of sixty seconds, counted in Redis for all processes together, and by the same rule in
//! this process alone while Redis is away.
mod grants;
mod window;

use std::{
    collections::HashMap,
    fmt::Display,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use super::{clock::SharedClock, redis::Redis, seal::SealKey, secrets::ServerSecrets, telemetry::metric};

use grants::Grants;
pub use window::Verdict;
use window::Window;

/// Counts requests.
#[derive(Clone)]
pub struct RateLimiter {
    together: Option<Arc<Grants>>,
    clock: SharedClock,
    /// The counts that this process took while Redis was away.
    here: Arc<Mutex<Counts>>,
}

impl RateLimiter {
    pub fn new(redis: Option<Redis>, secrets: &ServerSecrets, clock: SharedClock) -> Self {
        let keys = RedisKeys { namespace: secrets.namespace.clone(), hash: SealKey::new(&secrets.reference_key) };
        let together = redis.map(|redis| Grants::new(redis, keys, clock.clone()));
        Self { together, clock, here: Arc::default() }
    }

    /// Counts a request of `who` against a quota of `limit` requests per minute. Refused requests do not count.
    pub async fn ask(&self, quota: &'static str, who: impl Display, limit: u32) -> Verdict {
        let now = self.clock.now().timestamp_millis();
        let who = format!("{quota}:{who}");
        let together = match &self.together {
            Some(together) => together.count(&who, now, limit).await,
            None => None,
        };
        let verdict = together.unwrap_or_else(|| {
            let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
            here.count(who, now, limit)
        });
        let outcome = if verdict.is_admitted { "admitted" } else { "refused" };
        metric::RATE_LIMITED.with([quota, outcome]).increment(1);
        verdict
    }

    /// Gives back what this process was granted and did not use.
    pub async fn give_back(&self) {
        if let Some(together) = &self.together {
            together.give_back().await;
        }
    }
}

/// Names the counts in Redis. Whoever reads them learns neither the addresses nor the e-mail addresses that are counted.
struct RedisKeys {
    namespace: String,
    hash: SealKey,
}

impl RedisKeys {
    /// Returns the key of a caller's count under a quota, `who`: a keyed hash of 128 bits.
    fn of(&self, who: &str) -> String {
        let sealed = self.hash.seal("rate_limit", who.as_bytes());
        let hash = sealed.first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        format!("loadmaster:{}:rate:{hash:032x}", self.namespace)
    }
}

/// The counts of all callers in this process, for the current window and the previous one.
#[derive(Default)]
struct Counts {
    number: i64,
    current: HashMap<String, u32>,
    previous: HashMap<String, u32>,
}

impl Counts {
    fn count(&mut self, who: String, now: i64, limit: u32) -> Verdict {
        self.turn(now);
        let of = |counts: &HashMap<String, u32>| counts.get(&who).copied().unwrap_or_default();
        let mut window = Window { number: self.number, current: of(&self.current), previous: of(&self.previous) };
        let is_admitted = window.admits(now, limit);
        if is_admitted {
            window = window.counted();
            self.current.insert(who, window.current);
        }
        window.verdict(now, limit, is_admitted)
    }

    fn turn(&mut self, now: i64) {
        let number = Window { number: self.number, ..Window::default() }.at(now).number;
        if number != self.number {
            let last = mem::take(&mut self.current);
            self.previous = if number == self.number + 1 { last } else { HashMap::new() };
            self.number = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{window::LENGTH, *};

    #[test]
    fn everybody_has_a_count_and_the_last_window_counts_on() {
        let mut counts = Counts::default();
        let mut ask = |who: &str, now| counts.count(who.to_owned(), now, 2).is_admitted;
        assert_eq!([0, 1, 2].map(|now| ask("ann", now)), [true, true, false]);
        assert!(ask("bob", 3));
        assert!(!ask("ann", LENGTH), "all of the last window still counts");
        assert!(ask("ann", LENGTH + LENGTH / 2), "half of it");
        assert!(!ask("ann", LENGTH + LENGTH / 2));
        assert!(ask("ann", 3 * LENGTH));
        assert!(ask("ann", 2 * LENGTH + 1), "a clock that went back a little");
        assert!(!ask("ann", 2 * LENGTH + 1));
        assert!(ask("ann", -10 * LENGTH), "a clock that went back by far");
    }

    #[test]
    fn a_subject_idle_for_two_windows_is_forgotten() {
        let mut counts = Counts::default();
        for number in 0..10 {
            counts.count(number.to_string(), number * LENGTH, 1);
        }
        assert_eq!((counts.current.len(), counts.previous.len()), (1, 1));
    }
}
