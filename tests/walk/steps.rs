//! The steps of a walk: each is drawn, sent, and judged by the model, which then takes it.
mod accounts;
mod booking;
mod changing;
mod committing;
mod flying;
mod holding;
mod paying;
mod quoting;
mod reading;
mod signing;
mod waiting;
mod ways;

use chrono::TimeDelta;

pub use signing::Account;

use super::play::{Step, Walk};

impl Walk {
    /// Takes a step of any kind.
    pub async fn step(&mut self) -> Step {
        match self.dice.below(107) {
            0..13 => Box::pin(self.hold()).await,
            13..21 => Box::pin(self.amend_hold()).await,
            21..24 => Box::pin(self.extend_hold()).await,
            24..27 => Box::pin(self.release_hold()).await,
            27..37 => Box::pin(self.commit_hold()).await,
            37..49 => Box::pin(self.book()).await,
            49..56 => Box::pin(self.amend_booking()).await,
            56..65 => Box::pin(self.move_booking()).await,
            65..70 => Box::pin(self.pay()).await,
            70..73 => Box::pin(self.refund()).await,
            73..79 => Box::pin(self.quote()).await,
            79..86 => Box::pin(self.wait_for_space()).await,
            86..90 => Box::pin(self.fly()).await,
            90..94 => Box::pin(self.accounts()).await,
            94..97 => Box::pin(self.repeat()).await,
            97..100 => Box::pin(self.read()).await,
            100..103 => Box::pin(self.sign()).await,
            _ => Box::pin(self.pass()).await,
        }
    }

    /// Lets time pass.
    async fn pass(&mut self) -> Step {
        let seconds = match self.dice.below(20) {
            0..11 => 1 + self.dice.below(120),
            11..18 => 120 + self.dice.below(1800),
            _ => 3600 * (1 + self.dice.below(4)),
        };
        let passed = TimeDelta::seconds(i64::try_from(seconds).unwrap());
        self.world.clock.advance(passed);
        self.model.now += passed;
        self.note(format!("      {seconds} s pass"));
        self.decide_later().await
    }
}
