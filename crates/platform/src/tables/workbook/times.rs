//! Dates and times in cells: as numbers of days, and in ISO 8601.
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::super::cell::{DAY, epoch};

/// The days that dates have: up to the end of the year 9999.
const DAYS: std::ops::Range<f64> = 0.0..2_958_466.0;

/// Returns a date, a date and time in UTC, or a time of day, which is less than one day.
pub(super) fn of_number(days: f64, is_instant: bool, is_1904: bool) -> Option<String> {
    let has_date = !(0.0..1.0).contains(&days);
    // The day 60 is 29 February 1900, which was none: dates before it are counted from one day later.
    let after = if is_1904 { 1462 } else { u64::from(days < 60.0) };
    let at = epoch().checked_add_days(Days::new(after))?.and_time(NaiveTime::MIN) + milliseconds(days)?;
    Some(written(at, has_date, is_instant))
}

/// Returns hours and minutes, of which there may be more than a day has.
pub(super) fn elapsed(days: f64) -> Option<String> {
    let time = milliseconds(days)?;
    let (hours, minutes, seconds) = (time.num_hours(), time.num_minutes() % 60, time.num_seconds() % 60);
    let shown = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    Some(format!("{hours:02}:{minutes:02}{shown}"))
}

/// Returns the same for a cell of type `d` (ECMA-376 part 1, 18.18.11).
pub(super) fn of_iso(text: &str, is_instant: bool, is_1904: bool) -> String {
    let first = epoch().checked_add_days(Days::new(if is_1904 { 1462 } else { 1 }));
    let local = text.strip_suffix('Z').unwrap_or(text);
    if let Ok(at) = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M:%S%.f") {
        // A time of day is written with the first date, or with the one before.
        let has_date = first.is_none_or(|first| at.date() > first);
        return written(at, has_date, is_instant);
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return written(date.and_time(NaiveTime::MIN), true, is_instant);
    }
    match NaiveTime::parse_from_str(text, "%H:%M:%S%.f") {
        Ok(time) if !is_instant => written(NaiveDate::default().and_time(time), false, false),
        _ => text.to_owned(),
    }
}

fn written(at: NaiveDateTime, has_date: bool, is_instant: bool) -> String {
    use chrono::Timelike;
    let form = match (has_date, is_instant) {
        (false, false) if at.second() == 0 && at.nanosecond() == 0 => "%H:%M",
        (false, false) => "%H:%M:%S%.f",
        (true, false) if at.time() == NaiveTime::MIN => "%Y-%m-%d",
        _ => "%Y-%m-%dT%H:%M:%S%.fZ",
    };
    at.format(form).to_string()
}

fn milliseconds(days: f64) -> Option<TimeDelta> {
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds of some thousand years")]
    DAYS.contains(&days).then(|| TimeDelta::milliseconds((days * DAY).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_date_a_time_or_both() {
        for (days, expected) in [
            (46_357.0, "2026-12-01"),
            (46_357.25, "2026-12-01T06:00:00Z"),
            (46_357.0 + 1.5 / 86_400.0, "2026-12-01T00:00:01.500Z"),
            (10.0 / 24.0, "10:00"),
            (0.0, "00:00"),
            (0.5 + 30.0 / 86_400.0, "12:00:30"),
            (1.0, "1900-01-01"),
            (61.0, "1900-03-01"),
            (2_958_465.0, "9999-12-31"),
        ] {
            assert_eq!(of_number(days, false, false).as_deref(), Some(expected), "{days}");
        }
        assert_eq!(of_number(46_357.0, true, false).as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(of_number(44_895.0, false, true).as_deref(), Some("2026-12-01"));
        for days in [-1.0, 2_958_466.0, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!((of_number(days, false, false), elapsed(days)), (None, None), "{days}");
        }
    }

    #[test]
    fn elapsed_time_is_more_than_a_day() {
        let hours = [0.5, 1.0, 1.5 + 1.0 / 86_400.0].map(|days| elapsed(days).unwrap());
        assert_eq!(hours, ["12:00", "24:00", "36:00:01"]);
    }

    #[test]
    fn dates_and_times_of_iso_8601_are_written_as_in_csv() {
        for (text, expected) in [
            ("10:00:00", "10:00"),
            ("10:00:30", "10:00:30"),
            ("10:00:00.000", "10:00"),
            ("1899-12-30T10:00:00", "10:00"),
            ("1899-12-31T10:00:00.000", "10:00"),
            ("2027-03-03", "2027-03-03"),
            ("2027-03-03T00:00:00", "2027-03-03"),
            ("2027-03-03T00:00:00Z", "2027-03-03"),
            ("2027-03-03T04:30:00.000", "2027-03-03T04:30:00Z"),
            ("2027-03-03T04:30:00+05:30", "2027-03-03T04:30:00+05:30"),
            ("PT10H", "PT10H"),
            ("", ""),
        ] {
            assert_eq!(of_iso(text, false, false), expected, "{text}");
        }
        assert_eq!(of_iso("2027-03-03", true, false), "2027-03-03T00:00:00Z");
        assert_eq!(of_iso("1904-01-01T10:00:00", false, true), "10:00");
        assert_eq!(of_iso("1904-01-01T10:00:00", false, false), "1904-01-01T10:00:00Z");
    }
}
