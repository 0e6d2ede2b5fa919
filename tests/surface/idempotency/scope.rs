//! Whose key it is, and for what.
use loadmaster_testkit::{
    NewFlight, World,
    flight_verbs::path_to,
    freight::{BOOKINGS, each, order, path_of},
};
use reqwest::Method;
use serde_json::json;

use super::{ask, book, fresh, kept, poke, repeats};

#[tokio::test]
async fn two_callers_may_use_one_key() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (ann, bob) = (world.customer().await, world.customer().await);
    let wish = order(&[&flight]);
    let hers = fresh(book(&ann, "k", &wish).await, 201);
    let his = fresh(book(&bob, "k", &wish).await, 201);
    assert_ne!(hers.body["ref_id"], his.body["ref_id"]);
    repeats(&hers, book(&ann, "k", &wish).await);
    repeats(&his, book(&bob, "k", &wish).await);
    // Neither sees more than his own.
    for (caller, own) in [(&ann, &hers), (&bob, &his)] {
        let list = caller.get(BOOKINGS).await.expect(200);
        assert_eq!(each(&list, "ref_id"), [&own.body["ref_id"]]);
    }
    world.audit().await;
}

/// One who logs in again is still himself.
#[tokio::test]
async fn a_key_is_the_callers_not_the_tokens() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let account = json!({"email": "ann@forwarder.example", "password": "correct horse battery"});
    world.anonymous().post("/api/v1/auth/register", account.clone()).await.expect(201);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let session = world.anonymous().post("/api/v1/auth/login", account.clone()).await.expect(200);
        tokens.push(world.anonymous().with_token(session["access_token"].as_str().unwrap()));
    }
    let wish = order(&[&flight]);
    let first = fresh(book(&tokens[0], "k", &wish).await, 201);
    repeats(&first, book(&tokens[1], "k", &wish).await);
}

#[tokio::test]
async fn one_key_serves_for_every_address_and_method_once() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = world.admin().await;
    let (one, other) = (admin.book(order(&[&flight])).await, admin.book(order(&[&flight])).await);
    let (one, other, flight) = (path_of(&one), path_of(&other), path_to(&flight));
    let pieces = json!({"pieces": 3});
    let mut asked = Vec::new();
    for (method, path, body) in [
        (Method::PATCH, one.clone(), Some(&pieces)),
        (Method::PATCH, other.clone(), Some(&pieces)),
        (Method::POST, format!("{one}/depart"), None),
        (Method::POST, format!("{one}/arrive"), None),
        (Method::POST, format!("{other}/cancel"), None),
        (Method::POST, format!("{flight}/depart"), None),
        (Method::POST, format!("{flight}/arrive"), None),
    ] {
        let first = fresh(ask(&admin, "k", method.clone(), &path, body).await, 200);
        asked.push((method, path, body, first));
    }
    assert_eq!(kept(&world).await, asked.len().to_string());
    for (method, path, body, first) in asked {
        repeats(&first, ask(&admin, "k", method, &path, body).await);
    }
    // Deleting is not patching, though the address is the same.
    ask(&admin, "k", Method::DELETE, &other, None).await.expect_problem(409, "invalid_transition");
    world.audit().await;
}

#[tokio::test]
async fn another_key_is_another_wish() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = order(&[&flight]);
    let first = fresh(book(&customer, "one", &wish).await, 201);
    let second = fresh(book(&customer, "two", &wish).await, 201);
    assert_ne!(first.body["ref_id"], second.body["ref_id"]);
    let cancel = format!("{}/cancel", path_of(&first.body));
    let cancelled = fresh(poke(&customer, "one", &cancel).await, 200);
    repeats(&cancelled, poke(&customer, "one", &cancel).await);
    // What was booked is told as it was then.
    repeats(&first, book(&customer, "one", &wish).await);
    assert_eq!(first.body["status"], "BOOKED");
    world.audit().await;
}
