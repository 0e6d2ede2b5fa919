//! Who is refused is told at most three ways to send the same freight, that day or one of the next three.
mod amending;
mod booking;
mod searching;

use loadmaster_testkit::NewFlight;
use serde_json::Value;

/// The flight numbers of each alternative, as `AI1+AI2`. Each can be booked.
#[track_caller]
fn names(answer: &Value) -> Vec<String> {
    let options = answer["alternatives"].as_array().unwrap_or_else(|| panic!("no alternatives in {answer}"));
    let name = |option: &Value| {
        assert_eq!((&option["bookable"], &option["reasons"]), (&true.into(), &Value::Array(Vec::new())), "{option}");
        let flights = option["flights"].as_array().expect("flights").iter();
        flights.map(|flight| flight["flight_number"].as_str().expect("a number")).collect::<Vec<_>>().join("+")
    };
    options.iter().map(name).collect()
}

/// DEL–LHR at this local time of a day in November 2026, nine hours.
fn on(number: &str, local: &str) -> NewFlight {
    between(number, ("DEL", "LHR"), local, 540)
}

fn between(number: &str, (from, to): (&'static str, &'static str), local: &str, minutes: i64) -> NewFlight {
    NewFlight::new(number, from, to).departs(&format!("2026-11-{local}:00+05:30")).takes_minutes(minutes)
}
