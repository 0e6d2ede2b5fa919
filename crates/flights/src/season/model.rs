use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{AircraftCode, AirportCode, FlightNumber};
use loadmaster_reference::Reference;

use super::{
    super::timetable::{Dated, Timetable},
    days::DaysOfOperation,
};

/// Longest period of a line, in days: more than a year.
pub(super) const LONGEST_PERIOD: i64 = 400;

/// A flight that recurs: one leg of one number, on some weekdays of a period. Times are local: the departure's at the
/// origin, the arrival's at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScheduleLine {
    /// The row of the table, counted from 1.
    pub row: u64,
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub departure: NaiveTime,
    pub arrival: NaiveTime,
    /// Whether the departure and the arrival are the second of two equal local times, when the clocks go back.
    pub is_second: (bool, bool),
    /// Days from the local date of departure to that of arrival: -1 across the date line.
    pub arrival_day_offset: i8,
    pub days: DaysOfOperation,
    /// The first and the last local date of departure.
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Of a line that flies every second week: the first day of the first one.
    pub fortnightly_from: Option<NaiveDate>,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
    pub capacity: Space,
    pub cutoff_minutes: u32,
    /// As of [`NewFlight`](crate::NewFlight).
    pub also_sold_as: Option<Vec<FlightNumber>>,
}

/// Returns whether a line flies in the week of a date. One that flies every second week begins with that of `first`.
pub(super) fn is_flown_in_week(first: Option<NaiveDate>, date: NaiveDate) -> bool {
    first.is_none_or(|first| (date - first).num_days() / 7 % 2 == 0)
}

impl ScheduleLine {
    /// Returns the local dates of departure.
    pub fn dates(&self) -> impl Iterator<Item = NaiveDate> {
        let first = self.fortnightly_from;
        self.days.between(self.from, self.to).filter(move |date| is_flown_in_week(first, *date))
    }
}

/// A timetable of recurring flights, and the dated flights that it gives.
#[derive(Debug)]
pub struct Season {
    pub(super) lines: Vec<ScheduleLine>,
    /// From today on, in local time of each origin.
    pub(super) timetable: Timetable,
    /// Today, at each origin.
    pub(super) today: HashMap<AirportCode, NaiveDate>,
    /// Number of flights before today, which are left out.
    pub(super) past: u64,
    /// Number of legs of SSIM that state another offset from UTC than their airport has.
    pub(super) other_offsets: u64,
}

/// The periods of one flight number out of one origin, from today on, in order and apart from each other.
pub(super) type Periods = Vec<(NaiveDate, NaiveDate)>;

impl Season {
    /// Takes dated flights, which have no lines.
    pub fn of(timetable: Timetable) -> Self {
        Self { lines: Vec::new(), timetable, today: HashMap::new(), past: 0, other_offsets: 0 }
    }

    pub const fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// Returns the number of rows of its file that give flights, of SSIM that of such legs; also of those before today. Of dated
    /// flights only those count that leave after `now`.
    pub fn rows(&self, now: DateTime<Utc>) -> usize {
        if self.lines.is_empty() {
            return self.timetable.0.iter().filter(|dated| dated.flight.departure > now).count();
        }
        // A leg in UTC may have several lines.
        self.lines.chunk_by(|one, other| one.row == other.row).count()
    }

    /// Returns whether today, at each origin, is still the day from which on it was expanded.
    pub(super) fn is_of(&self, now: DateTime<Utc>, reference: &Reference) -> bool {
        let is_today = |origin, today| reference.airport(origin).is_some_and(|it| it.local_date(now) == today);
        self.today.iter().all(|(origin, today)| is_today(*origin, *today))
    }

    /// Returns the periods by origin and flight number. Of dated flights it is that from the first to the last of each number.
    pub(super) fn periods(&self) -> HashMap<AirportCode, HashMap<FlightNumber, Periods>> {
        let mut periods = HashMap::<AirportCode, HashMap<FlightNumber, Periods>>::new();
        for line in &self.lines {
            let from = self.today.get(&line.origin).map_or(line.from, |today| line.from.max(*today));
            if from <= line.to {
                let numbers = periods.entry(line.origin).or_default();
                numbers.entry(line.number).or_default().push((from, line.to));
            }
        }
        if self.lines.is_empty() {
            for Dated { name: (number, origin, date), .. } in &self.timetable.0 {
                let of_number = periods.entry(*origin).or_default().entry(*number).or_default();
                let (from, to) = of_number.pop().unwrap_or((*date, *date));
                of_number.push((from.min(*date), to.max(*date)));
            }
        }
        for of_number in periods.values_mut().flat_map(HashMap::values_mut) {
            *of_number = joined(std::mem::take(of_number));
        }
        periods
    }
}

/// Sorts periods, and joins those that overlap or follow each other at once.
fn joined(mut periods: Periods) -> Periods {
    periods.sort_unstable();
    let mut joined = Periods::new();
    for (from, to) in periods {
        match joined.last_mut() {
            Some((_, last)) if from <= *last + TimeDelta::days(1) => *last = to.max(*last),
            _ => joined.push((from, to)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_that_meet_are_joined() {
        let period = |from: u32, to: u32| {
            let day = |day| NaiveDate::from_ymd_opt(2027, 5, day).unwrap();
            (day(from), day(to))
        };
        let all = vec![period(9, 9), period(1, 5), period(2, 3), period(6, 7), period(12, 14), period(10, 10)];
        assert_eq!(joined(all), [period(1, 7), period(9, 10), period(12, 14)]);
    }
}
