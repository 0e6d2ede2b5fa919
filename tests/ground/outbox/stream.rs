//! The stream and the channel in Redis.
use loadmaster_testkit::{
    OwnRedis, TestDatabase, World, WorldOptions,
    flight_verbs::done,
    freight::{at_once, two_flights},
    rounds, until,
};
use serde_json::Value;

use super::{
    People, SHIPPED, assert_no_repetition,
    consumer::{Consumer, Heard},
    count_of_events, ids, ship, until_all_have_arrived, until_place_is_kept,
};

/// Nothing is sent twice because the machine is slow.
async fn world(database: &TestDatabase, redis: &OwnRedis) -> World {
    let options = WorldOptions::patient().with_workers().on(database).set("redis.url", &redis.url());
    options.set("redis.timeout_ms", "2000").start().await
}

/// Several callers work beside each other.
async fn busy(world: &World, flights: &[Value; 2]) {
    let people = People::of(world).await;
    at_once((0..6).map(|_| ship(people.clone(), flights.clone()))).await;
}

async fn holder(world: &World) -> Option<String> {
    let query = "select leased_by from outbox_sinks where name = 'redis_streams' and leased_by is not null";
    world.texts(query).await.pop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_change_arrives_in_the_stream_and_on_the_channel() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let heard = Heard::of(&redis).await;
    let world = world(&database, &redis).await;
    let flights = two_flights(&world).await;
    busy(&world, &flights).await;
    done(&world.operator().await, &flights[0], "depart").await;

    let (mut consumer, mut owner) = (Consumer::of(&redis).await, database.owner().await);
    until_all_have_arrived(&mut consumer, &mut owner).await;
    assert_no_repetition(&ids(&consumer.messages));
    assert_eq!(consumer.messages.len(), 2 + 6 * SHIPPED + 1 + 6, "a flight departs with six on board");
    until("all has been heard", async || heard.messages().len() >= consumer.messages.len()).await;
    assert_eq!(heard.messages(), consumer.messages);
    until_place_is_kept(&world).await;
    world.audit().await;
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_two_instances_delivers_and_the_other_takes_over() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let (mut consumer, mut owner) = (Consumer::of(&redis).await, database.owner().await);
    let first = world(&database, &redis).await;
    until("the first delivers", async || holder(&first).await.is_some()).await;
    let second = world(&database, &redis).await;
    let flights = two_flights(&first).await;
    let holding = holder(&first).await;

    tokio::join!(busy(&first, &flights), busy(&second, &flights));
    until_all_have_arrived(&mut consumer, &mut owner).await;
    assert_no_repetition(&ids(&consumer.messages));
    assert_eq!(holder(&second).await, holding, "it is still the first");

    // The first is shut down while the second works on.
    tokio::join!(first.shutdown(), busy(&second, &flights));
    until_all_have_arrived(&mut consumer, &mut owner).await;
    assert_no_repetition(&ids(&consumer.messages));
    let follower = holder(&second).await;
    assert!(follower.is_some() && follower != holding, "{follower:?}");
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_instance_that_was_shut_down_under_load_is_resumed_by_the_next() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let (mut consumer, mut owner) = (Consumer::of(&redis).await, database.owner().await);
    let mut flights = None;
    let shutdowns = rounds(2, 3);
    for _ in 0..shutdowns {
        let world = world(&database, &redis).await;
        let flights = match &flights {
            Some(flights) => flights,
            None => flights.insert(two_flights(&world).await),
        };
        busy(&world, flights).await;
        // What it has not delivered by now is left to the next.
        world.shutdown().await;
    }
    let last = world(&database, &redis).await;
    until_all_have_arrived(&mut consumer, &mut owner).await;
    assert_no_repetition(&ids(&consumer.messages));
    assert_eq!(count_of_events(&mut owner).await, 2 + shutdowns * 6 * SHIPPED);
    last.shutdown().await;
}

#[tokio::test]
async fn redis_that_comes_later_gets_everything_from_the_beginning() {
    let database = TestDatabase::create().await;
    let alone = WorldOptions::patient().with_workers().without_redis().on(&database).start().await;
    let flights = two_flights(&alone).await;
    busy(&alone, &flights).await;
    alone.shutdown().await;

    let redis = OwnRedis::start().await;
    let world = world(&database, &redis).await;
    let mut consumer = Consumer::of(&redis).await;
    until_all_have_arrived(&mut consumer, &mut database.owner().await).await;
    assert_eq!(consumer.messages.len(), 2 + 6 * SHIPPED);
    world.shutdown().await;
}
