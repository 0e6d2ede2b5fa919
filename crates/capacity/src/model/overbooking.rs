//! Selling more than an aircraft carries.
use std::num::TryFromIntError;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FlightCapacity, Space};

/// How much more than it carries may be sold on a flight, in percent of each figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overbooking {
    /// Percentage of the weight that is sold above capacity.
    pub weight_percent: u8,
    /// Percentage of the volume that is sold above capacity.
    pub volume_percent: u8,
    /// Percentage of the positions that are sold above capacity.
    pub positions_percent: u8,
}

impl Overbooking {
    pub const NONE: Self = Self { weight_percent: 0, volume_percent: 0, positions_percent: 0 };

    const fn from_figures([weight_percent, volume_percent, positions_percent]: [u8; 3]) -> Self {
        Self { weight_percent, volume_percent, positions_percent }
    }

    /// Returns the percentages in the order of the dimensions.
    pub const fn figures(self) -> [u8; 3] {
        [self.weight_percent, self.volume_percent, self.positions_percent]
    }

    /// Returns the capacity that may be sold if this is carried: ⌊physical × (100 + percent) / 100⌋ in hectograms,
    /// litres and whole positions.
    pub fn authorized(self, physical: Space) -> Space {
        let (figures, percents) = (physical.figures(), self.figures());
        let [weight, volume, positions] =
            std::array::from_fn(|at| figures[at] + figures[at] * i64::from(percents[at]) / 100);
        Space::from_columns(weight, volume, positions)
    }
}

impl FlightCapacity {
    /// Returns it with this physical capacity and overbooking, and with the capacity that follows from them.
    #[must_use]
    pub fn with_capacity(self, physical: Space, overbooking: Overbooking) -> Self {
        Self { capacity: overbooking.authorized(physical), physical, overbooking, ..self }
    }

    /// Returns it with the overbooking that the columns state, in the order of the dimensions: a physical figure is
    /// stored only where the percentage is not 0.
    pub fn with_columns(self, physical: [Option<i64>; 3], percents: [i16; 3]) -> Result<Self, TryFromIntError> {
        let figures = self.capacity.figures();
        let [weight, volume, positions] = std::array::from_fn(|at| physical[at].unwrap_or(figures[at]));
        let physical = Space::from_columns(weight, volume, positions);
        let [weight, volume, positions] = percents;
        let overbooking = Overbooking::from_figures([weight.try_into()?, volume.try_into()?, positions.try_into()?]);
        Ok(Self { physical, overbooking, ..self })
    }

    /// Returns the physical figures and the percentages for the columns.
    pub fn overbooking_columns(&self) -> ([Option<i64>; 3], [i16; 3]) {
        let (figures, percents) = (self.physical.figures(), self.overbooking.figures());
        (std::array::from_fn(|at| (percents[at] > 0).then_some(figures[at])), percents.map(i16::from))
    }

    /// Returns it as a writer leaves it that does not know of overbooking: a figure that it changed is the physical one.
    /// The trigger `flight_capacity_forget_overbooking` does the same.
    #[must_use]
    pub fn changed_unaware(self, before: &Self) -> Self {
        let (now, then) = (self.capacity.figures(), before.capacity.figures());
        let (physical, percents) = (before.physical.figures(), before.overbooking.figures());
        let [weight, volume, positions] =
            std::array::from_fn(|at| if now[at] == then[at] { physical[at] } else { now[at] });
        let overbooking =
            Overbooking::from_figures(std::array::from_fn(|at| if now[at] == then[at] { percents[at] } else { 0 }));
        Self { physical: Space::from_columns(weight, volume, positions), overbooking, ..self }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn percent(weight: u8, volume: u8, positions: u8) -> Overbooking {
        Overbooking::from_figures([weight, volume, positions])
    }

    #[test]
    fn what_may_be_sold_is_rounded_down_in_each_dimension() {
        let physical = Space::from_columns(10_000, 999, 9);
        for (overbooking, expected) in [
            (Overbooking::NONE, [10_000, 999, 9]),
            (percent(10, 0, 0), [11_000, 999, 9]),
            (percent(1, 1, 20), [10_100, 1008, 10]),
            (percent(20, 100, 100), [12_000, 1998, 18]),
            (percent(0, 0, 10), [10_000, 999, 9]),
        ] {
            assert_eq!(overbooking.authorized(physical).figures(), expected, "{overbooking:?}");
        }
    }

    #[test]
    fn columns_state_what_is_carried_only_where_it_differs() {
        let id = loadmaster_kernel::FlightId::from(Uuid::nil());
        let opened = FlightCapacity::opened(id, Space::from_columns(1100, 2000, 5), DateTime::UNIX_EPOCH);
        assert_eq!(opened.overbooking_columns(), ([None; 3], [0; 3]));
        assert_eq!(opened.with_columns([None; 3], [0; 3]), Ok(opened));
        let overbooked = opened.with_capacity(Space::from_columns(1000, 2000, 5), percent(10, 0, 10));
        let (physical, percents) = overbooked.overbooking_columns();
        assert_eq!((physical, percents), ([Some(1000), None, Some(5)], [10, 0, 10]));
        assert_eq!(opened.with_columns(physical, percents), Ok(overbooked));
        assert!(opened.with_columns([None; 3], [-1, 0, 0]).is_err());
        assert!(opened.with_columns([None; 3], [0, 0, 256]).is_err());
    }

    #[test]
    fn a_figure_that_is_changed_unaware_is_the_physical_one() {
        let id = loadmaster_kernel::FlightId::from(Uuid::nil());
        let opened = FlightCapacity::opened(id, Space::default(), DateTime::UNIX_EPOCH);
        let before = opened.with_capacity(Space::from_columns(1000, 2000, 5), percent(10, 10, 10));
        assert_eq!(before.capacity.figures(), [1100, 2200, 5]);
        let set = |figures: [i64; 3]| {
            let capacity = Space::from_columns(figures[0], figures[1], figures[2]);
            FlightCapacity::opened(id, capacity, DateTime::UNIX_EPOCH).changed_unaware(&before)
        };
        assert_eq!(set([1100, 2200, 5]), before);
        let changed = set([1100, 1800, 6]);
        assert_eq!((changed.physical.figures(), changed.overbooking), ([1000, 1800, 6], percent(10, 0, 0)));
    }

    proptest::proptest! {
        #[test]
        fn no_more_is_authorized_than_the_percentage(
            figures in (0i64..1_000_000_000, 0i64..1_000_000_000_000, 0i64..10_000),
            percents in (0u8..=100, 0u8..=100, 0u8..=100),
        ) {
            let physical = Space::from_columns(figures.0, figures.1, figures.2);
            let overbooking = percent(percents.0, percents.1, percents.2);
            let authorized = overbooking.authorized(physical).figures();
            for (at, percent) in overbooking.figures().into_iter().enumerate() {
                let exact = physical.figures()[at] * (100 + i64::from(percent));
                proptest::prop_assert!(authorized[at] * 100 <= exact && exact < (authorized[at] + 1) * 100);
            }
        }
    }
}
