//! What a receiver does with requests, for how long.
use std::time::Duration;

use crate::random::Random;

/// In runs of less than a minute phases are shorter, so that there are several.
const LONG: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Answers 204.
    Sound,
    /// Answers 204 after a while.
    Slow,
    /// Answers this status, an error.
    Failing(u16),
    /// Reads and never answers. When the phase ends, the connection is closed.
    Hanging,
    /// Answers this status, with an address that nothing may be sent to.
    Redirecting(u16),
    /// Closes the connection instead of an answer.
    Closing,
}

/// How long [`Phase::Slow`] takes for an answer.
pub(super) const SLOW: Duration = Duration::from_millis(60);

/// Phases without end: a sound one after each that is not.
pub(super) struct Phases {
    random: Random,
    is_short: bool,
    /// Each kind of trouble comes once before any comes again.
    left: Vec<Phase>,
    is_sound: bool,
}

impl Phases {
    pub fn of(seed: u64, number: u64, time: Duration) -> Self {
        Self { random: Random::of(seed, number), is_short: time < LONG, left: Vec::new(), is_sound: true }
    }

    fn trouble(&mut self) -> Phase {
        if self.left.is_empty() {
            let (failing, redirecting) = ([500, 503, 429, 404, 400], [301, 302, 307, 308]);
            let pick =
                |random: &mut Random, of: &[u16]| crate::random::choose(of, random.any()).copied().unwrap_or(500);
            let failing = Phase::Failing(pick(&mut self.random, &failing));
            let redirecting = Phase::Redirecting(pick(&mut self.random, &redirecting));
            self.left = vec![failing, redirecting, Phase::Hanging, Phase::Closing];
        }
        let at = usize::try_from(self.random.below(self.left.len() as u64)).unwrap_or_default();
        self.left.swap_remove(at)
    }

    /// The next phase and its duration. A receiver that hangs in a long run does so for longer than anybody waits for it.
    pub fn next(&mut self) -> (Phase, Duration) {
        let phase = if self.is_sound { self.trouble() } else { Phase::Sound };
        self.is_sound = phase == Phase::Sound;
        let (least, most) = match (self.is_short, phase) {
            (true, Phase::Sound) => (300, 900),
            (true, _) => (400, 1200),
            (false, Phase::Hanging) => (16_000, 20_000),
            (false, _) => (2_000, 20_000),
        };
        (phase, Duration::from_millis(least + self.random.below(most - least)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_comes_in_turn_and_a_receiver_is_sound_in_between() {
        let mut phases = Phases::of(1, 2, Duration::from_mins(10));
        let first: Vec<_> = (0..8).map(|_| phases.next()).collect();
        assert!(first.iter().skip(1).step_by(2).all(|(phase, _)| *phase == Phase::Sound));
        let troubles: Vec<_> = first.iter().step_by(2).map(|(phase, _)| *phase).collect();
        for (number, kind) in
            [Phase::Hanging, Phase::Closing, Phase::Failing(0), Phase::Redirecting(0)].into_iter().enumerate()
        {
            let is_kind = |phase: &&Phase| std::mem::discriminant(*phase) == std::mem::discriminant(&kind);
            assert_eq!(troubles.iter().filter(is_kind).count(), 1, "{number}");
        }
        let mut again = Phases::of(1, 2, Duration::from_mins(10));
        assert_eq!(first, (0..8).map(|_| again.next()).collect::<Vec<_>>());
        let (_, hangs) = first.iter().find(|(phase, _)| *phase == Phase::Hanging).expect("a receiver that hangs");
        assert!(*hangs > Duration::from_secs(15));
    }
}
