//! Old messages go once every sink has had them.
use chrono::TimeDelta;
use loadmaster_platform::outbox::{delete_delivered, retire};
use loadmaster_testkit::{World, WorldOptions, until};
use uuid::Uuid;

use super::{
    collecting::{Collecting, Mood},
    open::{Open, tell},
    reading::{ends, rows_read},
};

/// The server's own deletion has run and will not for an hour.
async fn alone() -> World {
    let world = WorldOptions::patient().with_workers().without_redis().start().await;
    let undone =
        "select 'left' where not exists (select from schedules where name = 'old_outbox' and next_run_at > now())
                  or exists (select from jobs where kind = 'old_outbox')";
    until("the first deletion is done", async || world.texts(undone).await.is_empty()).await;
    world
}

/// The server's own sinks keep nothing any more.
async fn until_the_server_has_all(world: &World) {
    let all = "select name from outbox_sinks where name in ('webhooks', 'notifications')
               and position >= (select coalesce(max(id), 0) from outbox)";
    until("the server's own sinks have all", async || world.texts(all).await.len() == 2).await;
}

/// Deletes what is older than a week; answers which are left.
async fn delete(world: &World) -> Vec<String> {
    let before = left(world).await.len();
    let deleted = delete_delivered(&world.db, TimeDelta::days(7)).await.unwrap();
    let left = left(world).await;
    assert_eq!(before - left.len(), usize::try_from(deleted).unwrap());
    left
}

/// Deletes until these are left.
async fn until_left(world: &World, ids: &[&str]) {
    until("what every sink has had is deleted", async || delete(world).await == ids).await;
}

async fn left(world: &World) -> Vec<String> {
    world.texts("select id::text from outbox order by id").await
}

async fn two_messages(world: &World) {
    tell(&world.database, Uuid::new_v4(), 1..=2).await;
}

/// As if all that is there had been written, and served, so many days ago.
async fn let_days_pass(world: &World, days: u32) {
    for (table, instant) in [("outbox", "written_at"), ("outbox_sinks", "updated_at")] {
        world.sql(&format!("update {table} set {instant} = {instant} - interval '{days} days'")).await;
    }
}

/// The sink has this place and was served in the last week.
async fn until_seen(world: &World, sink: &str, position: i64) {
    let query = format!(
        "select name from outbox_sinks
         where name = '{sink}' and updated_at > now() - interval '7 days'
           and coalesce(reached, position) = {position}"
    );
    until("the place is kept", async || !world.texts(&query).await.is_empty()).await;
}

/// All up to there can be deleted. A place counts only once the transactions have ended that ran when it was reached, those
/// of other databases on the server too.
async fn until_settled(world: &World, sink: &str, position: i64) {
    let query = format!("select name from outbox_sinks where name = '{sink}' and position = {position}");
    until("the place is settled", async || !world.texts(&query).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_what_is_old_and_what_every_sink_has_had_is_deleted() {
    let world = alone().await;
    let (quick, slow) = (Collecting::<'a'>::that(Mood::Takes), Collecting::<'b'>::that(Mood::Fails));
    let serving = [quick.served_by(&world, "one"), slow.served_by(&world, "one")];
    two_messages(&world).await;
    two_messages(&world).await;
    until_seen(&world, "a", 4).await;
    until_seen(&world, "b", 0).await;
    assert_eq!(delete(&world).await.len(), 4, "they are not old");
    let_days_pass(&world, 8).await;
    two_messages(&world).await;
    until_seen(&world, "a", 6).await;
    until_seen(&world, "b", 0).await;
    assert_eq!(delete(&world).await.len(), 6, "one sink has not had them");

    slow.feels(Mood::Takes);
    until_seen(&world, "b", 6).await;
    until_left(&world, &["5", "6"]).await;
    for serving in serving {
        serving.end().await;
    }
    assert_eq!((quick.count(), slow.count()), (6, 6));
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_unserved_sink_keeps_its_messages_until_it_is_retired() {
    let world = alone().await;
    let (left_alone, quick) = (Collecting::<'b'>::that(Mood::Fails), Collecting::<'a'>::that(Mood::Takes));
    let gone = left_alone.served_by(&world, "one");
    two_messages(&world).await;
    two_messages(&world).await;
    until("it was tried", async || !left_alone.attempts().is_empty()).await;
    gone.end().await;
    let_days_pass(&world, 8).await;
    two_messages(&world).await;
    let serving = quick.served_by(&world, "one");
    until_seen(&world, "a", 6).await;
    assert_eq!(delete(&world).await.len(), 6, "it may come back");
    let_days_pass(&world, 400).await;
    two_messages(&world).await;
    until_seen(&world, "a", 8).await;
    assert_eq!(delete(&world).await.len(), 8, "however long that takes");

    assert!(!retire(&world.db, "c").await.unwrap(), "there is none");
    assert!(retire(&world.db, "b").await.unwrap());
    assert!(!retire(&world.db, "b").await.unwrap(), "not any more");
    until_left(&world, &["7", "8"]).await;
    serving.end().await;

    // Should it come back it starts with what there is.
    left_alone.feels(Mood::Takes);
    let serving = left_alone.served_by(&world, "one");
    until("it has had the others", async || left_alone.count() == 2).await;
    serving.end().await;
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sink_that_comes_back_after_long_is_given_all_it_has_missed() {
    let world = alone().await;
    let (away, quick) = (Collecting::<'b'>::that(Mood::Takes), Collecting::<'a'>::that(Mood::Takes));
    let first = away.served_by(&world, "one");
    two_messages(&world).await;
    until_settled(&world, "b", 2).await;
    first.end().await;
    let serving = quick.served_by(&world, "one");
    until_seen(&world, "a", 2).await;
    for days in [8, 30, 400] {
        two_messages(&world).await;
        let_days_pass(&world, days).await;
        // The first two both have had.
        until("those are deleted", async || delete(&world).await.first().is_some_and(|id| id == "3")).await;
    }
    let second = away.served_by(&world, "two");
    until("it has had them all", async || away.count() == 8).await;
    until_seen(&world, "b", 8).await;
    until_seen(&world, "a", 8).await;
    until_left(&world, &[]).await;
    assert_eq!(away.attempts().concat(), (1..=8).collect::<Vec<_>>());
    second.end().await;
    serving.end().await;
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_old_messages_than_are_deleted_at_once_all_go() {
    let world = alone().await;
    world
        .sql(
            "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
             select 'flight', gen_random_uuid(), 1, 'CHANGED', '{}', now() from generate_series(1, 12345)",
        )
        .await;
    let_days_pass(&world, 8).await;
    two_messages(&world).await;
    until_the_server_has_all(&world).await;
    assert_eq!(delete(&world).await, ["12346", "12347"]);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn late_committed_messages_are_kept_until_delivery() {
    let world = alone().await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let serving = sink.served_by(&world, "one");
    let mut slow = Open::begin(&world.database).await;
    slow.write(Uuid::new_v4(), 1..=2).await;
    two_messages(&world).await;
    until_seen(&world, "a", 4).await;
    sink.feels(Mood::Fails);
    slow.commit().await;
    let_days_pass(&world, 8).await;
    until_seen(&world, "a", 4).await;
    assert_eq!(delete(&world).await.len(), 4);
    sink.feels(Mood::Takes);
    until("it was delivered", async || sink.count() == 4).await;
    two_messages(&world).await;
    until_settled(&world, "a", 6).await;
    serving.end().await;
    until_the_server_has_all(&world).await;
    assert_eq!(delete(&world).await, ["5", "6"]);
    world.shutdown().await;
}

#[tokio::test]
async fn a_season_of_messages_is_deleted_by_its_keys_whatever_the_planner_knows() {
    let world = alone().await;
    world.sql("alter table outbox set (autovacuum_enabled = false)").await;
    // An import that is looked at before it is committed leaves an empty table in the planner's mind.
    let mut import = Open::begin(&world.database).await;
    import.write(Uuid::new_v4(), 1..=6_000).await;
    world.sql("analyze outbox").await;
    import.commit().await;
    drop(import);
    let_days_pass(&world, 8).await;
    until_the_server_has_all(&world).await;
    // What its sinks have read is not counted until their sessions have ended.
    let database = ends(world).await;
    let before = rows_read(&database).await;
    let world = WorldOptions::patient().without_redis().on(&database).start().await;
    assert_eq!(delete(&world).await, [] as [String; 0]);
    let rows = rows_read(&ends(world).await).await - before;
    // Over and over from one end to the other would be thousands of times each.
    assert!((6_000..300_000).contains(&rows), "{rows} rows were read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_are_kept_as_long_as_the_setting_says() {
    let options = WorldOptions::patient().without_redis();
    let world = options.set("outbox.retention_days", "3").start().await;
    two_messages(&world).await;
    let_days_pass(&world, 2).await;
    two_messages(&world).await;
    world.state().background.run_now("old_outbox").await.unwrap();
    assert_eq!(left(&world).await, ["1", "2", "3", "4"]);
    let_days_pass(&world, 2).await;
    world.state().background.run_now("old_outbox").await.unwrap();
    assert_eq!(left(&world).await, ["3", "4"]);
    world.shutdown().await;
}
