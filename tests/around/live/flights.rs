use std::time::Instant;

use loadmaster_testkit::{
    NewFlight, SOON, World, WorldOptions,
    freight::{BOOKINGS, at_once, order, without},
    sum_of, until,
};
use serde_json::{Value, json};

use super::{follow, path_of_flight, roomy};

/// The time of reading differs from one reading to the next.
fn room(availability: &Value) -> Value {
    without(availability.clone(), "as_of")
}

#[tokio::test]
async fn a_stream_begins_with_the_flight_and_its_space_and_shows_each_as_it_changes() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let path = path_of_flight(&flight);
    let mut stream = follow(&world.anonymous(), &path, None).await;
    let told = stream.expect("flight").await;
    assert_eq!(told.data, world.anonymous().get(&path).await.expect(200));
    let first = stream.expect("availability").await;
    assert_eq!((&told.id, told.id.split('-').next()), (&first.id, Some("1")));
    let by_get = world.anonymous().get(&format!("{path}/availability")).await.expect(200);
    assert_eq!(room(&first.data), room(&by_get));

    world.customer().await.book(order(&[&flight])).await;
    let booked = stream.expect("availability").await;
    assert_eq!(booked.data["booked"]["weight_kg"], json!(100));
    assert_ne!(booked.id, first.id);
    let later = json!({"departure_datetime": "2026-11-21T09:00:00Z", "arrival_datetime": "2026-11-21T13:00:00Z"});
    let retimed = world.admin().await.patch(&path, later).await.expect(200);
    let told = stream.expect("flight").await;
    assert_eq!(told.data["departure_datetime"], retimed["departure_datetime"]);
    assert!(told.id.starts_with("2-"), "{}", told.id);
    let now = stream.expect("availability").await;
    assert_eq!((&now.data["version"], now.id), (&json!(2), told.id));
}

#[tokio::test]
async fn who_comes_back_gets_both_states_if_they_differ_and_nothing_if_they_do_not() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (path, anyone) = (path_of_flight(&flight), world.anonymous());
    let mut stream = follow(&anyone, &path, None).await;
    stream.expect("flight").await;
    let before = stream.expect("availability").await.id;
    let mut same = follow(&anyone, &path, Some(&before)).await;
    world.customer().await.book(order(&[&flight])).await;
    let now = same.expect("availability").await.id;
    assert_ne!(now, before);
    let mut back = follow(&anyone, &path, Some(&before)).await;
    assert_eq!((back.expect("flight").await.id, back.expect("availability").await.id), (now.clone(), now));
    for id in ["1", "x-y", "1-", "9-0", "1-99999", "-1-0"] {
        let mut lost = follow(&anyone, &path, Some(id)).await;
        assert_eq!(lost.expect("reset").await.data, json!({"reason": "unknown"}), "{id}");
        lost.expect("flight").await;
        lost.expect("availability").await;
    }
    let missing = "/api/v1/flights/019a0000-0000-7000-8000-000000000000/stream";
    anyone.get(missing).await.expect_problem(404, "not_found");
    anyone.get(&format!("{missing}?x=1")).await.expect_problem(404, "not_found");
    anyone.get(&format!("{path}/stream?x=1")).await.expect_problem(400, "validation_failed");
}

#[tokio::test]
async fn many_bookings_at_once_are_few_states_and_the_last_is_the_truth() {
    let world = WorldOptions::patient().with_workers().start().await;
    let flight = roomy(&world).await;
    let path = path_of_flight(&flight);
    let mut stream = follow(&world.anonymous(), &path, None).await;
    stream.expect("flight").await;
    stream.expect("availability").await;
    let customer = world.customer().await;
    let began = Instant::now();
    let booked = at_once((0..200).map(|_| customer.sending(BOOKINGS, order(&[&flight])))).await;
    for answer in booked {
        answer.expect(201);
    }
    let took = began.elapsed();
    let truth = world.anonymous().get(&format!("{path}/availability")).await.expect(200);
    let mut states = 1;
    while room(&stream.expect("availability").await.data) != room(&truth) {
        states += 1;
    }
    // Five a second, however many bookings there were and however long they took on a slow machine.
    let most = 6 + took.as_millis() / 200 + 5;
    assert!(states <= most, "{states} states in {took:?}");
    world.audit().await;
}

#[tokio::test]
async fn all_streams_of_a_flight_cost_one_reading() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (path, customer) = (path_of_flight(&flight), world.customer().await);
    let mut streams = Vec::new();
    for _ in 0..15 {
        let mut stream = follow(&world.anonymous(), &path, None).await;
        stream.expect("flight").await;
        stream.expect("availability").await;
        streams.push(stream);
    }
    customer.book(order(&[&flight])).await;
    let mut texts = Vec::new();
    for stream in &mut streams {
        texts.push(stream.expect("availability").await.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "all have the same bytes: the same time of reading");
    let open = async || sum_of(&world.anonymous(), "loadmaster_streams{", "kind=\"flight\"").await;
    assert_eq!(open().await, 15);
    drop(streams);
    until("closed streams are forgotten", async || open().await == 0).await;
}

#[tokio::test]
async fn space_that_changes_without_a_message_is_shown_too() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let mut stream = follow(&world.anonymous(), &path_of_flight(&flight), None).await;
    stream.expect("flight").await;
    stream.expect("availability").await;
    let id = flight["id"].as_str().unwrap();
    world.sql(&format!("update flight_capacity set ledger_seq = ledger_seq + 1 where flight_id = '{id}'")).await;
    let told = tokio::time::timeout(SOON, stream.expect("availability")).await;
    told.expect("it is seen without a message");
}
