use serde_json::json;

use super::*;
use crate::{
    deed::{Who, path_of, step},
    wire::{Refusal, Request},
};

const RUN: &str = "t";

fn booking(mark: &str, events: &[&str]) -> Found {
    Found {
        reference: format!("ACB-{mark}"),
        mark: mark.to_owned(),
        version: events.len() as u64,
        booked_kg: Some(10.0),
        way: vec![["DEL".to_owned(), "BOM".to_owned()]],
        ends: ["DEL".to_owned(), "BOM".to_owned()],
        events: events.iter().map(|kind| event(kind, None)).collect(),
        gapless: true,
        ..Found::default()
    }
}

/// Of the flight `f`.
fn event(kind: &str, note: Option<&str>) -> Event {
    Event { kind: kind.to_owned(), flight: Some("f".to_owned()), note: note.map(str::to_owned) }
}

fn ack(mark: &str, version: u64) -> Ack {
    let reference = format!("ACB-{mark}");
    Ack { call: 7, completed: 1, reference, version, weight_kg: Some(10.0), ..Ack::default() }
}

fn wish(mark: &str) -> Deed {
    let body = Some(json!({"customer_reference": mark}));
    Deed::new(Kind::Book, Who::Shipper(0), 0, Request { body, ..Request::get("/api/v1/bookings".to_owned()) })
}

fn booked(mark: &str) -> Deed {
    Deed { ack: Some(ack(mark, 1)), ..wish(mark) }
}

fn refused(deed: Deed) -> Deed {
    let refusal = Refusal { status: 409, code: "capacity_exceeded".to_owned(), detail: String::new(), wait: None };
    Deed { refusal: Some(refusal), ..deed }
}

fn change(kind: Kind, mark: &str) -> Deed {
    Deed::new(kind, Who::Staff, 0, step(kind, &format!("ACB-{mark}")))
}

fn done(kind: Kind, mark: &str, version: u64) -> Deed {
    Deed { ack: Some(ack(mark, version)), ..change(kind, mark) }
}

#[track_caller]
fn expect(found: &[Found], deeds: &[Deed], expected: &[(Promise, &str)]) {
    let told = judge(found, deeds, &Fates::of(deeds), RUN);
    let fits = told.len() == expected.len()
        && told
            .iter()
            .zip(expected)
            .all(|(told, (promise, words))| told.promise == *promise && told.what.contains(words));
    assert!(fits, "{told:#?}");
}

#[test]
fn what_was_acknowledged_refused_or_unknown_as_it_should_be_is_no_breach() {
    let found = [
        booking("t-1", &["BOOKED", "AMENDED", "DEPARTED", "CANCELLED"]),
        booking("t-2", &["BOOKED"]),
        booking("t-4", &["BOOKED", "DEPARTED"]),
    ];
    let unknown = |deed: Deed| Deed { unknown: 1, ..deed };
    let deeds = [
        booked("t-1"),
        done(Kind::Cancel, "t-1", 4),
        done(Kind::Depart, "t-1", 3),
        unknown(change(Kind::Amend, "t-1")),
        unknown(wish("t-2")),
        unknown(wish("t-3")),
        refused(wish("t-5")),
        booked("t-4"),
        // It was still under way when its repetition was refused.
        unknown(refused(change(Kind::Depart, "t-4"))),
    ];
    expect(&found, &deeds, &[]);
}

#[test]
fn an_acknowledged_booking_that_is_not_there_is_lost() {
    expect(&[], &[booked("t-1")], &[(Promise::NothingLost, "lost: ACB-t-1 (t-1), acknowledged by call 7")]);
    let other = Found { frame: 5, ..booking("t-1", &["BOOKED"]) };
    expect(&[other], &[booked("t-1")], &[(Promise::NothingLost, "is not what call 7 acknowledged")]);
}

#[test]
fn an_acknowledged_step_that_is_not_there_or_not_in_its_place_is_lost() {
    let found = [booking("t-1", &["BOOKED"])];
    let deeds = [booked("t-1"), done(Kind::Depart, "t-1", 2)];
    expect(&found, &deeds, &[(Promise::NothingLost, "lost: the depart of ACB-t-1")]);
    let found = [booking("t-1", &["BOOKED", "CANCELLED", "DEPARTED"])];
    let deeds = [booked("t-1"), done(Kind::Depart, "t-1", 2), done(Kind::Cancel, "t-1", 3)];
    expect(&found, &deeds, &[(Promise::NothingLost, "lost: the cancel of ACB-t-1")]);
}

#[test]
fn a_refused_call_that_left_something_is_told() {
    let found = [booking("t-1", &["BOOKED"])];
    expect(&found, &[refused(wish("t-1"))], &[(Promise::NothingLost, "t-1 was refused, and left ACB-t-1")]);
    let found = [booking("t-1", &["BOOKED", "CANCELLED"])];
    let deeds = [booked("t-1"), refused(change(Kind::Cancel, "t-1"))];
    expect(&found, &deeds, &[(Promise::OneEffect, "1 events CANCELLED, and 0 calls")]);
}

#[test]
fn a_mark_that_is_there_twice_or_that_nobody_gave_is_told() {
    let twice = [booking("t-1", &["BOOKED"]), Found { reference: "ACB-2".to_owned(), ..booking("t-1", &["BOOKED"]) }];
    expect(&twice, &[booked("t-1")], &[(Promise::OneEffect, "t-1 was booked 2 times")]);
    expect(&[booking("t-9", &["BOOKED"])], &[], &[(Promise::OneEffect, "that no client asked for")]);
    expect(&[booking("x", &["BOOKED"])], &[], &[(Promise::NoForeignData, "that is not of this run")]);
}

#[test]
fn half_a_booking_is_told() {
    let half = Found { ends: ["DEL".to_owned(), "LHR".to_owned()], ..booking("t-1", &["BOOKED"]) };
    expect(&[half], &[booked("t-1")], &[(Promise::NothingLost, "from DEL to LHR has the legs")]);
    let gap = Found { gapless: false, ..booking("t-1", &["BOOKED"]) };
    expect(&[gap], &[booked("t-1")], &[(Promise::NothingLost, "has gaps")]);
    assert_eq!(path_of("ACB1"), "/api/v1/bookings/ACB1");
}

#[test]
fn a_step_that_bears_another_callers_words_is_not_his() {
    let mut found = booking("t-1", &["BOOKED", "DEPARTED"]);
    found.events[1].note = Some("t-1-9".to_owned());
    let own = Deed { note: Some("t-1-9".to_owned()), ..done(Kind::Depart, "t-1", 2) };
    expect(std::slice::from_ref(&found), &[booked("t-1"), own.clone()], &[]);
    let other = Deed { note: Some("t-1-8".to_owned()), ..own };
    expect(
        &[found],
        &[booked("t-1"), other],
        &[(Promise::NothingLost, "lost: the depart of"), (Promise::OneEffect, "1 events DEPARTED, and 0 calls")],
    );
}

#[test]
fn what_a_flight_does_to_its_bookings_is_possible_once_unless_it_was_refused() {
    let fly = |kind: Kind| {
        let path = format!("/api/v1/flights/f/{}", kind.name());
        Deed::new(kind, Who::Staff, 0, Request::get(path))
    };
    let unknown = |deed: Deed| Deed { unknown: 1, ..deed };
    let found = booking("t-1", &["BOOKED", "FLIGHT_RETIMED", "DEPARTED", "ARRIVED"]);
    let flown = [unknown(fly(Kind::Retime)), unknown(fly(Kind::FlightDepart)), unknown(fly(Kind::FlightArrive))];
    expect(std::slice::from_ref(&found), &[&[booked("t-1")][..], &flown].concat(), &[]);
    let refused_all: Vec<_> = flown.iter().map(|deed| Deed { unknown: 0, ..refused(deed.clone()) }).collect();
    let told = [
        (Promise::OneEffect, "1 events ARRIVED, and 0 calls"),
        (Promise::OneEffect, "1 events DEPARTED, and 0 calls"),
        (Promise::OneEffect, "1 events FLIGHT_RETIMED, and 0 calls"),
    ];
    expect(&[found], &[&[booked("t-1")][..], &refused_all].concat(), &told);
    let named = Deed { named: vec!["ACB-t-1".to_owned()], ..unknown(fly(Kind::Offload)) };
    let taken =
        Found { way: Vec::new(), lost_a_leg: true, needs_rerouting: true, ..booking("t-1", &["BOOKED", "OFFLOADED"]) };
    expect(std::slice::from_ref(&taken), &[booked("t-1"), named], &[]);
    let other = Deed { named: vec!["ACB-t-2".to_owned()], ..unknown(fly(Kind::Offload)) };
    expect(
        std::slice::from_ref(&taken),
        &[booked("t-1"), other],
        &[(Promise::OneEffect, "1 events OFFLOADED, and 0 calls")],
    );
    let unnoticed = Found { needs_rerouting: false, ..taken };
    let departs = unknown(fly(Kind::FlightDepart));
    expect(&[unnoticed], &[booked("t-1"), departs], &[(Promise::NothingLost, "has the legs")]);
}
