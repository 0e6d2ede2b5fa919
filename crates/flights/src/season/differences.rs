use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{AircraftCode, AirportCode, FlightNumber};
use loadmaster_reference::{Airport, Reference};

use super::super::model::{Flight, NewFlight};

/// What a season does to the schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// What is refused first, then by flight number and origin.
    pub groups: Vec<Group>,
    pub unchanged: u64,
    /// Flights of the file that have departed, which stay as they are.
    pub departed: u64,
    /// Flights of the file before today, which are left out.
    pub past: u64,
    /// Legs of the file that state another offset from UTC than their airport has on their first day, which counts.
    pub other_offsets: u64,
}

/// The dates of one flight number out of one origin to which the same happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub effect: Effect,
    /// In order.
    pub dates: Vec<NaiveDate>,
}

/// What happens to a flight.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It may not become what the file says; the faults are sentences.
    Refused(Terms, Vec<String>),
    Changed {
        from: Terms,
        to: Terms,
    },
    New {
        terms: Terms,
        /// A flight of this name was cancelled before.
        was_cancelled: bool,
    },
    /// The file gives the flight on other days of a period, but not on this one. It stays as it is.
    NotInFile(Terms),
}

/// What a flight is, whatever its date.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Terms {
    pub destination: AirportCode,
    pub departure: LocalTime,
    pub arrival: LocalTime,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
    pub capacity: Space,
    pub cutoff_minutes: i64,
    /// The numbers under which other carriers sell it, in order.
    pub also_sold_as: Vec<FlightNumber>,
}

/// A local time, as seen from the local date that names the flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalTime {
    pub time: NaiveTime,
    pub days: i64,
    /// The clocks show this time twice, and this is not the first time.
    pub is_repeated: bool,
}

impl Differences {
    /// Returns the number of flights with such an effect.
    pub fn count(&self, is_counted: impl Fn(&Effect) -> bool) -> usize {
        self.groups.iter().filter(|group| is_counted(&group.effect)).map(|group| group.dates.len()).sum()
    }

    pub fn has_refused(&self) -> bool {
        self.groups.iter().any(|group| matches!(group.effect, Effect::Refused(..)))
    }

    /// Returns whether the schedule is to change.
    pub fn has_changes(&self) -> bool {
        self.groups.iter().any(|group| matches!(group.effect, Effect::New { .. } | Effect::Changed { .. }))
    }
}

/// The differences of single flights, gathered into groups.
#[derive(Debug, Default)]
pub(super) struct Gathering(HashMap<(FlightNumber, AirportCode, Effect), Vec<NaiveDate>>);

impl Gathering {
    pub fn add(&mut self, number: FlightNumber, origin: AirportCode, date: NaiveDate, effect: Effect) {
        self.0.entry((number, origin, effect)).or_default().push(date);
    }

    pub fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_iter().map(group).collect();
        // No two groups of a flight have the same first date and rank.
        groups.sort_by(|one, other| one.order().cmp(&other.order()));
        groups
    }
}

impl Group {
    fn order(&self) -> impl Ord {
        let is_accepted = !matches!(self.effect, Effect::Refused(..));
        (is_accepted, &self.number, self.origin, self.dates.first())
    }
}

fn group(((number, origin, effect), mut dates): ((FlightNumber, AirportCode, Effect), Vec<NaiveDate>)) -> Group {
    dates.sort_unstable();
    Group { number, origin, effect, dates }
}

impl Terms {
    /// Returns the terms of a flight on the schedule.
    pub(super) fn of(flight: &Flight, reference: &Reference) -> Self {
        let times = (flight.departure, flight.arrival);
        let lane = (flight.origin, flight.destination);
        let [departure, arrival] = local_times(times, lane, flight.scheduled_date, reference);
        Self {
            destination: flight.destination,
            departure,
            arrival,
            aircraft: flight.aircraft,
            is_freighter: flight.is_freighter,
            capacity: flight.space.physical,
            cutoff_minutes: (flight.departure - flight.space.cutoff).num_minutes(),
            also_sold_as: flight.also_sold_as.clone().unwrap_or_default(),
        }
    }

    /// Returns the terms that a row gives; `existing` is the flight that it changes, if it changes one.
    pub(super) fn of_new(new: &NewFlight, existing: Option<&Flight>, date: NaiveDate, reference: &Reference) -> Self {
        let others = new.also_sold_as.as_ref().or_else(|| existing?.also_sold_as.as_ref());
        let lane = (new.origin, new.destination);
        let [departure, arrival] = local_times((new.departure, new.arrival), lane, date, reference);
        Self {
            destination: new.destination,
            departure,
            arrival,
            aircraft: new.aircraft,
            is_freighter: new.is_freighter,
            capacity: new.capacity,
            cutoff_minutes: i64::from(new.cutoff_minutes),
            also_sold_as: others.cloned().unwrap_or_default(),
        }
    }
}

/// Returns the local times of departure and arrival.
fn local_times(
    (departure, arrival): (DateTime<Utc>, DateTime<Utc>),
    (origin, destination): (AirportCode, AirportCode),
    date: NaiveDate,
    reference: &Reference,
) -> [LocalTime; 2] {
    let at = |code, instant| LocalTime::of(instant, date, reference.airport(code).as_deref());
    [at(origin, departure), at(destination, arrival)]
}

impl LocalTime {
    fn of(instant: DateTime<Utc>, date: NaiveDate, airport: Option<&Airport>) -> Self {
        let local = airport.map_or_else(|| instant.naive_utc(), |airport| airport.local(instant).naive_local());
        Self {
            time: local.time(),
            days: (local.date() - date).num_days(),
            is_repeated: airport.is_some_and(|airport| airport.at(local) != instant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_is_seen_from_the_date_of_the_flight() {
        let reference = Reference::bundled().unwrap();
        let date = "2027-10-31".parse().unwrap();
        let lhr = reference.airport("LHR".parse().unwrap()).unwrap();
        for (instant, time, days, is_repeated) in [
            ("2027-10-31T00:30:00Z", "01:30:00", 0, false),
            ("2027-10-31T01:30:00Z", "01:30:00", 0, true),
            ("2027-11-01T02:00:00Z", "02:00:00", 1, false),
            ("2027-10-30T22:59:00Z", "23:59:00", -1, false),
        ] {
            let local = LocalTime::of(instant.parse().unwrap(), date, Some(&lhr));
            assert_eq!((local.time.to_string().as_str(), local.days, local.is_repeated), (time, days, is_repeated));
        }
    }

    #[test]
    fn dates_with_the_same_effect_are_gathered_and_what_is_refused_comes_first() {
        let time = |text: &str| LocalTime { time: text.parse().unwrap(), days: 0, is_repeated: false };
        let terms = |departure| Terms {
            destination: "LHR".parse().unwrap(),
            departure: time(departure),
            arrival: time("14:00"),
            aircraft: None,
            is_freighter: false,
            capacity: Space::default(),
            cutoff_minutes: 60,
            also_sold_as: Vec::new(),
        };
        let new = |departure| Effect::New { terms: terms(departure), was_cancelled: false };
        let mut gathering = Gathering::default();
        let mut add = |number: &str, date: &str, effect| {
            gathering.add(number.parse().unwrap(), "DEL".parse().unwrap(), date.parse().unwrap(), effect);
        };
        add("AI102", "2026-12-02", new("09:00"));
        add("AI101", "2026-12-03", new("09:00"));
        add("AI101", "2026-12-02", new("10:00"));
        add("AI101", "2026-12-01", new("09:00"));
        add("AI103", "2026-12-01", Effect::Refused(terms("09:00"), vec!["No.".to_owned()]));
        add("AI101", "2026-12-05", Effect::NotInFile(terms("09:00")));
        let groups = gathering.finish();
        let shown: Vec<_> = groups.iter().map(|group| (group.number.as_str(), group.dates.len())).collect();
        assert_eq!(shown, [("AI103", 1), ("AI101", 2), ("AI101", 1), ("AI101", 1), ("AI102", 1)]);
        assert_eq!(groups[1].dates, ["2026-12-01", "2026-12-03"].map(|date| date.parse().unwrap()));

        let differences = Differences { groups, unchanged: 7, departed: 0, past: 0, other_offsets: 0 };
        assert_eq!(differences.count(|effect| matches!(effect, Effect::New { .. })), 4);
        assert!(differences.has_refused() && differences.has_changes());
        let rest = differences.groups.into_iter().filter(|group| matches!(group.effect, Effect::NotInFile(_)));
        let rest = Differences { groups: rest.collect(), ..Differences::default() };
        assert!(!rest.has_refused() && !rest.has_changes());
    }
}
