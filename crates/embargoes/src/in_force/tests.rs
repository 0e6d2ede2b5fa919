use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_capacity::Space;
use loadmaster_flights::NewFlight;
use loadmaster_kernel::FlightId;
use loadmaster_reference::Scope;
use uuid::Uuid;

use super::*;

use crate::model::Terms;

fn codes(words: &[&str]) -> Vec<HandlingCode> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Forbids everything everywhere from 2026 on.
fn terms() -> Terms {
    Terms {
        name: "All".to_owned(),
        reason: "A test".to_owned(),
        airline: None,
        origin: Scope::everywhere(),
        destination: Scope::everywhere(),
        flight_numbers: Vec::new(),
        valid_from: date("2026-01-01"),
        valid_to: None,
        aircraft: None,
        is_freighter: None,
        weekdays: Vec::new(),
        handling_codes: Vec::new(),
        effect: Effect::Forbid,
    }
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn embargo(number: u128, terms: Terms) -> Embargo {
    let at = DateTime::UNIX_EPOCH;
    let id = Uuid::from_u128(number).into();
    Embargo { id, terms, version: 1, created_at: at, updated_at: at, ended_at: None }
}

fn in_force(terms: Vec<Terms>) -> Embargoes {
    let all = (1..).zip(terms).map(|(number, terms)| embargo(number, terms)).collect();
    Embargoes::new(all, &Reference::bundled().unwrap())
}

/// AI101 from Delhi to London on Saturday, 21 November 2026, 08:30 UTC.
fn new_flight() -> NewFlight {
    let departure: DateTime<Utc> = "2026-11-21T08:30:00Z".parse().unwrap();
    NewFlight {
        number: "AI101".parse().unwrap(),
        origin: "DEL".parse().unwrap(),
        destination: "LHR".parse().unwrap(),
        departure,
        arrival: departure + TimeDelta::hours(9),
        aircraft: Some("77W".parse().unwrap()),
        is_freighter: false,
        capacity: Space::default(),
        cutoff_minutes: 60,
        also_sold_as: None,
    }
}

fn flight(number: u128, new: &NewFlight) -> Flight {
    new.as_flight(FlightId::from(Uuid::from_u128(number)), date("2026-11-21"), DateTime::UNIX_EPOCH)
}

fn stops(terms: Terms, new: &NewFlight, freight: &[&str]) -> bool {
    in_force(vec![terms]).first_violation(&[flight(1, new)], &codes(freight)).is_some()
}

#[test]
fn every_member_narrows_an_embargo() {
    let plain = new_flight();
    assert!(stops(terms(), &plain, &[]));
    let matching: [fn(&mut Terms); 12] = [
        |terms| terms.airline = Some("AI".parse().unwrap()),
        |terms| terms.origin = scope("DEL"),
        |terms| terms.origin = scope("country:IN"),
        |terms| terms.destination = scope("city:London,GB"),
        |terms| terms.destination = scope("region:EUROPE"),
        |terms| terms.flight_numbers = vec!["BA1".parse().unwrap(), "AI101".parse().unwrap()],
        |terms| terms.valid_from = date("2026-11-21"),
        |terms| terms.valid_to = Some(date("2026-11-21")),
        |terms| terms.aircraft = Some("77W".parse().unwrap()),
        |terms| terms.is_freighter = Some(false),
        |terms| terms.weekdays = vec![1, 6],
        |terms| terms.handling_codes = codes(&["AVI", "PER"]),
    ];
    let other: [fn(&mut Terms); 12] = [
        |terms| terms.airline = Some("BA".parse().unwrap()),
        |terms| terms.origin = scope("LHR"),
        |terms| terms.origin = scope("country:GB"),
        |terms| terms.destination = scope("city:New Delhi,IN"),
        |terms| terms.destination = scope("region:ASIA"),
        |terms| terms.flight_numbers = vec!["AI1".parse().unwrap()],
        |terms| terms.valid_from = date("2026-11-22"),
        |terms| terms.valid_to = Some(date("2026-11-20")),
        |terms| terms.aircraft = Some("77X".parse().unwrap()),
        |terms| terms.is_freighter = Some(true),
        |terms| terms.weekdays = vec![1, 2, 3, 4, 5, 7],
        |terms| terms.handling_codes = codes(&["AVI"]),
    ];
    for (number, (matching, other)) in matching.into_iter().zip(other).enumerate() {
        let narrowed = |by: fn(&mut Terms)| {
            let mut terms = terms();
            by(&mut terms);
            stops(terms, &plain, &["PER", "HEA"])
        };
        assert!(narrowed(matching), "matching {number}");
        assert!(!narrowed(other), "other {number}");
    }
    let bare = NewFlight { aircraft: None, ..plain };
    assert!(!stops(Terms { aircraft: Some("77W".parse().unwrap()), ..terms() }, &bare, &[]));
}

#[test]
fn the_date_and_the_weekday_are_those_of_the_local_departure() {
    // 23:30 UTC on Saturday is 05:00 on Sunday in Delhi.
    let late = NewFlight { departure: "2026-11-21T23:30:00Z".parse().unwrap(), ..new_flight() };
    let on = |day: &str, weekday| {
        let only = Terms { valid_from: date(day), valid_to: Some(date(day)), weekdays: vec![weekday], ..terms() };
        stops(only, &late, &[])
    };
    assert!(on("2026-11-22", 7));
    assert!(!on("2026-11-21", 6));
    assert!(!on("2026-11-22", 6));
}

#[test]
fn forbidden_is_freight_with_any_of_the_codes() {
    let flammable = || Terms { handling_codes: codes(&["RFL", "RFG"]), ..terms() };
    assert!(stops(flammable(), &new_flight(), &["RFL"]));
    assert!(stops(flammable(), &new_flight(), &["HEA", "RFG"]));
    assert!(!stops(flammable(), &new_flight(), &["HEA"]));
    assert!(!stops(flammable(), &new_flight(), &[]));
}

#[test]
fn required_is_one_of_the_codes_for_the_freight_concerned() {
    let cool =
        || Terms { handling_codes: codes(&["PER"]), effect: Effect::RequireAny(codes(&["COL", "FRO"])), ..terms() };
    assert!(stops(cool(), &new_flight(), &["PER"]));
    assert!(!stops(cool(), &new_flight(), &["PER", "FRO"]));
    assert!(!stops(cool(), &new_flight(), &["HEA"]));
    let all = || Terms { handling_codes: Vec::new(), ..cool() };
    assert!(stops(all(), &new_flight(), &[]));
    assert!(!stops(all(), &new_flight(), &["COL"]));
}

#[test]
fn the_first_leg_is_named_and_on_it_the_narrowest_embargo_that_forbids() {
    let first = flight(1, &new_flight());
    let second = NewFlight {
        number: "AI102".parse().unwrap(),
        origin: "LHR".parse().unwrap(),
        destination: "JFK".parse().unwrap(),
        ..new_flight()
    };
    let legs = [first, flight(2, &second)];
    let named = |terms: Vec<Terms>| in_force(terms).first_violation(&legs, &[]).unwrap();
    let from = |origin: &str| Terms { origin: scope(origin), ..terms() };
    let only = |origin: &str| Terms { effect: Effect::RequireAny(codes(&["COL"])), ..from(origin) };

    let violation = named(vec![from("LHR"), only("country:IN")]);
    assert_eq!((violation.embargo_id.uuid().as_u128(), violation.flight_id.uuid().as_u128()), (2, 1));
    assert_eq!(violation.obstacle, Obstacle::HandlingRequired(codes(&["COL"])));
    let ordered = ["*", "region:ASIA", "country:IN", "city:New Delhi,IN", "DEL"];
    for (number, narrower) in (2..).zip(&ordered[1..]) {
        let upto: Vec<Terms> = ordered[..number].iter().map(|origin| from(origin)).collect();
        let violation = named(upto);
        assert_eq!(violation.embargo_id.uuid().as_u128(), number as u128, "{narrower}");
        assert_eq!(violation.obstacle, Obstacle::Forbidden);
    }
    let to = |destination: &str| Terms { destination: scope(destination), ..terms() };
    assert_eq!(named(vec![to("country:GB"), to("LHR")]).embargo_id.uuid().as_u128(), 2);
    assert_eq!(named(vec![only("DEL"), from("*")]).embargo_id.uuid().as_u128(), 2, "what forbids precedes");
    assert_eq!(named(vec![from("DEL"), from("DEL")]).embargo_id.uuid().as_u128(), 1, "then the older one");
}

#[test]
fn a_verdict_names_all_effects_on_all_legs() {
    let cool = Terms { origin: scope("DEL"), effect: Effect::RequireAny(codes(&["COL"])), ..terms() };
    let both = in_force(vec![cool, Terms { origin: scope("LHR"), ..terms() }]);
    let first = flight(1, &new_flight());
    let second =
        flight(2, &NewFlight { origin: "LHR".parse().unwrap(), destination: "JFK".parse().unwrap(), ..new_flight() });
    let stopping = both.for_freight(&[]);
    let verdict = |is_embargoed, requires_handling| Verdict { is_embargoed, requires_handling };
    assert_eq!(stopping.on_flights(std::slice::from_ref(&first)), verdict(false, true));
    assert_eq!(stopping.on_flights(&[first.clone(), second]), verdict(true, true));
    assert_eq!(both.for_freight(&codes(&["COL"])).on_flights(&[first]), Verdict::default());
}

#[test]
fn only_freight_that_is_stopped_alike_has_the_same_key() {
    let flammable = Terms { handling_codes: codes(&["RFL"]), ..terms() };
    let (one, other) = (in_force(vec![flammable.clone()]), in_force(vec![flammable]));
    let key = |embargoes: &Embargoes, freight: &[&str]| embargoes.for_freight(&codes(freight)).key();
    assert_eq!(key(&one, &["HEA"]), key(&other, &[]), "nothing stops it");
    assert_eq!(key(&one, &["RFL"]), key(&one, &["HEA", "RFL"]));
    assert_ne!(key(&one, &["RFL"]), key(&one, &[]));
    assert_ne!(key(&one, &["RFL"]), key(&other, &["RFL"]));
}
