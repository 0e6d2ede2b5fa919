//! What may be said with a flight's depart, arrive and cancel.
use loadmaster_testkit::{
    NewFlight, World,
    amending::each_alone,
    bad_input::{Case, long, not_a},
    flight_verbs::{act, flight_now, path_to},
    freight::{order, text},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::two_flights;

/// What is wrong with a moment, whichever it is the moment of.
fn moments() -> Vec<Case> {
    let mut cases: Vec<Case> = not_a("text").into_iter().map(|value| ("occurred_at", value, "wrong_type")).collect();
    for odd in ["", "yesterday", "2026-11-20", "2026-11-20T08:00:00", "2026-02-30T08:00:00Z", "2026-11-20T24:00:00Z"] {
        cases.push(("occurred_at", json!(odd), "invalid_format"));
    }
    cases.push(("occurred_at", json!("1969-12-31T23:59:59Z"), "too_small"));
    cases.push(("occurred_at", json!("9999-12-31T23:59:59Z"), "too_large"));
    cases.push(("occurred_at", json!("2026-11-20T08:05:00.000001Z"), "out_of_order"));
    cases
}

fn unknown(members: &[&'static str]) -> Vec<Case> {
    // Not even null.
    members.iter().map(|member| (*member, Value::Null, "unknown_field")).collect()
}

fn lists() -> Vec<Case> {
    let mut cases: Vec<Case> = not_a("list").into_iter().map(|value| ("left_behind", value, "wrong_type")).collect();
    for entry in [json!("ACB000000000"), json!(5), json!(null), json!([]), json!(true)] {
        cases.push(("left_behind|/left_behind/0", json!([entry]), "wrong_type"));
    }
    let good = json!({"ref_id": "ACB000000000", "reason": "NO_SHOW"});
    let other = json!({"ref_id": "ACB111111111", "reason": "NO_SHOW"});
    let with = |member: &str, value: Value| {
        let mut entry = other.clone();
        entry[member] = value;
        json!([good, entry])
    };
    for value in not_a("text") {
        cases.push(("left_behind|/left_behind/1/ref_id", with("ref_id", value.clone()), "wrong_type"));
        cases.push(("left_behind|/left_behind/1/reason", with("reason", value), "wrong_type"));
    }
    for odd in ["", "ACB1", "nonsense", "ACB000000000\u{0}"] {
        cases.push(("left_behind|/left_behind/1/ref_id", with("ref_id", json!(odd)), "invalid_format"));
    }
    for odd in ["", "LATE", "MISSED_CONNECTION"] {
        cases.push(("left_behind|/left_behind/1/reason", with("reason", json!(odd)), "unknown_value"));
    }
    cases.push(("left_behind|/left_behind/1/ref_id", with("ref_id", Value::Null), "required"));
    cases.push(("left_behind|/left_behind/1/reason", with("reason", Value::Null), "required"));
    cases
}

#[tokio::test]
async fn each_member_of_a_departure_is_judged() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let mut cases = moments();
    cases.extend(lists());
    cases.extend(unknown(&["reason", "notes", "location", "flight_id", "status"]));
    let path = format!("{}/depart", path_to(&flight));
    each_alone(&world, &operator, (Method::POST, &path), cases).await;
    assert_eq!(flight_now(&operator, &flight).await, flight);

    let entry = json!({"ref_id": "ACB000000000", "reason": "NO_SHOW", "notes": "x"});
    let faults = act(&operator, &flight, "depart", json!({"left_behind": [entry]})).await.expect_faults();
    assert_eq!(faults, [("/left_behind/0/notes".to_owned(), "unknown_field".to_owned())]);
    let faults = act(&operator, &flight, "depart", json!({"left_behind": [{}], "x": 1})).await.expect_faults();
    let expected =
        [("/left_behind/0/reason", "required"), ("/left_behind/0/ref_id", "required"), ("/x", "unknown_field")];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    act(&operator, &flight, "depart", json!({"left_behind": [], "occurred_at": null})).await.expect(200);
}

#[tokio::test]
async fn a_booking_cannot_be_named_twice_as_left_behind() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first])).await;
    let named = |reference: &str, reason: &str| json!({"ref_id": reference, "reason": reason});
    let reference = text(&booking, "ref_id");
    let before = world.written().await;
    for second in [named(reference, "NO_SHOW"), named(&reference.to_lowercase(), "OFFLOADED")] {
        let twice = json!({"left_behind": [named(reference, "NO_SHOW"), second]});
        let faults = act(&operator, &first, "depart", twice).await.expect_faults();
        let [(pointer, code)] = &faults[..] else { panic!("{faults:?}") };
        assert!(pointer.starts_with("/left_behind"), "{pointer}");
        assert_eq!(code, "invalid_format");
    }
    assert_eq!(world.written().await, before);
    world.audit().await;
}

#[tokio::test]
async fn each_member_of_an_arrival_is_judged() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    act(&operator, &flight, "depart", json!({"occurred_at": "2026-11-20T06:00:00Z"})).await.expect(200);
    let mut cases = moments();
    cases.push(("occurred_at", json!("2026-11-20T05:59:59Z"), "out_of_order"));
    cases.extend(unknown(&["left_behind", "reason", "notes", "location"]));
    let path = format!("{}/arrive", path_to(&flight));
    each_alone(&world, &operator, (Method::POST, &path), cases).await;
    act(&operator, &flight, "arrive", json!({"occurred_at": null})).await.expect(200);
}

#[tokio::test]
async fn the_reason_of_a_cancellation_is_judged_and_nothing_else_taken() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = world.admin().await;
    let mut cases: Vec<Case> = not_a("text").into_iter().map(|value| ("reason", value, "wrong_type")).collect();
    cases.push(("reason", json!(""), "too_short"));
    cases.push(("reason", json!("\n\t "), "too_short"));
    cases.push(("reason", long(501), "too_long"));
    cases.push(("reason", json!("a\u{0}b"), "invalid_format"));
    cases.extend(unknown(&["occurred_at", "left_behind", "notes"]));
    let path = format!("{}/cancel", path_to(&flight));
    each_alone(&world, &admin, (Method::POST, &path), cases).await;
    act(&admin, &flight, "cancel", json!({"reason": long(500)})).await.expect(200);
}

#[tokio::test]
async fn a_body_may_be_left_out_but_not_be_something_else() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = world.admin().await;
    let before = world.written().await;
    for verb in ["depart", "arrive", "cancel"] {
        let path = format!("{}/{verb}", path_to(&flight));
        for body in ["{", "nonsense", "{} {}", " ", "{\"occurred_at\": NaN}"] {
            let answer = admin.post_raw(&path, "application/json", body).await;
            assert_eq!(answer.status, 400, "{verb} {body:?}: {}", answer.text);
            answer.expect_problem(400, "malformed_request");
        }
        for body in ["[]", "null", "5", "\"text\""] {
            let answer = admin.post_raw(&path, "application/json", body).await;
            assert_eq!(answer.expect_faults(), [(String::new(), "wrong_type".to_owned())], "{verb} {body}");
        }
        let answer = admin.post_raw(&path, "text/plain", "{}").await;
        answer.expect_problem(415, "unsupported_media_type");
        let large = format!("{{\"reason\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
        admin.post_raw(&path, "application/json", large).await.expect_problem(413, "payload_too_large");
        let faults = admin.poke(&format!("{path}?force=true")).await.expect_faults();
        assert_eq!(faults, [("force".to_owned(), "unknown_field".to_owned())]);
    }
    assert_eq!(world.written().await, before);
    assert_eq!(flight_now(&admin, &flight).await, flight);
    admin.post_raw(&format!("{}/depart", path_to(&flight)), "text/plain", "").await.expect(200);
    admin.post_raw(&format!("{}/arrive", path_to(&flight)), "application/json", "{}").await.expect(200);
}
