//! How many bookings and searches there were since the start, in all instances that share a Redis.
use std::collections::BTreeMap;

use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    flight_verbs::{act, done},
    freight::{BOOKINGS, order, path_of, with},
    until,
};
use serde_json::{Value, json};

const SUMMARY: &str = "/api/metrics/summary";

const COUNTS: [&str; 8] = [
    "bookings.created",
    "bookings.departed",
    "bookings.arrived",
    "bookings.delivered",
    "bookings.cancelled",
    "routes.searches",
    "cache.hits",
    "cache.misses",
];

type Counts = BTreeMap<String, u64>;

/// The counts by group and name, each a whole number, and nothing else.
async fn counts(operator: &Client) -> Counts {
    let summary = operator.get(SUMMARY).await.expect(200);
    let mut counts = Counts::new();
    for (group, members) in summary.as_object().expect("an object") {
        for (name, count) in members.as_object().expect("an object") {
            counts.insert(format!("{group}.{name}"), count.as_u64().expect("a whole number"));
        }
    }
    let mut names = COUNTS.map(str::to_owned);
    names.sort();
    assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), names);
    counts
}

/// By how much each count of bookings and searches has grown.
fn growth(before: &Counts, after: &Counts) -> [u64; 6] {
    std::array::from_fn(|index| after[COUNTS[index]] - before[COUNTS[index]])
}

/// Waits until the counts have grown by this much: they may be shared a moment later.
async fn until_grown(operator: &Client, before: &Counts, expected: [u64; 6]) {
    until(&format!("the counts have grown by {expected:?}"), async || {
        let grown = growth(before, &counts(operator).await);
        for (name, (grown, expected)) in COUNTS.iter().zip(grown.iter().zip(expected)) {
            assert!(*grown <= expected, "{name} grew by {grown}, not {expected}");
        }
        grown == expected
    })
    .await;
}

/// Five bookings, some moved by themselves and some by their flight, one cancelled; two searches.
async fn live(world: &World, number: &str) {
    let (customer, operator) = (world.customer().await, world.operator().await);
    let flight = world.flight(NewFlight::new(number, "DEL", "LHR")).await;
    let mut bookings: Vec<Value> = Vec::new();
    for _ in 0..5 {
        bookings.push(customer.book(order(&[&flight])).await);
    }
    operator.walk(&bookings[0], &["depart", "arrive", "deliver"]).await;
    customer.walk(&bookings[1], &["cancel"]).await;
    let left = json!({"left_behind": [{"ref_id": bookings[2]["ref_id"], "reason": "NO_SHOW"}]});
    act(&operator, &flight, "depart", left).await.expect(200);
    done(&operator, &flight, "arrive").await;
    customer.delete(&path_of(&bookings[2])).await.expect(200);

    // What is refused does not count.
    customer.post(BOOKINGS, with(order(&[&flight]), json!({"weight_kg": 5000}))).await.expect(409);
    operator.poke(&format!("{}/depart", path_of(&bookings[0]))).await.expect(409);
    act(&operator, &flight, "depart", json!({})).await.expect(409);
    let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"});
    customer.post("/api/v1/routes/search", search).await.expect(200);
    customer.get("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21").await.expect(200);
    customer.get("/api/v1/routes?origin=DEL").await.expect(400);
}

/// What [`live`] adds up to: created, departed, arrived, delivered, cancelled, searches.
const LIFE: [u64; 6] = [5, 3, 3, 1, 2, 2];

fn twice(counts: [u64; 6]) -> [u64; 6] {
    counts.map(|count| 2 * count)
}

#[tokio::test]
async fn only_the_carrier_sees_it() {
    let world = World::working().await;
    world.anonymous().get(SUMMARY).await.expect_problem(401, "unauthenticated");
    world.caller(Role::Guest).await.get(SUMMARY).await.expect_problem(403, "forbidden");
    world.customer().await.get(SUMMARY).await.expect_problem(403, "forbidden");
    for staff in [world.operator().await, world.admin().await] {
        counts(&staff).await;
        let faults = staff.get(&format!("{SUMMARY}?x=1")).await.expect_faults();
        assert_eq!(faults, [("x".to_owned(), "unknown_field".to_owned())]);
    }
}

#[tokio::test]
async fn changes_of_bookings_count_for_every_operation() {
    let world = World::working().await;
    let operator = world.operator().await;
    let before = counts(&operator).await;
    live(&world, "AI101").await;
    until_grown(&operator, &before, LIFE).await;
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_is_cancelled_cancels_no_booking() {
    let world = World::working().await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let before = counts(&operator).await;
    operator.book(order(&[&flight])).await;
    done(&admin, &flight, "cancel").await;
    until_grown(&operator, &before, [1, 0, 0, 0, 0, 0]).await;
}

#[tokio::test]
async fn instances_with_one_redis_count_together() {
    let first = World::working().await;
    let second = WorldOptions::working().on(&first.database).start().await;
    let clients = [first.operator().await, second.operator().await];
    let before = [counts(&clients[0]).await, counts(&clients[1]).await];
    live(&first, "AI101").await;
    for (client, before) in clients.iter().zip(&before) {
        until_grown(client, before, LIFE).await;
    }
    live(&second, "AI102").await;
    for (client, before) in clients.iter().zip(&before) {
        until_grown(client, before, twice(LIFE)).await;
    }
    first.audit().await;
}

#[tokio::test]
async fn without_a_redis_an_instance_counts_for_itself() {
    let options = WorldOptions::working().without_redis();
    let first = options.clone().start().await;
    let second = options.on(&first.database).start().await;
    let clients = [first.operator().await, second.operator().await];
    let before = [counts(&clients[0]).await, counts(&clients[1]).await];
    live(&first, "AI101").await;
    until_grown(&clients[0], &before[0], LIFE).await;
    until_grown(&clients[1], &before[1], [0; 6]).await;
    live(&second, "AI102").await;
    until_grown(&clients[0], &before[0], LIFE).await;
    until_grown(&clients[1], &before[1], LIFE).await;
    first.audit().await;
}
