//! The sequence of faults, drawn from the seed alone.
use std::{str::FromStr, time::Duration};

use super::random::Random;

/// Shorter runs have shorter faults, so that each of them happens within tens of seconds.
const LONG: Duration = Duration::from_mins(1);
/// The least time for which a hanging server has an effect.
const SHORT_HANG_MS: u64 = 3000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    KillApp,
    KillPostgres,
    StopPostgres,
    RedisStop,
    RedisPause,
    RedisFlush,
    RedisFull,
    RedisStarved,
    Pool,
    Drain,
    /// Every packet to and from the database is lost, and old connections are never closed.
    BlackHole,
    ReadOnly,
    DiskFull,
    SuspendApp,
    ClockJump,
}

impl Fault {
    const NAMES: [(Self, &str); 15] = [
        (Self::KillApp, "kill-app"),
        (Self::KillPostgres, "kill-postgres"),
        (Self::StopPostgres, "stop-postgres"),
        (Self::RedisStop, "redis-stop"),
        (Self::RedisPause, "redis-pause"),
        (Self::RedisFlush, "redis-flush"),
        (Self::RedisFull, "redis-full"),
        (Self::RedisStarved, "redis-starved"),
        (Self::Pool, "pool"),
        (Self::Drain, "drain"),
        (Self::BlackHole, "black-hole"),
        (Self::ReadOnly, "read-only"),
        (Self::DiskFull, "disk-full"),
        (Self::SuspendApp, "suspend-app"),
        (Self::ClockJump, "clock-jump"),
    ];

    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.into_iter().map(|(fault, _)| fault)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(fault, _)| *fault == self).map_or("", |(_, name)| name)
    }

    pub const fn needs_redis(self) -> bool {
        matches!(self, Self::RedisStop | Self::RedisPause | Self::RedisFlush | Self::RedisFull | Self::RedisStarved)
    }

    /// Whether it concerns one server process, not something that all of them use.
    pub const fn hits_one(self) -> bool {
        matches!(self, Self::KillApp | Self::Drain | Self::SuspendApp | Self::ClockJump)
    }

    /// The shortest and the longest duration in milliseconds, in a run of this length.
    fn duration(self, time: Duration) -> (u64, u64) {
        let short = time < LONG;
        let share = |part: u32, longest: u64| {
            u64::try_from((time / part).as_millis()).unwrap_or(longest).clamp(SHORT_HANG_MS, longest)
        };
        match self {
            // Longer than a request waits for a connection.
            Self::StopPostgres | Self::Pool if short => (2500, 3000),
            Self::StopPostgres => (5000, 5000),
            Self::Pool => (3000, 5000),
            Self::BlackHole => (share(30, 20_000), share(30, 20_000)),
            Self::SuspendApp => (share(10, 60_000), share(10, 60_000)),
            _ if short => (700, 1400),
            Self::ReadOnly | Self::DiskFull | Self::ClockJump | Self::RedisStarved => (3000, 8000),
            _ => (1000, 3000),
        }
    }
}

/// `all`, `none`, or names separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice(pub Vec<Fault>);

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Self(Fault::all().collect())),
            "none" => return Ok(Self(Vec::new())),
            _ => {}
        }
        let find =
            |name: &str| Fault::NAMES.into_iter().find(|(_, known)| *known == name.trim()).map(|(fault, _)| fault);
        let unknown = |name: &str| {
            let names = Fault::NAMES.map(|(_, name)| name).join(", ");
            format!("{name:?} is not a fault; the choices are all, none, {names}")
        };
        text.split(',').map(|name| find(name).ok_or_else(|| unknown(name))).collect::<Result<_, _>>().map(Self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Injection {
    pub fault: Fault,
    /// Selects the server process, for faults of one.
    pub target: u64,
    pub pause: Duration,
    /// Its duration, for faults that have one.
    pub duration: Duration,
    /// Whether it belongs to the first round, which has each chosen fault once.
    pub first_round: bool,
}

/// Rounds of the chosen faults without end, each in an order of its own.
pub(super) struct Plan {
    random: Random,
    chosen: Vec<Fault>,
    time: Duration,
    round: Vec<Fault>,
    first_round: bool,
}

impl Plan {
    /// The plan for a run of this length, which determines the duration of faults.
    pub fn of(seed: u64, chosen: &[Fault], time: Duration) -> Self {
        let random = Random::of(seed, u64::MAX - 1);
        Self { random, chosen: chosen.to_vec(), time, round: Vec::new(), first_round: true }
    }

    fn shuffled(&mut self) -> Vec<Fault> {
        let mut left = self.chosen.clone();
        let mut round = Vec::new();
        while !left.is_empty() {
            let length = u64::try_from(left.len()).unwrap_or(1);
            let taken = usize::try_from(self.random.below(length)).unwrap_or_default();
            round.push(left.swap_remove(taken));
        }
        round
    }
}

impl Iterator for Plan {
    type Item = Injection;

    fn next(&mut self) -> Option<Injection> {
        if self.round.is_empty() {
            self.round = self.shuffled();
        }
        let fault = self.round.pop()?;
        let first_round = self.first_round;
        if self.round.is_empty() {
            self.first_round = false;
        }
        let (least, most) = fault.duration(self.time);
        let longest_pause = if self.time < LONG { 500 } else { 1200 };
        Some(Injection {
            fault,
            duration: Duration::from_millis(least + self.random.below(most - least + 1)),
            target: self.random.any(),
            pause: Duration::from_millis(400 + self.random.below(longest_pause)),
            first_round,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_plan_and_its_first_round_has_each_fault_once() {
        let all: Vec<_> = Fault::all().collect();
        let plan = |seed| Plan::of(seed, &all, Duration::from_mins(10)).take(40).collect::<Vec<_>>();
        assert_eq!(plan(5), plan(5));
        assert_ne!(plan(5), plan(6));
        let first: Vec<_> =
            plan(5).into_iter().filter(|injection| injection.first_round).map(|injection| injection.fault).collect();
        assert_eq!(first.len(), all.len());
        assert!(all.iter().all(|fault| first.contains(fault)));
        assert_eq!(Plan::of(5, &[], Duration::from_mins(10)).next(), None);
    }

    #[test]
    fn a_server_is_suspended_for_a_minute_in_ten_and_for_seconds_in_a_short_run() {
        let duration = |fault, time| Plan::of(5, &[fault], time).next().map(|injection| injection.duration);
        let (short, long) = (Duration::from_secs(1), Duration::from_mins(10));
        assert_eq!(duration(Fault::SuspendApp, long), Some(Duration::from_mins(1)));
        assert_eq!(duration(Fault::BlackHole, long), Some(Duration::from_secs(20)));
        for fault in Fault::all() {
            assert!(duration(fault, short) <= Some(Duration::from_secs(3)), "{}", fault.name());
        }
    }

    #[test]
    fn faults_are_chosen_by_name() {
        assert_eq!("all".parse(), Ok(Choice(Fault::all().collect())));
        assert_eq!("none".parse(), Ok(Choice(Vec::new())));
        assert_eq!("drain,kill-app".parse(), Ok(Choice(vec![Fault::Drain, Fault::KillApp])));
        assert!("flood".parse::<Choice>().is_err_and(|error| error.starts_with("\"flood\" is not a fault")));
    }
}
