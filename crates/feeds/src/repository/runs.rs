//! Runs of feeds, and what they found.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{FeedId, FeedRunId, UserId, from_column};
use loadmaster_platform::postgres::{PgSession, column};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    dto::run::{DifferenceEffect, DifferenceFilter},
    folder::{Entry, Stamp},
    model::{Counts, FileFault, Run, RunStatus, RunTrigger},
};

/// Why a run is rejected that gave way to a later file: that file may come again.
const SUPERSEDED: &str = "A later file has come.";

struct Row {
    id: Uuid,
    feed_id: Uuid,
    trigger: String,
    status: String,
    is_approved: bool,
    actor_id: Option<Uuid>,
    attempts: i32,
    file_name: Option<String>,
    bytes: Option<i64>,
    sha256: Option<Vec<u8>>,
    etag: Option<String>,
    digest: Option<Vec<u8>>,
    created: i64,
    updated: i64,
    unchanged: i64,
    kept: i64,
    absent: i64,
    refused: i64,
    cancelled: i64,
    faults: i64,
    other_offsets: i64,
    file_rows: Option<i64>,
    is_applied: bool,
    because: Option<String>,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Run {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id.into(),
            feed: row.feed_id.into(),
            trigger: from_column(RunTrigger::WORDS, &row.trigger)?,
            status: from_column(RunStatus::WORDS, &row.status)?,
            is_approved: row.is_approved,
            actor: row.actor_id.map(UserId::from),
            attempts: row.attempts,
            file_name: row.file_name,
            bytes: row.bytes,
            sha256: row.sha256,
            etag: row.etag,
            digest: row.digest,
            counts: Counts {
                created: row.created,
                updated: row.updated,
                unchanged: row.unchanged,
                kept: row.kept,
                absent: row.absent,
                refused: row.refused,
                cancelled: row.cancelled,
                faults: row.faults,
                other_offsets: row.other_offsets,
            },
            file_rows: row.file_rows,
            is_applied: row.is_applied,
            because: row.because,
            started_at: row.started_at,
            ended_at: row.ended_at,
        })
    }
}

/// A checked query for runs; `$tail` selects and orders them.
macro_rules! select_runs {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "select id, feed_id, trigger, status, is_approved, actor_id, attempts, file_name, bytes, sha256, etag, digest,
                    created, updated, unchanged, kept, absent, refused, cancelled, faults, other_offsets, file_rows, is_applied,
                    because, started_at, ended_at
             from feed_runs where " + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await?
        .into_iter()
        .map(Run::try_from)
        .collect::<sqlx::Result<Vec<Run>>>()
    };
}

pub(crate) async fn find_run(db: &mut PgSession, feed: FeedId, id: FeedRunId) -> sqlx::Result<Option<Run>> {
    Ok(select_runs!(db, "id = $1 and feed_id = $2", id.uuid(), feed.uuid())?.pop())
}

/// Returns these runs, in no order.
pub(crate) async fn find_runs(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Run>> {
    select_runs!(db, "id = any($1)", ids)
}

/// Locks a run and reads it.
pub(crate) async fn lock_run(db: &mut PgSession, feed: FeedId, id: FeedRunId) -> sqlx::Result<Option<Run>> {
    Ok(select_runs!(db, "id = $1 and feed_id = $2 for no key update", id.uuid(), feed.uuid())?.pop())
}

/// Returns the run of a feed that has not ended.
pub(crate) async fn running(db: &mut PgSession, feed: FeedId) -> sqlx::Result<Option<Run>> {
    Ok(select_runs!(db, "feed_id = $1 and status = 'RUNNING'", feed.uuid())?.pop())
}

/// Returns the digest of the last file of a feed that waits for a person or was rejected by one, unless a later one was applied.
pub(crate) async fn waiting_file(db: &mut PgSession, feed: FeedId) -> sqlx::Result<Option<(FeedRunId, Vec<u8>)>> {
    let last = sqlx::query!(
        r#"select id, status, sha256 from feed_runs
           where feed_id = $1
             and (status in ('REVIEW', 'APPLIED')
                  or (status = 'REJECTED' and because is distinct from $2))
           order by id desc limit 1"#,
        feed.uuid(),
        SUPERSEDED,
    );
    let last = last.fetch_optional(db).await?.filter(|row| row.status != RunStatus::Applied.as_str());
    Ok(last.and_then(|row| Some((row.id.into(), row.sha256?))))
}

pub(crate) async fn insert_run(db: &mut PgSession, run: &Run) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into feed_runs (id, feed_id, trigger, status, actor_id, file_name, bytes, started_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        run.id.uuid(),
        run.feed.uuid(),
        run.trigger.as_str(),
        run.status.as_str(),
        run.actor.map(UserId::uuid),
        run.file_name,
        run.bytes,
        run.started_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Notes that a process begins a run.
pub(crate) async fn note_attempt(db: &mut PgSession, id: FeedRunId) -> sqlx::Result<()> {
    sqlx::query!("update feed_runs set attempts = attempts + 1 where id = $1", id.uuid()).execute(db).await.map(drop)
}

/// Notes which file of the folder a run reads.
pub(crate) async fn note_file(db: &mut PgSession, id: FeedRunId, entry: &Entry) -> sqlx::Result<()> {
    let noted = sqlx::query!(
        "update feed_runs set file_name = $2, file_changed_ns = $3, file_length = $4 where id = $1",
        id.uuid(),
        entry.shown(),
        entry.stamp().changed,
        entry.stamp().length,
    );
    noted.execute(db).await.map(drop)
}

/// Returns the file of the folder that a run reads, as it was then; `None` if it reads none, or it is not known which.
pub(crate) async fn noted_file(db: &mut PgSession, id: FeedRunId) -> sqlx::Result<Option<Entry>> {
    let noted = sqlx::query!(
        r#"select file_name as "file_name!", file_changed_ns as "changed!", file_length as "length!"
           from feed_runs where id = $1 and num_nonnulls(file_name, file_changed_ns, file_length) = 3"#,
        id.uuid(),
    );
    let entry = |row: (String, i64, i64)| Entry::new(row.0, Stamp { changed: row.1, length: row.2 });
    Ok(noted.fetch_optional(db).await?.map(|row| entry((row.file_name, row.changed, row.length))))
}

/// Returns the number of rows of the file of a feed that was applied or changed nothing last, and when its run was started. A run
/// that a person applies later than the next ones ended is the last.
pub(crate) async fn last_rows(db: &mut PgSession, feed: FeedId) -> sqlx::Result<Option<(i64, DateTime<Utc>)>> {
    let last = sqlx::query!(
        r#"select file_rows as "file_rows!", started_at from feed_runs
           where feed_id = $1 and status in ('APPLIED', 'UNCHANGED') and file_rows is not null
           order by ended_at desc, id desc limit 1"#,
        feed.uuid(),
    );
    Ok(last.fetch_optional(db).await?.map(|row| (row.file_rows, row.started_at)))
}

/// Writes the new state of a run that the caller has locked.
pub(crate) async fn save_run(db: &mut PgSession, run: &Run) -> sqlx::Result<()> {
    let Run { counts, .. } = run;
    sqlx::query!(
        "update feed_runs
         set status = $2, is_approved = $3, actor_id = $4, attempts = $5, file_name = $6, bytes = $7, sha256 = $8,
             etag = $9, digest = $10, created = $11, updated = $12, unchanged = $13, kept = $14, absent = $15,
             refused = $16, cancelled = $17, faults = $18, because = $19, ended_at = $20, other_offsets = $21,
             file_rows = $22, is_applied = $23
         where id = $1",
        run.id.uuid(),
        run.status.as_str(),
        run.is_approved,
        run.actor.map(UserId::uuid),
        run.attempts,
        run.file_name,
        run.bytes,
        run.sha256,
        run.etag,
        run.digest,
        counts.created,
        counts.updated,
        counts.unchanged,
        counts.kept,
        counts.absent,
        counts.refused,
        counts.cancelled,
        counts.faults,
        run.because,
        run.ended_at,
        counts.other_offsets,
        run.file_rows,
        run.is_applied,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Rejects the run of a feed that waits for a person: a later file has come.
pub(crate) async fn supersede(db: &mut PgSession, feed: FeedId, by: FeedRunId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let waiting = sqlx::query_scalar!(
        "update feed_runs set status = 'REJECTED', because = $4, ended_at = $3, digest = null
         where feed_id = $1 and status = 'REVIEW' and id <> $2 returning id",
        feed.uuid(),
        by.uuid(),
        now,
        SUPERSEDED,
    );
    if let Some(run) = waiting.fetch_optional(&mut *db).await? {
        super::delete_file(db, run.into()).await?;
    }
    Ok(())
}

/// Replaces what a run has found.
pub(crate) async fn replace_findings(
    db: &mut PgSession,
    id: FeedRunId,
    faults: &[FileFault],
    differences: &[Value],
) -> sqlx::Result<()> {
    sqlx::query!("delete from feed_faults where run_id = $1", id.uuid()).execute(&mut *db).await?;
    sqlx::query!("delete from feed_differences where run_id = $1", id.uuid()).execute(&mut *db).await?;
    sqlx::query!(
        "insert into feed_faults (run_id, place, table_row, column_name, code, message)
         select $1, place::int, f.table_row, f.column_name, f.code, f.message
         from unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) with ordinality
              as f (table_row, column_name, code, message, place)",
        id.uuid(),
        &column(faults, |fault| fault.row) as &[Option<i64>],
        &column(faults, |fault| fault.column.as_deref()) as &[Option<&str>],
        &column(faults, |fault| fault.code.as_str()) as &[&str],
        &column(faults, |fault| fault.message.as_str()) as &[&str],
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into feed_differences (run_id, place, data)
         select $1, place::int, d.data from unnest($2::jsonb[]) with ordinality as d (data, place)",
        id.uuid(),
        differences,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the faults of the file of a run, in order.
pub(crate) async fn faults(db: &mut PgSession, id: FeedRunId) -> sqlx::Result<Vec<FileFault>> {
    let found = sqlx::query_as!(
        FileFault,
        r#"select table_row as "row", column_name as "column", code, message from feed_faults
           where run_id = $1 order by place"#,
        id.uuid(),
    );
    found.fetch_all(db).await
}

/// Returns what a run does, as far as the filter chooses it, in order, behind this place.
pub(crate) async fn differences(
    db: &mut PgSession,
    id: FeedRunId,
    filter: &DifferenceFilter,
    after: Option<i32>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<(i32, Value)>> {
    let found = sqlx::query!(
        "select place, data from feed_differences
         where run_id = $1 and place > $2
           and ($5::text is null or data ->> 'effect' = $5)
           and ($6::text is null or strpos(data ->> 'flight_number', upper($6)) > 0
                or upper($6) in (data ->> 'origin', data -> 'from' ->> 'destination', data -> 'to' ->> 'destination'))
         order by place limit $3 offset $4",
        id.uuid(),
        after.unwrap_or_default(),
        fetch,
        i64::from(offset),
        filter.effect.map(DifferenceEffect::as_str),
        filter.q.as_deref(),
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (row.place, row.data)).collect())
}

/// Deletes up to `most` runs that have ended before, but none that waits for a person, and none by which the rows of the next file are
/// measured. Returns their number.
pub(crate) async fn delete_old(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from feed_runs where id = any(array(
             select id from feed_runs r where ended_at < $1 and status <> 'REVIEW'
               and (file_rows is null or status not in ('APPLIED', 'UNCHANGED')
                    or exists (select from feed_runs l where l.feed_id = r.feed_id and (l.ended_at, l.id) > (r.ended_at, r.id)
                                 and l.status in ('APPLIED', 'UNCHANGED') and l.file_rows is not null))
             order by ended_at limit $2))",
        before,
        most,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
