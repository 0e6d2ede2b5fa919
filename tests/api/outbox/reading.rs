//! A long backlog is read a bit at a time, not over and over from one end to the other.
use loadmaster::platform::outbox::Feed;
use uuid::Uuid;

use super::open::{Open, tell};
use crate::support::{TestDatabase, Watch, WorldOptions, until};

/// How many rows of the outbox were read by going through the table or along its key.
async fn rows_read(database: &TestDatabase) -> i64 {
    let query = "select t.seq_tup_read + i.idx_tup_read
                 from pg_stat_user_tables t join pg_stat_user_indexes i using (relid)
                 where t.relname = 'outbox' and i.indexrelname = 'outbox_pkey'";
    sqlx::query_scalar(query).fetch_one(&mut database.owner().await).await.unwrap()
}

const BACKLOG: i64 = 20_000;
const AT_ONCE: i64 = 20;

#[tokio::test]
async fn a_backlog_with_gaps_is_read_by_its_key() {
    let world = WorldOptions { without_redis: true, ..WorldOptions::patient() }.start().await;
    let mut slow = Open::begin(&world.database).await;
    slow.write(Uuid::new_v4(), 1..=50).await;
    tell(&world.database, Uuid::new_v4(), 1..=1).await;
    let mut feed = Feed::from_the_start(&world.db).await.unwrap();
    assert_eq!(feed.read(&world.db, AT_ONCE).await.unwrap().len(), 1);
    assert_eq!(feed.gaps().len(), 50);
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
    assert_eq!((read, feed.gaps().len()), (usize::try_from(BACKLOG).unwrap(), 50));
    // A session tells what it has read when it ends, if not before.
    slow.roll_back().await;
    drop(slow);
    let database = world.database.clone();
    world.shutdown().await;
    let mut watch = Watch::over(&database).await;
    until("every session has ended", async || watch.sessions().await == 0).await;
    let rows = rows_read(&database).await - before;
    // Each once, and the missing ones each time.
    let needed = BACKLOG + BACKLOG / AT_ONCE * 50;
    assert!((BACKLOG..2 * needed).contains(&rows), "{rows} rows were read");
}
