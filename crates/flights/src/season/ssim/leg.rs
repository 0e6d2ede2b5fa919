use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use loadmaster_capacity::SpaceFields;
use loadmaster_kernel::{AircraftCode, AirportCode, Fault, FaultCode, FlightNumber};
use loadmaster_platform::{tables::Clock, web::Raw};
use loadmaster_reference::{Airport, Reference};

use super::{
    super::{
        super::{dto::complete_capacity, model::NewFlight},
        days::DaysOfOperation,
        model::{LONGEST_PERIOD, ScheduleLine},
    },
    Carrier,
    own::Own,
    record::{Record, date, is_open, number},
};

/// Returns whether a leg is a flight: others carry nothing of ours.
pub(super) fn is_flight(text: &str, service_types: &[String]) -> bool {
    service_types.iter().any(|service| text[13..14].eq_ignore_ascii_case(service))
}

/// A leg as it is written: dates and times are local, or in UTC.
struct Leg {
    number: FlightNumber,
    from: NaiveDate,
    to: NaiveDate,
    days: DaysOfOperation,
    is_fortnightly: bool,
    origin: AirportCode,
    departure: NaiveTime,
    /// Days from the day of the flight to that of the departure.
    departs_after: i64,
    destination: AirportCode,
    arrival: NaiveTime,
    /// The same to that of the arrival.
    arrives_after: i64,
    aircraft: Option<AircraftCode>,
    /// The offsets from UTC that it states for departure and arrival. Blanks state none.
    offsets: (String, String),
}

/// The local times of a day.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Times {
    departure: NaiveTime,
    arrival: NaiveTime,
    departs_after: i64,
    arrives_after: i64,
    is_second: (bool, bool),
}

/// Returns the lines of a leg: more than one if its times are in UTC and the clocks change in its period, or if one of its local
/// times comes twice and is the second. `own` is what a record behind it says of capacity and cut-off. `None` after a fault.
pub(super) fn lines(
    record: &mut Record<'_>,
    own: Option<Own>,
    carrier: Carrier,
    reference: &Reference,
) -> Option<Vec<ScheduleLine>> {
    let leg = Leg::read(record, own.is_some(), carrier, reference)?;
    let (origin, destination) = (reference.airport(leg.origin)?, reference.airport(leg.destination)?);
    let mut groups = Vec::<(Times, Vec<NaiveDate>)>::new();
    for date in leg.dates() {
        let times = if carrier.is_in_utc {
            leg.converted(date, &origin, &destination)
        } else {
            leg.local(date, &origin, &destination)
        };
        match groups.last_mut() {
            Some((before, dates)) if *before == times => dates.push(date),
            _ => groups.push((times, vec![date])),
        }
    }
    if groups.is_empty() {
        record.fault("days_of_operation", &Fault::format("has no day between `from` and `to`, in columns 29 to 35"));
    }
    // Each line lasts until the next one begins, so that together they cover the period.
    let begins = groups.iter().skip(1).filter_map(|(_, dates)| dates.first().copied()).collect::<Vec<_>>();
    let firsts = std::iter::once(leg.from).chain(begins.iter().copied());
    let lasts = begins.iter().map(|date| *date - TimeDelta::days(1)).chain(std::iter::once(leg.to));
    let periods = firsts.zip(lasts);
    let known = leg.aircraft.and_then(|code| reference.aircraft(code));
    let usual = || {
        let capacity = complete_capacity(SpaceFields::default(), known.as_deref())?;
        Some(Own { capacity, cutoff_minutes: NewFlight::DEFAULT_CUTOFF_MINUTES })
    };
    let Own { capacity, cutoff_minutes } = own.or_else(usual)?;
    let is_freighter = known.as_deref().is_some_and(|aircraft| aircraft.is_freighter);
    let line = |((times, dates), (from, to)): ((Times, Vec<NaiveDate>), (NaiveDate, NaiveDate))| {
        let shift = TimeDelta::days(times.departs_after);
        Some(ScheduleLine {
            row: record.row,
            number: leg.number,
            origin: leg.origin,
            destination: leg.destination,
            departure: times.departure,
            arrival: times.arrival,
            is_second: times.is_second,
            arrival_day_offset: i8::try_from(times.arrives_after - times.departs_after).ok()?,
            days: DaysOfOperation::of(dates.into_iter().map(|date| date + shift)),
            from: from + shift,
            to: to + shift,
            fortnightly_from: leg.is_fortnightly.then(|| leg.from + shift),
            aircraft: leg.aircraft,
            is_freighter,
            capacity,
            cutoff_minutes,
            also_sold_as: None,
        })
    };
    groups.into_iter().zip(periods).map(line).collect()
}

/// Returns whether a leg states another offset from UTC than its airports have on the first day of its line. Blanks state none.
pub(super) fn states_other_offset(text: &str, line: &ScheduleLine, reference: &Reference) -> bool {
    let (origin, destination) = (reference.airport(line.origin), reference.airport(line.destination));
    let (Some(date), Some(origin), Some(destination)) = (line.dates().next(), origin, destination) else {
        return false;
    };
    let arrives = date + TimeDelta::days(line.arrival_day_offset.into());
    is_other_offset(&text[47..52], &origin, date.and_time(line.departure), line.is_second.0)
        || is_other_offset(&text[65..70], &destination, arrives.and_time(line.arrival), line.is_second.1)
}

fn is_other_offset(stated: &str, airport: &Airport, local: NaiveDateTime, is_second: bool) -> bool {
    let instant = if is_second { airport.at_second(local) } else { airport.at(local) };
    !stated.trim().is_empty() && !is_offset(stated, airport, instant)
}

/// Returns whether this is the offset of an airport from UTC at an instant.
fn is_offset(stated: &str, airport: &Airport, instant: DateTime<Utc>) -> bool {
    let minutes = airport.local(instant).offset().local_minus_utc() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let offset = format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60);
    stated == offset || (minutes == 0 && stated == "-0000")
}

/// Returns whether a local time comes twice, and the offset that is stated for it is that of the second.
fn is_second(stated: &str, airport: &Airport, local: NaiveDateTime) -> bool {
    let (first, second) = (airport.at(local), airport.at_second(local));
    first != second && is_offset(stated, airport, second)
}

impl Leg {
    /// `None` after a fault. The aircraft may be blank if something else says what the flight carries.
    fn read(record: &mut Record<'_>, has_capacity: bool, carrier: Carrier, reference: &Reference) -> Option<Self> {
        let text = record.text;
        let number_of = |_: &str| read_number(text, reference);
        let flight = record.at("flight_number", 2..9, number_of);
        record.at("itinerary_variation", 9..11, number);
        record.at("leg", 11..13, number);
        record.at("itinerary_variation_overflow", 127..128, |cell| if cell == " " { Ok(0) } else { number(cell) });
        let from = record.at("from", 14..21, date);
        let to = record.at("to", 21..28, |cell| read_to(cell, from, carrier));
        let days = record.at("days_of_operation", 28..35, str::parse::<DaysOfOperation>);
        let is_fortnightly = record.at("frequency_rate", 35..36, |cell| match cell {
            " " | "1" => Ok(false),
            "2" => Ok(true),
            _ => Err(Fault::format("must be blank, or 2 for every second week")),
        });
        let origin = record.at("origin", 36..39, |cell| reference.read_airport(Raw::Text(cell)));
        let departure = record.at("departure_time", 43..47, |cell| match read_time(cell)? {
            (time, 0) => Ok(time),
            _ => Err(Fault::format("must be from 0000 to 2359")),
        });
        let destination = record.at("destination", 54..57, |cell| reference.read_destination(Raw::Text(cell), origin));
        let arrival = record.at("arrival_time", 57..61, read_time);
        let aircraft = record.at("aircraft_code", 72..75, |cell| match cell {
            "   " if has_capacity => Ok(None),
            _ => reference.read_aircraft(Raw::Text(cell)).map(Some),
        });
        let departs_after = record.at("departure_date_variation", 192..193, read_variation);
        let arrives_after = record.at("arrival_date_variation", 193..194, read_variation);
        let (arrival, ends_day) = arrival?;
        Some(Self {
            number: flight?,
            from: from?,
            to: to?,
            days: days?,
            is_fortnightly: is_fortnightly?,
            origin: origin?,
            departure: departure?,
            departs_after: departs_after?,
            destination: destination?,
            arrival,
            arrives_after: arrives_after? + ends_day,
            aircraft: aircraft?,
            offsets: (text[47..52].to_owned(), text[65..70].to_owned()),
        })
    }

    fn dates(&self) -> impl Iterator<Item = NaiveDate> {
        let (first, is_fortnightly) = (self.from, self.is_fortnightly);
        let is_flown = move |date: &NaiveDate| !is_fortnightly || (*date - first).num_days() / 7 % 2 == 0;
        self.days.between(self.from, self.to).filter(is_flown)
    }

    /// Returns the local times of a flight whose times are local. Of one that comes twice the stated offset from UTC says which.
    fn local(&self, date: NaiveDate, origin: &Airport, destination: &Airport) -> Times {
        let Self { departure, arrival, departs_after, arrives_after, .. } = *self;
        let departs = (date + TimeDelta::days(departs_after)).and_time(departure);
        let arrives = (date + TimeDelta::days(arrives_after)).and_time(arrival);
        let (stated_departure, stated_arrival) = &self.offsets;
        let is_second = (is_second(stated_departure, origin, departs), is_second(stated_arrival, destination, arrives));
        Times { departure, arrival, departs_after, arrives_after, is_second }
    }

    /// Returns the local times of a flight whose times are in UTC.
    fn converted(&self, date: NaiveDate, origin: &Airport, destination: &Airport) -> Times {
        let departure = (date + TimeDelta::days(self.departs_after)).and_time(self.departure).and_utc();
        let arrival = (date + TimeDelta::days(self.arrives_after)).and_time(self.arrival).and_utc();
        let [departs, arrives] = [origin.local(departure), destination.local(arrival)].map(|local| local.naive_local());
        Times {
            departure: departs.time(),
            arrival: arrives.time(),
            departs_after: (departs.date() - date).num_days(),
            arrives_after: (arrives.date() - date).num_days(),
            is_second: (origin.at(departs) != departure, destination.at(arrives) != arrival),
        }
    }
}

/// Reads airline, number and suffix, which stands before both.
fn read_number(text: &str, reference: &Reference) -> Result<FlightNumber, Fault> {
    let number = format!("{}{}{}", text[2..5].trim(), text[5..9].trim(), text[1..2].trim());
    reference.read_flight_number(Raw::Text(&number))
}

/// Reads the last day of a period that begins then. One without a last day ends with the season.
fn read_to(cell: &str, from: Option<NaiveDate>, carrier: Carrier) -> Result<NaiveDate, Fault> {
    let to = match carrier.to {
        Some(to) if is_open(cell) => to,
        _ => date(cell)?,
    };
    match from {
        Some(from) if to < from => Err(Fault::new(FaultCode::OutOfOrder, "must not be before `from`")),
        Some(from) if (to - from).num_days() >= LONGEST_PERIOD => {
            Err(Fault::new(FaultCode::TooLarge, format!("must end a period of at most {LONGEST_PERIOD} days")))
        }
        _ => Ok(to),
    }
}

/// Reads a time, and the days after which it is: 2400 is 0000 of the next day.
fn read_time(cell: &str) -> Result<(NaiveTime, i64), Fault> {
    let clock = Some(cell).filter(|cell| cell.bytes().all(|byte| byte.is_ascii_digit())).and_then(Clock::parse);
    let time = clock.and_then(|clock| Some((clock.time()?, i64::from(clock.ends_day()))));
    time.ok_or_else(|| Fault::format("must be a time from 0000 to 2400"))
}

/// Reads days after the day of the flight.
fn read_variation(cell: &str) -> Result<i64, Fault> {
    match cell.as_bytes() {
        b" " => Ok(0),
        b"A" | b"J" => Ok(-1),
        [digit @ b'0'..=b'7'] => Ok(i64::from(digit - b'0')),
        _ => Err(Fault::format("must be blank, a digit up to 7, or J for the day before")),
    }
}
