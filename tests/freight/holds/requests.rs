//! Who may ask for a change of a hold, on which version, under which key and in which form.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::{text, with},
    holds::{HOLDS, at, hold_on},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{direct, held_on};

/// What changes a hold, as method, path below it, and a body that is fine.
const CHANGES: [(Method, &str, &str); 5] = [
    (Method::PATCH, "", r#"{"pieces": 3}"#),
    (Method::POST, "/extend", r#"{"ttl_seconds": 900}"#),
    (Method::POST, "/release", "{}"),
    (Method::POST, "/commit", r#"{"pieces": 1}"#),
    (Method::DELETE, "", ""),
];

/// Sends text as JSON, with this header.
async fn send(client: &Client, method: &Method, path: &str, header: (&str, &str), body: &str) -> Answer {
    let request = client.request(method.clone(), path).header(header.0, header.1);
    let request = if body.is_empty() { request } else { request.header("content-type", "application/json") };
    Answer::of(request.body(body.to_owned())).await
}

async fn held(world: &World) -> (Value, Client, Value) {
    let flight = direct(world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 60 }))).await;
    (flight, customer, hold)
}

#[tokio::test]
async fn the_credential_comes_first_then_existence_then_faults() {
    let world = World::start().await;
    let (_, customer, hold) = held(&world).await;
    let (stranger, guest) = (world.customer().await, world.caller(Role::Guest).await);
    let absent = format!("{HOLDS}/01900000-0000-7000-8000-000000000001");
    for (method, verb, body) in &CHANGES {
        let own = format!("{}{verb}", at(&hold));
        let ask = async |client: &Client, path: &str, body: &str| send(client, method, path, ("x-a", "b"), body).await;
        ask(&world.anonymous(), &own, body).await.expect_problem(401, "unauthenticated");
        for body in [*body, r#"{"colour": 1}"#] {
            for caller in [&stranger, &guest] {
                ask(caller, &own, body).await.expect_problem(404, "not_found");
            }
            for path in [format!("{absent}{verb}"), format!("{HOLDS}/nonsense{verb}")] {
                ask(&customer, &path, body).await.expect_problem(404, "not_found");
            }
        }
        ask(&customer, &format!("{own}?colour=red"), body).await.expect_faults();
    }
    stranger.get(&at(&hold)).await.expect_problem(404, "not_found");
    customer.get(&format!("{HOLDS}/nonsense")).await.expect_problem(404, "not_found");
    world.anonymous().get(HOLDS).await.expect_problem(401, "unauthenticated");
    world.anonymous().post(HOLDS, json!({})).await.expect_problem(401, "unauthenticated");
    assert_eq!(customer.held(&hold).await, hold);
}

#[tokio::test]
async fn a_change_is_made_only_to_the_version_that_was_seen() {
    let world = World::start().await;
    let (_, customer, hold) = held(&world).await;
    for (method, verb, body) in &CHANGES {
        let path = format!("{}{verb}", at(&hold));
        for tag in ["\"0\"", "\"2\"", "\"2\", \"3\""] {
            send(&customer, method, &path, ("if-match", tag), body).await.expect_problem(412, "version_mismatch");
        }
        let faults = send(&customer, method, &path, ("if-match", "1"), body).await.expect_faults();
        assert_eq!(faults, [("if-match".to_owned(), "invalid_format".to_owned())]);
    }
    assert_eq!(customer.held(&hold).await, hold);
    let amended = send(&customer, &Method::PATCH, &at(&hold), ("if-match", "\"1\""), r#"{"pieces": 3}"#).await;
    assert_eq!(amended.header("etag"), Some("\"2\""));
    let extend = format!("{}/extend", at(&hold));
    let extended = send(&customer, &Method::POST, &extend, ("if-match", "\"2\""), "").await;
    assert_eq!(extended.header("etag"), Some("\"3\""));
    let known = customer.request(Method::GET, &at(&hold)).header("if-none-match", "\"3\"");
    assert_eq!(Answer::of(known).await.status, 304);
    world.sql("update holds set expires_at = created_at").await;
    let expired = customer.request(Method::GET, &at(&hold)).header("if-none-match", "\"3\"");
    assert_eq!(text(&Answer::of(expired).await.expect(200), "status"), "EXPIRED");
    world.audit().await;
}

#[tokio::test]
async fn each_change_is_made_once_for_each_key() {
    let world = World::start().await;
    let (flight, customer, _) = held(&world).await;
    let reservations = format!("/api/v1/flights/{}/reservations", text(&flight, "id"));
    for (path, wanted) in [(HOLDS, hold_on(&[&flight])), (&reservations, json!({ "weight_kg": 10 }))] {
        let first = send(&customer, &Method::POST, path, ("idempotency-key", path), &wanted.to_string()).await;
        let again = send(&customer, &Method::POST, path, ("idempotency-key", path), &wanted.to_string()).await;
        assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &first.text));
        assert_eq!((first.header("location"), again.header("location")).0, again.header("location"));
        first.expect(201);
        let other = with(wanted, json!({ "weight_kg": 11 })).to_string();
        let reused = send(&customer, &Method::POST, path, ("idempotency-key", path), &other).await;
        reused.expect_problem(422, "idempotency_key_reused");
    }
    assert_eq!(held_on(&customer, &flight).await, 210);
    for (method, verb, body) in &CHANGES {
        let wanted = json!({ "ttl_seconds": 60 });
        let hold = customer.hold(with(hold_on(&[&flight]), wanted)).await;
        let (path, key) = (format!("{}{verb}", at(&hold)), format!("{method}{verb}"));
        let ask = async |body: &str| send(&customer, method, &path, ("idempotency-key", &key), body).await;
        let first = ask(body).await;
        assert!(first.status.is_success(), "{}", first.text);
        let again = ask(body).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
        let other = match *verb {
            "/extend" => r#"{"ttl_seconds": 899}"#,
            "/release" => continue,
            _ if *method == Method::DELETE => continue,
            _ => r#"{"weight_kg": 99}"#,
        };
        ask(other).await.expect_problem(422, "idempotency_key_reused");
    }
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_key_that_is_repeated_beside_itself_has_one_effect() {
    let world = WorldOptions::patient().start().await;
    let flight = direct(&world, "AI101", 100_000.0).await;
    let customer = world.customer().await;
    let body = hold_on(&[&flight]).to_string();
    let asked = (0..20).map(|_| send(&customer, &Method::POST, HOLDS, ("idempotency-key", "once"), &body));
    let answers = futures_util::future::join_all(asked).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(made.iter().all(|answer| answer.text == made[0].text), "one hold");
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())));
    assert_eq!(held_on(&customer, &flight).await, 100);
    world.audit().await;
}

#[tokio::test]
async fn a_body_must_be_json_of_a_bounded_size() {
    let world = WorldOptions::default().set("server.max_body_bytes", "2000").start().await;
    let (flight, customer, hold) = held(&world).await;
    let reservations = format!("/api/v1/flights/{}/reservations", text(&flight, "id"));
    let paths = [HOLDS.to_owned(), reservations];
    let paths = paths.into_iter().map(|path| (Method::POST, path));
    let changes = CHANGES.into_iter().map(|(method, verb, _)| (method, format!("{}{verb}", at(&hold))));
    for (method, path) in paths.chain(changes) {
        for body in ["{", "[]", "\"text\"", "{\"a\": 1, \"a\": 2}"] {
            let answer = send(&customer, &method, &path, ("x-a", "b"), body).await;
            assert_eq!(answer.status, 400, "{method} {path} {body}: {}", answer.text);
        }
        let large = format!("{{\"description\": \"{}\"}}", "x".repeat(2000));
        let answer = send(&customer, &method, &path, ("x-a", "b"), &large).await;
        answer.expect_problem(413, "payload_too_large");
        let typed = customer.request(method.clone(), &path).header("content-type", "text/plain").body("{}");
        Answer::of(typed).await.expect_problem(415, "unsupported_media_type");
    }
    assert_eq!(customer.held(&hold).await, hold);
}

#[tokio::test]
async fn a_closed_or_unknown_flight_cannot_be_held() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(1)).await;
    let onward = world.flight(NewFlight::new("AI102", "LHR", "JFK").leaves_in_hours(30)).await;
    let gone = direct(&world, "AI103", 1000.0).await;
    loadmaster_testkit::flight_verbs::done(&world.admin().await, &gone, "cancel").await;
    let customer = world.customer().await;
    customer.post(HOLDS, hold_on(&[&flight])).await.expect_problem(409, "flight_closed");
    customer.post(HOLDS, hold_on(&[&gone])).await.expect_problem(409, "flight_cancelled");
    customer.post(HOLDS, hold_on(&[&onward, &flight])).await.expect_problem(409, "itinerary_invalid");
    customer.post(HOLDS, hold_on(&[&onward, &onward])).await.expect_problem(409, "itinerary_invalid");
    let unknown = json!({ "flight_ids": ["01900000-0000-7000-8000-000000000001"], "weight_kg": 1 });
    customer.post(HOLDS, unknown).await.expect_problem(409, "itinerary_invalid");
    world.audit().await;
}
