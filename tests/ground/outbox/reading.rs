//! A long backlog is read a bit at a time, not over and over from one end to the other.
use loadmaster_platform::outbox::Feed;
use loadmaster_testkit::{TestDatabase, Watch, World, WorldOptions, until};
use uuid::Uuid;

use super::open::{Open, tell};

/// How many rows of the outbox were read by going through the table or along one of its indexes.
pub(super) async fn rows_read(database: &TestDatabase) -> i64 {
    let query = "select (min(t.seq_tup_read) + sum(i.idx_tup_read))::bigint
                 from pg_stat_user_tables t join pg_stat_user_indexes i using (relid) where t.relname = 'outbox'";
    sqlx::query_scalar(query).fetch_one(&mut database.owner().await).await.unwrap()
}

/// A session tells what it has read when it ends, if not before.
pub(super) async fn ends(world: World) -> TestDatabase {
    let database = world.database.clone();
    world.shutdown().await;
    let mut watch = Watch::over(&database).await;
    until("every session has ended", async || watch.sessions().await == 0).await;
    database
}

const BACKLOG: i64 = 6_000;
const AT_ONCE: i64 = 6;

#[tokio::test]
async fn a_backlog_beside_an_open_import_is_read_by_its_key() {
    let world = WorldOptions::patient().with_workers().without_redis().start().await;
    let mut slow = Open::begin(&world.database).await;
    slow.write(Uuid::new_v4(), 1..=2_000).await;
    tell(&world.database, Uuid::new_v4(), 1..=1).await;
    let mut feed = Feed::default();
    assert_eq!(feed.read(&world.db, AT_ONCE).await.unwrap().len(), 1);
    assert_eq!(feed.settled(), 0);
    world
        .sql(&format!(
            "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
             select 'flight', gen_random_uuid(), 1, 'CHANGED', '{{}}', now() from generate_series(1, {BACKLOG});
             analyze outbox"
        ))
        .await;
    let before = rows_read(&world.database).await;
    // Often enough for a connection to settle on one way.
    let mut read = 0;
    for _ in 0..BACKLOG / AT_ONCE {
        read += feed.read(&world.db, AT_ONCE).await.unwrap().len();
    }
    assert_eq!((read, feed.settled()), (usize::try_from(BACKLOG).unwrap(), 0));
    slow.roll_back().await;
    drop(slow);
    let rows = rows_read(&ends(world).await).await - before;
    // A few times each: by this reader, by the server's own and by what measures the backlog, again and again while a slow
    // machine reads. Over and over from one end to the other would be five hundred times each.
    assert!((BACKLOG..250 * BACKLOG).contains(&rows), "{rows} rows were read");
}

#[tokio::test]
async fn two_interleaved_imports_that_end_one_after_the_other_are_read_by_their_key() {
    let world = WorldOptions::patient().with_workers().without_redis().start().await;
    let mut imports = [Open::begin(&world.database).await, Open::begin(&world.database).await];
    let aggregates = [Uuid::new_v4(), Uuid::new_v4()];
    // So many of each, by turns of ten.
    let each = i32::try_from(BACKLOG / 4).unwrap();
    for start in (1..=each).step_by(10) {
        for (import, aggregate) in imports.iter_mut().zip(aggregates) {
            import.write(aggregate, start..=start + 9).await;
        }
    }
    tell(&world.database, Uuid::new_v4(), 1..=1).await;
    let mut feed = Feed::default();
    assert_eq!(feed.read(&world.db, AT_ONCE).await.unwrap().len(), 1);
    world.sql("analyze outbox").await;
    let before = rows_read(&world.database).await;
    let mut read = 0;
    for import in &mut imports {
        import.commit().await;
        for _ in 0..i64::from(each) / AT_ONCE {
            read += feed.read(&world.db, AT_ONCE).await.unwrap().len();
        }
        assert_eq!(feed.read(&world.db, AT_ONCE).await.unwrap(), []);
    }
    assert_eq!(read, usize::try_from(2 * each).unwrap());
    drop(imports);
    let rows = rows_read(&ends(world).await).await - before;
    let needed = i64::from(2 * each);
    // Over and over from one end to the other would be hundreds of times each.
    assert!((needed..150 * needed).contains(&rows), "{rows} rows were read for {needed}");
}

#[tokio::test]
async fn late_messages_are_never_read_by_a_bitmap() {
    let world = WorldOptions::patient().without_redis().start().await;
    let mut slow = Open::begin(&world.database).await;
    slow.write(Uuid::new_v4(), 1..=1).await;
    tell(&world.database, Uuid::new_v4(), 1..=1).await;
    let mut feed = Feed::default();
    assert_eq!(feed.read(&world.db, AT_ONCE).await.unwrap().len(), 1);
    slow.commit().await;
    // Whoever reads the late message with such scans allowed is refused it.
    world
        .sql(
            "create function without_bitmaps(bigint) returns boolean language plpgsql as $$ begin
                 if $1 = 1 and current_setting('enable_bitmapscan') = 'on' then
                     raise exception 'bitmap scans are allowed';
                 end if;
                 return true;
             end $$;
             create policy without_bitmaps on outbox using (without_bitmaps(id));
             alter table outbox enable row level security",
        )
        .await;
    let refused = sqlx::query("select id from outbox where id = 1").execute(&mut world.database.app().await).await;
    assert!(refused.unwrap_err().to_string().contains("bitmap scans are allowed"));
    let mut late = Vec::new();
    // Transactions of other databases on the server may be awaited longer.
    until("the late message is read", async || {
        late.extend(feed.read(&world.db, AT_ONCE).await.unwrap().into_iter().map(|entry| entry.id));
        !late.is_empty()
    })
    .await;
    assert_eq!(late, [1]);
    world.shutdown().await;
}
