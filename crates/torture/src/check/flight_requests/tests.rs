use super::*;
use crate::{
    operation::{Actor, flight::Row},
    wire::Request,
};

fn fly(kind: Kind) -> Operation {
    Operation::new(kind, Actor::Staff, 0, Request::get("/api/v1/flights/f/step".to_owned()))
}

fn done(kind: Kind, bookings: usize, left_behind: &[&str]) -> Operation {
    let left_behind = left_behind.iter().map(|left| (*left).to_owned()).collect();
    Operation {
        ack: Some(Ack { call: 7, bookings_changed: Some(bookings), left_behind, ..Ack::default() }),
        ..fly(kind)
    }
}

fn booking(reference: &str, kinds: &[&str]) -> Found {
    let event = |kind: &&str| Event { kind: (*kind).to_owned(), flight: Some("f".to_owned()), note: None };
    Found { reference: reference.to_owned(), events: kinds.iter().map(event).collect(), ..Found::default() }
}

#[track_caller]
fn expect(found: &[Found], operations: &[Operation], words: &[&str]) {
    let reported: Vec<_> = judge(found, operations).into_iter().map(|breach| breach.what).collect();
    assert!(
        reported.len() == words.len() && reported.iter().zip(words).all(|(reported, words)| reported.contains(words)),
        "{reported:#?}"
    );
}

#[test]
fn an_acknowledged_step_of_a_flight_is_an_event_of_the_acknowledged_number_of_bookings() {
    let found = [booking("one", &["BOOKED", "DEPARTED"]), booking("two", &["BOOKED", "OFFLOADED"])];
    let departed = done(Kind::FlightDepart, 2, &["two"]);
    expect(&found, std::slice::from_ref(&departed), &[]);
    expect(
        &found[1..],
        std::slice::from_ref(&departed),
        &["changed 2 bookings, 1 of them left behind, with 0 pending, but 0 have the event"],
    );
    expect(&found[..1], &[departed], &["two was left behind by f (call 7)"]);
    expect(&found, &[done(Kind::FlightCancel, 1, &[])], &["the flight cancel of f (call 7) changed 1 bookings"]);
}

#[test]
fn pending_bookings_may_follow_and_no_others() {
    let mut departed = done(Kind::FlightDepart, 0, &[]);
    departed.ack.as_mut().unwrap().bookings_pending = 1;
    let found = [booking("one", &["BOOKED", "DEPARTED"]), booking("two", &["BOOKED", "DEPARTED"])];
    expect(&[], std::slice::from_ref(&departed), &[]);
    expect(&found[..1], std::slice::from_ref(&departed), &[]);
    expect(&found, &[departed], &["changed 0 bookings, 0 of them left behind, with 1 pending, but 2 have the event"]);
}

#[test]
fn each_acknowledged_offload_is_an_event_of_its_booking() {
    let named = Operation { named: vec!["one".to_owned()], ack: Some(Ack::default()), ..fly(Kind::Offload) };
    expect(&[booking("one", &["BOOKED", "OFFLOADED"])], std::slice::from_ref(&named), &[]);
    expect(
        &[booking("one", &["BOOKED", "OFFLOADED"])],
        &[named.clone(), named.clone()],
        &["lost: one was offloaded from f"],
    );
    expect(&[booking("two", &["BOOKED", "OFFLOADED"])], &[named], &["lost: one was offloaded from f"]);
}

#[test]
fn a_flights_status_follows_from_the_operations_on_it() {
    let operations = [done(Kind::FlightDepart, 0, &[])];
    let flight_requests = FlightRequests::of(&operations);
    assert_eq!(flight_requests.contradiction("f", "DEPARTED"), None);
    assert!(flight_requests.contradiction("f", "SCHEDULED").is_some_and(|breach| breach.what.starts_with("lost: ")));
    assert!(flight_requests.contradiction("f", "ARRIVED").is_some_and(|breach| breach.promise == Promise::OneEffect));
    assert_eq!(flight_requests.contradiction("g", "SCHEDULED"), None);
    assert!(flight_requests.contradiction("g", "CANCELLED").is_some());
    assert_eq!((flight_requests.versions("f"), flight_requests.versions("g")), (1, 0));
}

#[test]
fn a_flight_that_an_import_made_in_the_place_of_a_cancelled_one_is_retimed_by_imports_alone() {
    let leaves = "2026-01-01T10:00:00Z".parse().unwrap();
    let row = Row {
        number: "AI1".to_owned(),
        origin: "DEL".to_owned(),
        destination: "BOM".to_owned(),
        leaves,
        lands: leaves,
        weight_kg: 300,
        flight: Some("f".to_owned()),
    };
    let import = Operation { rows: vec![row], unknown: 1, ..fly(Kind::Import) };
    let operations = [import.clone(), Operation { unknown: 0, ..import }];
    let flight_requests = FlightRequests::of(&operations);
    let event = |kind: &str| Event { kind: kind.to_owned(), ..Event::default() };
    assert_eq!(flight_requests.possible("new", "one", &event("FLIGHT_RETIMED")), 1);
    assert_eq!(flight_requests.possible("new", "one", &event("FLIGHT_CANCELLED")), 0);
}
