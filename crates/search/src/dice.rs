//! What tests of this room draw by.
use chrono::TimeDelta;

/// Numbers that look random, the same in each run.
pub(super) struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// A multiple of half an hour.
    pub fn minutes(&mut self, bound: u64) -> TimeDelta {
        TimeDelta::minutes(30 * i64::try_from(self.below(bound)).unwrap())
    }
}
