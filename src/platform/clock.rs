use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, SubsecRound, Utc};
use tokio::time::Instant;

/// The only source of "now". Injected, so that tests control the time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> DateTime<Utc>;

    /// Returns whether it is the clock of this machine, which may be wrong, and not one that is set by hand.
    fn is_of_the_machine(&self) -> bool {
        false
    }
}

pub type SharedClock = Arc<dyn Clock>;

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

    fn is_of_the_machine(&self) -> bool {
        true
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
pub struct ManualClock(Arc<Mutex<DateTime<Utc>>>);

impl ManualClock {
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(instant.trunc_subsecs(6))))
    }

    pub fn set(&self, instant: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = instant.trunc_subsecs(6);
    }

    pub fn advance(&self, by: chrono::TimeDelta) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
}
