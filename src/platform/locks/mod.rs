//! Courtesy locks: they hand things out in order and spare the database collisions. What is true never depends on one: who
//! got none, or lost it, still meets the row lock.
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

/// Who asks briefly asks so often, with such pauses.
const BRIEF_ATTEMPTS: u32 = 50;
const BRIEF_DELAY: Duration = Duration::from_millis(10);
/// What was held for longer than that is not asked for again so soon: its holder may have died.
const GIVEN_UP_FOR: Duration = Duration::from_secs(2);
/// How soon a lock that could not be given back is given back again.
const GIVE_BACK_AGAIN: Duration = Duration::from_millis(500);
/// The next one in line does not wait longer for it.
const GIVE_BACK_PATIENCE: Duration = Duration::from_millis(100);

/// Locks in Redis that all processes share; without Redis there are none.
#[derive(Clone)]
pub struct Locks {
    redis: Option<Redis>,
    tokens: TokenSource,
    settings: settings::Locks,
    /// Until when locks that nobody gave back are not asked for.
    given_up: Arc<Mutex<HashMap<String, Instant>>>,
}

/// What became of asking for a lock.
#[derive(Debug)]
pub enum Asked {
    /// It is ours until this is dropped, or until it expires.
    Got(Lock),
    /// Redis is away: the row lock alone will do.
    Away,
    /// Another has it.
    Held,
}

impl Locks {
    pub fn new(redis: Option<Redis>, tokens: TokenSource, settings: settings::Locks) -> Self {
        Self { redis, tokens, settings, given_up: Arc::default() }
    }

    /// Asks once. One that is held may be asked for again: how that ends is what counts.
    pub async fn ask(&self, what: &'static str, which: &impl Display) -> Asked {
        let began = Instant::now();
        let asked = self.try_once(what, which).await;
        if !matches!(asked, Asked::Held) {
            tell(what, &asked, began);
        }
        asked
    }

    async fn try_once(&self, what: &'static str, which: &impl Display) -> Asked {
        let Some(redis) = self.redis.clone().filter(|redis| !redis.is_given_up()) else { return Asked::Away };
        let Ok(token) = self.tokens.token() else { return Asked::Away };
        let (key, until) = (format!("lock:{what}:{which}"), Instant::now() + self.settings.ttl());
        let lock = Lock { redis: Box::new(redis), key, token: token.into(), until };
        match lock.redis.set_if_absent(&lock.key, &lock.token, self.settings.ttl()).await {
            Ok(true) => Asked::Got(lock),
            Ok(false) => {
                lock.forget();
                Asked::Held
            }
            // It may have been set all the same: dropped here, it is taken back.
            Err(RedisAway(_)) => Asked::Away,
        }
    }

    /// Asks until it is free, at most as often as the settings say and not beyond that moment.
    pub async fn ask_until(&self, what: &'static str, which: &impl Display, until: Instant) -> Asked {
        self.ask_again(what, which, self.settings.attempts, self.settings.delay(), until).await
    }

    /// Asks until it is free, for half a second at most, for something that is handed on quickly.
    pub async fn ask_briefly(&self, what: &'static str, which: &impl Display) -> Asked {
        let name = which.to_string();
        let given_up = || self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        if given_up().get(&name).is_some_and(|until| Instant::now() < *until) {
            return Asked::Held;
        }
        let until = Instant::now() + BRIEF_DELAY * BRIEF_ATTEMPTS;
        let asked = self.ask_again(what, which, BRIEF_ATTEMPTS, BRIEF_DELAY, until).await;
        let mut given_up = given_up();
        given_up.retain(|_, until| Instant::now() < *until);
        if matches!(asked, Asked::Held) {
            given_up.insert(name, Instant::now() + GIVEN_UP_FOR);
        }
        asked
    }

    /// How long it is asked patiently at most.
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
    ) -> Asked {
        let began = Instant::now();
        let asking = async {
            let mut asked = self.try_once(what, which).await;
            for _ in 1..attempts {
                if !matches!(asked, Asked::Held) || Instant::now() + delay > until {
                    break;
                }
                sleep(delay).await;
                asked = self.try_once(what, which).await;
            }
            asked
        };
        let waiting = span("wait for lock");
        waiting.note("loadmaster.lock.name", what);
        let asked = asking.in_span(waiting).await;
        tell(what, &asked, began);
        asked
    }
}

fn tell(what: &'static str, asked: &Asked, began: Instant) {
    metric::LOCK_WAIT.with([what]).record(began.elapsed().as_secs_f64());
    let outcome = match asked {
        Asked::Got(_) => "got",
        Asked::Away => "away",
        Asked::Held => "held",
    };
    metric::LOCKS.with([what, outcome]).increment(1);
}

/// A lock that is held. Dropped, it is given back, if it still is ours.
#[derive(Debug)]
pub struct Lock {
    redis: Box<Redis>,
    key: String,
    /// Empty: not ours to give back.
    token: Box<str>,
    /// When it expires at the latest.
    until: Instant,
}

impl Lock {
    /// Gives it back, and tells when that is done or not needed any more.
    async fn give_back(mut self) {
        let (redis, key) = (self.redis.clone(), std::mem::take(&mut self.key));
        give_back(redis, key, std::mem::take(&mut self.token), self.until).await;
    }

    fn forget(mut self) {
        self.token = Box::default();
    }
}

/// A Redis that was away when the lock was asked for may have set it all the same, and would keep it from everybody until
/// it expires. (Not a method of the lock: a runtime that shuts down drops what is spawned unrun, and a lock dropped there
/// would spawn itself again without end.)
async fn give_back(redis: Box<Redis>, key: String, token: Box<str>, until: Instant) {
    while redis.delete_if(&key, &token).await.is_err() {
        sleep(GIVE_BACK_AGAIN).await;
        // Nobody asks a Redis that does not answer; the probe finds out when it is back.
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

/// The turn at something: before everybody else of this process who came later, and with its lock among processes, if
/// that was to be had. Dropped, it is the next one's.
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
    /// The lock is given back before the place is: the next one here need not find it held. A Redis that is away keeps
    /// nobody here waiting.
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
