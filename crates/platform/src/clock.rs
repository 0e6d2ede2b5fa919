use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use nix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// Largest difference between the clock of the machine and the database's with which a process does its full work.
const MOST_SKEW: TimeDelta = TimeDelta::seconds(30);
/// A difference from the time of the database that is not worth a step of the clock.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(50);
/// An answer of the database that took longer says too little of the time.
const SLOW: Duration = Duration::from_secs(1);
/// A change of the difference that shows that the wall clock of the machine was set.
const JUMP: TimeDelta = TimeDelta::seconds(1);

/// The only source of "now". Injected, so that tests control the time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> DateTime<Utc>;

    /// Returns by how much the clock of this machine is ahead of the database's.
    fn skew(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    /// Returns whether the clock of this machine is near enough to the database's for work that time alone causes.
    fn is_trusted(&self) -> bool {
        self.skew().abs() <= MOST_SKEW
    }

    /// Returns the clock that follows the database, unless time is set by hand.
    fn of_the_database(&self) -> Option<&DatabaseClock> {
        None
    }
}

pub type SharedClock = Arc<dyn Clock>;

/// The clock of this machine, which may be wrong.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn now(&self) -> DateTime<Utc> {
        // PostgreSQL stores microseconds; more precision would make the first answer differ from the stored one.
        let now = Utc::now().trunc_subsecs(6);
        #[cfg(debug_assertions)]
        let now = now + super::sabotage::clock_error();
        now
    }
}

/// The clock of the database, which all processes share, carried on by the time since this machine was started: a wrong wall
/// clock of the machine does not change it, nor does setting that. Until the database was asked it is the wall clock.
#[derive(Debug, Clone, Default)]
pub struct DatabaseClock(Arc<RwLock<Option<Reading>>>);

/// A reading of three clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    database: DateTime<Utc>,
    machine: DateTime<Utc>,
    uptime: TimeDelta,
}

impl Reading {
    fn now(&self) -> DateTime<Utc> {
        self.database + (uptime() - self.uptime)
    }
}

/// Returns the time since the machine was started, also that for which it was suspended.
fn uptime() -> TimeDelta {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;
    let since = clock_gettime(CLOCK).map(Duration::from).unwrap_or_default();
    TimeDelta::from_std(since).unwrap_or_default()
}

impl DatabaseClock {
    fn reading(&self) -> Option<Reading> {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a reading of the database's clock; `took` is the time from the request to the answer.
    pub fn learn(&self, database: DateTime<Utc>, took: Duration) {
        // A slow answer says less than the clock that is known.
        if took > SLOW && !self.has_jumped() {
            return;
        }
        let half = TimeDelta::from_std(took / 2).unwrap_or_default();
        let (database, machine, uptime) = (database + half, SystemClock.now(), uptime());
        let is_near = |known: Reading| (known.now() - database).abs() <= half + TOLERANCE;
        // What is within the error of the measurement is not worth a step back.
        let database = self.reading().filter(|known| is_near(*known)).map_or(database, |known| known.now());
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Reading { database, machine, uptime });
    }

    /// Returns whether the wall clock of the machine was set since the database was asked.
    pub fn has_jumped(&self) -> bool {
        let was = |known: Reading| known.machine - known.database;
        self.reading().is_none_or(|known| (self.skew() - was(known)).abs() > JUMP)
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        let now = self.reading().map_or_else(|| SystemClock.now(), |known| known.now().trunc_subsecs(6));
        #[cfg(debug_assertions)]
        let now = now + super::sabotage::time_passed();
        now
    }

    fn skew(&self) -> TimeDelta {
        self.reading().map_or_else(TimeDelta::zero, |known| SystemClock.now() - known.now())
    }

    fn of_the_database(&self) -> Option<&DatabaseClock> {
        Some(self)
    }
}

/// A moment by two clocks: the injected wall clock, which may be set, and the monotonic clock, which stops while the
/// machine is suspended. Cached data is fresh only if it is young by both.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    wall: DateTime<Utc>,
    steady: Instant,
}

impl Moment {
    /// Returns the current moment, with `wall` as the time of the injected clock.
    pub fn at(wall: DateTime<Utc>) -> Self {
        Self { wall, steady: Instant::now() }
    }

    /// Compares by the monotonic clock.
    pub fn is_after(&self, other: Instant) -> bool {
        self.steady > other
    }

    /// Returns the elapsed time by the clock that shows more of it. A wall clock that was set back counts by the amount
    /// of the setback.
    pub fn age(&self, now: DateTime<Utc>) -> Duration {
        let by_wall = now.signed_duration_since(self.wall).abs().to_std().unwrap_or(Duration::MAX);
        by_wall.max(self.steady.elapsed())
    }

    /// Returns whether less than this has elapsed by both clocks.
    pub fn is_within(&self, time: Duration, now: DateTime<Utc>) -> bool {
        self.age(now) < time
    }
}

/// A clock that only advances by command: for tests and rehearsals.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Manual>>);

#[derive(Debug)]
struct Manual {
    now: DateTime<Utc>,
    skew: TimeDelta,
}

impl ManualClock {
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(Manual { now: instant.trunc_subsecs(6), skew: TimeDelta::zero() })))
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Manual) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set(&self, instant: DateTime<Utc>) {
        self.with(|manual| manual.now = instant.trunc_subsecs(6));
    }

    pub fn advance(&self, by: TimeDelta) {
        self.with(|manual| manual.now += by);
    }

    /// Lets the clock of the machine be ahead of the database's; the time stays.
    pub fn set_skew(&self, skew: TimeDelta) {
        self.with(|manual| manual.skew = skew);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.with(|manual| manual.now)
    }

    fn skew(&self) -> TimeDelta {
        self.with(|manual| manual.skew)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_moment_is_as_old_as_the_clock_says_that_shows_more() {
        let began = DateTime::UNIX_EPOCH;
        let moment = Moment::at(began);
        assert_eq!(moment.age(began), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(moment.age(began), Duration::from_secs(2), "the wall clock stands still");
        assert_eq!(moment.age(began + TimeDelta::hours(1)), Duration::from_hours(1), "the machine was suspended");
        assert_eq!(moment.age(began - TimeDelta::hours(1)), Duration::from_hours(1), "set back");
        assert!(moment.is_within(Duration::from_secs(3), began + TimeDelta::seconds(2)));
        assert!(!moment.is_within(Duration::from_secs(2), began));
        assert!(!moment.is_within(Duration::from_secs(3), began + TimeDelta::seconds(3)));
    }

    #[test]
    fn the_time_is_the_databases_whatever_the_machine_shows() {
        let (clock, began, minute) = (DatabaseClock::default(), DateTime::UNIX_EPOCH, TimeDelta::minutes(1));
        assert!(clock.has_jumped() && clock.is_trusted() && clock.skew() == TimeDelta::zero());
        clock.learn(began, Duration::from_mins(10));
        let now = clock.now();
        assert!((began + minute * 5..began + minute * 6).contains(&now), "half of the answer's time has passed since");
        assert!(!clock.is_trusted() && !clock.has_jumped());
        clock.learn(now - minute * 4, Duration::from_mins(10));
        assert!((now..now + minute).contains(&clock.now()), "a minute is within the error of the measurement");
        clock.learn(now - minute, Duration::ZERO);
        assert!((now - minute..now).contains(&clock.now()));
        clock.learn(SystemClock.now() - TimeDelta::seconds(20), Duration::ZERO);
        assert!(clock.is_trusted() && !clock.has_jumped());
    }
}
