//! A flight's lock whose holder is gone.
use loadmaster_testkit::{
    Answer, Brake, Client, NewFlight, OwnRedis, WorldOptions,
    freight::{at_once, text},
    locks::put,
    until_blocked,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{got_space, wish};

#[tokio::test]
async fn the_lock_of_a_dead_process_stops_no_booking() {
    let redis = OwnRedis::start().await;
    let options = WorldOptions::patient().with_workers().without_redis().set("redis.url", &redis.url());
    let world = options.set("redis.timeout_ms", "20000").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(30.0)).await;
    let (customer, mut connection) = (world.customer().await, redis.connect().await);
    let lock = format!("lock:flight:{}", text(&flight, "id"));
    put(&mut connection, &lock, "somebody").await;
    let answers = at_once((0..40).map(|_| {
        let (customer, wish) = (customer.clone(), wish(&[&flight], 1));
        async move { customer.post("/api/v1/bookings", wish).await }
    }))
    .await;
    assert_eq!(answers.into_iter().filter(|answer| got_space(answer.clone())).count(), 30);
    // It is not theirs to take away.
    let holder: Option<String> = redis::cmd("GET").arg(&lock).query_async(&mut connection).await.unwrap();
    assert_eq!(holder.as_deref(), Some("somebody"));
    world.audit().await;
}

fn spawn(client: &Client, flight: &Value) -> JoinHandle<Answer> {
    let (client, wish) = (client.clone(), wish(&[flight], 30));
    tokio::spawn(async move { client.post("/api/v1/bookings", wish).await })
}

/// A lock that expires while its holder is at work is no licence to oversell.
#[tokio::test]
async fn the_row_is_what_counts_when_the_lock_is_lost() {
    let redis = OwnRedis::start().await;
    let instance = || {
        let options = WorldOptions::patient().with_workers().without_redis().set("redis.url", &redis.url());
        options.set("redis.timeout_ms", "20000")
    };
    let one = instance().start().await;
    let other = instance().on(&one.database).start().await;
    let flight = one.flight(NewFlight::new("AI101", "DEL", "LHR").weight(50.0)).await;
    let customer = one.customer().await;
    let elsewhere = other.same(&customer);
    let lock = format!("lock:flight:{}", text(&flight, "id"));
    // The first is at its writing when its lock is lost; the second finds the lock free, and the row locked.
    let mut brake = Brake::on(&one.database).await;
    let first = spawn(&customer, &flight);
    brake.until_stopped(1).await;
    redis::cmd("DEL").arg(&lock).query_async::<()>(&mut redis.connect().await).await.unwrap();
    let second = spawn(&elsewhere, &flight);
    until_blocked(&elsewhere, 1).await;
    brake.release().await;
    let running = [first, second];
    let mut told = Vec::new();
    for answer in running {
        told.push(got_space(answer.await.unwrap()));
    }
    assert_eq!(told, [true, false]);
    assert_eq!(one.available(&flight).await["weight_kg"], json!(20));
    one.audit().await;
}
