mod allocation;
mod entries;
pub mod ledger;
mod overbooking;
mod overload;

use std::ops::{Add, Sub};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{FlightId, Positions, Volume, Weight, words};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub use allocation::{NewCapacity, OpenUntil, Shift};
pub use entries::{NewEntry, Sums, entries};
pub use overbooking::Overbooking;
pub use overload::CapacityShortfall;

/// Kind of a flight in messages and audits.
pub const FLIGHT: &str = "flight";

/// Capacity of a flight, or the part that a booking takes, in all three dimensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub struct Space {
    #[serde(rename = "weight_kg")]
    pub weight: Weight,
    #[serde(rename = "volume_m3")]
    pub volume: Volume,
    pub positions: Positions,
}

impl Add for Space {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            weight: self.weight + other.weight,
            volume: self.volume + other.volume,
            positions: self.positions + other.positions,
        }
    }
}

impl Sub for Space {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            weight: self.weight - other.weight,
            volume: self.volume - other.volume,
            positions: self.positions - other.positions,
        }
    }
}

impl Space {
    /// Converts from the units of the tables: hectograms, litres, whole positions.
    pub const fn from_columns(weight_hg: i64, volume_l: i64, positions: i64) -> Self {
        Self {
            weight: Weight::from_hectograms(weight_hg),
            volume: Volume::from_litres(volume_l),
            positions: Positions::new(positions),
        }
    }

    /// Returns the figures in the units of the tables: hectograms, litres, whole positions.
    pub const fn figures(self) -> [i64; 3] {
        [self.weight.hectograms(), self.volume.litres(), self.positions.count()]
    }

    /// Returns the sum, or `None` if it overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let ([weight, volume, positions], more) = (self.figures(), other.figures());
        let sum = (weight.checked_add(more[0])?, volume.checked_add(more[1])?, positions.checked_add(more[2])?);
        Some(Self::from_columns(sum.0, sum.1, sum.2))
    }

    /// Returns the larger figure in each dimension.
    #[must_use]
    pub fn most(self, other: Self) -> Self {
        Self {
            weight: self.weight.max(other.weight),
            volume: self.volume.max(other.volume),
            positions: self.positions.max(other.positions),
        }
    }

    /// Returns the smaller figure in each dimension: the space that a chain of flights offers.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        Self {
            weight: self.weight.min(other.weight),
            volume: self.volume.min(other.volume),
            positions: self.positions.min(other.positions),
        }
    }

    /// Returns the figure of one dimension in its external notation.
    pub fn figure(self, dimension: Dimension) -> Value {
        match dimension {
            Dimension::Weight => json!(self.weight),
            Dimension::Volume => json!(self.volume),
            Dimension::Positions => json!(self.positions),
        }
    }

    /// Returns the dimensions in which `self` does not fit into `available`.
    pub fn exceeds(self, available: Self) -> impl Iterator<Item = Dimension> {
        let weight = (self.weight > available.weight).then_some(Dimension::Weight);
        let volume = (self.volume > available.volume).then_some(Dimension::Volume);
        let positions = (self.positions > available.positions).then_some(Dimension::Positions);
        [weight, volume, positions].into_iter().flatten()
    }
}

/// One of the three ways in which a flight can be full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    Weight,
    Volume,
    Positions,
}

impl Dimension {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weight => "weight_kg",
            Self::Volume => "volume_m3",
            Self::Positions => "positions",
        }
    }
}

words! {
    /// The status of a flight.
    pub enum FlightStatus {
        Scheduled = "SCHEDULED",
        Departed = "DEPARTED",
        Arrived = "ARRIVED",
        Cancelled = "CANCELLED",
    }
}

words! {
    /// What an entry of a flight's ledger says.
    pub enum EntryKind {
        /// The flight was opened, or what may be sold was set anew.
        CapacitySet = "CAPACITY_SET",
        Booked = "BOOKED",
        Amended = "AMENDED",
        Released = "RELEASED",
        /// A hold took space. This kind and those that follow change the space held, not the space booked.
        Held = "HELD",
        HoldAmended = "HOLD_AMENDED",
        /// A hold gave its space to the booking of the next entry.
        HoldPosted = "HOLD_POSTED",
        HoldReleased = "HOLD_RELEASED",
        HoldExpired = "HOLD_EXPIRED",
        /// Space that became free was set aside for those on the waitlist.
        SetAside = "SET_ASIDE",
        /// Space that was set aside became free for all, or for the offer of the next entry.
        Opened = "OPENED",
    }
}

impl EntryKind {
    /// Returns whether the entry changes the space held, not the space booked.
    pub const fn counts_in_held(self) -> bool {
        !matches!(self, Self::CapacitySet | Self::Booked | Self::Amended | Self::Released)
    }
}

/// Time before the cut-off from which nothing is offered to those on the waitlist any more.
pub const LAST_OFFERS: TimeDelta = TimeDelta::minutes(30);

/// The row on which a booking decides; it changes only under its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlightCapacity {
    pub flight_id: FlightId,
    pub status: FlightStatus,
    pub cutoff: DateTime<Utc>,
    /// The space offered for sale.
    pub capacity: Space,
    /// What the aircraft carries, of which `capacity` follows by the overbooking.
    pub physical: Space,
    pub overbooking: Overbooking,
    pub booked: Space,
    /// The space of open holds, and the space set aside.
    pub held: Space,
    /// The part of `held` that is set aside for those on the waitlist.
    pub aside: Space,
    /// Until when it is kept for them without an offer.
    pub aside_until: Option<DateTime<Utc>>,
    /// Number of entries on the waitlist that could use space on this flight.
    pub waiting: i32,
    /// Number of allotments that have or had space on this flight.
    pub allotted: i32,
    /// Counts changes of schedule, capacity and status; bookings do not change it.
    pub version: i32,
    /// The number of the last ledger entry.
    pub ledger_seq: i64,
}

/// The first dimension in which a request does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortfall {
    pub dimension: Dimension,
    pub requested: Space,
    pub available: Space,
}

impl FlightCapacity {
    /// Creates a new flight's row, open for sale, with its first ledger entry.
    pub const fn opened(flight_id: FlightId, capacity: Space, cutoff: DateTime<Utc>) -> Self {
        const NOTHING: Space = Space { weight: Weight::ZERO, volume: Volume::ZERO, positions: Positions::ZERO };
        Self {
            flight_id,
            status: FlightStatus::Scheduled,
            cutoff,
            capacity,
            physical: capacity,
            overbooking: Overbooking::NONE,
            booked: NOTHING,
            held: NOTHING,
            aside: NOTHING,
            aside_until: None,
            waiting: 0,
            allotted: 0,
            version: 1,
            ledger_seq: 1,
        }
    }

    pub fn available(&self) -> Space {
        self.capacity - self.booked - self.held
    }

    /// Returns what is held for somebody: all but what is set aside.
    pub fn kept(&self) -> Space {
        self.held - self.aside
    }

    /// Returns what is booked or kept.
    pub fn taken(&self) -> Space {
        self.booked + self.kept()
    }

    pub fn shortfall(&self, requested: Space) -> Option<Shortfall> {
        #[cfg(debug_assertions)]
        if loadmaster_platform::sabotage::is_on("oversell") {
            return None;
        }
        let available = self.available();
        requested.exceeds(available).next().map(|dimension| Shortfall { dimension, requested, available })
    }

    /// Returns whether space that becomes free now is set aside for those on the waitlist.
    pub fn is_awaited(&self, now: DateTime<Utc>) -> bool {
        self.waiting > 0 && self.status == FlightStatus::Scheduled && now + LAST_OFFERS < self.cutoff
    }

    /// Returns whether space is set aside which nobody has offered in time: a taking that runs short may open it.
    pub fn has_forgotten_aside(&self, now: DateTime<Utc>) -> bool {
        self.aside != Space::default() && self.aside_until.is_none_or(|until| until <= now)
    }

    /// Changes the space as the ledger entries of this shift do. What becomes free goes to those on the waitlist, if there
    /// are any.
    pub fn apply(&mut self, shift: &Shift, now: DateTime<Utc>) {
        let taken = if shift.kind.counts_in_held() { &mut self.held } else { &mut self.booked };
        *taken = *taken + shift.more;
        self.ledger_seq += 1;
        if let Some(freed) = shift.freed() {
            self.set_aside(freed, now);
        }
    }

    fn set_aside(&mut self, freed: Space, now: DateTime<Utc>) {
        if self.is_awaited(now) {
            self.held = self.held + freed;
            self.aside = self.aside + freed;
            self.ledger_seq += 1;
        }
    }

    /// Returns the utilization of the fullest dimension, in percent with one decimal. A dimension without capacity does
    /// not count.
    pub fn utilization_percent(&self) -> f64 {
        let taken = self.booked + self.held;
        let dimensions = [
            (taken.weight.hectograms(), self.capacity.weight.hectograms()),
            (taken.volume.litres(), self.capacity.volume.litres()),
            (taken.positions.count(), self.capacity.positions.count()),
        ];
        let per_mille = dimensions
            .into_iter()
            .filter(|(_, capacity)| *capacity > 0)
            .map(|(taken, capacity)| (taken * 2000 + capacity) / (2 * capacity))
            .max()
            .unwrap_or_default();
        // At most 1000: exact as a double.
        #[allow(clippy::cast_precision_loss, reason = "at most 1000 per mille")]
        let percent = per_mille as f64 / 10.0;
        percent
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn space(weight: i64, volume: i64, positions: i64) -> Space {
        Space {
            weight: Weight::from_hectograms(weight),
            volume: Volume::from_litres(volume),
            positions: Positions::new(positions),
        }
    }

    fn flight(capacity: Space, booked: Space, held: Space) -> FlightCapacity {
        FlightCapacity {
            flight_id: FlightId::from(Uuid::nil()),
            status: FlightStatus::Scheduled,
            cutoff: DateTime::UNIX_EPOCH,
            capacity,
            physical: capacity,
            overbooking: Overbooking::NONE,
            booked,
            held,
            aside: Space::default(),
            aside_until: None,
            waiting: 0,
            allotted: 0,
            version: 1,
            ledger_seq: 1,
        }
    }

    #[test]
    fn each_dimension_can_be_the_one_that_is_full() {
        let flight = flight(space(1000, 1000, 10), space(500, 900, 2), space(100, 0, 2));
        assert_eq!(flight.available(), space(400, 100, 6));
        assert_eq!(flight.shortfall(space(400, 100, 6)), None);
        let first = |ask| flight.shortfall(ask).map(|shortfall| shortfall.dimension);
        assert_eq!(first(space(401, 101, 7)), Some(Dimension::Weight));
        assert_eq!(first(space(1, 101, 0)), Some(Dimension::Volume));
        assert_eq!(first(space(1, 1, 7)), Some(Dimension::Positions));
    }

    #[test]
    fn utilization_is_that_of_the_fullest_dimension() {
        let percent = |capacity, booked| flight(capacity, booked, space(0, 0, 0)).utilization_percent();
        assert!((percent(space(1000, 1000, 0), space(333, 100, 0)) - 33.3).abs() < 1e-9);
        assert!((percent(space(1000, 1000, 4), space(333, 100, 3)) - 75.0).abs() < 1e-9);
        assert!(percent(space(1000, 1000, 0), space(0, 0, 0)).abs() < 1e-9);
        assert!((percent(space(3, 1, 0), space(2, 0, 0)) - 66.7).abs() < 1e-9);
    }

    proptest::proptest! {
        /// A sequence of grants, each made exactly when there is no shortfall, never oversells.
        #[test]
        fn granting_without_shortfall_never_oversells(
            capacity in (0i64..500, 0i64..500, 0i64..5),
            asks in proptest::collection::vec((1i64..100, 1i64..100, 0i64..3), 0..40),
        ) {
            let capacity = space(capacity.0, capacity.1, capacity.2);
            let mut flight = flight(capacity, Space::default(), Space::default());
            let mut model = (0, 0, 0);
            for (weight, volume, positions) in asks {
                let after = (model.0 + weight, model.1 + volume, model.2 + positions);
                let fits = after.0 <= capacity.weight.hectograms()
                    && after.1 <= capacity.volume.litres()
                    && after.2 <= capacity.positions.count();
                let ask = space(weight, volume, positions);
                proptest::prop_assert_eq!(flight.shortfall(ask).is_none(), fits);
                if fits {
                    flight.booked = flight.booked + ask;
                    model = after;
                }
                proptest::prop_assert_eq!(flight.booked, space(model.0, model.1, model.2));
                proptest::prop_assert!((0.0..=100.0).contains(&flight.utilization_percent()));
            }
        }
    }
}
