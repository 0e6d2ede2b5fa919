use chrono::{NaiveDate, TimeDelta};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_reference::Airport;

use super::{
    super::{model::NewFlight, model::fault_of_arrival},
    model::ScheduleLine,
};

/// The column at fault, and the fault.
pub(super) type Cause = (&'static str, Fault);

impl ScheduleLine {
    /// Returns the dated flights of the line, each with its local date of departure, or why a date cannot be flown.
    ///
    /// Local times become instants as [`Airport::at`] says: one that the clocks skip moves forward with them, and one that
    /// comes twice is the first, unless the line says otherwise.
    pub fn expand(&self, origin: &Airport, destination: &Airport) -> Result<Vec<(NaiveDate, NewFlight)>, Cause> {
        self.dates().map(|date| Ok((date, self.on(date, origin, destination)?))).collect()
    }

    fn on(&self, date: NaiveDate, origin: &Airport, destination: &Airport) -> Result<NewFlight, Cause> {
        let arrival_date = date + TimeDelta::days(i64::from(self.arrival_day_offset));
        let at =
            |airport: &Airport, local, is_second| if is_second { airport.at_second(local) } else { airport.at(local) };
        let departure = at(origin, date.and_time(self.departure), self.is_second.0);
        let arrival = at(destination, arrival_date.and_time(self.arrival), self.is_second.1);
        if origin.local_date(departure) != date {
            let text = format!("does not exist on {date}, when the clocks go forward past midnight");
            return Err(("departure_time", Fault::new(FaultCode::NotAllowed, text)));
        }
        if let Some(fault) = fault_of_arrival(departure, arrival) {
            return Err(("arrival_time", Fault::new(fault.code, format!("{} on {date}", fault.message))));
        }
        Ok(NewFlight {
            number: self.number,
            origin: self.origin,
            destination: self.destination,
            departure,
            arrival,
            aircraft: self.aircraft,
            is_freighter: self.is_freighter,
            capacity: self.capacity,
            cutoff_minutes: self.cutoff_minutes,
            also_sold_as: self.also_sold_as.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadmaster_capacity::Space;
    use loadmaster_reference::Reference;

    /// A line of AI101; `times` are those of departure and arrival, and the days between.
    fn line(lane: (&str, &str), times: (&str, &str, i8), days: &str, period: (&str, &str)) -> ScheduleLine {
        ScheduleLine {
            row: 1,
            number: "AI101".parse().unwrap(),
            origin: lane.0.parse().unwrap(),
            destination: lane.1.parse().unwrap(),
            departure: times.0.parse().unwrap(),
            arrival: times.1.parse().unwrap(),
            is_second: (false, false),
            arrival_day_offset: times.2,
            days: days.parse().unwrap(),
            from: period.0.parse().unwrap(),
            to: period.1.parse().unwrap(),
            fortnightly_from: None,
            aircraft: None,
            is_freighter: false,
            capacity: Space::default(),
            cutoff_minutes: 60,
            also_sold_as: None,
        }
    }

    /// The flights as `date departure arrival`, in UTC.
    fn expanded(line: &ScheduleLine) -> Result<Vec<String>, String> {
        let reference = Reference::bundled().unwrap();
        let airport = |code| reference.airport(code).unwrap();
        let shown = |(date, flight): (NaiveDate, NewFlight)| {
            let [departure, arrival] = [flight.departure, flight.arrival].map(|at| at.format("%d %H:%M"));
            format!("{date} {departure} {arrival}")
        };
        match line.expand(&airport(line.origin), &airport(line.destination)) {
            Ok(flights) => Ok(flights.into_iter().map(shown).collect()),
            Err((column, fault)) => Err(format!("{column} {}", fault.message)),
        }
    }

    #[track_caller]
    fn check(line: &ScheduleLine, expected: &[&str]) {
        assert_eq!(expanded(line).unwrap(), expected);
    }

    #[test]
    fn a_line_flies_on_its_days_from_the_first_to_the_last() {
        let line = line(("DEL", "LHR"), ("10:00", "14:30", 0), "1.3....", ("2026-12-02", "2026-12-14"));
        check(
            &line,
            &[
                "2026-12-02 02 04:30 02 14:30",
                "2026-12-07 07 04:30 07 14:30",
                "2026-12-09 09 04:30 09 14:30",
                "2026-12-14 14 04:30 14 14:30",
            ],
        );
    }

    #[test]
    fn half_an_hour_of_a_zone_counts_in_both_directions() {
        let out = line(("DEL", "LHR"), ("00:15", "05:00", 0), "7", ("2026-12-06", "2026-12-06"));
        check(&out, &["2026-12-06 05 18:45 06 05:00"]);
        let home = line(("LHR", "DEL"), ("21:00", "11:10", 1), "7", ("2026-12-06", "2026-12-06"));
        check(&home, &["2026-12-06 06 21:00 07 05:40"]);
    }

    #[test]
    fn local_times_stay_when_the_clocks_change() {
        // London goes to summer time on 28 March 2027 and back on 31 October.
        let spring = line(("LHR", "DEL"), ("21:00", "11:10", 1), "1234567", ("2027-03-27", "2027-03-28"));
        check(&spring, &["2027-03-27 27 21:00 28 05:40", "2027-03-28 28 20:00 29 05:40"]);
        let autumn = line(("LHR", "DEL"), ("21:00", "11:10", 1), "1234567", ("2027-10-30", "2027-10-31"));
        check(&autumn, &["2027-10-30 30 20:00 31 05:40", "2027-10-31 31 21:00 01 05:40"]);
    }

    #[test]
    fn in_the_night_of_london_that_lacks_an_hour_its_times_move_forward() {
        // 01:30 does not exist: it is 02:30. So is an arrival.
        let departing = line(("LHR", "FRA"), ("01:30", "04:00", 0), "1234567", ("2027-03-27", "2027-03-29"));
        check(
            &departing,
            &["2027-03-27 27 01:30 27 03:00", "2027-03-28 28 01:30 28 02:00", "2027-03-29 29 00:30 29 02:00"],
        );
        let arriving = line(("DEL", "LHR"), ("21:00", "01:30", 1), "6", ("2027-03-27", "2027-03-27"));
        check(&arriving, &["2027-03-27 27 15:30 28 01:30"]);
    }

    #[test]
    fn in_the_night_of_london_that_has_an_hour_twice_its_times_are_the_first() {
        let departing = line(("LHR", "FRA"), ("01:30", "04:00", 0), "1234567", ("2027-10-30", "2027-11-01"));
        check(
            &departing,
            &["2027-10-30 30 00:30 30 02:00", "2027-10-31 31 00:30 31 03:00", "2027-11-01 01 01:30 01 03:00"],
        );
    }

    #[test]
    fn in_both_nights_of_new_york_too() {
        let spring = line(("JFK", "LHR"), ("02:30", "14:00", 0), "1234567", ("2027-03-13", "2027-03-15"));
        check(
            &spring,
            &["2027-03-13 13 07:30 13 14:00", "2027-03-14 14 07:30 14 14:00", "2027-03-15 15 06:30 15 14:00"],
        );
        let autumn = line(("JFK", "LHR"), ("01:30", "13:00", 0), "1234567", ("2027-11-06", "2027-11-08"));
        check(
            &autumn,
            &["2027-11-06 06 05:30 06 13:00", "2027-11-07 07 05:30 07 13:00", "2027-11-08 08 06:30 08 13:00"],
        );
    }

    #[test]
    fn a_flight_across_the_date_line_arrives_on_the_day_before_or_after_the_next() {
        // Apia is 13 hours ahead of UTC, Pago Pago 11 behind.
        let east = line(("APW", "PPG"), ("08:00", "08:40", -1), "5", ("2026-12-04", "2026-12-04"));
        check(&east, &["2026-12-04 03 19:00 03 19:40"]);
        let west = line(("PPG", "APW"), ("09:00", "09:40", 1), "5", ("2026-12-04", "2026-12-04"));
        check(&west, &["2026-12-04 04 20:00 04 20:40"]);
        let late = line(("PPG", "APW"), ("23:30", "00:10", 2), "5", ("2026-12-04", "2026-12-04"));
        check(&late, &["2026-12-04 05 10:30 05 11:10"]);
    }

    #[test]
    fn an_arrival_that_is_not_after_the_departure_is_reported_with_its_date() {
        let line = |times, date| line(("LHR", "FRA"), times, "1234567", date);
        let day = ("2027-03-27", "2027-03-29");
        let before = expanded(&line(("10:00", "10:30", 0), day)).unwrap_err();
        assert_eq!(before, "arrival_time must be after the departure on 2027-03-27");
        // The night before lacks an hour.
        let long = expanded(&line(("10:00", "11:01", 1), day)).unwrap_err();
        assert_eq!(long, "arrival_time must be at most 24 hours after the departure on 2027-03-28");
        // Real time counts: 03:15 in Frankfurt is after 01:30 in London, but not in the night that lacks an hour.
        let night = expanded(&line(("01:30", "03:15", 0), day)).unwrap_err();
        assert_eq!(night, "arrival_time must be after the departure on 2027-03-28");
    }

    #[test]
    fn a_departure_that_the_clocks_move_to_the_next_day_is_reported() {
        // Nuuk skips from 23:00 to midnight.
        let night = line(("GOH", "CPH"), ("23:30", "06:00", 1), "6", ("2027-03-27", "2027-03-27"));
        let fault = expanded(&night).unwrap_err();
        assert_eq!(fault, "departure_time does not exist on 2027-03-27, when the clocks go forward past midnight");
    }
}
