use serde_json::json;

use super::*;
use crate::{
    operation::{Ack, BOOKINGS, hold::WAITLIST},
    wire::{Refusal, Request},
};

fn hold(id: &str, status: &str) -> FoundHold {
    FoundHold {
        id: id.to_owned(),
        organization: "o".to_owned(),
        kind: "ITINERARY".to_owned(),
        status: status.to_owned(),
        mark: format!("t-{id}"),
        version: 2,
        booking: (status == "COMMITTED").then(|| format!("ACB-{id}")),
        ..FoundHold::default()
    }
}

fn entry(id: &str, status: &str) -> FoundEntry {
    let booking = (status == "BOOKED").then(|| format!("ACB-{id}"));
    FoundEntry { id: id.to_owned(), status: status.to_owned(), version: 2, booking, ..FoundEntry::default() }
}

fn requested(id: &str) -> Operation {
    let body = Some(json!({"description": format!("t-{id}")}));
    Operation::new(Kind::Hold, Actor::Shipper(0), 0, Request { body, ..Request::get(HOLDS.to_owned()) })
}

fn ack(call: u64, reference: &str) -> Ack {
    Ack { call, completed: 1, reference: reference.to_owned(), version: 1, ..Ack::default() }
}

fn held(id: &str) -> Operation {
    Operation { ack: Some(ack(1, id)), ..requested(id) }
}

fn step(kind: Kind, id: &str) -> Operation {
    let prefix = if kind.subject() == crate::operation::Subject::Entry { WAITLIST } else { HOLDS };
    Operation::new(kind, Actor::Shipper(0), 0, Request::get(format!("{prefix}/{id}/step")))
}

fn done(call: u64, kind: Kind, id: &str, reference: &str) -> Operation {
    Operation { ack: Some(ack(call, reference)), ..step(kind, id) }
}

fn refused(operation: Operation) -> Operation {
    let refusal = Refusal { status: 409, code: "hold_expired".to_owned(), detail: String::new(), wait: None };
    Operation { refusal: Some(refusal), ..operation }
}

fn booked_of(id: &str) -> BTreeMap<String, Found> {
    let reference = format!("ACB-{id}");
    let found = Found { reference: reference.clone(), hold: Some(id.to_owned()), ..Found::default() };
    [(reference, found)].into()
}

fn state(holds: &[FoundHold], entries: &[FoundEntry]) -> State {
    State { holds: holds.to_vec(), entries: entries.to_vec(), shippers: vec!["o".to_owned()] }
}

#[track_caller]
fn expect(state: &State, operations: &[Operation], bookings: &BTreeMap<String, Found>, expected: &[&str]) {
    let now = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
    let reported: Vec<_> =
        judge(state, operations, bookings, &HashMap::new(), now).into_iter().map(|breach| breach.what).collect();
    let fits = reported.len() == expected.len()
        && reported.iter().zip(expected).all(|(reported, words)| reported.contains(words));
    assert!(fits, "{reported:#?}");
}

#[test]
fn consistent_ends_of_holds_are_no_breach() {
    let holds = [hold("1", "COMMITTED"), hold("2", "RELEASED"), hold("3", "EXPIRED"), hold("4", "RELEASED")];
    let operations = [
        held("1"),
        done(2, Kind::Commit, "1", "ACB-1"),
        refused(step(Kind::Release, "1")),
        held("2"),
        done(3, Kind::Release, "2", "2"),
        held("3"),
        Operation { unknown: 1, ..step(Kind::Commit, "3") },
        // A flight has ended it.
        held("4"),
        Operation { unknown: 1, ..requested("5") },
        refused(requested("6")),
    ];
    expect(&state(&holds, &[]), &operations, &booked_of("1"), &[]);
}

#[test]
fn a_hold_that_is_missing_twice_there_or_refused_is_reported() {
    expect(&state(&[], &[]), &[held("1")], &BTreeMap::new(), &["lost: the hold 1, acknowledged by call 1"]);
    let twice = [hold("1", "EXPIRED"), FoundHold { id: "2".to_owned(), ..hold("1", "EXPIRED") }];
    expect(&state(&twice, &[]), &[held("1")], &BTreeMap::new(), &["t-1 holds space 2 times"]);
    let one = state(&[hold("1", "EXPIRED")], &[]);
    expect(&one, &[refused(requested("1"))], &BTreeMap::new(), &["t-1 was refused, but there is the hold 1"]);
    expect(&one, &[], &BTreeMap::new(), &["that no client requested"]);
    let other = Operation { ack: Some(Ack { fixed: 5, ..ack(1, "1") }), ..requested("1") };
    expect(&one, &[other], &BTreeMap::new(), &["differs from what call 1 acknowledged"]);
    let reserved = FoundHold { kind: "RESERVATION".to_owned(), ..hold("1", "EXPIRED") };
    expect(&state(&[reserved], &[]), &[], &BTreeMap::new(), &["there are 1 reservations, but 0 calls"]);
}

#[test]
fn a_hold_that_ends_twice_or_without_a_call_is_reported() {
    let committed = state(&[hold("1", "COMMITTED")], &[]);
    let both = [held("1"), done(2, Kind::Commit, "1", "ACB-1"), done(3, Kind::Release, "1", "1")];
    let twice = ["was ended twice, by calls 2 and 3", "lost: the hold release of 1, acknowledged by call 3"];
    expect(&committed, &both, &booked_of("1"), &twice);
    let unasked = [held("1"), refused(step(Kind::Commit, "1"))];
    expect(&committed, &unasked, &booked_of("1"), &["every call that requested that was refused"]);
    let by_caller = FoundHold { end_reason: Some("CALLER".to_owned()), ..hold("1", "RELEASED") };
    expect(&state(&[by_caller], &[]), &[held("1")], &BTreeMap::new(), &["the hold 1 is RELEASED, but every call"]);
    let lost = [held("1"), done(2, Kind::Commit, "1", "ACB-1")];
    let expired = state(&[hold("1", "EXPIRED")], &[]);
    expect(&expired, &lost, &BTreeMap::new(), &["lost: the hold commit of 1, acknowledged by call 2; it is EXPIRED"]);
}

#[test]
fn an_order_with_a_price_or_names_makes_and_commits_one_hold() {
    let body = json!({"customer_reference": "t-1", "description": "t-1", "quote_id": "q"});
    let request = Request { body: Some(body), ..Request::get(BOOKINGS.to_owned()) };
    let order = Operation { unknown: 1, ..Operation::new(Kind::Book, Actor::Shipper(0), 0, request) };
    let committed = state(&[hold("1", "COMMITTED")], &[]);
    expect(&committed, &[Operation { ack: Some(ack(1, "ACB-1")), ..order.clone() }], &booked_of("1"), &[]);
    expect(&committed, std::slice::from_ref(&order), &booked_of("1"), &[]);
    let expected = ["t-1 was refused, but there is the hold 1", "every call that requested that was refused"];
    expect(&committed, &[refused(Operation { unknown: 0, ..order.clone() })], &booked_of("1"), &expected);
    let twice = state(&[hold("1", "COMMITTED"), FoundHold { mark: "t-1".to_owned(), ..hold("2", "EXPIRED") }], &[]);
    expect(&twice, &[order], &booked_of("1"), &["t-1 holds space 2 times"]);
}

#[test]
fn a_commit_is_exactly_one_booking() {
    let operations = [held("1"), done(2, Kind::Commit, "1", "ACB-1")];
    let committed = state(&[hold("1", "COMMITTED")], &[]);
    expect(&committed, &operations, &BTreeMap::new(), &["the hold 1 has the booking Some(\"ACB-1\"), but became []"]);
    let second = Found { reference: "ACB-2".to_owned(), hold: Some("1".to_owned()), ..Found::default() };
    let mut two = booked_of("1");
    two.insert("ACB-2".to_owned(), second);
    expect(&committed, &operations, &two, &["but became [\"ACB-1\", \"ACB-2\"]"]);
    expect(&state(&[], &[]), &[], &booked_of("1"), &["was made of the hold 1, which does not exist"]);
}

#[test]
fn a_hold_is_active_only_until_its_time_is_up() {
    let hour = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
    let active = |seconds| FoundHold { expires_at: Some(hour + TimeDelta::seconds(seconds)), ..hold("1", "ACTIVE") };
    expect(&state(&[active(60)], &[]), &[held("1")], &BTreeMap::new(), &[]);
    expect(&state(&[active(-60)], &[]), &[held("1")], &BTreeMap::new(), &["is ACTIVE, but its time is up"]);
    let long = FoundHold { too_long: Some("too long".to_owned()), ..active(60) };
    expect(&state(&[long], &[]), &[held("1")], &BTreeMap::new(), &["too long"]);
}

#[test]
fn entries_of_the_waitlist_are_as_they_were_acknowledged() {
    let joined = |id: &str| done(1, Kind::Join, "", id);
    let booked = Operation { entry: Some("1".to_owned()), ..done(2, Kind::BookOffer, "1", "ACB-1") };
    let left = done(3, Kind::Leave, "2", "2");
    let operations = [joined("1"), joined("2"), booked, left];
    expect(&state(&[], &[entry("1", "BOOKED"), entry("2", "CANCELLED")]), &operations, &BTreeMap::new(), &[]);
    let wrong = state(&[], &[entry("1", "EXPIRED"), entry("2", "WAITING"), entry("3", "WAITING")]);
    let reported = ["lost: the waitlist book of 1", "lost: the waitlist cancel of 2", "has 3 entries, but 2 calls"];
    expect(&wrong, &operations, &BTreeMap::new(), &reported);
    let gone = state(&[], &[]);
    expect(&gone, &[joined("1")], &BTreeMap::new(), &["lost: the entry 1 of the waitlist"]);
}
