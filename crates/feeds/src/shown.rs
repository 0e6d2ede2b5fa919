//! What a run was shown to do, by which what it does later is judged once a person has approved it.
use std::fmt::{self, Debug, Write};

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{Datelike, NaiveDate, TimeDelta};
use loadmaster_flights::FeedEffect;

/// Number of flights above which there is no mark for each.
const MOST_MARKS: usize = 50_000;
/// Bytes of a date, and of a mark: the date of a flight, and a digest of what becomes of the flight.
const DATE: usize = 4;
const MARK: usize = DATE + 8;
/// What follows is one digest of all, or a mark for each flight.
const WHOLE: u8 = 0;
const EACH: u8 = 1;

/// Returns what a file does, in a form that is short enough to be kept.
pub(super) fn marks(effect: &FeedEffect<'_>) -> Vec<u8> {
    let flights = effect.groups.iter().map(|group| group.dates.len()).sum::<usize>() + effect.cancels.len();
    if flights + effect.far.len() > MOST_MARKS {
        let mut all = vec![WHOLE];
        all.extend(digest_of(effect));
        return all;
    }
    let mut marks = Vec::with_capacity(flights);
    for group in effect.groups {
        let digest = digest_of(&(group.number, group.origin, &group.effect));
        marks.extend(group.dates.iter().map(|date| mark(*date, &digest)));
    }
    marks.extend(effect.cancels.iter().map(|flight| mark(flight.date, &digest_of(flight))));
    marks.sort_unstable();
    let mut far: Vec<[u8; MARK]> = effect.far.iter().map(|flight| mark(flight.date, &digest_of(flight))).collect();
    far.sort_unstable();
    let mut all = vec![EACH];
    all.extend(u64::try_from(far.len()).unwrap_or(u64::MAX).to_be_bytes());
    all.extend(far.concat());
    all.extend(marks.concat());
    all
}

/// Returns whether all that is done `now` was shown. What is done no more must be of flights that may have left by `today`, in UTC.
/// Flights that move far must have been shown as such, but may have lost their bookings and holds since.
pub(super) fn was_shown(shown: &[u8], now: &[u8], today: NaiveDate) -> bool {
    if shown == now {
        return true;
    }
    let (Some(shown), Some(now)) = (read(shown), read(now)) else { return false };
    // Local dates are at most a day ahead.
    let last = day(today + TimeDelta::days(1));
    let is_new_far = |mark: &&[u8]| shown.far.binary_search(mark).is_err();
    let is_new = |mark: &&[u8]| shown.all.binary_search(mark).is_err();
    let is_missing = |mark: &&[u8]| mark[..DATE] > last[..] && now.all.binary_search(mark).is_err();
    !now.far.iter().any(is_new_far) && !now.all.iter().any(is_new) && !shown.all.iter().any(is_missing)
}

/// Marks in order: of flights with bookings or holds that move far, and of all that is done.
struct Marks<'a> {
    far: Vec<&'a [u8]>,
    all: Vec<&'a [u8]>,
}

/// Returns the marks; `None` if there is none for each flight.
fn read(marks: &[u8]) -> Option<Marks<'_>> {
    let (form, rest) = marks.split_first()?;
    let (far, rest) = rest.split_first_chunk::<8>().filter(|_| *form == EACH)?;
    let length = usize::try_from(u64::from_be_bytes(*far)).ok()?.checked_mul(MARK)?;
    let (far, all) = rest.split_at_checked(length)?;
    Some(Marks { far: far.chunks_exact(MARK).collect(), all: all.chunks_exact(MARK).collect() })
}

fn day(date: NaiveDate) -> [u8; DATE] {
    date.num_days_from_ce().to_be_bytes()
}

fn mark(date: NaiveDate, digest: &[u8]) -> [u8; MARK] {
    let mut mark = [0; MARK];
    mark[..DATE].copy_from_slice(&day(date));
    mark[DATE..].copy_from_slice(&digest[..MARK - DATE]);
    mark
}

fn digest_of(effect: &impl Debug) -> Vec<u8> {
    let mut hashing = Hashing(Context::new(&SHA256));
    // A digest takes any text.
    _ = write!(hashing, "{effect:?}");
    hashing.0.finish().as_ref().to_vec()
}

struct Hashing(Context);

impl Write for Hashing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use loadmaster_flights::{AbsentFlight, FarFlight, FeedDifferences, FeedRule};

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The flight with this id on this date, which a file does not give.
    fn absent(id: u128, date: NaiveDate) -> AbsentFlight {
        let (number, origin) = ("AI101".parse().unwrap(), "DEL".parse().unwrap());
        AbsentFlight { id: uuid::Uuid::from_u128(id).into(), number, origin, date, has_freight: false }
    }

    /// What a file does that moves the flights with these ids far.
    fn doing(far: &[u128], cancels: Vec<AbsentFlight>) -> Vec<u8> {
        let flight = |id: &u128| FarFlight { id: uuid::Uuid::from_u128(*id).into(), date: date("2026-12-05") };
        marks(&FeedEffect { groups: &[], far: &far.iter().map(flight).collect::<Vec<_>>(), cancels })
    }

    #[test]
    fn no_more_is_done_than_was_shown_and_less_only_of_flights_that_may_have_left() {
        let today = date("2026-12-01");
        let [soon, tomorrow, later] = ["2026-12-01", "2026-12-02", "2026-12-05"].map(date);
        let all = || vec![absent(1, soon), absent(2, tomorrow), absent(3, later)];
        let shown = doing(&[7, 8], all());
        for (far, cancels, expected) in [
            (vec![8, 7], all(), true),
            (vec![8], all(), true),
            (vec![], all(), true),
            (vec![7, 9], all(), false),
            (vec![7, 8, 9], all(), false),
            (vec![7, 8], vec![absent(3, later)], true),
            (vec![7, 8], vec![absent(1, soon), absent(2, tomorrow)], false),
            (vec![7, 8], vec![absent(1, soon), absent(2, tomorrow), absent(4, later)], false),
            (vec![7, 8], vec![absent(3, later), absent(4, soon)], false),
            (vec![7, 8], [all(), vec![absent(4, later)]].concat(), false),
        ] {
            assert_eq!(was_shown(&shown, &doing(&far, cancels.clone()), today), expected, "{far:?} {cancels:?}");
        }
        assert!(!was_shown(&[7; 32], &shown, today) && !was_shown(&[], &shown, today));
    }

    #[test]
    fn of_very_many_flights_exactly_what_was_shown_is_done() {
        let many = |flights: u128| doing(&[], (0..flights).map(|id| absent(id, date("2026-12-01"))).collect());
        let shown = many(50_001);
        assert!(shown.len() < 100 && was_shown(&shown, &many(50_001), date("2026-12-01")));
        assert!(!was_shown(&shown, &many(50_000), date("2026-12-01")));
    }

    #[test]
    fn flights_that_stay_and_what_is_only_counted_are_no_part_of_it() {
        let rule = |cancels_absent| {
            let feed = uuid::Uuid::nil().into();
            FeedRule { feed, far: TimeDelta::hours(3), cancels_absent }
        };
        let marks = |differences: &FeedDifferences, cancels| marks(&differences.effect(&rule(cancels)));
        let none = FeedDifferences::default();
        let others_left = FeedDifferences { of_feed: 9, kept: 1, ..FeedDifferences::default() };
        assert_eq!(marks(&none, true), marks(&others_left, true));
        let of = |has_freight| {
            let absent = vec![AbsentFlight { has_freight, ..absent(1, date("2026-12-01")) }];
            FeedDifferences { absent, ..FeedDifferences::default() }
        };
        assert_ne!(marks(&none, true), marks(&of(false), true), "it is cancelled");
        assert_eq!(marks(&none, true), marks(&of(true), true), "it stays");
        assert_eq!(marks(&none, false), marks(&of(false), false), "it stays");
    }
}
