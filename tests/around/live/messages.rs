use loadmaster_testkit::{
    Client, Events, NewFlight, World, WorldOptions,
    freight::{order, text},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{follow, roomy};

const API: &str = "/api/v1";

async fn filtered(client: &Client, query: &str) -> Events {
    Events::open(client.request(Method::GET, &format!("{API}/stream?{query}"))).await
}

fn subjects(told: &Value) -> (&str, &str) {
    (text(told, "type"), text(told, "subject"))
}

#[tokio::test]
async fn staff_sees_each_message_as_it_is_written_and_nothing_from_before() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    customer.book(order(&[&flight])).await;
    let mut stream = follow(&operator, API, None).await;
    let booking = customer.book(order(&[&flight])).await;
    operator.walk(&booking, &["depart"]).await;
    let reference = text(&booking, "ref_id");
    let told = stream.expect("message").await;
    assert_eq!(subjects(&told.data), ("loadmaster.booking.booked.v1", reference));
    assert_eq!((&told.data["specversion"], &told.data["sequence"]), (&json!("1.0"), &json!("1")));
    assert!(text(&told.data, "source").starts_with("/loadmaster/"));
    let told = stream.expect("message").await;
    assert_eq!(subjects(&told.data), ("loadmaster.booking.departed.v1", reference));
    world.anonymous().get(&format!("{API}/stream")).await.expect_problem(401, "unauthenticated");
    customer.get(&format!("{API}/stream")).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn filters_combine() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let other = world.flight(NewFlight::new("AI102", "BOM", "JFK").weight(10_000.0)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut departures = filtered(&operator, "types=loadmaster.booking.departed.v1,loadmaster.flight.*").await;
    let mut station = filtered(&operator, "station=jfk").await;
    let id = flight["id"].as_str().unwrap();
    let mut of_flight = filtered(&operator, &format!("flight_id={id}&types=loadmaster.booking.*")).await;
    let first = customer.book(order(&[&flight])).await;
    let second = customer.book(order(&[&other])).await;
    let mut subject = filtered(&operator, &format!("subject={}", text(&second, "ref_id"))).await;
    operator.walk(&first, &["depart"]).await;
    operator.walk(&second, &["depart"]).await;
    let (first, second) = (text(&first, "ref_id"), text(&second, "ref_id"));
    let (booked, departed) = ("loadmaster.booking.booked.v1", "loadmaster.booking.departed.v1");
    for (stream, expected) in [
        (&mut departures, vec![(departed, first), (departed, second)]),
        (&mut station, vec![(booked, second), (departed, second)]),
        (&mut of_flight, vec![(booked, first), (departed, first)]),
        (&mut subject, vec![(departed, second)]),
    ] {
        for expected in expected {
            assert_eq!(subjects(&stream.expect("message").await.data), expected);
        }
    }
    for (query, name) in [("station=QQQ", "station"), ("flight_id=1", "flight_id")] {
        let faults = operator.get(&format!("{API}/stream?{query}")).await.expect_faults();
        assert_eq!(faults[0].0, name, "{query}");
    }
}

#[tokio::test]
async fn a_type_that_does_not_exist_is_refused() {
    let world = World::working().await;
    let operator = world.operator().await;
    for types in [
        "Nonsense",
        "loadmaster.booking.flown.v1",
        "loadmaster.nothing.*",
        "loadmaster.flight.*,loadmaster.booking.v1",
        "*",
    ] {
        let faults = operator.get(&format!("{API}/stream?types={types}")).await.expect_faults();
        assert_eq!(faults, [("types".to_owned(), "unknown_value".to_owned())], "{types}");
    }
}

#[tokio::test]
async fn what_was_missed_comes_on_any_instance_even_if_nothing_had_come_before() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut stream = follow(&operator, API, None).await;
    world.clock.advance(chrono::TimeDelta::seconds(15));
    stream.comment().await;
    let silent = stream.last.clone();
    assert!(!silent.is_empty(), "the beginning has an id, too");
    drop(stream);
    let mut written = Vec::new();
    for _ in 0..150 {
        written.push(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    }
    let other = WorldOptions::working().on(&world.database).start().await;
    let elsewhere = other.anonymous().with_token(operator.token.as_ref().unwrap());
    let mut stream = follow(&elsewhere, API, Some(&silent)).await;
    let mut seen = Vec::new();
    for _ in 0..75 {
        seen.push(text(&stream.expect("message").await.data, "subject").to_owned());
    }
    let mut stream = follow(&operator, API, Some(&stream.last)).await;
    written.push(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    while seen.last() != written.last() {
        seen.push(text(&stream.expect("message").await.data, "subject").to_owned());
    }
    let mut first_seen = Vec::new();
    for subject in seen {
        if !first_seen.contains(&subject) {
            first_seen.push(subject);
        }
    }
    assert_eq!(first_seen, written, "all, in their order; some may come twice");
}

#[tokio::test]
async fn an_id_whose_messages_are_gone_begins_anew() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut stream = follow(&operator, API, None).await;
    customer.book(order(&[&flight])).await;
    let id = stream.expect("message").await.id;
    drop(stream);
    customer.book(order(&[&flight])).await;
    world.sql("delete from outbox").await;
    for (id, reason) in [(id.as_str(), "too_old"), ("7", "unknown"), ("nonsense", "unknown"), ("", "")] {
        let mut stream = follow(&operator, API, Some(id)).await;
        if !reason.is_empty() {
            assert_eq!(stream.expect("reset").await.data, json!({ "reason": reason }), "{id}");
        }
        let booking = customer.book(order(&[&flight])).await;
        assert_eq!(stream.expect("message").await.data["subject"], booking["ref_id"], "{id}");
    }
}

/// Returns the id that a stream has after silence.
async fn id_in_silence(world: &World, stream: &mut Events) -> String {
    world.clock.advance(chrono::TimeDelta::seconds(15));
    stream.comment().await;
    stream.last.clone()
}

#[tokio::test]
async fn reading_on_without_a_match_moves_the_id_on() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut stream = follow(&operator, API, None).await;
    let silent = id_in_silence(&world, &mut stream).await;
    drop(stream);
    // As many as three pages and a half.
    world
        .sql(
            "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
             select 'flight', gen_random_uuid(), 1, 'CREATED', '{}', now() from generate_series(1, 350)",
        )
        .await;
    let booking = customer.book(order(&[&flight])).await;
    for query in ["types=loadmaster.booking.*", "types=loadmaster.booking.*&station=del"] {
        let request = operator.request(Method::GET, &format!("{API}/stream?{query}"));
        let mut stream = Events::open(request.header("last-event-id", &silent)).await;
        assert_eq!(stream.expect("message").await.data["subject"], booking["ref_id"]);
        assert!(stream.opens >= 3, "{} pages had no match", stream.opens);
    }
}

#[tokio::test]
async fn the_id_of_a_stream_to_which_nothing_is_sent_does_not_become_too_old() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut quiet = filtered(&operator, "types=loadmaster.payment.*").await;
    let first = id_in_silence(&world, &mut quiet).await;
    for _ in 0..2 {
        customer.book(order(&[&flight])).await;
    }
    let mut id = first.clone();
    while id == first {
        id = id_in_silence(&world, &mut quiet).await;
    }
    // The second one may not have been read yet.
    world.sql("delete from outbox where id < (select max(id) from outbox)").await;
    let mut stream = follow(&operator, API, Some(&id)).await;
    let booking = customer.book(order(&[&flight])).await;
    while stream.expect("message").await.data["subject"] != booking["ref_id"] {}
}

#[tokio::test]
async fn a_stream_that_began_when_all_messages_were_deleted_misses_none() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    customer.book(order(&[&flight])).await;
    world.sql("delete from outbox").await;
    let mut stream = follow(&operator, API, None).await;
    let id = id_in_silence(&world, &mut stream).await;
    drop(stream);
    let booking = customer.book(order(&[&flight])).await;
    let mut stream = follow(&operator, API, Some(&id)).await;
    assert_eq!(stream.expect("message").await.data["subject"], booking["ref_id"]);
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_missed() {
    use sqlx::{Connection, Executor};
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut late = world.database.app().await;
    let mut tx = late.begin().await.unwrap();
    // Numbered before the next message, and visible after it.
    let insert = "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
                  values ('flight', gen_random_uuid(), 1, 'CREATED', '{\"late\": true}', now())";
    tx.execute(insert).await.unwrap();
    let mut stream = follow(&operator, API, None).await;
    customer.book(order(&[&flight])).await;
    assert_eq!(text(&stream.expect("message").await.data, "type"), "loadmaster.booking.booked.v1");
    let before = stream.last.clone();
    drop(stream);
    let mut back = follow(&operator, API, Some(&before)).await;
    tx.commit().await.unwrap();
    let mut told = back.expect("message").await;
    while told.data["data"]["late"] != true {
        told = back.expect("message").await;
    }
    let mut later = follow(&operator, API, Some(&before)).await;
    while later.expect("message").await.data["data"]["late"] != true {}
}
