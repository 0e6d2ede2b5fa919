use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::feed::Feed;
use crate::platform::{
    leases::Vigil,
    postgres::{Database, DbError, commit},
};

/// How many messages are deleted at once: their deletion must not keep anybody waiting.
const DELETED_AT_ONCE: i64 = 5_000;
/// A sink that is far behind is told from one that is not; by how far is not worth a long count.
const COUNTED: i64 = 10_000;

/// A sink's place, if its lease is free, silent or this process's; it is this process's then. A new sink starts with the
/// oldest message.
pub(super) async fn take(
    db: &Database,
    sink: &'static str,
    process: &str,
    vigil: &mut Vigil<&'static str>,
) -> Result<Option<Feed>, DbError> {
    let asked = Instant::now();
    let start = Feed::from_the_start(db).await?;
    let mut tx = db.begin().await?;
    let made = sqlx::query!(
        "insert into outbox_sinks (name, position) values ($1, $2) on conflict (name) do nothing",
        sink,
        start.position(),
    );
    made.execute(&mut *tx).await.map_err(DbError::from)?;
    let holder = sqlx::query!("select leased_by, beat from outbox_sinks where name = $1", sink);
    let holder = holder.fetch_one(&mut *tx).await.map_err(DbError::from)?;
    let is_silent = !vigil.silent(asked, [(sink, holder.beat)]).is_empty();
    if !is_silent && holder.leased_by.is_some_and(|other| other != process) {
        commit(tx).await?;
        return Ok(None);
    }
    let taken = sqlx::query!(
        "update outbox_sinks set leased_by = $2, beat = beat + 1, updated_at = now()
         where name = $1 and beat = $3
         returning position, gaps",
        sink,
        process,
        holder.beat,
    );
    let taken = taken.fetch_optional(&mut *tx).await.map_err(DbError::from)?;
    commit(tx).await?;
    Ok(taken.map(|row| {
        if row.position < start.position() {
            tracing::error!(
                sink,
                from = row.position,
                to = start.position(),
                "messages are gone that this sink has not had"
            );
            return start;
        }
        Feed::new(row.position, gaps_from(&row.gaps))
    }))
}

/// Tells that the holder is alive; false if it is the holder no more.
pub(super) async fn beat(db: &Database, sink: &str, process: &str) -> Result<bool, DbError> {
    let mut tx = db.begin().await?;
    let beaten = sqlx::query!(
        "update outbox_sinks set beat = beat + 1, updated_at = now() where name = $1 and leased_by = $2",
        sink,
        process,
    );
    let is_ours = beaten.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected() == 1;
    commit(tx).await?;
    Ok(is_ours)
}

/// Writes a sink's place down; false if it is another's to write.
pub(super) async fn keep(db: &Database, sink: &str, process: &str, place: &Feed) -> Result<bool, DbError> {
    let gaps: Vec<[i64; 2]> = place.gaps().iter().map(|(id, horizon)| [*id, *horizon]).collect();
    let mut tx = db.begin().await?;
    let kept = sqlx::query!(
        "update outbox_sinks set position = $3, gaps = $4, beat = beat + 1, updated_at = now()
         where name = $1 and leased_by = $2",
        sink,
        process,
        place.position(),
        json!(gaps),
    );
    let is_ours = kept.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected() == 1;
    commit(tx).await?;
    Ok(is_ours)
}

/// So that another need not wait for silence.
pub(super) async fn give_up(db: &Database, sink: &str, process: &str) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let given =
        sqlx::query!("update outbox_sinks set leased_by = null where name = $1 and leased_by = $2", sink, process);
    given.execute(&mut *tx).await.map_err(DbError::from)?;
    commit(tx).await
}

fn gaps_from(gaps: &Value) -> BTreeMap<i64, i64> {
    let pairs: Vec<[i64; 2]> = serde_json::from_value(gaps.clone()).unwrap_or_default();
    pairs.into_iter().map(|[id, horizon]| (id, horizon)).collect()
}

/// How far a sink is behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Lag {
    pub sink: String,
    /// How long the oldest message waits that it has not had; 0 if it has had them all.
    pub seconds: f64,
    /// How many messages it has not had; no more than 10 000 are counted.
    pub undelivered: i64,
    /// Whether a process delivers to it.
    pub is_served: bool,
}

/// Every sink there ever was and that was not retired.
pub async fn lags(db: &Database) -> Result<Vec<Lag>, DbError> {
    let mut reading = db.read().await?;
    let found = sqlx::query!(
        r#"select name, leased_by is not null and updated_at > now() - interval '30 seconds' as "is_served!", greatest(0, coalesce(extract(epoch from now() -
                      (select written_at from outbox where id > position order by id limit 1)), 0))::float8 as "seconds!",
                  (select count(*) from (select from outbox where id > position limit $1) waiting) as "undelivered!"
           from outbox_sinks order by name"#,
        COUNTED,
    );
    let found = found.fetch_all(&mut *reading).await?;
    let lags = found.into_iter().map(|row| Lag {
        sink: row.name,
        seconds: row.seconds,
        undelivered: row.undelivered,
        is_served: row.is_served,
    });
    Ok(lags.collect())
}

/// Forgets a sink that will not come back: messages are kept for it no longer. Should it come back it starts with the
/// oldest message there is. False if there is none of this name.
pub async fn retire(db: &Database, sink: &str) -> Result<bool, DbError> {
    let mut tx = db.begin().await?;
    let gone = sqlx::query!("delete from outbox_sinks where name = $1", sink);
    let was_there = gone.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected() == 1;
    commit(tx).await?;
    Ok(was_there)
}

/// Deletes messages older than that which every sink has had. Answers how many they were.
pub async fn delete_delivered(db: &Database, age: TimeDelta) -> Result<u64, DbError> {
    let mut sum = 0;
    loop {
        let mut tx = db.begin().await?;
        let deleted = sqlx::query!(
            "with oldest as (select id, written_at from outbox order by id limit $2)
             delete from outbox using oldest
             where outbox.id = oldest.id and oldest.written_at < now() - make_interval(secs => $1)
               and outbox.id <= (select coalesce(min(least(position, (select min((gap ->> 0)::bigint) - 1
                                                                     from jsonb_array_elements(gaps) as gap))),
                                                9223372036854775807)
                                 from outbox_sinks)",
            age.as_seconds_f64(),
            DELETED_AT_ONCE,
        );
        let deleted = deleted.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected();
        commit(tx).await?;
        sum += deleted;
        if deleted < u64::try_from(DELETED_AT_ONCE).unwrap_or_default() {
            return Ok(sum);
        }
    }
}
