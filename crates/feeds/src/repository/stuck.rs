//! Files of folders that were read and cannot be moved away.
use std::collections::HashSet;

use loadmaster_kernel::FeedId;
use loadmaster_platform::postgres::PgSession;

use crate::folder::{FileKey, Stamp};

/// Returns those of a feed.
pub(crate) async fn stuck_files(db: &mut PgSession, feed: FeedId) -> sqlx::Result<HashSet<FileKey>> {
    let found = sqlx::query!("select name, changed_ns, length from feed_stuck_files where feed_id = $1", feed.uuid());
    let found = found.fetch_all(db).await?.into_iter();
    Ok(found.map(|row| (row.name, Stamp { changed: row.changed_ns, length: row.length })).collect())
}

pub(crate) async fn note_stuck(db: &mut PgSession, feed: FeedId, (name, stamp): &FileKey) -> sqlx::Result<()> {
    let noted = sqlx::query!(
        "insert into feed_stuck_files (feed_id, name, changed_ns, length) values ($1, $2, $3, $4) on conflict do nothing",
        feed.uuid(),
        name.as_slice(),
        stamp.changed,
        stamp.length,
    );
    noted.execute(db).await.map(drop)
}

/// Forgets files that are no longer there.
pub(crate) async fn forget_stuck(db: &mut PgSession, feed: FeedId, gone: &HashSet<FileKey>) -> sqlx::Result<()> {
    let names: Vec<Vec<u8>> = gone.iter().map(|(name, _)| name.clone()).collect();
    let (changed, lengths): (Vec<i64>, Vec<i64>) = gone.iter().map(|(_, stamp)| (stamp.changed, stamp.length)).unzip();
    let forgotten = sqlx::query!(
        "delete from feed_stuck_files f
         using unnest($2::bytea[], $3::bigint[], $4::bigint[]) as gone (name, changed_ns, length)
         where f.feed_id = $1 and f.name = gone.name and f.changed_ns = gone.changed_ns and f.length = gone.length",
        feed.uuid(),
        &names,
        &changed,
        &lengths,
    );
    forgotten.execute(db).await.map(drop)
}

/// Forgets all files of a feed.
pub(super) async fn forget_all_stuck(db: &mut PgSession, feed: FeedId) -> sqlx::Result<()> {
    sqlx::query!("delete from feed_stuck_files where feed_id = $1", feed.uuid()).execute(db).await.map(drop)
}
