use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Job, JobState, NewJob};
use crate::{
    kernel::from_column,
    platform::postgres::{Database, DbError, commit},
};

/// A process that is silent for so long has lost its job to another. Leases go by the database's clock: those of the
/// processes may differ.
pub(super) const LEASE_SECONDS: f64 = 30.0;

/// Promises work; joins the caller's transaction. A job whose key waits or runs already is not promised twice.
pub async fn enqueue_in_tx(tx: &mut PgConnection, id: Uuid, job: &NewJob) -> Result<(), DbError> {
    let made = sqlx::query!(
        "insert into jobs (id, kind, payload, priority, state, unique_key, run_at, max_attempts)
         values ($1, $2, $3, $4, 'QUEUED', $5, now() + make_interval(secs => $6), $7)
         on conflict (unique_key) where unique_key is not null and state <> 'DEAD' do nothing",
        id,
        job.kind,
        job.payload,
        job.priority,
        job.unique_key,
        job.run_in.as_seconds_f64(),
        job.max_attempts,
    );
    made.execute(tx).await?;
    Ok(())
}

/// The job with this key that waits is due now. Answers its id, if there is one and it does not run already.
pub async fn hurry_in_tx(tx: &mut PgConnection, unique_key: &str) -> Result<Option<Uuid>, DbError> {
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
        })
    }
}

/// The next job that is due, now leased to `process`: one that waits, or whose process went away. Of `only` if it is given.
pub(super) async fn claim(
    db: &Database,
    process: &str,
    kinds: &[String],
    only: Option<Uuid>,
) -> Result<Option<Job>, DbError> {
    let mut tx = db.begin().await?;
    let claimed = sqlx::query_as!(
        Row,
        "update jobs
         set state = 'RUNNING', attempts = attempts + 1, leased_by = $1, leased_until = now() + make_interval(secs => $4),
             updated_at = now()
         where id = (select id from jobs
                     where kind = any($2) and ($3::uuid is null or id = $3)
                       and ((state = 'QUEUED' and run_at <= now())
                            or (state = 'RUNNING' and leased_until < now() and attempts < max_attempts))
                     order by priority, run_at, id limit 1
                     for update skip locked)
         returning id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error, created_at",
        process,
        kinds,
        only,
        LEASE_SECONDS,
    );
    let claimed = claimed.fetch_optional(&mut *tx).await.map_err(DbError::from)?;
    commit(tx).await?;
    Ok(claimed.map(Job::try_from).transpose()?)
}

/// Keeps a job; false when it has gone to another. Whose it is, process and attempt tell: a process may meet its own job
/// again after losing it.
pub(super) async fn renew(db: &Database, process: &str, job: &Job) -> Result<bool, DbError> {
    let mut tx = db.begin().await?;
    let renewed = sqlx::query!(
        "update jobs set leased_until = now() + make_interval(secs => $4)
         where id = $1 and leased_by = $2 and attempts = $3 and state = 'RUNNING'",
        job.id,
        process,
        job.attempts,
        LEASE_SECONDS,
    );
    let renewed = renewed.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected() == 1;
    commit(tx).await?;
    Ok(renewed)
}

/// A job is done: it is gone, if it still is this process's.
pub(super) async fn finish(db: &Database, process: &str, job: &Job) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let done = sqlx::query!(
        "delete from jobs where id = $1 and leased_by = $2 and attempts = $3 and state = 'RUNNING'",
        job.id,
        process,
        job.attempts,
    );
    done.execute(&mut *tx).await.map_err(DbError::from)?;
    commit(tx).await
}

/// A job has failed: it waits for `pause`, or is dead.
pub(super) async fn fail(
    db: &Database,
    process: &str,
    job: &Job,
    error: &str,
    pause: TimeDelta,
) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let failed = sqlx::query!(
        "update jobs
         set state = case when attempts >= max_attempts then 'DEAD' else 'QUEUED' end, last_error = $4,
             run_at = now() + make_interval(secs => $5), leased_by = null, leased_until = null, updated_at = now()
         where id = $1 and leased_by = $2 and attempts = $3 and state = 'RUNNING'",
        job.id,
        process,
        job.attempts,
        error,
        pause.as_seconds_f64(),
    );
    failed.execute(&mut *tx).await.map_err(DbError::from)?;
    commit(tx).await
}

/// Jobs that took their process with them as often as they may are dead. Answers how many.
pub(super) async fn bury_killers(db: &Database) -> Result<u64, DbError> {
    let mut tx = db.begin().await?;
    let buried = sqlx::query!(
        "update jobs
         set state = 'DEAD', last_error = 'the process that ran it went away', leased_by = null, leased_until = null,
             updated_at = now()
         where state = 'RUNNING' and leased_until < now() and attempts >= max_attempts",
    );
    let buried = buried.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected();
    commit(tx).await?;
    Ok(buried)
}

/// The jobs there are: dead ones first, then in the order in which they will run. At most 1000.
pub async fn list(db: &Database) -> Result<Vec<Job>, DbError> {
    let mut reading = db.read().await?;
    let rows = sqlx::query_as!(
        Row,
        "select id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error, created_at
         from jobs order by state = 'DEAD' desc, state = 'RUNNING' desc, priority, run_at, id limit 1000",
    );
    let rows = rows.fetch_all(&mut *reading).await?;
    Ok(rows.into_iter().map(Job::try_from).collect::<Result<_, _>>()?)
}

/// Lets a dead job, or all, be tried again from now on. Answers how many.
pub async fn retry_dead(db: &Database, only: Option<Uuid>) -> Result<u64, DbError> {
    let mut tx = db.begin().await?;
    // One whose work is promised anew stays dead: of one key only one waits.
    let retried = sqlx::query!(
        "update jobs
         set state = 'QUEUED', attempts = 0, run_at = now(), updated_at = now()
         where id in (select distinct on (coalesce(unique_key, id::text)) id from jobs dead
                      where state = 'DEAD' and ($1::uuid is null or id = $1)
                        and not exists (select from jobs other
                                        where other.unique_key = dead.unique_key and other.state <> 'DEAD')
                      order by coalesce(unique_key, id::text), id desc)",
        only,
    );
    let retried = retried.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected();
    commit(tx).await?;
    Ok(retried)
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Depth {
    pub queued: i64,
    pub running: i64,
    pub dead: i64,
    /// How long the job that is due the longest has waited.
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
