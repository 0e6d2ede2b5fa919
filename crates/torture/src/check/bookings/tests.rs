use serde_json::json;

use super::*;
use crate::{
    operation::{Actor, path_of, step},
    wire::{Refusal, Request},
};

const RUN: &str = "t";

fn booking(mark: &str, events: &[&str]) -> Found {
    Found {
        shipper: Some(0),
        reference: format!("ACB-{mark}"),
        mark: mark.to_owned(),
        version: events.len() as u64,
        booked_kg: Some(10.0),
        sectors: vec![["DEL".to_owned(), "BOM".to_owned()]],
        ends: ["DEL".to_owned(), "BOM".to_owned()],
        events: events.iter().map(|kind| event(kind, None)).collect(),
        gapless: true,
        ..Found::default()
    }
}

fn event(kind: &str, note: Option<&str>) -> Event {
    Event { kind: kind.to_owned(), flight: Some("f".to_owned()), note: note.map(str::to_owned) }
}

fn ack(mark: &str, version: u64) -> Ack {
    let reference = format!("ACB-{mark}");
    Ack { call: 7, completed: 1, reference, version, weight_kg: Some(10.0), ..Ack::default() }
}

fn requested(mark: &str) -> Operation {
    let body = Some(json!({"customer_reference": mark}));
    Operation::new(Kind::Book, Actor::Shipper(0), 0, Request { body, ..Request::get("/api/v1/bookings".to_owned()) })
}

fn booked(mark: &str) -> Operation {
    Operation { ack: Some(ack(mark, 1)), ..requested(mark) }
}

fn refused(operation: Operation) -> Operation {
    let refusal = Refusal { status: 409, code: "capacity_exceeded".to_owned(), detail: String::new(), wait: None };
    Operation { refusal: Some(refusal), ..operation }
}

fn change(kind: Kind, mark: &str) -> Operation {
    Operation::new(kind, Actor::Staff, 0, step(kind, &format!("ACB-{mark}")))
}

fn done(kind: Kind, mark: &str, version: u64) -> Operation {
    Operation { ack: Some(ack(mark, version)), ..change(kind, mark) }
}

#[track_caller]
fn expect(found: &[Found], operations: &[Operation], expected: &[(Promise, &str)]) {
    let reported = judge(found, operations, &FlightRequests::of(operations), RUN);
    let fits = reported.len() == expected.len()
        && reported
            .iter()
            .zip(expected)
            .all(|(reported, (promise, words))| reported.promise == *promise && reported.what.contains(words));
    assert!(fits, "{reported:#?}");
}

#[test]
fn consistent_outcomes_are_no_breach() {
    let found = [
        booking("t-1", &["BOOKED", "AMENDED", "DEPARTED", "CANCELLED"]),
        booking("t-2", &["BOOKED"]),
        booking("t-4", &["BOOKED", "DEPARTED"]),
    ];
    let unknown = |operation: Operation| Operation { unknown: 1, ..operation };
    let operations = [
        booked("t-1"),
        done(Kind::Cancel, "t-1", 4),
        done(Kind::Depart, "t-1", 3),
        unknown(change(Kind::Amend, "t-1")),
        unknown(requested("t-2")),
        unknown(requested("t-3")),
        refused(requested("t-5")),
        booked("t-4"),
        // It was still in flight when its repetition was refused.
        unknown(refused(change(Kind::Depart, "t-4"))),
    ];
    expect(&found, &operations, &[]);
}

#[test]
fn a_missing_acknowledged_booking_is_lost() {
    expect(&[], &[booked("t-1")], &[(Promise::NothingLost, "lost: ACB-t-1 (t-1), acknowledged by call 7")]);
    let other = Found { fixed: 5, ..booking("t-1", &["BOOKED"]) };
    expect(&[other], &[booked("t-1")], &[(Promise::NothingLost, "differs from what call 7 acknowledged")]);
}

#[test]
fn an_acknowledged_step_that_is_missing_or_out_of_order_is_lost() {
    let found = [booking("t-1", &["BOOKED"])];
    let operations = [booked("t-1"), done(Kind::Depart, "t-1", 2)];
    expect(&found, &operations, &[(Promise::NothingLost, "lost: the depart of ACB-t-1")]);
    let found = [booking("t-1", &["BOOKED", "CANCELLED", "DEPARTED"])];
    let operations = [booked("t-1"), done(Kind::Depart, "t-1", 2), done(Kind::Cancel, "t-1", 3)];
    expect(&found, &operations, &[(Promise::NothingLost, "lost: the cancel of ACB-t-1")]);
}

#[test]
fn a_step_that_is_taken_back_can_be_taken_again_and_a_correction_that_is_missing_is_lost() {
    let again = [booking("t-1", &["BOOKED", "DEPARTED", "CORRECTED", "DEPARTED"])];
    let departed = |version| done(Kind::Depart, "t-1", version);
    let operations = [booked("t-1"), departed(2), done(Kind::Correct, "t-1", 3), departed(4)];
    expect(&again, &operations, &[]);
    let operations = [booked("t-1"), departed(2), refused(change(Kind::Correct, "t-1")), departed(4)];
    expect(&again, &operations, &[(Promise::OneEffect, "1 CORRECTED events, but 0 calls")]);
    let operations = [booked("t-1"), departed(2), done(Kind::Correct, "t-1", 3)];
    let lost = [(Promise::NothingLost, "lost: the correct of ACB-t-1")];
    expect(&[booking("t-1", &["BOOKED", "DEPARTED"])], &operations, &lost);
}

#[test]
fn a_refused_call_with_an_effect_is_reported() {
    let found = [booking("t-1", &["BOOKED"])];
    expect(&found, &[refused(requested("t-1"))], &[(Promise::NothingLost, "t-1 was refused, but there is ACB-t-1")]);
    let found = [booking("t-1", &["BOOKED", "CANCELLED"])];
    let operations = [booked("t-1"), refused(change(Kind::Cancel, "t-1"))];
    expect(&found, &operations, &[(Promise::OneEffect, "1 CANCELLED events, but 0 calls")]);
}

#[test]
fn a_duplicate_or_unknown_mark_is_reported() {
    let twice = [booking("t-1", &["BOOKED"]), Found { reference: "ACB-2".to_owned(), ..booking("t-1", &["BOOKED"]) }];
    expect(&twice, &[booked("t-1")], &[(Promise::OneEffect, "t-1 was booked 2 times")]);
    expect(&[booking("t-9", &["BOOKED"])], &[], &[(Promise::OneEffect, "that no client requested")]);
    expect(&[booking("x", &["BOOKED"])], &[], &[(Promise::NoForeignData, "that belongs to another run")]);
}

#[test]
fn half_a_booking_is_reported() {
    let half = Found { ends: ["DEL".to_owned(), "LHR".to_owned()], ..booking("t-1", &["BOOKED"]) };
    expect(&[half], &[booked("t-1")], &[(Promise::NothingLost, "from DEL to LHR has the disconnected legs")]);
    let gap = Found { gapless: false, ..booking("t-1", &["BOOKED"]) };
    expect(&[gap], &[booked("t-1")], &[(Promise::NothingLost, "has gaps")]);
    assert_eq!(path_of("ACB1"), "/api/v1/bookings/ACB1");
}

#[test]
fn a_step_with_the_note_of_another_caller_does_not_count() {
    let mut found = booking("t-1", &["BOOKED", "DEPARTED"]);
    found.events[1].note = Some("t-1-9".to_owned());
    let own = Operation { note: Some("t-1-9".to_owned()), ..done(Kind::Depart, "t-1", 2) };
    expect(std::slice::from_ref(&found), &[booked("t-1"), own.clone()], &[]);
    let other = Operation { note: Some("t-1-8".to_owned()), ..own };
    expect(
        &[found],
        &[booked("t-1"), other],
        &[(Promise::NothingLost, "lost: the depart of"), (Promise::OneEffect, "1 DEPARTED events, but 0 calls")],
    );
}

#[test]
fn a_step_of_a_flight_is_possible_once_for_each_booking_unless_it_was_refused() {
    let flight_operation = |kind: Kind| {
        let path = format!("/api/v1/flights/f/{}", kind.name());
        Operation::new(kind, Actor::Staff, 0, Request::get(path))
    };
    let unknown = |operation: Operation| Operation { unknown: 1, ..operation };
    let found = booking("t-1", &["BOOKED", "FLIGHT_RETIMED", "DEPARTED", "ARRIVED"]);
    let flown = [
        unknown(flight_operation(Kind::Retime)),
        unknown(flight_operation(Kind::FlightDepart)),
        unknown(flight_operation(Kind::FlightArrive)),
    ];
    expect(std::slice::from_ref(&found), &[&[booked("t-1")][..], &flown].concat(), &[]);
    let refused_all: Vec<_> =
        flown.iter().map(|operation| Operation { unknown: 0, ..refused(operation.clone()) }).collect();
    let reported = [
        (Promise::OneEffect, "1 ARRIVED events, but 0 calls"),
        (Promise::OneEffect, "1 DEPARTED events, but 0 calls"),
        (Promise::OneEffect, "1 FLIGHT_RETIMED events, but 0 calls"),
    ];
    expect(&[found], &[&[booked("t-1")][..], &refused_all].concat(), &reported);
    let named = Operation { named: vec!["ACB-t-1".to_owned()], ..unknown(flight_operation(Kind::Offload)) };
    let taken = Found {
        sectors: Vec::new(),
        lost_a_leg: true,
        needs_rerouting: true,
        ..booking("t-1", &["BOOKED", "OFFLOADED"])
    };
    expect(std::slice::from_ref(&taken), &[booked("t-1"), named], &[]);
    let other = Operation { named: vec!["ACB-t-2".to_owned()], ..unknown(flight_operation(Kind::Offload)) };
    expect(
        std::slice::from_ref(&taken),
        &[booked("t-1"), other],
        &[(Promise::OneEffect, "1 OFFLOADED events, but 0 calls")],
    );
    let unnoticed = Found { needs_rerouting: false, ..taken };
    let departs = unknown(flight_operation(Kind::FlightDepart));
    expect(&[unnoticed], &[booked("t-1"), departs], &[(Promise::NothingLost, "has the disconnected legs")]);
}

#[test]
fn a_booking_is_rated_again_when_it_is_amended_and_not_otherwise() {
    let priced = [booking("t-1", &["BOOKED", "AMENDED", "PRICED"])];
    expect(&priced, &[booked("t-1"), done(Kind::Amend, "t-1", 2)], &[]);
    let unasked = [booking("t-1", &["BOOKED", "PRICED"])];
    expect(&unasked, &[booked("t-1")], &[(Promise::OneEffect, "1 PRICED events, but 0 calls")]);
}
