//! What became of a search, as far as it is counted.
use loadmaster_kernel::words;

use super::model::{Options, Reason};

words! {
    /// What became of a search: `BOOKABLE`, or the commonest obstacle of its options. `NO_RATE`: prices were asked for, options
    /// can be booked, and none of these has a rate.
    pub enum Outcome {
        Bookable = "BOOKABLE",
        NoFlight = "NO_FLIGHT",
        NoRoom = "NO_ROOM",
        Cutoff = "CUTOFF",
        Embargo = "EMBARGO",
        Aircraft = "AIRCRAFT",
        NoRate = "NO_RATE",
    }
}

impl Outcome {
    /// The obstacles of options; of equally common ones the first counts.
    const OBSTACLES: [Self; 4] = [Self::NoRoom, Self::Cutoff, Self::Embargo, Self::Aircraft];

    const fn of(reason: Reason) -> Self {
        match reason {
            Reason::WeightExceeded | Reason::VolumeExceeded | Reason::PositionsExceeded => Self::NoRoom,
            Reason::CutoffPassed => Self::Cutoff,
            Reason::CargoAircraftOnly | Reason::TooLarge => Self::Aircraft,
            Reason::Embargoed | Reason::HandlingRequired => Self::Embargo,
        }
    }

    /// Returns whether an option can be booked as requested.
    pub const fn is_bookable(self) -> bool {
        matches!(self, Self::Bookable | Self::NoRate)
    }
}

/// What a search has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub options: u32,
    pub outcome: Outcome,
}

impl Seen {
    /// `is_priced`: prices were asked for.
    pub fn of(options: &Options, is_priced: bool) -> Self {
        let mut seeing = Seeing::default();
        for option in options.direct.iter().chain(&options.transit) {
            seeing.add(option.reasons(), || !is_priced || option.price().is_some());
        }
        seeing.seen()
    }
}

impl Seen {
    /// Returns what several searches have found together, and the place of the one that decides: any in which an option can be
    /// booked before others, then that with the most options, of equals the first.
    pub fn together(all: &[Self]) -> (usize, Self) {
        let options = all.iter().fold(0, |sum: u32, seen| sum.saturating_add(seen.options));
        let weight = |seen: &Self| (seen.outcome == Outcome::Bookable, seen.outcome.is_bookable(), seen.options);
        let best = all.iter().enumerate().rev().max_by_key(|(_, seen)| weight(seen));
        let (place, outcome) = best.map_or((0, Outcome::NoFlight), |(place, seen)| (place, seen.outcome));
        (place, Self { options, outcome })
    }
}

/// Looks at the options of a search, one by one.
#[derive(Debug, Default)]
pub(super) struct Seeing {
    options: u32,
    /// The number of options with each obstacle.
    obstacles: [u32; Outcome::OBSTACLES.len()],
    is_bookable: bool,
    has_rate: bool,
}

impl Seeing {
    /// Returns whether the outcome depends on no further option.
    pub const fn is_settled(&self) -> bool {
        self.is_bookable && self.has_rate
    }

    /// Counts an option whose reasons do not matter.
    pub const fn pass(&mut self) {
        self.options = self.options.saturating_add(1);
    }

    /// Counts an option that cannot be booked for these reasons. `has_rate` is asked if there is none.
    pub fn add(&mut self, reasons: &[Reason], has_rate: impl FnOnce() -> bool) {
        self.pass();
        if reasons.is_empty() {
            self.is_bookable = true;
            self.has_rate = self.has_rate || has_rate();
            return;
        }
        for (obstacle, count) in Outcome::OBSTACLES.into_iter().zip(&mut self.obstacles) {
            *count += u32::from(reasons.iter().any(|reason| Outcome::of(*reason) == obstacle));
        }
    }

    pub fn seen(&self) -> Seen {
        let counts = Outcome::OBSTACLES.into_iter().zip(self.obstacles).rev();
        let commonest = counts.filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count);
        let outcome = match (self.is_bookable, self.has_rate) {
            (true, true) => Outcome::Bookable,
            (true, false) => Outcome::NoRate,
            (false, _) => commonest.map_or(Outcome::NoFlight, |(obstacle, _)| obstacle),
        };
        Seen { options: self.options, outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(options: &[&[Reason]], has_rate: bool) -> Seen {
        let mut seeing = Seeing::default();
        for reasons in options {
            seeing.add(reasons, || has_rate);
        }
        seeing.seen()
    }

    #[test]
    fn an_outcome_is_the_commonest_obstacle_of_options_that_cannot_be_booked() {
        use Reason::{CargoAircraftOnly, CutoffPassed, Embargoed, HandlingRequired, VolumeExceeded, WeightExceeded};
        let outcome = |options: &[&[Reason]]| seen(options, true).outcome;
        assert_eq!(seen(&[], true), Seen { options: 0, outcome: Outcome::NoFlight });
        assert_eq!(seen(&[&[CutoffPassed], &[]], true), Seen { options: 2, outcome: Outcome::Bookable });
        assert_eq!(outcome(&[&[CutoffPassed], &[Embargoed], &[HandlingRequired]]), Outcome::Embargo);
        assert_eq!(outcome(&[&[WeightExceeded, VolumeExceeded], &[CutoffPassed], &[CutoffPassed]]), Outcome::Cutoff);
        assert_eq!(outcome(&[&[CargoAircraftOnly], &[WeightExceeded, CargoAircraftOnly]]), Outcome::Aircraft);
        assert_eq!(outcome(&[&[CutoffPassed], &[WeightExceeded]]), Outcome::NoRoom, "of equals the first");
    }

    #[test]
    fn several_searches_have_the_outcome_of_the_one_with_the_most_options_that_can_be_booked() {
        let seen = |options, outcome| Seen { options, outcome };
        let (none, full) = (seen(0, Outcome::NoFlight), seen(7, Outcome::NoRoom));
        let (some, unrated) = (seen(2, Outcome::Bookable), seen(5, Outcome::NoRate));
        assert_eq!(Seen::together(&[none, full, some, unrated]), (2, seen(14, Outcome::Bookable)));
        assert_eq!(Seen::together(&[none, full, unrated]), (2, seen(12, Outcome::NoRate)));
        assert_eq!(
            Seen::together(&[none, full, seen(7, Outcome::Cutoff)]),
            (1, seen(14, Outcome::NoRoom)),
            "the first"
        );
        assert_eq!(Seen::together(&[none, none]), (0, none));
        assert_eq!(Seen::together(&[]), (0, none));
    }

    #[test]
    fn without_a_rate_an_option_can_be_booked_all_the_same() {
        let found = seen(&[&[], &[Reason::CutoffPassed]], false).outcome;
        assert_eq!((found, found.is_bookable()), (Outcome::NoRate, true));
        assert!(!seen(&[&[Reason::CutoffPassed]], false).outcome.is_bookable());
    }
}
