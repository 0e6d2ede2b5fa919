//! Another database behind the same address: an older backup, or a standby that lacks the last transactions. It gives out
//! numbers again that its predecessor had given out; no message with such a number is skipped.
use loadmaster_platform::outbox::{Feed, FeedError};
use loadmaster_testkit::{TestDatabase, WorldOptions, until};
use uuid::Uuid;

use super::{
    alone_on, assert_in_order,
    collecting::{Collecting, Mood},
    open::tell,
};

fn has<const LETTER: char>(sink: &Collecting<LETTER>, aggregate: Uuid, count: usize) -> bool {
    let aggregate = aggregate.to_string();
    sink.ids().iter().filter(|id| id.starts_with(&aggregate)).count() >= count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sink_skips_nothing_of_a_database_that_was_silently_exchanged_for_an_older_one() {
    let database = TestDatabase::create().await;
    let world = alone_on(&database).await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    let [before, lost, waits, after] = [(); 4].map(|()| Uuid::new_v4());
    tell(&database, before, 1..=3).await;
    until("the first are taken", async || has(&sink, before, 3)).await;
    until("the place is kept", async || {
        !world.texts("select name from outbox_sinks where position >= 3").await.is_empty()
    })
    .await;
    database.close_doors().await;
    let backup = database.copy().await;
    database.open_doors().await;
    tell(&database, lost, 1..=50).await;
    until("those that the backup lacks are taken", async || has(&sink, lost, 50)).await;

    // No connection is in use while the sink is waited for: none fails, and nothing but the answers tells of the exchange.
    sink.feels(Mood::Waits);
    tell(&database, waits, 1..=1).await;
    sink.until_it_waits().await;
    database.exchange_for(&backup).await;
    sink.feels(Mood::Takes);
    tell(&database, after, 1..=20).await;
    until("the sink has what the other database tells", async || has(&sink, after, 20)).await;
    serving.end().await;
    assert_in_order(&sink.ids());
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kept_place_above_all_numbers_that_were_given_out_is_not_believed() {
    let world = WorldOptions::patient().with_workers().without_redis().start().await;
    let aggregate = Uuid::new_v4();
    tell(&world.database, aggregate, 1..=3).await;
    world.sql("insert into outbox_sinks (name, position) values ('a', 1000)").await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    tell(&world.database, aggregate, 4..=6).await;
    until("the sink has them all", async || has(&sink, aggregate, 6)).await;
    serving.end().await;
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_feed_does_not_read_on_from_its_place_in_another_database() {
    let database = TestDatabase::create().await;
    let backup = database.copy().await;
    let world = alone_on(&database).await;
    tell(&database, Uuid::new_v4(), 1..=30).await;
    let mut feeds = [Feed::default(), Feed::from_now(&world.db).await.unwrap()];
    assert_eq!(feeds[0].read(&world.db, 100).await.unwrap().len(), 30);
    database.exchange_for(&backup).await;
    tell(&database, Uuid::new_v4(), 1..=40).await;
    for feed in &mut feeds {
        for _ in 0..2 {
            let before = feed.clone();
            let refused = feed.read(&world.db, 100).await;
            assert!(matches!(refused, Err(FeedError::Exchanged)), "{refused:?}");
            assert_eq!(*feed, before);
        }
    }
    world.shutdown().await;
}
