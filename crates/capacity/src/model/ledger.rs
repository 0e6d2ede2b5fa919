//! Replays ledgers: sums up the additions of all entries from zero, and only compares the state that each entry
//! records. Entries come flight by flight, in the order of their numbers; only the current flight is kept in memory.
use loadmaster_kernel::FlightId;

use super::{EntryKind, Space};

/// A flight's space at some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlightSpace {
    pub capacity: Space,
    pub booked: Space,
    pub held: Space,
}

/// One entry of a flight's ledger, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerEntry {
    pub flight_id: FlightId,
    pub seq: i64,
    pub kind: EntryKind,
    /// Change of the space booked or, by its kind, held; negative: given back.
    pub added: Space,
    /// State of the flight's row that the entry records.
    pub after: FlightSpace,
}

/// A fault of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerFault {
    /// The sequence requires another number.
    OutOfSequence { expected: i64 },
    /// After the entry, the space taken is negative or exceeds the capacity.
    Oversold(FlightSpace),
    /// The recorded state differs from the sum of the entries so far.
    NotTheSum { said: FlightSpace, replayed: FlightSpace },
    /// The figures overflow.
    Uncountable,
}

impl std::fmt::Display for LedgerFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OutOfSequence { expected } => write!(f, "entry {expected} is missing before this entry"),
            Self::Oversold(space) => write!(f, "the replay shows the flight oversold: {}", description(*space)),
            Self::NotTheSum { said, replayed } => {
                write!(f, "this entry records {}; the replay results in {}", description(*said), description(*replayed))
            }
            Self::Uncountable => f.write_str("the sums overflow at this entry"),
        }
    }
}

/// Formats in the units of the tables.
fn description(space: FlightSpace) -> String {
    let figures = |space: Space| {
        let [weight, volume, positions] = space.figures();
        format!("{weight} hg, {volume} l, {positions} positions")
    };
    format!("booked {} + held {} of {}", figures(space.booked), figures(space.held), figures(space.capacity))
}

impl FlightSpace {
    /// Returns whether, in every dimension, no figure is negative and the space taken does not exceed the capacity.
    pub fn is_sound(&self) -> bool {
        let (booked, held) = (self.booked.figures(), self.held.figures());
        let each = booked.into_iter().zip(held).zip(self.capacity.figures());
        each.into_iter().all(|((booked, held), capacity)| {
            booked >= 0 && held >= 0 && i128::from(booked) + i128::from(held) <= i128::from(capacity)
        })
    }

    /// Returns the difference of each figure from that of `other`.
    fn drift(&self, other: &Self) -> [i64; 9] {
        let figures = |space: &Self| [space.capacity, space.booked, space.held].map(Space::figures);
        let (own, other) = (figures(self), figures(other));
        std::array::from_fn(|at| own[at / 3][at % 3].wrapping_sub(other[at / 3][at % 3]))
    }
}

/// The replay of the current flight.
#[derive(Debug, Default)]
pub struct LedgerReplay {
    flight: Option<FlightId>,
    seq: i64,
    space: FlightSpace,
    /// Deviation of the last entry: one wrong entry must not make all later ones wrong.
    drift: [i64; 9],
    entries: u64,
    flights: u64,
}

impl LedgerReplay {
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    pub const fn flights(&self) -> u64 {
        self.flights
    }

    /// Replays the next entry.
    pub fn step(&mut self, entry: &LedgerEntry) -> Vec<LedgerFault> {
        if self.flight != Some(entry.flight_id) {
            let (entries, flights) = (self.entries, self.flights + 1);
            *self = Self { flight: Some(entry.flight_id), entries, flights, ..Self::default() };
        }
        self.entries += 1;
        let mut faults = Vec::new();
        let expected = self.seq.saturating_add(1);
        if entry.seq != expected {
            faults.push(LedgerFault::OutOfSequence { expected });
        }
        self.seq = entry.seq;
        let taken = if entry.kind.counts_in_held() { &mut self.space.held } else { &mut self.space.booked };
        match taken.checked_add(entry.added) {
            Some(sum) => *taken = sum,
            None => faults.push(LedgerFault::Uncountable),
        }
        if entry.kind == EntryKind::CapacitySet {
            self.space.capacity = entry.after.capacity;
        }
        if !self.space.is_sound() {
            faults.push(LedgerFault::Oversold(self.space));
        }
        let drift = entry.after.drift(&self.space);
        if drift != self.drift && drift != [0; 9] {
            faults.push(LedgerFault::NotTheSum { said: entry.after, replayed: self.space });
        }
        self.drift = drift;
        faults
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn space(weight: i64) -> Space {
        Space::from_columns(weight, weight, weight)
    }

    fn flight_space(capacity: i64, booked: i64) -> FlightSpace {
        FlightSpace { capacity: space(capacity), booked: space(booked), held: space(0) }
    }

    /// Builds an entry of the first flight.
    fn entry(seq: i64, kind: EntryKind, added: i64, capacity: i64, booked: i64) -> LedgerEntry {
        let flight_id = FlightId::from(Uuid::from_u128(1));
        LedgerEntry { flight_id, seq, kind, added: space(added), after: flight_space(capacity, booked) }
    }

    use EntryKind::{Amended, Booked, CapacitySet, Released};

    fn ledger() -> Vec<LedgerEntry> {
        vec![
            entry(1, CapacitySet, 0, 100, 0),
            entry(2, Booked, 60, 100, 60),
            entry(3, Amended, 40, 100, 100),
            entry(4, Released, -60, 100, 40),
            entry(5, CapacitySet, 0, 40, 40),
            entry(6, Released, -40, 40, 0),
        ]
    }

    fn faults(ledger: &[LedgerEntry]) -> Vec<(i64, LedgerFault)> {
        let mut replay = LedgerReplay::default();
        ledger.iter().flat_map(|entry| replay.step(entry).into_iter().map(|fault| (entry.seq, fault))).collect()
    }

    #[test]
    fn space_is_held_posted_and_set_aside() {
        let flight_id = FlightId::from(Uuid::from_u128(1));
        let steps = [
            (CapacitySet, 0, 0, 0),
            (EntryKind::Held, 60, 0, 60),
            (EntryKind::HoldAmended, 40, 0, 100),
            (EntryKind::HoldPosted, -100, 0, 0),
            (Booked, 100, 100, 0),
            (Released, -100, 0, 0),
            (EntryKind::SetAside, 100, 0, 100),
            (EntryKind::Opened, -70, 0, 30),
            (EntryKind::Held, 70, 0, 100),
            (EntryKind::HoldReleased, -30, 0, 70),
            (EntryKind::HoldExpired, -70, 0, 0),
        ];
        let ledger = (1..).zip(steps).map(|(seq, (kind, added, booked, held))| LedgerEntry {
            flight_id,
            seq,
            kind,
            added: space(added),
            after: FlightSpace { capacity: space(100), booked: space(booked), held: space(held) },
        });
        assert_eq!(faults(&ledger.collect::<Vec<_>>()), []);
        let mut oversold = self::ledger();
        oversold[1].kind = EntryKind::Held;
        assert!(matches!(faults(&oversold)[..], [(2, LedgerFault::NotTheSum { .. }), ..]), "held, not booked");
    }

    #[test]
    fn a_ledger_that_adds_up_has_no_fault_and_flights_are_distinguished() {
        let mut two = ledger();
        let other = FlightId::from(Uuid::from_u128(2));
        two.extend(ledger().into_iter().map(|entry| LedgerEntry { flight_id: other, ..entry }));
        let mut replay = LedgerReplay::default();
        assert!(two.iter().all(|entry| replay.step(entry).is_empty()));
        assert_eq!((replay.entries(), replay.flights()), (12, 2));
    }

    #[test]
    fn a_missing_entry_is_reported_where_it_is_missing() {
        let mut lacking = ledger();
        lacking.remove(4);
        let found = faults(&lacking);
        assert_eq!(found[0], (6, LedgerFault::OutOfSequence { expected: 5 }));
        assert_eq!(faults(&ledger()[1..])[0], (2, LedgerFault::OutOfSequence { expected: 1 }));
    }

    #[test]
    fn selling_more_than_there_is_shows_in_the_replay_whatever_the_entries_say() {
        for dimension in 0..3 {
            let mut figures = [0; 3];
            figures[dimension] = 1;
            let more = Space::from_columns(figures[0], figures[1], figures[2]);
            let mut oversold = ledger();
            // The third entry takes more than is left, and the recorded states do not show it.
            oversold[2].added = oversold[2].added + more;
            let found = faults(&oversold);
            assert!(matches!(found[0], (3, LedgerFault::Oversold(_))), "{found:?}");
            assert!(matches!(found[1], (3, LedgerFault::NotTheSum { .. })), "{found:?}");
        }
        let mut below = ledger();
        below[3].added = space(-200);
        assert!(matches!(faults(&below)[0], (4, LedgerFault::Oversold(_))));
        let mut shrunk = ledger();
        shrunk[4].after.capacity = space(39);
        assert!(matches!(faults(&shrunk)[0], (5, LedgerFault::Oversold(_))));
        let mut held = ledger();
        for entry in &mut held {
            entry.after.held = space(1);
        }
        assert!(matches!(faults(&held)[..], [(1, LedgerFault::NotTheSum { .. })]), "held by nobody");
    }

    #[test]
    fn an_entry_that_says_it_left_something_else_is_reported_once() {
        let mut wrong = ledger();
        wrong[1].after.booked = space(50);
        let said = wrong[1].after;
        assert_eq!(faults(&wrong), [(2, LedgerFault::NotTheSum { said, replayed: flight_space(100, 60) })]);
        // Entries that follow consistently on a wrong entry are not reported again.
        let mut drifting = ledger();
        for entry in &mut drifting[1..] {
            entry.after.booked = entry.after.booked + space(1);
        }
        assert_eq!(faults(&drifting).len(), 1);
        let mut capacity = ledger();
        capacity[1].after.capacity = space(101);
        assert!(matches!(faults(&capacity)[..], [(2, LedgerFault::NotTheSum { .. })]), "only its own kind sets it");
    }

    #[test]
    fn figures_beyond_all_counting_are_a_fault_and_no_panic() {
        let mut vast = ledger();
        vast[2].added = space(i64::MAX);
        assert!(faults(&vast).contains(&(3, LedgerFault::Uncountable)));
        vast[1].after = flight_space(i64::MIN, i64::MAX);
        assert!(!faults(&vast).is_empty());
    }

    proptest::proptest! {
        /// The replay agrees with a reference that adds plain numbers.
        #[test]
        fn the_replay_is_addition(
            capacity in 0i64..200,
            steps in proptest::collection::vec((0..3u8, -60i64..100), 0..30),
        ) {
            let (mut replay, mut capacity, mut booked) = (LedgerReplay::default(), capacity, 0);
            proptest::prop_assert!(replay.step(&entry(1, CapacitySet, 0, capacity, 0)).is_empty());
            for (seq, (kind, figure)) in (2..).zip(steps) {
                let kind = [CapacitySet, Booked, Released][usize::from(kind)];
                let added = if kind == CapacitySet { 0 } else { figure };
                if kind == CapacitySet {
                    capacity = figure;
                }
                booked += added;
                let sound = (0..=capacity).contains(&booked);
                let found = replay.step(&entry(seq, kind, added, capacity, booked));
                proptest::prop_assert_eq!(found.is_empty(), sound, "{:?}", found);
            }
        }
    }
}
