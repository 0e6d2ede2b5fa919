//! Fifty who come one after the other while the first is held up.
use std::time::{Duration, Instant};

use loadmaster_testkit::{
    Answer, Client, Dice, NewFlight, OwnRedis, World, WorldOptions, freight::text, locks::put, sum_of, until,
};
use serde_json::Value;
use sqlx::{Connection, Executor};
use tokio::task::JoinHandle;

use super::{got_space, left, served, wish};

const CLIENTS: usize = 50;

/// A flight that will not do for all of them: each wants so much of its last 100 kg.
fn wishes(seed: u64) -> Vec<u32> {
    let mut dice = Dice::new(seed);
    (0..CLIENTS).map(|_| 1 + u32::try_from(dice.below(9)).unwrap()).collect()
}

/// They come one after the other: each is there before the next sets off. `blocked` says how long this may go on.
async fn arrive(
    world: &World,
    flights: &[&Value],
    wishes: &[u32],
    blocked: impl Fn() -> bool,
) -> (Vec<JoinHandle<Answer>>, usize) {
    let customer = world.customer().await;
    let mut sent = Vec::new();
    for (number, &kilograms) in wishes.iter().enumerate() {
        if !blocked() {
            return (sent, number);
        }
        let before = sum_of(&customer, "loadmaster_desk_orders_total ", "").await;
        // On a connection of his own.
        let client = Client { token: customer.token.clone(), ..Client::anonymous(&customer.base) };
        let wish = wish(flights, kilograms);
        sent.push(tokio::spawn(async move { client.post("/api/v1/bookings", wish).await }));
        until("the order is at the desk", async || {
            sum_of(&customer, "loadmaster_desk_orders_total ", "").await > before
        })
        .await;
    }
    (sent, wishes.len())
}

/// As if they had been served in the order in which they came.
async fn expect_order(world: &World, flights: &[&Value], wishes: &[u32], sent: Vec<JoinHandle<Answer>>) {
    let expected = served(&wishes[..sent.len()], 100);
    assert!(expected.contains(&false), "there is too much room to tell");
    let mut told = Vec::new();
    for answer in sent {
        told.push(got_space(answer.await.unwrap()));
    }
    assert_eq!(told, expected);
    // And the ledger knows the order.
    let mut room = 100.0;
    let mut after = Vec::new();
    for (kilograms, _) in wishes.iter().zip(&expected).filter(|(_, fits)| **fits) {
        room -= f64::from(*kilograms);
        after.push(room);
    }
    for flight in flights {
        assert_eq!(left(world, flight).await, after);
    }
    world.audit().await;
}

async fn tight(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await
}

/// Whose server is connected to Redis: a connection is not waited for as long as an answer.
async fn world_on(redis: &OwnRedis) -> World {
    let options = WorldOptions::patient().without_redis();
    let world = options.set("redis.url", &redis.url()).set("redis.timeout_ms", "60000").start().await;
    let operator = world.operator().await;
    let state = async || operator.get("/health/detailed").await.body["redis"]["state"].clone();
    until("Redis answers", async || state().await == "up").await;
    world
}

/// The first waits for an answer of Redis: all fifty stand in line behind him.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_behind_a_caller_waiting_for_redis_are_served_in_order_of_arrival() {
    let redis = OwnRedis::start().await;
    let world = world_on(&redis).await;
    let (flight, wishes) = (tight(&world).await, wishes(1));
    redis.pause();
    let (sent, came) = arrive(&world, &[&flight], &wishes, || true).await;
    assert_eq!(came, CLIENTS);
    assert_eq!(sent.iter().position(JoinHandle::is_finished), None, "all wait");
    redis.go_on();
    expect_order(&world, &[&flight], &wishes, sent).await;
}

/// Another instance has the flight's lock, or had it when it died: he is waited for a while, then no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_behind_a_foreign_lock_are_served_in_order_of_arrival() {
    let redis = OwnRedis::start().await;
    let world = world_on(&redis).await;
    let (flight, wishes) = (tight(&world).await, wishes(2));
    put(&mut redis.connect().await, &format!("lock:flight:{}", text(&flight, "id")), "somebody").await;
    let (sent, _) = arrive(&world, &[&flight], &wishes, || true).await;
    expect_order(&world, &[&flight], &wishes, sent).await;
}

/// The row is locked for as long as nobody is turned away for it; who comes later finds it free.
async fn behind_a_row(world: &World, flights: &[&Value], wishes: &[u32]) {
    let mut owner = world.database.owner().await;
    let mut held = owner.begin().await.unwrap();
    held.execute("select from flight_capacity for update").await.unwrap();
    let began = Instant::now();
    let (sent, came) = arrive(world, flights, wishes, || began.elapsed() < Duration::from_secs(15)).await;
    held.rollback().await.unwrap();
    assert!(came > 0);
    expect_order(world, flights, &wishes[..came], sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_behind_a_locked_row_are_served_in_order_of_arrival() {
    let world = WorldOptions::patient().start().await;
    let flight = tight(&world).await;
    behind_a_row(&world, &[&flight], &wishes(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_redis_they_are_served_in_the_same_order() {
    let mut redis = OwnRedis::start().await;
    let world = world_on(&redis).await;
    redis.kill();
    let flight = tight(&world).await;
    behind_a_row(&world, &[&flight], &wishes(4)).await;
    let none = WorldOptions::patient().without_redis().start().await;
    let flight = tight(&none).await;
    behind_a_row(&none, &[&flight], &wishes(5)).await;
}

/// Two legs, the first or the second of which is the tight one, or both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_bookings_of_two_legs_are_served_in_order_of_arrival() {
    for (number, second) in [("AI102", 100.0), ("AI104", 100_000.0)] {
        let redis = OwnRedis::start().await;
        let world = world_on(&redis).await;
        let onward = NewFlight::new(number, "BOM", "LHR").leaves_in_hours(36).weight(second);
        let onward = world.flight(onward).await;
        let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(100.0)).await;
        let wishes = wishes(6);
        redis.pause();
        let (sent, _) = arrive(&world, &[&first, &onward], &wishes, || true).await;
        redis.go_on();
        expect_order(&world, &[&first], &wishes, sent).await;
        assert_eq!(left(&world, &onward).await.len(), left(&world, &first).await.len());
    }
}

/// Fifty equal wishes for ten places: the first ten have them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_ten_of_fifty_have_the_ten_places() {
    let redis = OwnRedis::start().await;
    let world = world_on(&redis).await;
    let (flight, wishes) = (tight(&world).await, vec![10; CLIENTS]);
    redis.pause();
    let (sent, _) = arrive(&world, &[&flight], &wishes, || true).await;
    redis.go_on();
    let mut told = Vec::new();
    for answer in sent {
        told.push(got_space(answer.await.unwrap()));
    }
    assert_eq!(told, (0..CLIENTS).map(|number| number < 10).collect::<Vec<_>>());
    world.audit().await;
}
