//! Schedules as records.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode, FlightNumber, words};
use loadmaster_reference::Reference;

use self::itineraries::itineraries;
use super::{
    super::days::DaysOfOperation,
    LENGTH, TITLE, following,
    own::{self, Own},
    sold,
};
use crate::model::{NewFlight, space_of};

mod itineraries;

words! {
    /// Which times the records of a season have.
    pub enum TimeMode {
        Utc = "UTC",
        Local = "LOCAL",
    }
}

/// Writes the records of one airline, the flights of one number after those of another.
pub(crate) struct Writer {
    reference: Reference,
    airline: AirlineCode,
    mode: TimeMode,
    /// The serial number of the last record.
    serial: u32,
}

/// A leg of an itinerary, on any day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Leg {
    departure: Time,
    arrival: Time,
    origin: AirportCode,
    destination: AirportCode,
    aircraft: Option<AircraftCode>,
    is_freighter: bool,
    /// Capacity and cut-off, if they do not follow from the aircraft.
    own: Option<String>,
    also_sold_as: Vec<FlightNumber>,
}

/// A time, some days after the day of the flight, and minutes by which local time is ahead of UTC then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Time {
    days: i64,
    of_day: NaiveTime,
    ahead: i32,
}

/// The days of a period on which an itinerary is flown.
#[derive(Debug, PartialEq, Eq)]
struct Period {
    from: NaiveDate,
    to: NaiveDate,
    days: DaysOfOperation,
}

impl Writer {
    pub const fn new(reference: Reference, airline: AirlineCode, mode: TimeMode) -> Self {
        Self { reference, airline, mode, serial: 0 }
    }

    /// Returns the records before the first leg of a season from one local date to another.
    pub fn head(&mut self, (from, to): (NaiveDate, NaiveDate), today: NaiveDate) -> String {
        let (mode, most) = match self.mode {
            TimeMode::Utc => ("U", TimeDelta::days(1)),
            TimeMode::Local => ("L", TimeDelta::zero()),
        };
        // A local date lies on three dates in UTC.
        let validity = format!("{}{}{}", date(from - most), date(to + most), date(today));
        let mut out = String::new();
        self.push(&mut out, &[(1, TITLE), (192, "001")]);
        let airline = self.airline;
        self.push(&mut out, &[(1, "2"), (2, mode), (3, airline.as_str()), (15, validity.as_str()), (72, "P")]);
        out
    }

    /// Returns the legs of the flights of a number, of which none leaves an airport twice on a local date.
    pub fn flights(&mut self, flights: Vec<NewFlight>) -> String {
        let mut out = String::new();
        let Some(number) = flights.first().map(|flight| flight.number) else { return out };
        let mut patterns = BTreeMap::<Vec<Leg>, BTreeSet<NaiveDate>>::new();
        for (date, legs) in itineraries(self, flights) {
            patterns.entry(legs).or_default().insert(date);
        }
        let mut lines: Vec<(Period, &Vec<Leg>)> = patterns
            .iter()
            .flat_map(|(legs, dates)| periods(dates).into_iter().map(move |period| (period, legs)))
            .collect();
        lines.sort_by_key(|(period, legs)| (period.from, *legs));
        for (variation, (period, legs)) in (1..).zip(&lines) {
            self.itinerary(&mut out, number, variation, period, legs);
        }
        out
    }

    /// Returns the record after the last leg.
    pub fn end(&mut self) -> String {
        let (mut out, before, airline) = (String::new(), format!("{:06}", self.serial), self.airline);
        self.push(&mut out, &[(1, "5"), (3, airline.as_str()), (188, before.as_str()), (194, "E")]);
        out
    }

    /// Adds the records of an itinerary. `variation` is counted from 1.
    fn itinerary(&mut self, out: &mut String, number: FlightNumber, variation: u32, period: &Period, legs: &[Leg]) {
        let (airline, rest) = number.as_str().split_at(2);
        let digits = rest.trim_end_matches(|last: char| last.is_ascii_alphabetic());
        let suffix = &rest[digits.len()..];
        let overflow = match variation / 100 % 10 {
            0 => " ".to_owned(),
            hundreds => hundreds.to_string(),
        };
        let days = period.days.to_string().replace('.', " ");
        let period = format!("{}{}{days}", date(period.from), date(period.to));
        for (sequence, leg) in (1_u8..).zip(legs) {
            let service = if leg.is_freighter { "F" } else { "J" };
            let number = format!("{suffix:1}{airline:3}{digits:>4}{:02}{sequence:02}{service}", variation % 100);
            let [departure, arrival] = [leg.departure, leg.arrival].map(Time::written);
            let [departs_after, arrives_after] = [leg.departure, leg.arrival].map(Time::variation);
            let leg_of_number = [(1, "3"), (2, number.as_str()), (15, period.as_str()), (128, overflow.as_str())];
            let departing = [(37, leg.origin.as_str()), (40, departure.as_str()), (193, departs_after.as_str())];
            let arriving = [(55, leg.destination.as_str()), (58, arrival.as_str()), (194, arrives_after.as_str())];
            let aircraft = leg.aircraft.as_ref().map(|code| (73, code.as_str()));
            let parts = leg_of_number.into_iter().chain(departing).chain(arriving).chain(aircraft);
            self.push(out, &parts.collect::<Vec<_>>());
            let others = sold::written(&leg.also_sold_as).map(|numbers| (sold::OTHERS, numbers));
            for (identifier, data) in others.chain(leg.own.clone().map(|own| (own::IDENTIFIER, own))) {
                let points = [sequence - 1, sequence].map(|point| char::from(b'A' + point));
                let points = format!("{overflow}{}{}{identifier}", points[0], points[1]);
                let lane = format!("{}{}", leg.origin.as_str(), leg.destination.as_str());
                let (number, points, lane) = (number.as_str(), points.as_str(), lane.as_str());
                self.push(out, &[(1, "4"), (2, number), (28, points), (34, lane), (40, data.as_str())]);
            }
        }
    }

    /// Adds a record with these texts at their columns, counted from 1, and its serial number.
    fn push(&mut self, out: &mut String, parts: &[(usize, &str)]) {
        self.serial = following(self.serial);
        let (mut record, serial) = (" ".repeat(LENGTH), format!("{:06}", self.serial));
        for (column, text) in parts.iter().copied().chain([(195, serial.as_str())]) {
            record.replace_range(column - 1..column - 1 + text.len(), text);
        }
        out.push_str(&record);
        out.push_str("\r\n");
    }

    /// Returns the date and time of an instant at an airport, as the file has them, and the minutes of the airport's clocks ahead
    /// of UTC.
    fn shown(&self, airport: AirportCode, instant: DateTime<Utc>) -> (NaiveDateTime, i32) {
        let airport = self.reference.airport(airport);
        let local = airport.map_or_else(|| instant.fixed_offset(), |airport| airport.local(instant));
        let shown = match self.mode {
            TimeMode::Utc => instant.naive_utc(),
            TimeMode::Local => local.naive_local(),
        };
        (shown, local.offset().local_minus_utc() / 60)
    }

    /// Returns the day of an itinerary that begins with this flight.
    fn day(&self, flight: &NewFlight) -> NaiveDate {
        self.shown(flight.origin, flight.departure).0.date()
    }

    /// Returns the flight as a leg of an itinerary of this day.
    fn leg(&self, day: NaiveDate, flight: &NewFlight) -> Leg {
        let time = |airport, instant| {
            let (shown, ahead) = self.shown(airport, instant);
            Time { days: (shown.date() - day).num_days(), of_day: shown.time(), ahead }
        };
        let known = flight.aircraft.and_then(|code| self.reference.aircraft(code));
        let own = Own { capacity: flight.capacity, cutoff_minutes: flight.cutoff_minutes };
        let usual = known
            .as_deref()
            .map(|aircraft| Own { capacity: space_of(aircraft), cutoff_minutes: NewFlight::DEFAULT_CUTOFF_MINUTES });
        Leg {
            departure: time(flight.origin, flight.departure),
            arrival: time(flight.destination, flight.arrival),
            origin: flight.origin,
            destination: flight.destination,
            aircraft: flight.aircraft,
            is_freighter: flight.is_freighter,
            own: (usual != Some(own)).then(|| own.to_string()),
            also_sold_as: flight.also_sold_as.clone().unwrap_or_default(),
        }
    }
}

impl Time {
    /// Whether a record can say on which day it is.
    fn is_near(self) -> bool {
        (-1..=7).contains(&self.days)
    }

    /// The time of passengers, that of the aircraft, and local time ahead of UTC.
    fn written(self) -> String {
        let (time, ahead) = (self.of_day.format("%H%M").to_string(), self.ahead.abs());
        let sign = if self.ahead < 0 { '-' } else { '+' };
        format!("{time}{time}{sign}{:02}{:02}", ahead / 60, ahead % 60)
    }

    fn variation(self) -> String {
        if self.days < 0 { "J".to_owned() } else { self.days.to_string() }
    }
}

fn date(date: NaiveDate) -> String {
    date.format("%d%b%y").to_string().to_uppercase()
}

/// Returns periods with days of operation that have exactly these dates, each date once.
fn periods(dates: &BTreeSet<NaiveDate>) -> Vec<Period> {
    let (mut left, mut periods) = (dates.clone(), Vec::new());
    while let (Some(from), Some(last)) = (left.first().copied(), left.last().copied()) {
        let days = DaysOfOperation::of(left.range(from..from + TimeDelta::days(7)).copied());
        let each = from.iter_days().take_while(|date| *date <= last && days.contains(*date) == left.contains(date));
        let flown: Vec<NaiveDate> = each.filter(|date| left.contains(date)).collect();
        let to = flown.last().copied().unwrap_or(from);
        periods.push(Period { from, to, days: DaysOfOperation::of(flown) });
        left = left.split_off(&(to + TimeDelta::days(1)));
    }
    periods
}

#[cfg(test)]
mod tests;
