//! What counts as the same request.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{BOOKINGS, order, path_of, text, with},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{HEADER, book, effects, fresh, repeats};

async fn send(client: &Client, method: Method, path: &str, media_type: &str, body: &str) -> Answer {
    let request = client.request(method, path).header(HEADER, "k").header("content-type", media_type);
    Answer::of(request.body(body.to_owned())).await
}

/// Refused as another request under a used key, and without any effect.
async fn reused(world: &World, answer: impl Future<Output = Answer>) {
    let before = effects(world).await;
    let answer = answer.await;
    assert_eq!(answer.header("idempotency-replayed"), None);
    answer.expect_problem(422, "idempotency_key_reused");
    assert_eq!(effects(world).await, before);
}

#[tokio::test]
async fn another_body_under_a_used_key_is_refused() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = order(&[&flight]);
    let first = fresh(book(&customer, "k", &wish).await, 201);
    for other in [
        json!({"weight_kg": 100.1}),
        json!({"pieces": 3}),
        json!({"volume_m3": 1.001}),
        json!({"description": "Books"}),
        json!({"special_handling_codes": ["PER"]}),
    ] {
        reused(&world, book(&customer, "k", &with(wish.clone(), other))).await;
    }
    // Neither has spoiled the key.
    repeats(&first, book(&customer, "k", &wish).await);
    // What is wrong in itself is told first.
    let faults = book(&customer, "k", &with(wish, json!({"pieces": 0}))).await.expect_faults();
    assert_eq!(faults, [("/pieces".to_owned(), "too_small".to_owned())]);
    world.audit().await;
}

#[tokio::test]
async fn a_body_counts_as_it_is_read_not_as_it_is_written() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let id = text(&flight, "id");
    let ways = [
        format!(
            r#"{{"origin":"DEL","destination":"LHR","pieces":2,"weight_kg":500,"flight_ids":["{id}"],
                 "shipper":{{"name":"Zoe Ltd","city":"Delhi"}}}}"#
        ),
        format!(
            r#" {{ "shipper": {{"city": "Delhi", "name": "Zo\u0065 Ltd"}}, "flight_ids": [ "{id}" ],
                  "weight_kg": 500.0, "pieces": 2, "destination": "LHR", "origin": "DEL" }} "#
        ),
        format!(
            r#"{{"weight_kg":5e2,"pieces":2,"shipper":{{"name":"Zoe Ltd","city":"Delhi"}},"origin":"DEL",
                 "destination":"LHR","flight_ids":["{id}"]}}"#
        ),
    ];
    let first = fresh(send(&customer, Method::POST, BOOKINGS, "application/json", &ways[0]).await, 201);
    for way in &ways {
        repeats(&first, send(&customer, Method::POST, BOOKINGS, "application/json; charset=utf-8", way).await);
    }
    // The order in a list means something.
    let codes = |codes: Value| with(serde_json::from_str(&ways[0]).unwrap(), json!({"special_handling_codes": codes}));
    fresh(book(&customer, "list", &codes(json!(["PER", "HEA"]))).await, 201);
    reused(&world, book(&customer, "list", &codes(json!(["HEA", "PER"])))).await;
    world.audit().await;
}

#[tokio::test]
async fn no_body_and_an_empty_one_are_the_same_request_under_either_name() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&flight])).await);
    let depart = format!("{path}/depart");
    let first = fresh(super::poke(&operator, "k", &depart).await, 200);
    repeats(&first, send(&operator, Method::POST, &depart, "application/json", "{ }").await);
    reused(&world, send(&operator, Method::POST, &depart, "application/json", r#"{"notes": "late"}"#)).await;

    let change = r#"{"description": "Books"}"#;
    let first = fresh(send(&operator, Method::PATCH, &path, "application/json", change).await, 200);
    repeats(&first, send(&operator, Method::PATCH, &path, "application/merge-patch+json", change).await);
    world.audit().await;
}

const TABLE: &str = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,\
                     positions,cutoff_minutes\nAI205,DEL,LHR,2026-11-23T08:00:00Z,2026-11-23T16:00:00Z,,500,,,\n";

#[tokio::test]
async fn an_import_counts_byte_for_byte_and_with_its_query() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (import, try_out) = ("/api/v1/flights/import", "/api/v1/flights/import?dry_run=true");
    let send = |path: &'static str, table: String| {
        let admin = admin.clone();
        async move { send(&admin, Method::POST, path, "text/csv", &table).await }
    };
    let tried = fresh(send(try_out, TABLE.to_owned()).await, 200);
    assert_eq!(tried.body["created"], 1);
    repeats(&tried, send(try_out, TABLE.to_owned()).await);
    // The trial is not the import, though the table is the same.
    reused(&world, send(import, TABLE.to_owned())).await;
    reused(&world, send("/api/v1/flights/import?dry_run=false", TABLE.to_owned())).await;
    assert_eq!(world.count("flights").await, 0);

    world.sql("delete from idempotency_records").await;
    let done = fresh(send(import, TABLE.to_owned()).await, 200);
    assert_eq!(done.body["created"], 1);
    repeats(&done, send(import, TABLE.to_owned()).await);
    // The same table to whoever reads it, but not the same bytes.
    for other in [format!("{TABLE}\n"), TABLE.replace('\n', "\r\n"), TABLE.replace(",500,", ",500.0,")] {
        reused(&world, send(import, other)).await;
    }
    reused(&world, send(try_out, TABLE.to_owned())).await;
    assert_eq!(world.count("flights").await, 1);
    world.audit().await;
}
