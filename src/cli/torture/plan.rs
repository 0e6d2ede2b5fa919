//! Which faults come when, drawn from the seed alone.
use std::{str::FromStr, time::Duration};

use super::dice::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    KillApp,
    KillPostgres,
    StopPostgres,
    RedisStop,
    RedisPause,
    RedisFlush,
    RedisFull,
    Pool,
    Drain,
}

impl Fault {
    pub const ALL: [Self; 9] = [
        Self::KillApp,
        Self::KillPostgres,
        Self::StopPostgres,
        Self::RedisStop,
        Self::RedisPause,
        Self::RedisFlush,
        Self::RedisFull,
        Self::Pool,
        Self::Drain,
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
            Self::Pool => "pool",
            Self::Drain => "drain",
        }
    }

    pub const fn needs_redis(self) -> bool {
        matches!(self, Self::RedisStop | Self::RedisPause | Self::RedisFlush | Self::RedisFull)
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
    round: Vec<Fault>,
    first_round: bool,
}

impl Plan {
    pub fn of(seed: u64, chosen: &[Fault]) -> Self {
        Self { dice: Dice::of(seed, u64::MAX - 1), chosen: chosen.to_vec(), round: Vec::new(), first_round: true }
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
        let lasts = match fault {
            Fault::StopPostgres => 5000,
            Fault::Pool => 3000 + self.dice.below(2000),
            _ => 1000 + self.dice.below(2000),
        };
        Some(Blow {
            fault,
            victim: self.dice.any(),
            calm: Duration::from_millis(400 + self.dice.below(1200)),
            lasts: Duration::from_millis(lasts),
            first_round,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_plan_and_its_first_round_has_each_fault_once() {
        let plan = |seed| Plan::of(seed, &Fault::ALL).take(40).collect::<Vec<_>>();
        assert_eq!(plan(5), plan(5));
        assert_ne!(plan(5), plan(6));
        let first: Vec<_> = plan(5).into_iter().filter(|blow| blow.first_round).map(|blow| blow.fault).collect();
        assert_eq!(first.len(), Fault::ALL.len());
        assert!(Fault::ALL.iter().all(|fault| first.contains(fault)));
        assert_eq!(Plan::of(5, &[]).next(), None);
    }

    #[test]
    fn faults_are_chosen_by_name() {
        assert_eq!("all".parse(), Ok(Choice(Fault::ALL.to_vec())));
        assert_eq!("none".parse(), Ok(Choice(Vec::new())));
        assert_eq!("drain,kill-app".parse(), Ok(Choice(vec![Fault::Drain, Fault::KillApp])));
        assert!("flood".parse::<Choice>().is_err_and(|error| error.starts_with("\"flood\" is not a fault")));
    }
}
