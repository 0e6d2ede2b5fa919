//! A place in the outbox: what is committed late is read late, what is rolled back is forgotten.
use std::sync::Arc;

use loadmaster_platform::outbox::{Entry, Feed};
use loadmaster_testkit::{World, freight::two_flights, until};
use uuid::Uuid;

use super::{
    alone, ids,
    open::{Open, tell},
};

/// What there is to read now.
async fn read(feed: &mut Feed, world: &World, limit: i64) -> Vec<String> {
    told(feed.read(&world.db, limit).await.unwrap())
}

fn told(entries: Vec<Entry>) -> Vec<String> {
    ids(&entries.into_iter().map(|entry| Arc::unwrap_or_clone(entry.event)).collect::<Vec<_>>())
}

fn named(aggregate: Uuid, sequences: impl Iterator<Item = i32>) -> Vec<String> {
    sequences.map(|sequence| format!("{aggregate}-{sequence}")).collect()
}

/// Reads until no message up to the place can come any more; other databases' transactions count as well.
async fn until_settled(feed: &mut Feed, world: &World) -> Vec<String> {
    let mut all = Vec::new();
    until("nothing is missing", async || {
        all.extend(read(feed, world, 100).await);
        feed.settled() == feed.position()
    })
    .await;
    all
}

#[tokio::test]
async fn a_feed_reads_each_message_once_in_the_order_of_their_numbers() {
    let world = alone().await;
    let mut feed = Feed::default();
    assert_eq!(read(&mut feed, &world, 10).await, Vec::<String>::new());
    let flights = two_flights(&world).await;
    let aggregate = Uuid::new_v4();
    tell(&world.database, aggregate, 1..=5).await;
    let first = flights.map(|flight| format!("{}-1", flight["id"].as_str().unwrap()));
    assert_eq!(read(&mut feed, &world, 4).await, [first.to_vec(), named(aggregate, 1..=2)].concat());
    assert_eq!(read(&mut feed, &world, 4).await, named(aggregate, 3..=5));
    assert_eq!(read(&mut feed, &world, 4).await, Vec::<String>::new());

    let mut later = Feed::from_now(&world.db).await.unwrap();
    let mut again = Feed::default();
    tell(&world.database, aggregate, 6..=6).await;
    assert_eq!(read(&mut later, &world, 100).await, named(aggregate, 6..=6));
    assert_eq!(read(&mut again, &world, 100).await.len(), 8);
    world.shutdown().await;
}

#[tokio::test]
async fn late_commits_are_read_late_and_rollbacks_are_forgotten() {
    let world = alone().await;
    let [late, never, soon] = [(); 3].map(|()| Uuid::new_v4());
    let mut feed = Feed::default();
    let (mut slow, mut lost) = (Open::begin(&world.database).await, Open::begin(&world.database).await);
    slow.write(late, 1..=2).await;
    lost.write(never, 1..=3).await;
    slow.write(late, 3..=3).await;
    tell(&world.database, soon, 1..=1).await;

    assert_eq!(read(&mut feed, &world, 100).await, named(soon, 1..=1), "it is not held up");
    assert_eq!((feed.settled(), feed.position()), (0, 7));
    tell(&world.database, soon, 2..=2).await;
    assert_eq!(read(&mut feed, &world, 100).await, named(soon, 2..=2));
    assert_eq!((feed.settled(), feed.position()), (0, 8), "they may still come");

    slow.commit().await;
    assert_eq!(read(&mut feed, &world, 100).await, named(late, 1..=3));
    assert_eq!(feed.settled(), 0, "others may still come");
    lost.roll_back().await;
    assert_eq!(until_settled(&mut feed, &world).await, Vec::<String>::new());
    tell(&world.database, soon, 3..=3).await;
    assert_eq!(read(&mut feed, &world, 100).await, named(soon, 3..=3));
    world.shutdown().await;
}

#[tokio::test]
async fn a_transaction_that_began_last_and_wrote_first_is_awaited_too() {
    let world = alone().await;
    let mut feed = Feed::default();
    let (mut fast, mut slow) = (Open::begin(&world.database).await, Open::begin(&world.database).await);
    // Other databases' transactions may come between; not always.
    for _ in 0..10 {
        let [late, soon] = [(); 2].map(|()| Uuid::new_v4());
        // Of all numbers that were given out this is the highest: PostgreSQL's snapshots do not count it as under way.
        slow.write(late, 1..=1).await;
        fast.write(soon, 1..=1).await;
        fast.commit().await;
        for _ in 0..3 {
            read(&mut feed, &world, 100).await;
            assert!(feed.settled() < feed.position(), "it may still come");
        }
        slow.commit().await;
        assert_eq!(until_settled(&mut feed, &world).await, named(late, 1..=1));
        fast.begin_again().await;
        slow.begin_again().await;
    }
    world.shutdown().await;
}

#[tokio::test]
async fn more_late_messages_than_are_read_at_once_are_all_read() {
    let world = alone().await;
    let [late, soon] = [(); 2].map(|()| Uuid::new_v4());
    let mut feed = Feed::default();
    let mut slow = Open::begin(&world.database).await;
    slow.write(late, 1..=25).await;
    tell(&world.database, soon, 1..=1).await;
    assert_eq!(read(&mut feed, &world, 10).await, named(soon, 1..=1));
    slow.commit().await;
    tell(&world.database, soon, 2..=2).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend(read(&mut feed, &world, 10).await);
    }
    assert_eq!(all, [named(late, 1..=25), named(soon, 2..=2)].concat());
    world.shutdown().await;
}

#[tokio::test]
async fn a_follower_that_starts_now_gets_transactions_in_progress() {
    let world = alone().await;
    let [late, before, after] = [(); 3].map(|()| Uuid::new_v4());
    let mut slow = Open::begin(&world.database).await;
    slow.write(late, 1..=1).await;
    tell(&world.database, before, 1..=1).await;
    let mut feed = Feed::from_now(&world.db).await.unwrap();
    tell(&world.database, after, 1..=1).await;
    assert_eq!(read(&mut feed, &world, 100).await, named(after, 1..=1));
    slow.commit().await;
    assert_eq!(read(&mut feed, &world, 100).await, named(late, 1..=1));
    world.shutdown().await;
}

#[tokio::test]
async fn a_follower_of_an_emptied_outbox_starts_after_what_was_deleted() {
    let world = alone().await;
    let [gone, late, after] = [(); 3].map(|()| Uuid::new_v4());
    tell(&world.database, gone, 1..=5).await;
    let mut slow = Open::begin(&world.database).await;
    slow.write(late, 1..=2).await;
    world.sql("delete from outbox").await;
    let mut feed = Feed::from_now(&world.db).await.unwrap();
    assert_eq!(feed.position(), 7);
    tell(&world.database, after, 1..=1).await;
    assert_eq!(read(&mut feed, &world, 100).await, named(after, 1..=1));
    slow.commit().await;
    assert_eq!(read(&mut feed, &world, 100).await, named(late, 1..=2));
    world.shutdown().await;
}

#[tokio::test]
async fn numbers_that_were_used_up_long_ago_are_not_missed() {
    let world = alone().await;
    // An old installation whose messages were all delivered and deleted.
    world.sql("alter sequence outbox_id_seq restart with 3000000").await;
    let mut feeds = [Feed::from_now(&world.db).await.unwrap(), Feed::default()];
    let aggregate = Uuid::new_v4();
    tell(&world.database, aggregate, 1..=1).await;
    for feed in &mut feeds {
        assert_eq!(read(feed, &world, 100).await, named(aggregate, 1..=1));
        assert_eq!(until_settled(feed, &world).await, [] as [String; 0]);
        assert_eq!(feed.settled(), 3_000_000);
    }
    world.shutdown().await;
}

#[tokio::test]
async fn parts_of_a_transaction_are_not_awaited_one_by_one() {
    let world = alone().await;
    let late = Uuid::new_v4();
    let mut slow = Open::begin(&world.database).await;
    slow.write(late, 1..=1).await;
    // Each block with a handler that writes takes a transaction number of its own.
    let parts = "do $$ begin
                     create temporary table parts (number int);
                     for number in 1..5000 loop
                         begin insert into parts values (number); exception when others then raise; end;
                     end loop;
                 end $$";
    sqlx::Executor::execute(slow.session(), parts).await.unwrap();
    for mut feed in [Feed::default(), Feed::from_now(&world.db).await.unwrap()] {
        assert_eq!(read(&mut feed, &world, 100).await, [] as [String; 0]);
        assert!(feed.awaited().len() < 3_000, "{} transactions are awaited", feed.awaited().len());
    }
    let mut feed = Feed::from_now(&world.db).await.unwrap();
    slow.commit().await;
    assert_eq!(read(&mut feed, &world, 100).await, named(late, 1..=1));
    world.shutdown().await;
}
