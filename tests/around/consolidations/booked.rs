//! Bookings of masters that are made to the end, and noted whoever made them.
use loadmaster_testkit::{Client, World, freight::text, jobs::run_again, until};
use serde_json::{Value, json};
use sqlx::Executor;

use super::{
    flight,
    masters::{awb, held, ready},
    named, of, shown, statuses, ways,
};

/// The origins of each event of this type, newest first.
async fn origins(owner: &Client, consolidation: &Value, event_type: &str) -> Vec<Value> {
    let events = owner.get(&of(consolidation, "events")).await.expect(200);
    let events = events.as_array().unwrap().iter().filter(|event| event["event_type"] == event_type);
    events.map(|event| event["origins"].clone()).collect()
}

#[tokio::test]
async fn a_client_that_hangs_up_has_all_its_masters_booked() {
    let world = World::start().await;
    let owner = world.customer().await;
    let (del, bom) = (flight(&world, "AI101", "DEL", 1000.0).await, flight(&world, "AI102", "BOM", 1000.0).await);
    let consolidation = ready(&owner, &["BOM", "DEL"]).await;
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del), ("BOM", &bom)])).await.expect(200);
    // The request waits when it reads its masters, until its client has gone.
    let mut locking = world.database.owner().await;
    locking.execute("begin; lock table consolidation_masters in access exclusive mode").await.unwrap();
    let (caller, path) = (owner.clone(), of(&consolidation, "book"));
    let request = tokio::spawn(async move { caller.post(&path, json!({})).await });
    until("the request waits", async || {
        let waiting =
            "select pid::text from pg_locks where not granted and relation = 'consolidation_masters'::regclass";
        !world.texts(waiting).await.is_empty()
    })
    .await;
    request.abort();
    assert!(request.await.is_err(), "it has hung up");
    locking.execute("commit").await.unwrap();
    let booked = named(&[("BOM", "BOOKED"), ("DEL", "BOOKED")]);
    until("both are booked", async || statuses(&shown(&owner, &consolidation).await) == booked).await;
    until("they are noted", async || origins(&owner, &consolidation, "BOOKED").await == [json!(["BOM", "DEL"])]).await;
    world.audit().await;
}

#[tokio::test]
async fn a_hold_that_is_committed_by_itself_is_noted_once_as_the_booking_of_its_master() {
    let world = World::working().await;
    let owner = world.customer().await;
    let (del, bom) = (flight(&world, "AI101", "DEL", 1000.0).await, flight(&world, "AI102", "BOM", 1000.0).await);
    let consolidation = ready(&owner, &["BOM", "DEL"]).await;
    let whole = owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del), ("BOM", &bom)])).await.expect(200);
    let hold = text(&whole["masters"][1], "hold_id").to_owned();
    owner.post(&format!("/api/v1/holds/{hold}/commit"), json!({})).await.expect(201);
    for _ in 0..2 {
        run_again(&world, "booked_masters").await;
        assert_eq!(origins(&owner, &consolidation, "BOOKED").await, [json!(["DEL"])]);
    }
    let messages = "select event_type from outbox where aggregate = 'consolidation' order by id desc limit 1";
    assert_eq!(world.texts(messages).await, ["BOOKED"]);
    // What is booked later names itself alone.
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(origins(&owner, &consolidation, "BOOKED").await, [json!(["BOM"]), json!(["DEL"])]);
    world.audit().await;
}

#[tokio::test]
async fn a_repeated_request_to_book_names_only_what_it_books() {
    let world = World::start().await;
    let owner = world.customer().await;
    let (del, bom) = (flight(&world, "AI101", "DEL", 1000.0).await, flight(&world, "AI102", "BOM", 1000.0).await);
    let consolidation = ready(&owner, &["BOM", "DEL"]).await;
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
    let path = of(&consolidation, "book");
    owner.post_under("k", &path, &json!({})).await.expect(200);
    owner.post(&of(&consolidation, "hold"), ways(&[("BOM", &bom)])).await.expect(200);
    owner.post_under("k", &path, &json!({})).await.expect(200);
    assert_eq!(origins(&owner, &consolidation, "BOOKED").await, [json!(["BOM"]), json!(["DEL"])]);
}

#[tokio::test]
async fn an_air_waybill_number_of_no_master_to_be_booked_is_refused() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = held(&owner, &del).await;
    let path = of(&consolidation, "book");
    let mistyped = json!({"awb_numbers": {"DLE": awb(1_234_567)}});
    let faults = owner.post(&path, mistyped).await.expect_faults();
    assert_eq!(faults, [("/awb_numbers/DLE".to_owned(), "unknown_value".to_owned())]);
    assert_eq!(statuses(&shown(&owner, &consolidation).await), named(&[("DEL", "HELD")]), "nothing is booked");
    owner.post(&path, json!({"awb_numbers": {"DEL": awb(1_234_567)}})).await.expect(200);
}
