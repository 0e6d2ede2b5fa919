//! Many transactions that begin, write and end in any order, some of them in nothing: every reader has every message once.
use std::{sync::Arc, time::Duration};

use loadmaster_platform::outbox::Feed;
use loadmaster_testkit::{Dice, TestDatabase, World, WorldOptions, freight::at_once, until};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    assert_in_order, assert_no_repetition,
    collecting::{Collecting, Mood},
    following::Follower,
    ids,
    open::Open,
};

/// Transactions of one session, each of which writes some messages of one of these under its lock.
async fn scribble(database: TestDatabase, aggregates: [Uuid; 5], mut dice: Dice) {
    let mut open = Open::begin(&database).await;
    open.roll_back().await;
    for _ in 0..40 {
        let number = dice.below(5);
        let aggregate = aggregates[usize::try_from(number).unwrap()];
        open.begin_again().await;
        pause(&mut dice).await;
        let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(i64::try_from(number).unwrap());
        lock.execute(open.session()).await.unwrap();
        let last = sqlx::query_scalar("select coalesce(max(sequence), 0) from outbox where aggregate_id = $1");
        let last: i32 = last.bind(aggregate).fetch_one(open.session()).await.unwrap();
        // Some write more than is read at once.
        let how_many = if dice.below(12) == 0 { 130 } else { 1 + i32::try_from(dice.below(7)).unwrap() };
        open.write(aggregate, last + 1..=last + how_many).await;
        pause(&mut dice).await;
        if dice.below(4) == 0 {
            open.roll_back().await;
        } else {
            open.commit().await;
        }
    }
}

/// Lets the others go first.
async fn pause(dice: &mut Dice) {
    tokio::time::sleep(Duration::from_micros(dice.below(6000))).await;
}

/// Reads a few at a time until told to stop, then to the end.
async fn read_on(world: &World, stop: &CancellationToken) -> Vec<Value> {
    let mut feed = Feed::default();
    let mut all = Vec::new();
    loop {
        let stopped = stop.is_cancelled();
        let entries = feed.read(&world.db, 20).await.unwrap();
        if stopped && entries.is_empty() {
            return all;
        }
        all.extend(entries.into_iter().map(|entry| Arc::unwrap_or_clone(entry.event)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_order_of_commits_every_reader_has_every_message_once_and_in_order() {
    let world = WorldOptions::patient().with_workers().without_redis().start().await;
    let (stop, sink) = (CancellationToken::new(), Collecting::<'a'>::that(Mood::Takes));
    let (relaying, follower) = (sink.served_by(&world, "one"), Follower::start(&world));
    follower.until_it_follows(&world).await;

    let aggregates = [(); 5].map(|()| Uuid::new_v4());
    let writing = async {
        let writers = (0..6).map(|number| scribble(world.database.clone(), aggregates, Dice::of(7, number)));
        at_once(writers).await;
        stop.cancel();
    };
    let (read, ()) = tokio::join!(read_on(&world, &stop), writing);
    let written = super::documents(&mut world.database.owner().await).await;
    until("the sink has them all", async || sink.count() >= written.len()).await;
    let of_these = |id: &String| aggregates.iter().any(|aggregate| id.starts_with(&aggregate.to_string()));
    let scribbled = written.keys().filter(|id| of_these(id)).count();
    until("the follower has them all", async || follower.ids().iter().filter(|id| of_these(id)).count() >= scribbled)
        .await;
    relaying.end().await;
    for ids in [ids(&read), sink.ids(), follower.end().await] {
        assert_no_repetition(&ids);
        let ours: Vec<_> = ids.into_iter().filter(of_these).collect();
        assert_in_order(&ours);
        assert_eq!(ours.len(), scribbled);
    }
    world.shutdown().await;
}
