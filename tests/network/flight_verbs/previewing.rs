//! A preview of an action is the action, taken back: same judgement, same effects, nothing kept.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    amending::{patch, shown},
    flight_verbs::{act, done, flight_now, path_to},
    freight::{order, text, with},
    holds::{HOLDS, at, hold_on},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{changed, left_behind, two_flights};

/// What an action would do; nothing may come of it.
async fn preview(world: &World, client: &Client, flight: &Value, verb: &str, said: Value) -> Value {
    let before = (world.written().await, flight_now(client, flight).await);
    let previewed = act(client, flight, &format!("{verb}?dry_run=true"), said).await;
    assert_eq!((world.written().await, flight_now(client, flight).await), before, "something was kept");
    previewed.expect(200)
}

/// What a change would do.
async fn preview_change(client: &Client, flight: &Value, wish: Value) -> Answer {
    patch(client, &format!("{}?dry_run=true", path_to(flight)), wish).await
}

/// References and effects, by reference.
fn impact(preview: &Value) -> Vec<(String, Value)> {
    assert_eq!(preview["dry_run"], true);
    let impact = preview["impact"].as_array().expect("a list");
    assert_eq!(preview["bookings_changed"], impact.len());
    let lines = impact.iter().map(|line| (text(line, "ref_id").to_owned(), line["effects"].clone()));
    lines.collect()
}

/// The same, from bookings and what each is expected to undergo.
fn expected(entries: &[(&Value, &str)]) -> Vec<(String, Value)> {
    let mut entries: Vec<_> =
        entries.iter().map(|(booking, effect)| (text(booking, "ref_id").to_owned(), json!([effect]))).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

#[tokio::test]
async fn a_departure_is_previewed_with_those_whom_it_leaves_behind() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let there = customer.book(order(&[&second])).await;
    let named = customer.book(order(&[&second])).await;
    let late = customer.book(order(&[&first, &second])).await;
    let leave = json!({"left_behind": [{"ref_id": named["ref_id"], "reason": "NO_SHOW"}]});

    let previewed = preview(&world, &operator, &second, "depart", leave.clone()).await;
    let all = [(&there, "departed"), (&named, "offloaded"), (&late, "offloaded")];
    assert_eq!(impact(&previewed), expected(&all));
    assert_eq!(previewed["flight"]["status"], "DEPARTED");
    let line = previewed["impact"].as_array().unwrap().iter().find(|line| line["ref_id"] == there["ref_id"]).unwrap();
    assert_eq!((&line["pieces"], &line["weight_kg"]), (&there["pieces"], &there["weight_kg"]));
    assert_eq!(line.as_object().unwrap().len(), 4, "{line}");

    let done = act(&operator, &second, "depart", leave).await.expect(200);
    assert_eq!((changed(&done), left_behind(&done)), (3, left_behind(&previewed)));
    assert_eq!(done["flight"], previewed["flight"], "the same happens");
    let landing = preview(&world, &operator, &second, "arrive", json!({})).await;
    assert_eq!(impact(&landing), expected(&[(&there, "arrived")]));
    world.audit().await;
}

#[tokio::test]
async fn a_cancellation_is_previewed_and_no_hold_ends() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let short = customer.book(order(&[&first])).await;
    let long = customer.book(order(&[&first, &second])).await;
    customer.book(order(&[&second])).await;
    let hold = customer.post(HOLDS, hold_on(&[&first])).await.expect(201);

    let previewed = preview(&world, &admin, &first, "cancel", json!({"reason": "Fog"})).await;
    assert_eq!(impact(&previewed), expected(&[(&short, "cancelled"), (&long, "cancelled")]));
    assert_eq!(customer.get(&at(&hold)).await.expect(200)["status"], "ACTIVE");
    assert_eq!(changed(&done(&admin, &first, "cancel").await), 2);
    world.audit().await;
}

#[tokio::test]
async fn a_change_is_previewed_with_lost_connections_and_shortfalls() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let short = customer.book(order(&[&first])).await;
    let long = customer.book(order(&[&first, &second])).await;

    let later = json!({"departure_datetime": "2026-11-21T19:00:00Z", "arrival_datetime": "2026-11-21T23:00:00Z"});
    let previewed = preview_change(&admin, &first, later.clone()).await.expect(200);
    let mut both = expected(&[(&short, "retimed"), (&long, "retimed")]);
    both.iter_mut().filter(|(reference, _)| *reference == text(&long, "ref_id")).for_each(|(_, effects)| {
        *effects = json!(["retimed", "connection_lost"]);
    });
    assert_eq!(impact(&previewed), both);
    assert_eq!(flight_now(&admin, &first).await, first_of(&admin, &first).await);
    assert_eq!(shown(&customer, &long).await["needs_rerouting"], false);

    let small = json!({"capacity": {"weight_kg": 150}});
    let problem = preview_change(&admin, &first, small.clone()).await.expect_problem(409, "capacity_below_booked");
    assert_eq!(problem["shortfalls"][0]["dimension"], "weight_kg", "{problem}");
    let offloading = with(small, json!({"offload": [short["ref_id"]]}));
    let previewed = preview_change(&admin, &first, offloading.clone()).await.expect(200);
    assert_eq!(impact(&previewed), expected(&[(&short, "offloaded")]));
    assert_eq!(left_behind(&previewed), [(text(&short, "ref_id").to_owned(), "OFFLOADED".to_owned())]);
    let changed = patch(&admin, &path_to(&first), offloading).await.expect(200);
    assert_eq!(changed, previewed["flight"], "the same happens");
    world.audit().await;
}

async fn first_of(client: &Client, flight: &Value) -> Value {
    let now = flight_now(client, flight).await;
    assert_eq!(now["version"], 1);
    now
}

#[tokio::test]
async fn what_is_left_to_the_background_is_previewed_too() {
    let world = WorldOptions::default().set("booking.moved_at_once", "2").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    for _ in 0..5 {
        customer.book(order(&[&flight])).await;
    }
    let previewed = preview(&world, &operator, &flight, "depart", json!({})).await;
    let impact = impact(&previewed);
    assert_eq!(impact.len(), 5);
    assert!(impact.iter().all(|(_, effects)| *effects == json!(["departed"])), "{impact:?}");
    assert_eq!(flight_now(&operator, &flight).await["status"], "SCHEDULED");
    world.audit().await;
}

#[tokio::test]
async fn a_preview_is_judged_as_the_action() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let booking = customer.book(order(&[&first])).await;
    let depart = format!("{}/depart?dry_run=true", path_to(&first));
    customer.poke(&depart).await.expect_problem(403, "forbidden");
    let cancel = format!("{}/cancel?dry_run=true", path_to(&first));
    world.caller(Role::Operator).await.poke(&cancel).await.expect_problem(403, "forbidden");
    operator.poke(&depart.replace("true", "maybe")).await.expect_faults();
    operator.poke(&depart.replace("dry_run", "dry")).await.expect_faults();
    operator.poke(&path_like(&depart, &first)).await.expect_problem(404, "not_found");
    let nobody = json!({"left_behind": [{"ref_id": "ACB99999999", "reason": "NO_SHOW"}]});
    operator.post(&depart, nobody).await.expect_problem(409, "flight_mismatch");
    let stale = operator.request(Method::POST, &depart).header("if-match", "\"7\"");
    Answer::of(stale).await.expect_problem(412, "version_mismatch");
    // A key is not used up: the action under it is done, and only then repeated.
    let keyed = |path: &str| operator.request(Method::POST, path).header("idempotency-key", "one");
    Answer::of(keyed(&depart)).await.expect(200);
    let plain = depart.trim_end_matches("?dry_run=true");
    assert_eq!(changed(&Answer::of(keyed(plain)).await.expect(200)), 1);
    assert_eq!(Answer::of(keyed(plain)).await.header("idempotency-replayed"), Some("true"));
    operator.poke(&depart).await.expect_problem(409, "invalid_transition");
    assert_eq!(shown(&admin, &booking).await["version"], 2);
    world.audit().await;
}

/// The address of a flight that does not exist.
fn path_like(path: &str, flight: &Value) -> String {
    path.replace(text(flight, "id"), "018f0000-0000-7000-8000-000000000000")
}
