//! Files of runs that wait, in parts.
use bytes::{Bytes, BytesMut};
use loadmaster_kernel::FeedRunId;
use loadmaster_platform::postgres::PgSession;

/// Bytes of a part.
const PART: usize = 1024 * 1024;

/// Keeps the file of a run.
pub(crate) async fn write_file(db: &mut PgSession, run: FeedRunId, file: &[u8]) -> sqlx::Result<()> {
    for part in parts(file) {
        write_part(db, run, part).await?;
    }
    Ok(())
}

/// Returns the parts of a file, with their numbers.
pub(crate) fn parts(file: &[u8]) -> impl Iterator<Item = (i32, &[u8])> {
    (0_i32..).zip(file.chunks(PART))
}

/// Keeps a part of the file of a run.
pub(crate) async fn write_part(db: &mut PgSession, run: FeedRunId, (part, content): (i32, &[u8])) -> sqlx::Result<()> {
    let written = sqlx::query!(
        "insert into feed_files (run_id, part, content) values ($1, $2, $3) on conflict do nothing",
        run.uuid(),
        part,
        content,
    );
    written.execute(db).await.map(drop)
}

/// Returns the file of a run; `None` if it is not kept.
pub(crate) async fn read_file(db: &mut PgSession, run: FeedRunId) -> sqlx::Result<Option<Bytes>> {
    let mut file = BytesMut::new();
    for part in 0_i32.. {
        let found =
            sqlx::query_scalar!("select content from feed_files where run_id = $1 and part = $2", run.uuid(), part);
        match found.fetch_optional(&mut *db).await? {
            Some(content) => file.extend_from_slice(&content),
            None if part == 0 => return Ok(None),
            None => break,
        }
    }
    Ok(Some(file.freeze()))
}

pub(crate) async fn delete_file(db: &mut PgSession, run: FeedRunId) -> sqlx::Result<()> {
    sqlx::query!("delete from feed_files where run_id = $1", run.uuid()).execute(db).await.map(drop)
}
