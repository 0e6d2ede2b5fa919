//! A stream that Redis has lost, in whole or in part: it is noticed with the next message, also by another process.
use loadmaster_testkit::{NewFlight, OwnRedis, TestDatabase, World, WorldOptions, until};
use redis::aio::MultiplexedConnection;

use super::{People, SHIPPED, consumer::Consumer, ship};

const STREAM: &str = "loadmaster:events";

/// How often a loss was noticed, as `/metrics` tells it.
async fn resets(world: &World) -> u64 {
    let metrics = world.anonymous().get("/metrics").await.text;
    let told = metrics.lines().find_map(|line| line.strip_prefix("loadmaster_stream_resets_total "));
    told.expect("it is told from the start on").parse().expect("a number")
}

/// Ships, and waits until the stream has got all of it.
async fn ship_and_wait(world: &World, redis: &OwnRedis) {
    let before = length(&mut redis.connect().await).await;
    let expected = before + SHIPPED + 2;
    ship(People::of(world).await, new_flights(world).await).await;
    until("the stream has got it", async || length(&mut redis.connect().await).await >= expected).await;
}

async fn new_flights(world: &World) -> [serde_json::Value; 2] {
    let number = world.texts("select (count(*) + 100)::text from flights").await.remove(0);
    let flight = |origin, destination, hours| {
        world.flight(
            NewFlight::new(&format!("AI{number}"), origin, destination).leaves_in_hours(hours).weight(100_000.0),
        )
    };
    [flight("DEL", "BOM", 24).await, flight("BOM", "LHR", 36).await]
}

async fn length(connection: &mut MultiplexedConnection) -> usize {
    redis::cmd("XLEN").arg(STREAM).query_async(connection).await.unwrap()
}

async fn redis(redis: &OwnRedis, command: &[&str]) {
    let mut asked = redis::cmd(command[0]);
    for argument in &command[1..] {
        asked.arg(argument);
    }
    asked.query_async::<redis::Value>(&mut redis.connect().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_went_backwards_is_counted_once_also_by_the_next_process() {
    let (database, own) = (TestDatabase::create().await, OwnRedis::start().await);
    let options = WorldOptions::patient().with_workers().on(&database).set("redis.url", &own.url());
    let options = options.set("redis.timeout_ms", "2000");
    let world = options.clone().start().await;
    assert_eq!(resets(&world).await, 0);
    ship_and_wait(&world, &own).await;
    ship_and_wait(&world, &own).await;
    assert_eq!(resets(&world).await, 0, "all is there");

    // Evicted, deleted or expired: what comes is a new stream.
    redis(&own, &["DEL", STREAM]).await;
    ship_and_wait(&world, &own).await;
    assert_eq!(resets(&world).await, 1);
    ship_and_wait(&world, &own).await;
    assert_eq!(resets(&world).await, 1, "it is said once");

    // As after a failover to a replica that lacked the last entries.
    let last = redis::cmd("XREVRANGE").arg(STREAM).arg("+").arg("-").arg("COUNT").arg(1).to_owned();
    let last: Vec<(String, Vec<String>)> = last.query_async(&mut own.connect().await).await.unwrap();
    redis(&own, &["XDEL", STREAM, &last[0].0]).await;
    ship_and_wait(&world, &own).await;
    assert_eq!(resets(&world).await, 2);

    // Another process knows what the one before has left.
    world.shutdown().await;
    redis(&own, &["FLUSHALL"]).await;
    let world = options.start().await;
    let before = resets(&world).await;
    ship_and_wait(&world, &own).await;
    assert_eq!(resets(&world).await, before + 1);
    let mut consumer = Consumer::of(&own).await;
    consumer.read().await;
    assert_eq!(consumer.messages.len(), SHIPPED + 2, "what comes after the loss is there");
    world.shutdown().await;
}
