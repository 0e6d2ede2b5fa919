//! Each sink has a place and a lease of its own: one that is away for long delays no other.
use loadmaster_testkit::{
    OwnRedis, TestDatabase, WorldOptions,
    freight::{at_once, two_flights},
    until,
};

use super::{People, SHIPPED, consumer::Consumer, ship, until_all_have_arrived};

/// The sinks of every build. Kafka's, in a build that has it, is looked at there.
const SINKS: [&str; 3] = ["notifications", "redis_streams", "webhooks"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_one_sink_is_away_for_long_the_others_get_everything_and_nothing_of_it_is_deleted() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let world = WorldOptions::patient().with_workers().on(&database).set("redis.url", &redis.url()).start().await;
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    let mut consumer = Consumer::of(&redis).await;
    until_all_have_arrived(&mut consumer, &mut database.owner().await).await;
    let holders = "select name from outbox_sinks where leased_by is not null order by name";
    until("each has a lease", async || world.texts(holders).await.len() >= SINKS.len()).await;
    let held = world.texts(holders).await;
    assert!(SINKS.iter().all(|sink| held.iter().any(|name| name == sink)), "{held:?}");

    redis.pause();
    at_once((0..3).map(|_| ship(people.clone(), flights.clone()))).await;
    let behind = "select name from outbox_sinks
                  where coalesce(reached, position) < (select max(id) from outbox) order by name";
    until("all others have everything", async || world.texts(behind).await == ["redis_streams"]).await;
    // As if it had been away for months. What only it lacks is kept.
    world.sql("update outbox set written_at = now() - interval '100 days'").await;
    world.state().background.run_now("old_outbox").await.unwrap();
    let kept = world.count("outbox").await;
    assert!(kept >= 3 * SHIPPED, "{kept} are left");

    redis.go_on();
    until("it has everything, too", async || {
        consumer.read().await;
        let ids: std::collections::BTreeSet<_> = super::ids(&consumer.messages).into_iter().collect();
        ids.len() == 2 + 3 * SHIPPED
    })
    .await;
    world.shutdown().await;
}
