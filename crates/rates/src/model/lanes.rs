//! Which lanes are asked when.
use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_flights::Lane;

use super::EVERY_MINUTES;

const SLOT_SECONDS: i64 = EVERY_MINUTES * 60;
const SLOTS_A_DAY: i64 = 86_400 / SLOT_SECONDS;

/// Returns the quarter of an hour in which an instant lies.
pub fn slot_of(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::seconds(now.timestamp().rem_euclid(SLOT_SECONDS))
        - TimeDelta::nanoseconds(now.timestamp_subsec_nanos().into())
}

/// Returns the lanes to ask in a slot: the frequent ones, then those of the others whose turn of the day has come. `last` has
/// the last slot of each lane that was asked before; `most` lanes take part.
pub fn due(
    frequent: &[Lane],
    flown: &BTreeSet<Lane>,
    most: usize,
    last: &HashMap<Lane, DateTime<Utc>>,
    slot: DateTime<Utc>,
) -> Vec<Lane> {
    let frequent = frequent.get(..most).unwrap_or(frequent);
    let known: HashSet<&Lane> = frequent.iter().collect();
    let others = flown.iter().filter(|lane| !known.contains(lane)).take(most - frequent.len());
    let others = others.filter(|lane| {
        let turn = turn_of(**lane, slot);
        // A new one waits for its turn; one that was missed is made up for.
        last.get(lane).map_or(turn == slot, |last| *last < turn)
    });
    let frequent = frequent.iter().filter(|lane| last.get(lane).is_none_or(|last| *last < slot));
    frequent.chain(others).copied().collect()
}

/// Returns the last slot, up to this one, that is the turn of a lane that is asked once a day.
fn turn_of((origin, destination): Lane, slot: DateTime<Utc>) -> DateTime<Utc> {
    let bytes = origin.as_str().bytes().chain(destination.as_str().bytes());
    let mixed = bytes.fold(0_i64, |mixed, byte| (mixed * 31 + i64::from(byte)) % 1_000_003);
    let number = slot.timestamp().div_euclid(SLOT_SECONDS);
    let behind = (number - mixed).rem_euclid(SLOTS_A_DAY);
    slot - TimeDelta::seconds(behind * SLOT_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(origin: &str, destination: &str) -> Lane {
        (origin.parse().unwrap(), destination.parse().unwrap())
    }

    fn slot(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(number * SLOT_SECONDS)
    }

    #[test]
    fn a_slot_is_a_quarter_of_an_hour() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(slot_of(at("2026-11-20T08:44:59.999999Z")), at("2026-11-20T08:30:00Z"));
        assert_eq!(slot_of(at("2026-11-20T08:45:00Z")), at("2026-11-20T08:45:00Z"));
    }

    #[test]
    fn frequent_lanes_are_due_in_each_slot_once_and_others_once_a_day() {
        let (frequent, other) = (lane("DEL", "LHR"), lane("BOM", "LHR"));
        let flown = BTreeSet::from([frequent, other]);
        let mut last = HashMap::new();
        let (mut of_frequent, mut of_other) = (0, 0);
        for number in 0..2 * SLOTS_A_DAY {
            // Twice: a run is repeated.
            for _ in 0..2 {
                for lane in due(&[frequent], &flown, 10, &last, slot(number)) {
                    *(if lane == frequent { &mut of_frequent } else { &mut of_other }) += 1;
                    last.insert(lane, slot(number));
                }
            }
        }
        assert_eq!((of_frequent, of_other), (2 * SLOTS_A_DAY, 2));
    }

    #[test]
    fn a_missed_turn_is_made_up_for_and_a_new_lane_waits_for_its_own() {
        let other = lane("BOM", "LHR");
        let flown = BTreeSet::from([other]);
        let turn = turn_of(other, slot(1_000));
        let next = turn + TimeDelta::days(1);
        let asked = |last: Option<DateTime<Utc>>, at: DateTime<Utc>| {
            let last = last.map(|last| (other, last)).into_iter().collect();
            !due(&[], &flown, 10, &last, at).is_empty()
        };
        assert!(asked(None, turn) && asked(None, next));
        assert!(!asked(None, turn + TimeDelta::minutes(15)), "not its turn");
        assert!(asked(Some(turn), next + TimeDelta::hours(5)), "the turn was missed");
        assert!(!asked(Some(turn), next - TimeDelta::minutes(15)));
    }

    #[test]
    fn so_many_lanes_take_part() {
        let frequent = [lane("DEL", "LHR"), lane("DEL", "DXB"), lane("DEL", "BOM")];
        let flown: BTreeSet<Lane> = [lane("BOM", "LHR"), lane("AMS", "LHR")].into();
        let all = |most: usize| {
            let slots = (0..SLOTS_A_DAY).flat_map(|number| due(&frequent, &flown, most, &HashMap::new(), slot(number)));
            slots.collect::<HashSet<_>>().len()
        };
        assert_eq!([0, 1, 3, 4, 5, 9].map(all), [0, 1, 3, 4, 5, 5]);
    }
}
