//! Taking the last step of a booking back.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    billing::{Market, usd},
    freight::{each, order, path_of, text},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::two_flights;

fn reason() -> Value {
    json!({"reason": "Wrong booking"})
}

async fn correct(client: &Client, booking: &Value) -> Answer {
    client.post(&format!("{}/correct", path_of(booking)), reason()).await
}

/// Checks that the last step cannot be taken back for this reason, and that nothing changes.
async fn refused(world: &World, client: &Client, booking: &Value, reason: &str) {
    let before = world.written().await;
    let problem = correct(client, booking).await.expect_problem(409, "correction_not_possible");
    assert_eq!(problem["reason"], reason, "{problem}");
    assert_eq!(world.written().await, before, "{reason}");
}

/// The booking without what every change moves.
fn state(booking: &Value) -> Value {
    let mut state = booking.clone();
    for member in ["version", "updated_at"] {
        state.as_object_mut().unwrap().remove(member);
    }
    state
}

#[tokio::test]
async fn each_step_of_a_journey_is_taken_back_and_taken_again() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let operator = world.operator().await;
    let mut booking = operator.book(order(&[&first, &second])).await;
    for step in ["depart", "arrive", "depart", "arrive", "deliver"] {
        world.clock.advance(TimeDelta::seconds(90));
        operator.walk(&booking, &[step]).await;
        let corrected = correct(&operator, &booking).await;
        assert_eq!(corrected.header("etag"), Some(format!("\"{}\"", corrected.body["version"]).as_str()));
        let corrected = corrected.expect(200);
        assert_eq!(state(&corrected), state(&booking), "{step}");
        assert_eq!(operator.get(&path_of(&booking)).await.expect(200), corrected, "{step}");
        world.audit().await;
        booking = operator.walk(&corrected, &[step]).await;
    }
    assert_eq!(booking["status"], "DELIVERED");
    world.audit().await;
}

#[tokio::test]
async fn a_departure_nine_days_early_is_taken_back_and_the_flight_leaves_with_the_freight() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(9 * 24)).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    operator.walk(&booking, &["depart"]).await;
    let path = format!("/api/v1/flights/{}", text(&flight, "id"));
    let full = operator.get(&format!("{path}/availability")).await.expect(200);
    correct(&operator, &booking).await.expect(200);
    assert_eq!(operator.get(&format!("{path}/availability")).await.expect(200)["booked"], full["booked"]);
    world.clock.advance(TimeDelta::days(9));
    let operator = world.operator().await;
    let left = operator.poke(&format!("{path}/depart")).await.expect(200);
    assert_eq!((&left["bookings_changed"], &left["left_behind"]), (&json!(1), &json!([])));
    world.audit().await;
}

#[tokio::test]
async fn the_history_names_the_corrected_step_its_operator_and_the_reason() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let staff = Uuid::new_v4();
    let operator = world.caller_in(Role::Operator, staff, Uuid::new_v4()).await;
    let booking = operator.book(order(&[&first])).await;
    operator.walk(&booking, &["depart"]).await;
    correct(&operator, &booking).await.expect(200);
    let history = operator.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    let timeline = &history["timeline"];
    assert_eq!(json!(each(timeline, "event_type")), json!(["BOOKED", "DEPARTED", "CORRECTED"]));
    assert_eq!(json!(each(timeline, "status")), json!(["BOOKED", "DEPARTED", "BOOKED"]));
    assert_eq!(json!(each(timeline, "corrected")), json!([false, true, false]));
    assert_eq!(json!(each(timeline, "fsu_code")), json!(["BKD", null, null]));
    let step = json!({"event_id": timeline[1]["id"], "sequence": 2, "status": "DEPARTED"});
    assert_eq!(json!(each(timeline, "corrects")), json!([null, null, step]));
    let event = &timeline[2];
    assert_eq!((&event["notes"], &event["actor"]), (&json!("Wrong booking"), &json!(staff)));
    assert_eq!((&event["flight_number"], &event["location"]), (&json!("AI101"), &json!("DEL")));
    // An older page knows it, too.
    let older = operator.get(&format!("{}/history?limit=1", path_of(&booking))).await;
    let next = older.header("link").unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    let older = operator.get(&next).await.expect(200);
    assert_eq!(older["timeline"][0]["corrected"], true);
    world.audit().await;
}

#[tokio::test]
async fn tracking_shows_no_step_that_was_taken_back() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first])).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    correct(&operator, &booking).await.expect(200);
    let path = format!("/api/v1/tracking/{}", text(&booking, "ref_id"));
    let answer = world.anonymous().get(&path).await;
    assert!(!answer.text.contains("Wrong booking"), "{}", answer.text);
    let found = answer.expect(200);
    assert_eq!((&found["status"], &found["current_airport"]), (&json!("DEPARTED"), &Value::Null));
    assert_eq!(json!(each(&found["timeline"], "event_type")), json!(["BOOKED", "DEPARTED", "CORRECTED"]));
    assert_eq!(json!(each(&found["timeline"], "fsu_code")), json!(["BKD", "DEP", null]));
    assert_eq!(found["timeline"][2]["corrects"]["sequence"], 3);
}

#[tokio::test]
async fn a_step_is_taken_back_within_an_hour_by_the_servers_clock_whatever_was_reported() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let (in_time, late) = (operator.book(order(&[&first])).await, operator.book(order(&[&first])).await);
    world.clock.advance(TimeDelta::hours(5));
    let operator = world.operator().await;
    let reported = json!({"occurred_at": world.now() - TimeDelta::hours(3)});
    for booking in [&in_time, &late] {
        operator.post(&format!("{}/depart", path_of(booking)), reported.clone()).await.expect(200);
    }
    world.clock.advance(TimeDelta::hours(1));
    let operator = world.operator().await;
    correct(&operator, &in_time).await.expect(200);
    world.clock.advance(TimeDelta::microseconds(1));
    refused(&world, &operator, &late, "too_late").await;
    world.audit().await;
}

#[tokio::test]
async fn only_the_last_event_is_taken_back_and_only_if_it_is_a_step() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first, &second])).await;
    refused(&world, &operator, &booking, "no_step").await;
    operator.patch(&path_of(&booking), json!({"pieces": 3})).await.expect(200);
    refused(&world, &operator, &booking, "no_step").await;
    operator.walk(&booking, &["depart"]).await;
    correct(&operator, &booking).await.expect(200);
    refused(&world, &operator, &booking, "corrected").await;
    operator.walk(&booking, &["depart"]).await;
    operator.patch(&path_of(&booking), json!({"description": "Mangoes"})).await.expect(200);
    refused(&world, &operator, &booking, "changed_since").await;
    let cancelled = operator.book(order(&[&first])).await;
    operator.walk(&cancelled, &["depart", "cancel"]).await;
    refused(&world, &operator, &cancelled, "cancelled").await;
    world.audit().await;
}

#[tokio::test]
async fn what_a_flight_has_taken_along_is_not_taken_back() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let operator = world.operator().await;
    let path = format!("/api/v1/flights/{}", text(&first, "id"));
    let (alone, carried) = (operator.book(order(&[&first])).await, operator.book(order(&[&first, &second])).await);
    operator.walk(&alone, &["depart"]).await;
    operator.poke(&format!("{path}/depart")).await.expect(200);
    refused(&world, &operator, &alone, "flight_departed").await;
    refused(&world, &operator, &carried, "flight_departed").await;
    // An arrival of its own can be: the flight is still in the air.
    operator.walk(&alone, &["arrive"]).await;
    assert_eq!(correct(&operator, &alone).await.expect(200)["status"], "DEPARTED");
    operator.poke(&format!("{path}/arrive")).await.expect(200);
    refused(&world, &operator, &alone, "flight_arrived").await;
    refused(&world, &operator, &carried, "flight_arrived").await;
    // The onward flight has not left.
    operator.walk(&carried, &["depart"]).await;
    assert_eq!(correct(&operator, &carried).await.expect(200)["current_airport"], "BOM");
    world.audit().await;
}

#[tokio::test]
async fn a_correction_restores_the_need_of_rerouting_that_the_step_had_ended() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    let booking = operator.book(order(&[&first, &second])).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    // The onward flight leaves just after the landing of the first: too short, and made all the same.
    let landing = text(&first, "arrival_datetime").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let soon = json!({"departure_datetime": landing + TimeDelta::minutes(5)});
    admin.patch(&format!("/api/v1/flights/{}", text(&second, "id")), soon).await.expect(200);
    let before = operator.get(&path_of(&booking)).await.expect(200);
    assert_eq!(before["needs_rerouting"], true);
    assert_eq!(operator.walk(&booking, &["depart"]).await["needs_rerouting"], false);
    assert_eq!(state(&correct(&operator, &booking).await.expect(200)), state(&before));
    world.audit().await;
}

#[tokio::test]
async fn the_time_of_the_step_taken_back_bounds_no_later_step() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first])).await;
    world.clock.advance(TimeDelta::hours(2));
    let operator = world.operator().await;
    operator.walk(&booking, &["depart"]).await;
    correct(&operator, &booking).await.expect(200);
    let earlier = json!({"occurred_at": world.now() - TimeDelta::hours(1)});
    operator.post(&format!("{}/depart", path_of(&booking)), earlier).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn only_staff_take_a_step_back_and_the_reason_is_required() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first])).await;
    operator.walk(&booking, &["depart"]).await;
    let path = format!("{}/correct", path_of(&booking));
    customer.post(&path, reason()).await.expect_problem(403, "forbidden");
    world.anonymous().post(&path, reason()).await.expect_problem(401, "unauthenticated");
    for unknown in ["ACB000000000", "nonsense"] {
        let path = format!("/api/v1/bookings/{unknown}/correct");
        operator.post(&path, reason()).await.expect_problem(404, "not_found");
    }
    for (body, pointer, code) in [
        (json!({}), "/reason", "required"),
        (json!({"reason": "  "}), "/reason", "too_short"),
        (json!({"reason": "x".repeat(501)}), "/reason", "too_long"),
        (json!({"reason": "a\u{0}b"}), "/reason", "invalid_format"),
        (json!({"reason": 5}), "/reason", "wrong_type"),
        (json!({"reason": "x", "status": "BOOKED"}), "/status", "unknown_field"),
        (json!({"reason": "x", "occurred_at": "2026-11-20T08:00:00Z"}), "/occurred_at", "unknown_field"),
    ] {
        let faults = operator.post(&path, body.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
    let faults = operator.post(&format!("{path}?force=true"), reason()).await.expect_faults();
    assert_eq!(faults, [("force".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(operator.get(&path_of(&booking)).await.expect(200)["status"], "DEPARTED");
    operator.post(&path, json!({"reason": "x".repeat(500)})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_key_takes_one_step_back_and_a_stale_version_none() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&first])).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    let send = async |header: &'static str, value: &str, reason: &str| {
        let request = operator.request(Method::POST, &format!("{}/correct", path_of(&booking)));
        let request = request.header(header, value).header("content-type", "application/json");
        Answer::of(request.body(json!({ "reason": reason }).to_string())).await
    };
    send("if-match", "\"2\"", "late").await.expect_problem(412, "version_mismatch");
    let once = send("idempotency-key", "undo", "late").await.expect(200);
    // The departure before it is not taken back by the same key.
    let again = send("idempotency-key", "undo", "late").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(200), once);
    send("idempotency-key", "undo", "other").await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(operator.get(&path_of(&booking)).await.expect(200), once);
    world.audit().await;
}

#[tokio::test]
async fn of_two_operators_at_two_processes_one_takes_the_step_back() {
    let world = World::start().await;
    let other = WorldOptions::default().on(&world.database).start().await;
    let [first, _] = two_flights(&world).await;
    let operators = [world.operator().await, other.operator().await];
    for round in 0..8 {
        let booking = operators[0].book(order(&[&first])).await;
        operators[0].walk(&booking, &["depart"]).await;
        let (one, two) = tokio::join!(correct(&operators[0], &booking), correct(&operators[1], &booking));
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        won.expect(200);
        let problem = lost.expect_problem(409, "correction_not_possible");
        assert_eq!(problem["reason"], "corrected", "{round}");
        // Against the next step: either the arrival is refused, or the correction takes that back or comes first.
        operators[0].walk(&booking, &["depart"]).await;
        let arrive = format!("{}/arrive", path_of(&booking));
        let (undone, arrived) = tokio::join!(correct(&operators[0], &booking), operators[1].poke(&arrive));
        undone.expect(200);
        let status = operators[0].get(&path_of(&booking)).await.expect(200)["status"].clone();
        let expected = if arrived.status == 200 { "DEPARTED" } else { "BOOKED" };
        assert_eq!(status, expected, "{round}: {}", arrived.text);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_correction_restores_the_fee_and_a_refund_after_the_step_forbids_it() {
    let market = Market::open().await;
    let (booking, staff) = (market.paid().await, &market.admin);
    let fee = async || {
        let path = format!("{}/cancellation", path_of(&booking));
        let terms = market.customer.get(&path).await.expect(200);
        (terms["reason"].clone(), terms["fee"].clone())
    };
    let before = fee().await;
    staff.walk(&booking, &["depart"]).await;
    assert_eq!(fee().await, (json!("DEPARTED"), usd("900.00")));
    correct(staff, &booking).await.expect(200);
    assert_eq!(fee().await, before);
    staff.walk(&booking, &["depart"]).await;
    staff.post(&format!("{}/refunds", path_of(&booking)), json!({"amount": usd("1.00")})).await.expect(201);
    let problem = correct(staff, &booking).await.expect_problem(409, "correction_not_possible");
    assert_eq!(problem["reason"], "money_moved");
    market.audit().await;
}
