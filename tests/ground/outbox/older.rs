//! While a version is rolled out an older process writes bare data where this one writes whole documents.
use std::collections::BTreeMap;

use loadmaster_testkit::{
    OwnRedis, World, WorldOptions,
    freight::{text, two_flights},
    until,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    People, SHIPPED, alone, assert_in_order, assert_no_repetition, assert_told,
    collecting::{Collecting, Mood},
    consumer::Consumer,
    documents, ids,
    open::{Open, tell},
    ship,
};

/// Writes what is in the outbox so far again, as the version before would have written it. Answers what it said.
async fn make_older(world: &World) -> BTreeMap<String, Value> {
    let documents = documents(&mut world.database.owner().await).await;
    world
        .sql(
            "with gone as (delete from outbox returning *)
             insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
             select aggregate, aggregate_id, sequence, event_type, payload -> 'data', occurred_at from gone order by id",
        )
        .await;
    assert_eq!(world.texts("select 'whole' from outbox where payload ? 'specversion'").await, [] as [String; 0]);
    documents
}

/// What is written as this version does.
async fn whole_documents(world: &World) -> BTreeMap<String, Value> {
    let texts = world.texts("select payload::text from outbox where payload ? 'specversion'").await;
    let documents = texts.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
    documents.map(|document| (text(&document, "id").to_owned(), document)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_of_an_older_process_arrive_in_the_current_form() {
    let (world, redis) = (alone().await, OwnRedis::start().await);
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    ship(people.clone(), flights.clone()).await;
    let older = make_older(&world).await;
    ship(people, flights).await;
    // Beside what this version has written since.
    let mut all = whole_documents(&world).await;
    all.extend(older);
    assert_eq!(all.len(), 2 + 2 * SHIPPED);

    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    until("the sink has them", async || sink.count() == all.len()).await;
    serving.end().await;
    assert_eq!(sink.ids().len(), all.len());
    for message in sink.messages() {
        assert_eq!(message, all[text(&message, "id")]);
    }

    let with_redis =
        WorldOptions::patient().with_workers().on(&world.database).set("redis.url", &redis.url()).start().await;
    let mut consumer = Consumer::of(&redis).await;
    until("the stream has them", async || {
        consumer.read().await;
        consumer.messages.len() >= all.len()
    })
    .await;
    assert_in_order(&ids(&consumer.messages));
    assert_told(&consumer.messages, &all);
    with_redis.shutdown().await;
    world.shutdown().await;
}

#[tokio::test]
async fn a_row_of_the_version_before_becomes_a_whole_document() {
    let world = alone().await;
    let (booking, flight) = (Uuid::new_v4(), Uuid::new_v4());
    // As its own statement has it.
    let write = "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
                 values ($1, $2, $3, $4, $5, '2026-11-20T09:10:11.123456Z')";
    let of_booking = json!({"data_version": 1, "event_id": Uuid::new_v4(), "ref_id": "LM7Q4TZK", "awb_number": null,
                            "status": "DEPARTED", "location": "DEL", "flight_id": flight, "flight_number": "AI101",
                            "pieces": 2, "weight_kg": 100, "version": 4});
    let of_flight = json!({"version": 1, "flight_number": "AI101", "origin": "DEL", "destination": "BOM"});
    let mut owner = world.database.app().await;
    for (aggregate, id, sequence, event_type, payload) in
        [("booking", booking, 4, "DEPARTED", &of_booking), ("flight", flight, 7, "CHANGED", &of_flight)]
    {
        let row = sqlx::query(write).bind(aggregate).bind(id).bind(sequence).bind(event_type).bind(payload);
        row.execute(&mut owner).await.unwrap();
    }
    two_flights(&world).await;

    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    until("the sink has them", async || sink.count() == 4).await;
    serving.end().await;
    assert_no_repetition(&sink.ids());
    let whole = |aggregate: &str, id: Uuid, sequence: &str, event_type: &str, subject: String, data: &Value| {
        json!({
            "specversion": "1.0", "id": format!("{id}-{sequence}"), "source": "/loadmaster",
            "type": format!("loadmaster.{aggregate}.{event_type}.v1"), "subject": subject,
            "time": "2026-11-20T09:10:11.123456Z", "datacontenttype": "application/json",
            "sequence": sequence, "data": data,
        })
    };
    let messages = sink.messages();
    assert_eq!(messages[0], whole("booking", booking, "4", "departed", "LM7Q4TZK".to_owned(), &of_booking));
    assert_eq!(messages[1], whole("flight", flight, "7", "changed", flight.to_string(), &of_flight));
    let members = |message: &Value| message.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(messages.iter().all(|message| members(message) == members(&messages[3])), "as one of this version");
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_place_that_an_older_process_has_written_is_gone_on_from_without_a_gap() {
    let world = alone().await;
    let (late, soon) = (Uuid::new_v4(), Uuid::new_v4());
    let mut slow = Open::begin(&world.database).await;
    slow.write(late, 1..=3).await;
    tell(&world.database, soon, 1..=5).await;
    // The older process has delivered 4 to 8, and waits for 1 to 3; what this version had kept before is outdated.
    world
        .sql(
            "insert into outbox_sinks (name, position, gaps, reached, awaited)
             values ('a', 8, '[[1, 4000000000], [2, 4000000000], [3, 4000000000]]', 6, '[]')",
        )
        .await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    until("those above the lowest gap have come again", async || sink.count() == 5).await;
    slow.commit().await;
    until("the late ones have come", async || sink.count() == 8).await;
    tell(&world.database, soon, 6..=6).await;
    until("so has a new one", async || sink.count() == 9).await;
    serving.end().await;
    assert_no_repetition(&sink.ids());
    assert_in_order(&sink.ids());
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_older_process_that_takes_over_misses_nothing() {
    let world = alone().await;
    let (late, soon) = (Uuid::new_v4(), Uuid::new_v4());
    tell(&world.database, soon, 1..=2).await;
    let mut slow = Open::begin(&world.database).await;
    slow.write(late, 1..=3).await;
    tell(&world.database, soon, 3..=5).await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    until("those beside have come", async || sink.count() == 5).await;
    until("the place is kept", async || {
        !world.texts("select name from outbox_sinks where reached = 8").await.is_empty()
    })
    .await;
    serving.end().await;
    slow.commit().await;
    // It knows these two columns, and reads what is above the one and among the others.
    let missing = "select id::text from outbox, outbox_sinks
                   where id > position or id in (select (gap ->> 0)::bigint from jsonb_array_elements(gaps) as gap)";
    let read = world.texts(missing).await;
    assert!(["3", "4", "5"].iter().all(|id| read.iter().any(|read| read == id)), "{read:?}");

    // It tells its place in its own way; this version takes over again.
    world.sql("update outbox_sinks set position = 8").await;
    let serving = sink.served_by(&world, "one");
    tell(&world.database, soon, 6..=6).await;
    until("it goes on from there", async || sink.ids().contains(&format!("{soon}-6"))).await;
    serving.end().await;
    assert_no_repetition(&sink.ids());
    assert_eq!(sink.count(), 6, "the late ones were the older process's");
    world.shutdown().await;
}
