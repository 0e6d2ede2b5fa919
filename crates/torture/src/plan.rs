//! Which faults come when, drawn from the seed alone.
use std::{str::FromStr, time::Duration};

use super::dice::Dice;

/// Runs of less time have shorter faults, so that each of them happens within tens of seconds.
const LONG: Duration = Duration::from_mins(1);
/// A server that hangs for less is hardly missed.
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
    /// The way to the database loses every packet, and old connections never hear of it.
    BlackHole,
    ReadOnly,
    DiskFull,
    SuspendApp,
    ClockJump,
}

impl Fault {
    pub const ALL: [Self; 15] = [
        Self::KillApp,
        Self::KillPostgres,
        Self::StopPostgres,
        Self::RedisStop,
        Self::RedisPause,
        Self::RedisFlush,
        Self::RedisFull,
        Self::RedisStarved,
        Self::Pool,
        Self::Drain,
        Self::BlackHole,
        Self::ReadOnly,
        Self::DiskFull,
        Self::SuspendApp,
        Self::ClockJump,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::KillApp => "kill-app",
            Self::KillPostgres => "kill-postgres",
            Self::StopPostgres => "stop-postgres",
            Self::RedisStop => "redis-stop",
            Self::RedisPause => "redis-pause",
            Self::RedisFlush => "redis-flush",
            Self::RedisFull => "redis-full",
            Self::RedisStarved => "redis-starved",
            Self::Pool => "pool",
            Self::Drain => "drain",
            Self::BlackHole => "black-hole",
            Self::ReadOnly => "read-only",
            Self::DiskFull => "disk-full",
            Self::SuspendApp => "suspend-app",
            Self::ClockJump => "clock-jump",
        }
    }

    pub const fn needs_redis(self) -> bool {
        matches!(self, Self::RedisStop | Self::RedisPause | Self::RedisFlush | Self::RedisFull | Self::RedisStarved)
    }

    /// Whether it hits one server process, not what all of them use.
    pub const fn hits_one(self) -> bool {
        matches!(self, Self::KillApp | Self::Drain | Self::SuspendApp | Self::ClockJump)
    }

    /// Milliseconds that it lasts at least and at most, where that is for us to say, in a run of so much time.
    fn lasts(self, time: Duration) -> (u64, u64) {
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
            "all" => return Ok(Self(Fault::ALL.to_vec())),
            "none" => return Ok(Self(Vec::new())),
            _ => {}
        }
        let known = |name: &str| Fault::ALL.into_iter().find(|fault| fault.name() == name.trim());
        let found = text.split(',').map(|name| {
            known(name).ok_or_else(|| {
                let names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
                format!("{name:?} is not a fault; there are all, none, {}", names.join(", "))
            })
        });
        found.collect::<Result<_, _>>().map(Self)
    }
}

/// One fault and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blow {
    pub fault: Fault,
    /// Which server process it hits, where it hits one.
    pub victim: u64,
    /// What passes in peace before it.
    pub calm: Duration,
    /// How long it lasts, where that is for us to say.
    pub lasts: Duration,
    /// Whether the first round is still under way: each chosen fault comes once.
    pub first_round: bool,
}

/// Round after round of the chosen faults, each round in an order of its own.
pub(super) struct Plan {
    dice: Dice,
    chosen: Vec<Fault>,
    time: Duration,
    round: Vec<Fault>,
    first_round: bool,
}

impl Plan {
    /// For a run of so much time, which says how long the faults last.
    pub fn of(seed: u64, chosen: &[Fault], time: Duration) -> Self {
        let dice = Dice::of(seed, u64::MAX - 1);
        Self { dice, chosen: chosen.to_vec(), time, round: Vec::new(), first_round: true }
    }

    fn shuffled(&mut self) -> Vec<Fault> {
        let mut left = self.chosen.clone();
        let mut round = Vec::new();
        while !left.is_empty() {
            let length = u64::try_from(left.len()).unwrap_or(1);
            let taken = usize::try_from(self.dice.below(length)).unwrap_or_default();
            round.push(left.swap_remove(taken));
        }
        round
    }
}

impl Iterator for Plan {
    type Item = Blow;

    fn next(&mut self) -> Option<Blow> {
        if self.round.is_empty() {
            self.round = self.shuffled();
        }
        let fault = self.round.pop()?;
        let first_round = self.first_round;
        if self.round.is_empty() {
            self.first_round = false;
        }
        let (least, most) = fault.lasts(self.time);
        let longest_calm = if self.time < LONG { 500 } else { 1200 };
        Some(Blow {
            fault,
            lasts: Duration::from_millis(least + self.dice.below(most - least + 1)),
            victim: self.dice.any(),
            calm: Duration::from_millis(400 + self.dice.below(longest_calm)),
            first_round,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_plan_and_its_first_round_has_each_fault_once() {
        let plan = |seed| Plan::of(seed, &Fault::ALL, Duration::from_mins(10)).take(40).collect::<Vec<_>>();
        assert_eq!(plan(5), plan(5));
        assert_ne!(plan(5), plan(6));
        let first: Vec<_> = plan(5).into_iter().filter(|blow| blow.first_round).map(|blow| blow.fault).collect();
        assert_eq!(first.len(), Fault::ALL.len());
        assert!(Fault::ALL.iter().all(|fault| first.contains(fault)));
        assert_eq!(Plan::of(5, &[], Duration::from_mins(10)).next(), None);
    }

    #[test]
    fn a_server_is_suspended_for_a_minute_in_ten_and_for_seconds_in_a_short_run() {
        let lasts = |fault, time| Plan::of(5, &[fault], time).next().map(|blow| blow.lasts);
        let (short, long) = (Duration::from_secs(1), Duration::from_mins(10));
        assert_eq!(lasts(Fault::SuspendApp, long), Some(Duration::from_mins(1)));
        assert_eq!(lasts(Fault::BlackHole, long), Some(Duration::from_secs(20)));
        for fault in Fault::ALL {
            assert!(lasts(fault, short) <= Some(Duration::from_secs(3)), "{}", fault.name());
        }
    }

    #[test]
    fn faults_are_chosen_by_name() {
        assert_eq!("all".parse(), Ok(Choice(Fault::ALL.to_vec())));
        assert_eq!("none".parse(), Ok(Choice(Vec::new())));
        assert_eq!("drain,kill-app".parse(), Ok(Choice(vec![Fault::Drain, Fault::KillApp])));
        assert!("flood".parse::<Choice>().is_err_and(|error| error.starts_with("\"flood\" is not a fault")));
    }
}
