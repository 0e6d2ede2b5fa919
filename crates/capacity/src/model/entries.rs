//! Entries of ledgers, as they are written: with the sums of those that follow, from which the state after each entry
//! results.
use std::collections::HashMap;

use loadmaster_kernel::FlightId;

use super::{EntryKind, Shift, Space};

/// An entry to be written.
#[derive(Debug, PartialEq, Eq)]
pub struct NewEntry<'a> {
    pub shift: std::borrow::Cow<'a, Shift>,
    /// How many entries of the same flight follow.
    pub later: i64,
    /// What these change of the space booked.
    pub booked_later: Space,
    /// What these change of the space held.
    pub held_later: Space,
}

/// What all new entries of a flight change together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    pub flight_id: FlightId,
    pub entries: i64,
    pub booked: Space,
    pub held: Space,
    pub aside: Space,
}

impl Sums {
    fn add(&mut self, shift: &Shift) {
        self.entries += 1;
        let taken = if shift.kind.counts_in_held() { &mut self.held } else { &mut self.booked };
        *taken = *taken + shift.more;
        if matches!(shift.kind, EntryKind::SetAside | EntryKind::Opened) {
            self.aside = self.aside + shift.more;
        }
    }
}

/// Returns the entries for these shifts, in their order, and the sums for each flight. What becomes free on an `awaited`
/// flight is set aside by an entry that follows.
pub fn entries<'a>(shifts: &[&'a Shift], awaited: &[FlightId]) -> (Vec<NewEntry<'a>>, Vec<Sums>) {
    use std::borrow::Cow;
    let mut all: Vec<Cow<'a, Shift>> = Vec::with_capacity(shifts.len());
    for shift in shifts {
        all.push(Cow::Borrowed(shift));
        if let Some(freed) = shift.freed().filter(|_| awaited.contains(&shift.flight_id)) {
            all.push(Cow::Owned(Shift::set_aside(shift.flight_id, freed)));
        }
    }
    let mut sums = Vec::<Sums>::new();
    let mut places = HashMap::<FlightId, usize>::new();
    let mut entries = Vec::with_capacity(all.len());
    // From the last entry back: each knows the sums of those that follow.
    for shift in all.into_iter().rev() {
        let flight_id = shift.flight_id;
        let place = *places.entry(flight_id).or_insert_with(|| {
            let nothing = Space::default();
            sums.push(Sums { flight_id, entries: 0, booked: nothing, held: nothing, aside: nothing });
            sums.len() - 1
        });
        let later = &mut sums[place];
        let entry = (later.entries, later.booked, later.held);
        later.add(&shift);
        entries.push(NewEntry { shift, later: entry.0, booked_later: entry.1, held_later: entry.2 });
    }
    entries.reverse();
    (entries, sums)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn space(weight: i64) -> Space {
        Space::from_columns(weight, weight, 0)
    }

    #[test]
    fn each_entry_knows_what_follows_on_its_flight() {
        let (one, other) = (FlightId::from(Uuid::from_u128(1)), FlightId::from(Uuid::from_u128(2)));
        let hold = Uuid::from_u128(3).into();
        let (booking, leg) = (Uuid::from_u128(4).into(), Uuid::from_u128(5).into());
        let shifts = [
            Shift::hold_posted(one, hold, space(10)),
            Shift::booked(one, booking, leg, space(10)),
            Shift::hold_released(other, hold, space(7)),
            Shift::released(one, booking, leg, space(4)),
        ];
        let (entries, sums) = entries(&shifts.iter().collect::<Vec<_>>(), &[other]);
        let written: Vec<_> = entries
            .iter()
            .map(|e| (e.shift.kind(), e.later, e.booked_later.figures()[0], e.held_later.figures()[0]))
            .collect();
        let expected = [
            ("HOLD_POSTED", 2, 6, 0),
            ("BOOKED", 1, -4, 0),
            ("HOLD_RELEASED", 1, 0, 7),
            ("SET_ASIDE", 0, 0, 0),
            ("RELEASED", 0, 0, 0),
        ];
        assert_eq!(written, expected);
        // What returns to an allotment at once is not set aside.
        let returned = Shift::released(other, booking, leg, space(9)).staying_in_part(space(5));
        let shifts = [returned, Shift::hold_amended(other, hold, space(5))];
        let written: Vec<_> = super::entries(&shifts.iter().collect::<Vec<_>>(), &[other]).0;
        let written: Vec<_> = written.iter().map(|e| (e.shift.kind(), e.shift.more.figures()[0])).collect();
        assert_eq!(written, [("RELEASED", -9), ("SET_ASIDE", 4), ("HOLD_AMENDED", 5)]);
        let of = |flight| sums.iter().find(|sum| sum.flight_id == flight).unwrap();
        assert_eq!((of(one).booked, of(one).held, of(one).aside), (space(6), space(-10), Space::default()));
        assert_eq!((of(other).entries, of(other).held, of(other).aside), (2, Space::default(), space(7)));
    }
}
