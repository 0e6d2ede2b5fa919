//! Which lanes are asked when.
use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_flights::Lane;

use super::{DAYS_AHEAD, EVERY_MINUTES, mixed};

const SLOT_SECONDS: i64 = EVERY_MINUTES * 60;
const SLOTS_A_DAY: i64 = 86_400 / SLOT_SECONDS;
/// For how long a new lane may come late for its turn: no run may have begun in it.
const LATE: TimeDelta = TimeDelta::hours(6);

/// Returns the quarter of an hour in which an instant lies.
pub fn slot_of(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::seconds(now.timestamp().rem_euclid(SLOT_SECONDS))
        - TimeDelta::nanoseconds(now.timestamp_subsec_nanos().into())
}

/// Returns the lanes to ask in a slot: those that are asked once a day and whose turn has come, and the frequent ones, by turns,
/// so that a run that ends early has asked some of both. Of each, those come first that were asked longest ago. `last` has the
/// last slot of each lane that was asked before; `most` lanes take part, `left` ones last.
pub fn due(
    frequent: &[Lane],
    flown: &BTreeSet<Lane>,
    left: &[Lane],
    most: usize,
    last: &HashMap<Lane, DateTime<Utc>>,
    slot: DateTime<Utc>,
) -> Vec<Lane> {
    let frequent = frequent.get(..most).unwrap_or(frequent);
    let known: HashSet<&Lane> = frequent.iter().collect();
    let others = flown.iter().filter(|lane| !known.contains(lane)).chain(left).take(most - frequent.len());
    let others = others.filter(|lane| {
        let turn = turn_of(**lane, slot);
        // A turn that was missed is made up for; of a new lane only one that was of late, so that not all are asked at once.
        last.get(lane).map_or(slot - turn <= LATE, |last| *last < turn)
    });
    let frequent = frequent.iter().filter(|lane| last.get(lane).is_none_or(|last| *last < slot));
    by_turns(longest_ago(others, last), longest_ago(frequent, last))
}

/// Returns the lanes whose turn of the day has come that are asked neither as frequent nor as flown ones any more, but were while
/// departures were to come for which a price may still be shown.
pub fn left(
    frequent: &[Lane],
    flown: &BTreeSet<Lane>,
    last: &HashMap<Lane, DateTime<Utc>>,
    slot: DateTime<Utc>,
) -> Vec<Lane> {
    let known: HashSet<&Lane> = frequent.iter().collect();
    // A day more, as the day of asking has begun somewhere before it did in UTC.
    let longest = TimeDelta::days(i64::try_from(DAYS_AHEAD + 2).unwrap_or_default());
    let is_left = |(lane, last): &(&Lane, &DateTime<Utc>)| {
        !known.contains(lane) && !flown.contains(lane) && slot - **last < longest && **last < turn_of(**lane, slot)
    };
    let mut lanes: Vec<Lane> = last.iter().filter(is_left).map(|(lane, _)| *lane).collect();
    lanes.sort_unstable();
    lanes
}

/// Sorts lanes by when they were asked, those first that never were.
fn longest_ago<'a>(lanes: impl Iterator<Item = &'a Lane>, last: &HashMap<Lane, DateTime<Utc>>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = lanes.copied().collect();
    lanes.sort_by_key(|lane| last.get(lane).copied());
    lanes
}

/// Returns one of the first, one of the second, and so on; then the rest of the longer ones.
fn by_turns(first: Vec<Lane>, second: Vec<Lane>) -> Vec<Lane> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::with_capacity(first.len() + second.len());
    while first.len() + second.len() > 0 {
        all.extend(first.next());
        all.extend(second.next());
    }
    all
}

/// Returns the last slot, up to this one, that is the turn of a lane that is asked once a day.
fn turn_of(lane: Lane, slot: DateTime<Utc>) -> DateTime<Utc> {
    let number = slot.timestamp().div_euclid(SLOT_SECONDS);
    let behind = (number - mixed(lane, 0, 31)).rem_euclid(SLOTS_A_DAY);
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
                for lane in due(&[frequent], &flown, &[], 10, &last, slot(number)) {
                    *(if lane == frequent { &mut of_frequent } else { &mut of_other }) += 1;
                    last.insert(lane, slot(number));
                }
            }
        }
        assert_eq!((of_frequent, of_other), (2 * SLOTS_A_DAY, 2));
    }

    #[test]
    fn a_missed_turn_is_made_up_for_and_by_a_new_lane_for_six_hours() {
        let other = lane("BOM", "LHR");
        let flown = BTreeSet::from([other]);
        let turn = turn_of(other, slot(1_000));
        let next = turn + TimeDelta::days(1);
        let asked = |last: Option<DateTime<Utc>>, at: DateTime<Utc>| {
            let last = last.map(|last| (other, last)).into_iter().collect();
            !due(&[], &flown, &[], 10, &last, at).is_empty()
        };
        assert!(asked(None, turn) && asked(None, next));
        assert!(asked(None, turn + TimeDelta::hours(6)), "no run began in its turn");
        assert!(!asked(None, turn + TimeDelta::minutes(375)), "it waits for the next one");
        assert!(asked(Some(turn), next + TimeDelta::hours(5)), "the turn was missed");
        assert!(!asked(Some(turn), next - TimeDelta::minutes(15)));
    }

    #[test]
    fn due_alternates_daily_and_frequent_lanes_longest_waiting_first() {
        let [one, two, three] = [lane("DEL", "LHR"), lane("DEL", "DXB"), lane("DEL", "BOM")];
        let [daily, other] = [lane("AMS", "LHR"), lane("BOM", "LHR")];
        let flown = BTreeSet::from([daily, other]);
        let now = slot(1_000);
        let ago = |minutes| now - TimeDelta::minutes(minutes);
        let last: HashMap<_, _> = [(one, ago(15)), (two, ago(30)), (daily, ago(3_000)), (other, ago(6_000))].into();
        assert_eq!(due(&[one, two, three], &flown, &[], 10, &last, now), [other, three, daily, two, one]);
    }

    #[test]
    fn a_lane_no_longer_flown_or_searched_has_its_turn_while_its_departures_are_to_come() {
        let [frequent, flown, gone] = [lane("DEL", "LHR"), lane("BOM", "LHR"), lane("MAA", "LHR")];
        let turn = turn_of(gone, slot(10_000));
        let found = |last: DateTime<Utc>, at: DateTime<Utc>| {
            let last = [frequent, flown, gone].map(|lane| (lane, last)).into();
            left(&[frequent], &BTreeSet::from([flown]), &last, at)
        };
        assert_eq!(found(turn - TimeDelta::days(1), turn), [gone]);
        assert_eq!(found(turn - TimeDelta::days(1), turn - TimeDelta::minutes(15)), [], "not its turn");
        assert_eq!(found(turn - TimeDelta::days(31), turn), [gone]);
        assert_eq!(found(turn - TimeDelta::days(32), turn), [], "all its departures are gone");
        assert_eq!(
            due(&[], &BTreeSet::new(), &[gone], 1, &HashMap::from([(gone, turn - TimeDelta::days(1))]), turn),
            [gone]
        );
        let one_too_many = due(&[], &BTreeSet::from([flown]), &[gone], 1, &HashMap::new(), turn);
        assert!(!one_too_many.contains(&gone));
    }

    #[test]
    fn so_many_lanes_take_part() {
        let frequent = [lane("DEL", "LHR"), lane("DEL", "DXB"), lane("DEL", "BOM")];
        let flown: BTreeSet<Lane> = [lane("BOM", "LHR"), lane("AMS", "LHR")].into();
        let all = |most: usize| {
            let slots =
                (0..SLOTS_A_DAY).flat_map(|number| due(&frequent, &flown, &[], most, &HashMap::new(), slot(number)));
            slots.collect::<HashSet<_>>().len()
        };
        assert_eq!([0, 1, 3, 4, 5, 9].map(all), [0, 1, 3, 4, 5, 5]);
    }
}
