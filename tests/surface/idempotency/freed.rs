//! A refusal is no effect: its key is as good as new.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Brake, NewFlight, World, WorldOptions,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, with},
    until,
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{HEADER, KEYS_HELD, ask, book, fresh, kept, poke, post, repeats};

#[tokio::test]
async fn bad_input_leaves_the_key_free() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let wish = order(&[&flight]);
    book(&customer, "k", &with(wish.clone(), json!({"weight_kg": -1}))).await.expect_problem(400, "validation_failed");
    let broken = customer.request(Method::POST, BOOKINGS).header(HEADER, "k");
    let broken = broken.header("content-type", "application/json").body("{");
    Answer::of(broken).await.expect_problem(400, "malformed_request");
    let first = fresh(book(&customer, "k", &wish).await, 201);
    repeats(&first, book(&customer, "k", &wish).await);

    let send = |table: &'static str| {
        let request = admin.request(Method::POST, "/api/v1/flights/import").header(HEADER, "k");
        Answer::of(request.header("content-type", "text/csv").body(table))
    };
    send("flight_number\nAI1\n").await.expect_problem(400, "validation_failed");
    let header = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,\
                  volume_m3,positions,cutoff_minutes\n";
    assert_eq!(fresh(send(header).await, 200).body["created"], 0);
    world.audit().await;
}

#[tokio::test]
async fn a_404_frees_the_key() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (user, home, away) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let owner = world.caller_in(Role::Customer, Uuid::new_v4(), home).await;
    let stranger = world.caller_in(Role::Customer, user, away).await;
    let cancel = format!("{}/cancel", path_of(&owner.book(order(&[&flight])).await));
    poke(&stranger, "k", &cancel).await.expect_problem(404, "not_found");
    assert_eq!(kept(&world).await, "0");
    world.sql(&format!("update users set organization_id = '{home}' where id = '{user}'")).await;
    let colleague = world.anonymous().with_token(&world.token(Role::Customer, user, home));
    let first = fresh(poke(&colleague, "k", &cancel).await, 200);
    repeats(&first, poke(&colleague, "k", &cancel).await);
    world.audit().await;
}

#[tokio::test]
async fn refusals_by_state_free_the_key() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(150.0)).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    let wish = order(&[&flight]);
    let path = path_of(&operator.book(wish.clone()).await);
    for _ in 0..2 {
        book(&operator, "k", &wish).await.expect_problem(409, "capacity_exceeded");
    }
    admin.patch(&path_to(&flight), json!({"capacity": {"weight_kg": 200}})).await.expect(200);
    let first = fresh(book(&operator, "k", &wish).await, 201);
    repeats(&first, book(&operator, "k", &wish).await);

    let arrive = format!("{path}/arrive");
    poke(&operator, "k", &arrive).await.expect_problem(409, "invalid_transition");
    operator.poke(&format!("{path}/depart")).await.expect(200);
    let stale = operator.request(Method::POST, &arrive).header(HEADER, "k").header("if-match", "\"1\"");
    Answer::of(stale).await.expect_problem(412, "version_mismatch");
    let location = json!({"location": "DEL"});
    post(&operator, "k", &arrive, &location).await.expect_problem(409, "location_mismatch");
    fresh(poke(&operator, "k", &arrive).await, 200);
    world.audit().await;
}

#[tokio::test]
async fn a_forbidden_request_uses_no_key() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let user = Uuid::new_v4();
    let customer = world.caller_in(Role::Customer, user, Uuid::new_v4()).await;
    let depart = format!("{}/depart", path_of(&customer.book(order(&[&flight])).await));
    poke(&customer, "k", &depart).await.expect_problem(403, "forbidden");
    poke(&world.anonymous(), "k", &depart).await.expect_problem(401, "unauthenticated");
    assert_eq!(kept(&world).await, "0");
    let promoted = world.anonymous().with_token(&world.token(Role::Operator, user, Uuid::new_v4()));
    fresh(poke(&promoted, "k", &depart).await, 200);
}

/// The answer and the effect are one transaction: what is rolled back is not kept.
#[tokio::test]
async fn a_failed_transaction_frees_the_key() {
    let world = WorldOptions::patient().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = order(&[&flight]);
    let mut brake = Brake::on(&world.database).await;
    let first = tokio::spawn({
        let (customer, wish) = (customer.clone(), wish.clone());
        async move { book(&customer, "k", &wish).await }
    });
    brake.until_stopped(1).await;
    brake.kill().await;
    let failed = first.await.unwrap();
    assert!(failed.status.is_server_error(), "{}", failed.text);
    brake.release().await;
    assert_eq!(kept(&world).await, "0");
    // The session that was ended has given its key back.
    until("the key is free", async || world.texts(KEYS_HELD).await.is_empty()).await;
    let booked = fresh(ask(&customer, "k", Method::POST, BOOKINGS, Some(&wish)).await, 201);
    repeats(&booked, book(&customer, "k", &wish).await);
    world.audit().await;
}
