use std::fmt;

use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, Utc, Weekday};

use crate::zones::Zone;

/// A time of day in a time zone, on each day or on one weekday.
#[derive(Clone, Copy)]
pub struct TimeOfDay {
    pub time: NaiveTime,
    /// `None`: each day.
    pub weekday: Option<Weekday>,
    pub zone: Zone,
}

impl TimeOfDay {
    /// Returns the next such time after `now`. One that a change of the offset skips is later by as much; of one that comes
    /// twice it is the first.
    pub fn after(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = self.zone.local(now).date_naive();
        // All of a week, and the same weekday after it where the time has passed today.
        let dates = today.iter_days().take(9);
        let days = dates.filter(|date| self.weekday.is_none_or(|weekday| date.weekday() == weekday));
        let next = days.map(|date| self.zone.at(date.and_time(self.time))).find(|at| *at > now);
        next.unwrap_or_else(|| now + TimeDelta::days(7))
    }

    /// A day or a week.
    pub(super) fn period(self) -> TimeDelta {
        TimeDelta::days(if self.weekday.is_some() { 7 } else { 1 })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weekday {
            Some(weekday) => write!(f, "{weekday} at ")?,
            None => f.write_str("daily at ")?,
        }
        write!(f, "{} {}", self.time.format("%H:%M"), self.zone.name())
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(time: &str, weekday: Option<Weekday>, now: &str) -> String {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let time = TimeOfDay { time: NaiveTime::parse_from_str(time, "%H:%M").unwrap(), weekday, zone };
        time.after(now.parse().unwrap()).format("%Y-%m-%dT%H:%MZ").to_string()
    }

    #[test]
    fn the_next_time_is_of_today_or_tomorrow_in_the_zone() {
        assert_eq!(next("04:00", None, "2026-11-28T02:59:00Z"), "2026-11-28T03:00Z");
        assert_eq!(next("04:00", None, "2026-11-28T03:00:00Z"), "2026-11-29T03:00Z", "not again at the moment itself");
        assert_eq!(next("00:30", None, "2026-11-28T23:15:00Z"), "2026-11-28T23:30Z", "tomorrow there is today in UTC");
    }

    #[test]
    fn a_weekday_comes_once_a_week() {
        let sunday = Some(Weekday::Sun);
        assert_eq!(next("04:00", sunday, "2026-11-28T12:00:00Z"), "2026-11-29T03:00Z");
        assert_eq!(next("04:00", sunday, "2026-11-29T02:00:00Z"), "2026-11-29T03:00Z");
        assert_eq!(next("04:00", sunday, "2026-11-29T03:00:00Z"), "2026-12-06T03:00Z");
    }

    #[test]
    fn a_time_that_is_skipped_moves_and_one_that_comes_twice_is_used_once() {
        assert_eq!(next("02:30", None, "2027-03-27T12:00:00Z"), "2027-03-28T01:30Z", "03:30 in summer");
        assert_eq!(next("02:30", None, "2026-10-24T12:00:00Z"), "2026-10-25T00:30Z");
        assert_eq!(next("02:30", None, "2026-10-25T00:30:00Z"), "2026-10-26T01:30Z");
    }
}
