use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::from_column;
use uuid::Uuid;

use super::{Job, JobState, NewJob};

use crate::{
    in_own_tx,
    postgres::{Database, DbError, PgSession},
    telemetry::traceparent,
};

/// Enqueues a job in the caller's transaction. A job whose key already waits or runs is not enqueued twice.
pub async fn enqueue_in_tx(tx: &mut PgSession, id: Uuid, job: &NewJob) -> Result<(), DbError> {
    let made = sqlx::query!(
        "insert into jobs (id, kind, payload, priority, state, unique_key, run_at, max_attempts, traceparent)
         values ($1, $2, $3, $4, 'QUEUED', $5, now() + make_interval(secs => $6), $7, $8)
         on conflict (unique_key) where unique_key is not null and state <> 'DEAD' do nothing",
        id,
        job.kind,
        job.payload,
        job.priority,
        job.unique_key,
        job.run_in.as_seconds_f64(),
        job.max_attempts,
        traceparent(),
    );
    made.execute(tx).await?;
    Ok(())
}

/// Makes the waiting job with this key due now. Returns its id, if there is one and it is not running already.
pub async fn hurry_in_tx(tx: &mut PgSession, unique_key: &str) -> Result<Option<Uuid>, DbError> {
    let hurried = sqlx::query_scalar!(
        "update jobs set run_at = now(), updated_at = now() where unique_key = $1 and state = 'QUEUED' returning id",
        unique_key,
    );
    Ok(hurried.fetch_optional(tx).await?)
}

struct Row {
    id: Uuid,
    kind: String,
    payload: serde_json::Value,
    priority: i16,
    state: String,
    run_at: DateTime<Utc>,
    attempts: i32,
    max_attempts: i32,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    traceparent: Option<String>,
}

impl TryFrom<Row> for Job {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            kind: row.kind,
            payload: row.payload,
            priority: row.priority,
            state: from_column(JobState::WORDS, &row.state)?,
            run_at: row.run_at,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            last_error: row.last_error,
            created_at: row.created_at,
            traceparent: row.traceparent,
        })
    }
}

/// Claims the next due job, leased to `process`; restricted to the kinds of `only` if given.
pub(super) async fn claim(
    db: &Database,
    process: &str,
    kinds: &[String],
    only: Option<Uuid>,
) -> Result<Option<Job>, DbError> {
    let claimed = sqlx::query_as!(
        Row,
        "update jobs
         set state = 'RUNNING', attempts = attempts + 1, leased_by = $1, beat = beat + 1, updated_at = now()
         where id = (select id from jobs
                     where state = 'QUEUED' and kind = any($2) and ($3::uuid is null or id = $3)
                       and run_at <= now()
                     order by priority, run_at, id limit 1
                     for update skip locked)
         returning id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error, created_at,
                   traceparent",
        process,
        kinds,
        only,
    );
    let claimed = in_own_tx!(db, |tx| claimed.fetch_optional(&mut *tx))?;
    Ok(claimed.map(Job::try_from).transpose()?)
}

/// Shortens the delay of jobs that were stored at a time still in the future to the original delay: the clock was set
/// back since.
pub(super) async fn follow_the_clock(db: &Database) -> Result<(), DbError> {
    let moved = sqlx::query!(
        "update jobs set run_at = now() + greatest(run_at - updated_at, interval '0'), updated_at = now()
         where state = 'QUEUED' and updated_at > now() + interval '1 minute'"
    );
    in_own_tx!(db, |tx| moved.execute(&mut *tx)).map(drop)
}

/// Proves that the job's process is alive; returns false when another holds the job. Process and attempt identify the
/// holder: a process may meet its own job again after losing it.
pub(super) async fn beat(db: &Database, process: &str, job: &Job) -> Result<bool, DbError> {
    let beaten = sqlx::query!(
        "update jobs set beat = beat + 1
         where id = $1 and leased_by = $2 and attempts = $3 and state = 'RUNNING'",
        job.id,
        process,
        job.attempts,
    );
    Ok(in_own_tx!(db, |tx| beaten.execute(&mut *tx))?.rows_affected() == 1)
}

/// Returns the counts of the running jobs; `None` for one without a holder.
pub(super) async fn beats(db: &Database) -> Result<Vec<(Uuid, Option<i64>)>, DbError> {
    let mut reading = db.read().await?;
    let running = sqlx::query!(
        r#"select id, case when leased_by is not null then beat end as beat from jobs where state = 'RUNNING'"#
    );
    let running = running.fetch_all(&mut *reading).await?;
    Ok(running.into_iter().map(|row| (row.id, row.beat)).collect())
}

/// Takes a job from a process that went away: it waits again, or is dead when its attempts are used up. Returns its new
/// state; `None` if its count has changed.
pub(super) async fn take_away(db: &Database, id: Uuid, beat: Option<i64>) -> Result<Option<JobState>, DbError> {
    let taken = sqlx::query_scalar!(
        "update jobs
         set state = case when attempts >= max_attempts then 'DEAD' else 'QUEUED' end, run_at = now(), leased_by = null,
             last_error = 'the process of the job stopped', updated_at = now()
         where id = $1 and state = 'RUNNING' and (leased_by is null or beat = $2)
         returning state",
        id,
        beat,
    );
    let taken = in_own_tx!(db, |tx| taken.fetch_optional(&mut *tx))?;
    Ok(taken.map(|state| from_column(JobState::WORDS, &state)).transpose()?)
}

/// Returns a started job that will not finish here to the queue, as if it had never started.
pub(super) async fn give_back(db: &Database, process: &str, job: &Job) -> Result<(), DbError> {
    let given = sqlx::query!(
        "update jobs set state = 'QUEUED', attempts = attempts - 1, run_at = now(), leased_by = null, updated_at = now()
         where id = $1 and leased_by = $2 and attempts = $3 and state = 'RUNNING'",
        job.id,
        process,
        job.attempts,
    );
    in_own_tx!(db, |tx| given.execute(&mut *tx)).map(drop)
}

/// Deletes a finished job, if this process still holds it.
pub(super) async fn finish(db: &Database, process: &str, job: &Job) -> Result<(), DbError> {
    let done = sqlx::query!(
        "delete from jobs where id = $1 and leased_by = $2 and attempts = $3 and state = 'RUNNING'",
        job.id,
        process,
        job.attempts,
    );
    in_own_tx!(db, |tx| done.execute(&mut *tx)).map(drop)
}

/// Records a failure: the job waits for `pause`, or is dead.
pub(super) async fn fail(
    db: &Database,
    process: &str,
    job: &Job,
    error: &str,
    pause: TimeDelta,
) -> Result<(), DbError> {
    let failed = sqlx::query!(
        "update jobs
         set state = case when attempts >= max_attempts then 'DEAD' else 'QUEUED' end, last_error = $4,
             run_at = now() + make_interval(secs => $5), leased_by = null, updated_at = now()
         where id = $1 and leased_by = $2 and attempts = $3 and state = 'RUNNING'",
        job.id,
        process,
        job.attempts,
        error,
        pause.as_seconds_f64(),
    );
    in_own_tx!(db, |tx| failed.execute(&mut *tx)).map(drop)
}

/// Lists the jobs: dead ones first, then in the order in which they will run. At most 1000.
pub async fn list(db: &Database) -> Result<Vec<Job>, DbError> {
    let mut reading = db.read().await?;
    let rows = sqlx::query_as!(
        Row,
        "select id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error, created_at, traceparent
         from jobs order by state = 'DEAD' desc, state = 'RUNNING' desc, priority, run_at, id limit 1000",
    );
    let rows = rows.fetch_all(&mut *reading).await?;
    Ok(rows.into_iter().map(Job::try_from).collect::<Result<_, _>>()?)
}

/// Returns a page of the jobs, newest first.
pub async fn page(
    db: &Database,
    (state, kind): (Option<JobState>, Option<&str>),
    after: Option<Uuid>,
    offset: u32,
    fetch: i64,
) -> Result<Vec<Job>, DbError> {
    let mut reading = db.listing().await?;
    let rows = sqlx::query_as!(
        Row,
        "select id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error, created_at, traceparent
         from jobs
         where ($1::text is null or state = $1) and ($2::text is null or kind = $2) and ($3::uuid is null or id < $3)
         order by id desc offset $4 limit $5",
        state.map(JobState::as_str),
        kind,
        after,
        i64::from(offset),
        fetch,
    );
    let rows = rows.fetch_all(&mut *reading).await?;
    Ok(rows.into_iter().map(Job::try_from).collect::<Result<_, _>>()?)
}

/// Returns a job, locked until the transaction ends.
pub async fn lock_in_tx(tx: &mut PgSession, id: Uuid) -> Result<Option<Job>, DbError> {
    let row = sqlx::query_as!(
        Row,
        "select id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error, created_at, traceparent
         from jobs where id = $1 for update",
        id,
    );
    Ok(row.fetch_optional(&mut *tx).await.map_err(DbError::from)?.map(Job::try_from).transpose()?)
}

/// Makes a dead job, or all, due now. Returns their number.
pub async fn retry_dead(db: &Database, only: Option<Uuid>) -> Result<u64, DbError> {
    in_own_tx!(db, |tx| retry_dead_in_tx(&mut tx, only))
}

pub async fn retry_dead_in_tx(tx: &mut PgSession, only: Option<Uuid>) -> Result<u64, DbError> {
    // A dead job whose key is enqueued anew stays dead: only one job with a key waits.
    let retried = sqlx::query!(
        "update jobs
         set state = 'QUEUED', attempts = 0, run_at = now(), updated_at = now()
         where jobs.state = 'DEAD' and id in (select distinct on (coalesce(unique_key, id::text)) id from jobs dead
                      where state = 'DEAD' and ($1::uuid is null or id = $1)
                        and not exists (select from jobs other
                                        where other.unique_key = dead.unique_key and other.state <> 'DEAD')
                      order by coalesce(unique_key, id::text), id desc)",
        only,
    );
    Ok(retried.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected())
}

/// Deletes a dead job: its work will not be done. Returns false if no dead job has this id.
pub async fn drop_dead(db: &Database, id: Uuid) -> Result<bool, DbError> {
    in_own_tx!(db, |tx| drop_dead_in_tx(&mut tx, id))
}

pub async fn drop_dead_in_tx(tx: &mut PgSession, id: Uuid) -> Result<bool, DbError> {
    let dropped = sqlx::query!("delete from jobs where id = $1 and state = 'DEAD'", id);
    Ok(dropped.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected() > 0)
}

/// The amount of pending work.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Depth {
    pub queued: i64,
    pub running: i64,
    pub dead: i64,
    /// Waiting time of the job that has been due the longest.
    pub oldest_seconds: f64,
}

pub async fn depth(db: &Database) -> Result<Depth, DbError> {
    let mut reading = db.read().await?;
    let found = sqlx::query!(
        r#"select count(*) filter (where state = 'QUEUED') as "queued!",
                  count(*) filter (where state = 'RUNNING') as "running!",
                  count(*) filter (where state = 'DEAD') as "dead!",
                  coalesce(extract(epoch from now() - min(run_at) filter (where state = 'QUEUED' and run_at <= now())), 0)
                      ::float8 as "oldest!"
           from jobs"#,
    );
    let found = found.fetch_one(&mut *reading).await?;
    Ok(Depth { queued: found.queued, running: found.running, dead: found.dead, oldest_seconds: found.oldest })
}
