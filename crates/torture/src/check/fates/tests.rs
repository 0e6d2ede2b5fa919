use super::*;
use crate::{deed::Who, wire::Request};

fn fly(kind: Kind) -> Deed {
    Deed::new(kind, Who::Staff, 0, Request::get("/api/v1/flights/f/step".to_owned()))
}

fn done(kind: Kind, bookings: usize, left_behind: &[&str]) -> Deed {
    let left_behind = left_behind.iter().map(|left| (*left).to_owned()).collect();
    Deed { ack: Some(Ack { call: 7, bookings_changed: Some(bookings), left_behind, ..Ack::default() }), ..fly(kind) }
}

fn booking(reference: &str, kinds: &[&str]) -> Found {
    let event = |kind: &&str| Event { kind: (*kind).to_owned(), flight: Some("f".to_owned()), note: None };
    Found { reference: reference.to_owned(), events: kinds.iter().map(event).collect(), ..Found::default() }
}

#[track_caller]
fn expect(found: &[Found], deeds: &[Deed], words: &[&str]) {
    let told: Vec<_> = judge(found, deeds).into_iter().map(|breach| breach.what).collect();
    assert!(told.len() == words.len() && told.iter().zip(words).all(|(told, words)| told.contains(words)), "{told:#?}");
}

#[test]
fn an_acknowledged_step_of_a_flight_is_told_by_as_many_bookings_as_it_said() {
    let found = [booking("one", &["BOOKED", "DEPARTED"]), booking("two", &["BOOKED", "OFFLOADED"])];
    let departed = done(Kind::FlightDepart, 2, &["two"]);
    expect(&found, std::slice::from_ref(&departed), &[]);
    expect(
        &found[1..],
        std::slice::from_ref(&departed),
        &["changed 2 bookings, 1 of them left behind, with 0 to follow, and 0 tell"],
    );
    expect(&found[..1], &[departed], &["two was left behind by f (call 7)"]);
    expect(&found, &[done(Kind::FlightCancel, 1, &[])], &["the flight cancel of f (call 7) changed 1 bookings"]);
}

#[test]
fn what_follows_a_step_is_told_later_and_no_more_of_it() {
    let mut departed = done(Kind::FlightDepart, 0, &[]);
    departed.ack.as_mut().unwrap().bookings_pending = 1;
    let found = [booking("one", &["BOOKED", "DEPARTED"]), booking("two", &["BOOKED", "DEPARTED"])];
    expect(&[], std::slice::from_ref(&departed), &[]);
    expect(&found[..1], std::slice::from_ref(&departed), &[]);
    expect(&found, &[departed], &["changed 0 bookings, 0 of them left behind, with 1 to follow, and 2 tell of it"]);
}

#[test]
fn an_acknowledged_offload_is_told_by_its_booking_each_time() {
    let named = Deed { named: vec!["one".to_owned()], ack: Some(Ack::default()), ..fly(Kind::Offload) };
    expect(&[booking("one", &["BOOKED", "OFFLOADED"])], std::slice::from_ref(&named), &[]);
    expect(
        &[booking("one", &["BOOKED", "OFFLOADED"])],
        &[named.clone(), named.clone()],
        &["lost: one was taken off f"],
    );
    expect(&[booking("two", &["BOOKED", "OFFLOADED"])], &[named], &["lost: one was taken off f"]);
}

#[test]
fn a_flights_status_follows_from_what_was_asked_of_it() {
    let deeds = [done(Kind::FlightDepart, 0, &[])];
    let fates = Fates::of(&deeds);
    assert_eq!(fates.contradiction("f", "DEPARTED"), None);
    assert!(fates.contradiction("f", "SCHEDULED").is_some_and(|breach| breach.what.starts_with("lost: ")));
    assert!(fates.contradiction("f", "ARRIVED").is_some_and(|breach| breach.promise == Promise::OneEffect));
    assert_eq!(fates.contradiction("g", "SCHEDULED"), None);
    assert!(fates.contradiction("g", "CANCELLED").is_some());
    assert_eq!((fates.versions("f"), fates.versions("g")), (1, 0));
}
