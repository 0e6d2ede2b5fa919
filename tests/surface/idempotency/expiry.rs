//! Answers are kept for a day, by the database's clock: time passes by making them older.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{order, path_of, with},
    until,
};
use serde_json::json;

use super::{book, effects, fresh, kept, poke, repeats};

/// As if so many minutes had passed.
async fn pass(world: &World, minutes: u32) {
    world.sql(&format!("update idempotency_records set created_at = created_at - interval '{minutes} minutes'")).await;
}

#[tokio::test]
async fn an_answer_is_repeated_for_a_day_and_no_longer() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = order(&[&flight]);
    let first = fresh(book(&customer, "k", &wish).await, 201);
    pass(&world, 24 * 60 - 10).await;
    repeats(&first, book(&customer, "k", &wish).await);
    // A repetition makes it no younger.
    pass(&world, 10).await;
    let second = fresh(book(&customer, "k", &wish).await, 201);
    assert_ne!(second.body["ref_id"], first.body["ref_id"]);
    assert_eq!(kept(&world).await, "1", "the old record gives way");
    pass(&world, 24 * 60 - 10).await;
    repeats(&second, book(&customer, "k", &wish).await);
    world.audit().await;
}

#[tokio::test]
async fn a_key_that_is_too_old_is_good_for_another_request() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let (wish, other) = (order(&[&flight]), with(order(&[&flight]), json!({"pieces": 5})));
    let booking = fresh(book(&customer, "k", &wish).await, 201).body;
    let cancel = format!("{}/cancel", path_of(&booking));
    fresh(poke(&customer, "k", &cancel).await, 200);
    pass(&world, 24 * 60).await;
    let second = fresh(book(&customer, "k", &other).await, 201);
    repeats(&second, book(&customer, "k", &other).await);
    book(&customer, "k", &wish).await.expect_problem(422, "idempotency_key_reused");
    // It was done, only nobody remembers under which key.
    let before = effects(&world).await;
    poke(&customer, "k", &cancel).await.expect_problem(409, "invalid_transition");
    assert_eq!(effects(&world).await, before);
    world.audit().await;
}

#[tokio::test]
async fn how_long_is_a_setting() {
    let world = WorldOptions::working().set("idempotency.retention_hours", "2").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = order(&[&flight]);
    let first = fresh(book(&customer, "k", &wish).await, 201);
    pass(&world, 110).await;
    repeats(&first, book(&customer, "k", &wish).await);
    pass(&world, 10).await;
    fresh(book(&customer, "k", &wish).await, 201);
}

#[tokio::test]
async fn old_answers_are_deleted_by_a_scheduled_job_and_young_ones_stay() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = order(&[&flight]);
    let first = fresh(book(&customer, "k", &wish).await, 201);
    // More than are deleted at once.
    world
        .sql(
            "insert into idempotency_records (principal_id, method, path, key, request_hash, status, body, created_at)
             select gen_random_uuid(), 'POST', '/api/v1/bookings', 'old ' || number, '', 201, '{}',
                    now() - interval '24 hours' - number * interval '1 s'
             from generate_series(1, 11000) number",
        )
        .await;
    assert_eq!(world.texts("select name from schedules where name = 'old_idempotency_keys'").await.len(), 1);
    world.sql("update schedules set next_run_at = now() where name = 'old_idempotency_keys'").await;
    until("the old answers are gone", async || kept(&world).await == "1").await;
    until("the job is done", async || {
        world.texts("select kind from jobs where kind = 'old_idempotency_keys'").await.is_empty()
    })
    .await;
    assert_eq!(kept(&world).await, "1");
    repeats(&first, book(&customer, "k", &wish).await);
    // Whoever is at a key meanwhile is not in its way.
    pass(&world, 24 * 60).await;
    world.sql("update schedules set next_run_at = now() where name = 'old_idempotency_keys'").await;
    until("the last one is gone", async || kept(&world).await == "0").await;
    fresh(book(&customer, "k", &wish).await, 201);
}
