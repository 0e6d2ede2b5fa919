//! A flight's lock whose holder is gone.
use serde_json::json;
use sqlx::{Connection, Executor};

use super::{got_room, wish};
use crate::{
    locks::put,
    support::{
        NewFlight, OwnRedis, Watch, WorldOptions,
        freight::{at_once, text},
    },
};

#[tokio::test]
async fn the_lock_of_a_dead_process_stops_no_booking() {
    let redis = OwnRedis::start().await;
    let options =
        WorldOptions { without_redis: true, ..WorldOptions::patient().with_workers() }.set("redis.url", &redis.url());
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
    assert_eq!(answers.into_iter().filter(|answer| got_room(answer.clone())).count(), 30);
    // It is not theirs to take away.
    let holder: Option<String> = redis::cmd("GET").arg(&lock).query_async(&mut connection).await.unwrap();
    assert_eq!(holder.as_deref(), Some("somebody"));
    world.audit().await;
}

/// A lock that expires while its holder is at work is no licence to oversell.
#[tokio::test]
async fn the_row_is_what_counts_when_the_lock_is_lost() {
    let redis = OwnRedis::start().await;
    let instance = || {
        let options = WorldOptions { without_redis: true, ..WorldOptions::patient().with_workers() }
            .set("redis.url", &redis.url());
        options.set("redis.timeout_ms", "20000")
    };
    let one = instance().start().await;
    let other = instance().on(&one.database).start().await;
    let flight = one.flight(NewFlight::new("AI101", "DEL", "LHR").weight(50.0)).await;
    let customer = one.customer().await;
    let elsewhere = other.anonymous().with_token(customer.token.as_deref().unwrap());
    let lock = format!("lock:flight:{}", text(&flight, "id"));
    let mut owner = one.database.owner().await;
    let mut held = owner.begin().await.unwrap();
    held.execute("select from flight_capacity for update").await.unwrap();
    let mut watch = Watch::over(&one.database).await;
    let mut running = Vec::new();
    for (client, number) in [(customer, 1), (elsewhere, 2)] {
        let wish = wish(&[&flight], 30);
        running.push(tokio::spawn(async move { client.post("/api/v1/bookings", wish).await }));
        watch.until_waiting_patiently(number).await;
        redis::cmd("DEL").arg(&lock).query_async::<()>(&mut redis.connect().await).await.unwrap();
    }
    held.rollback().await.unwrap();
    let mut told = Vec::new();
    for answer in running {
        told.push(got_room(answer.await.unwrap()));
    }
    told.sort_unstable();
    assert_eq!(told, [false, true]);
    assert_eq!(one.available(&flight).await["weight_kg"], json!(20));
    one.audit().await;
}
