//! Redis away: nobody waits for it, and nothing is lost.
use std::collections::BTreeSet;

use loadmaster_testkit::{
    OwnRedis, TestDatabase, WorldOptions,
    freight::{at_once, two_flights},
    until,
};

use super::{
    People, SHIPPED, assert_in_order, consumer::Consumer, count_of_events, happened, ids, ship, until_all_have_arrived,
    until_place_is_kept,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_redis_says_nothing_work_goes_on_and_all_of_it_arrives_afterwards() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let world = WorldOptions::patient().with_workers().on(&database).set("redis.url", &redis.url()).start().await;
    let (mut consumer, mut owner) = (Consumer::of(&redis).await, database.owner().await);
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    ship(people.clone(), flights.clone()).await;
    until_all_have_arrived(&mut consumer, &mut owner).await;

    for round in 0..3 {
        redis.pause();
        // Every request in it is expected to succeed.
        at_once((0..6).map(|_| ship(people.clone(), flights.clone()))).await;
        redis.go_on();
        until_all_have_arrived(&mut consumer, &mut owner).await;
        assert_eq!(count_of_events(&mut owner).await, 2 + SHIPPED + (round + 1) * 6 * SHIPPED);
    }
    world.audit().await;
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_was_killed_gets_what_it_has_missed() {
    let (database, mut redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let world = WorldOptions::patient().with_workers().on(&database).set("redis.url", &redis.url()).start().await;
    let mut owner = database.owner().await;
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    ship(people.clone(), flights.clone()).await;
    let mut consumer = Consumer::of(&redis).await;
    until_all_have_arrived(&mut consumer, &mut owner).await;
    until_place_is_kept(&world).await;
    let before = ids(&consumer.messages);

    redis.kill();
    at_once((0..6).map(|_| ship(people.clone(), flights.clone()))).await;
    redis.start_again().await;

    // All of it, and only that: it is another Redis.
    let missed = count_of_events(&mut owner).await - before.len();
    assert_eq!(missed, 6 * SHIPPED);
    let mut consumer = Consumer::of(&redis).await;
    until("what it has missed has arrived", async || {
        consumer.read().await;
        consumer.messages.len() >= missed
    })
    .await;
    let all: Vec<_> = before.into_iter().chain(ids(&consumer.messages)).collect();
    assert_in_order(&all);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), happened(&mut owner).await);
    world.audit().await;
    world.shutdown().await;
}
