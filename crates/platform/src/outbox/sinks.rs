use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::feed::{Feed, settled};
use crate::{
    in_own_tx,
    leases::LeaseMonitor,
    postgres::{Database, DbError, PgSession, commit},
};

/// Upper bound of the count of undelivered messages: an exact number is not worth a long count.
const COUNTED: i64 = 10_000;

/// The stored position of a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SinkPosition {
    pub feed: Feed,
    /// The mark that the sink returned with its last delivery.
    pub mark: Option<String>,
}

impl SinkPosition {
    /// Returns whether it must be stored again: messages were delivered, or more of them may be deleted.
    pub fn is_worth_keeping(&self, before: &Self) -> bool {
        self.feed.position() != before.feed.position()
            || self.feed.settled() != before.feed.settled()
            || self.mark != before.mark
    }
}

/// Takes a sink's lease if it is free, silent or already this process's, and returns the position. A new sink starts
/// with the oldest message.
pub(super) async fn take(
    db: &Database,
    sink: &'static str,
    process: &str,
    monitor: &mut LeaseMonitor<&'static str>,
) -> Result<Option<SinkPosition>, DbError> {
    let asked = Instant::now();
    let mut tx = db.begin().await?;
    let made =
        sqlx::query!("insert into outbox_sinks (name, position) values ($1, 0) on conflict (name) do nothing", sink);
    made.execute(&mut *tx).await.map_err(DbError::from)?;
    let holder = sqlx::query!("select leased_by, beat from outbox_sinks where name = $1", sink);
    let holder = holder.fetch_one(&mut *tx).await.map_err(DbError::from)?;
    let is_silent = !monitor.silent(asked, [(sink, holder.beat)]).is_empty();
    if !is_silent && holder.leased_by.is_some_and(|other| other != process) {
        commit(tx).await?;
        return Ok(None);
    }
    let taken = sqlx::query_as!(
        SinkRow,
        r#"update outbox_sinks set leased_by = $2, beat = beat + 1, updated_at = now()
           where name = $1 and beat = $3
           returning position, gaps, reached, awaited, mark, server_epoch() as "epoch!",
                     coalesce(pg_sequence_last_value('outbox_id_seq'), 0) as "last!""#,
        sink,
        process,
        holder.beat,
    );
    let taken = taken.fetch_optional(&mut *tx).await.map_err(DbError::from)?;
    commit(tx).await?;
    Ok(taken.map(|kept| kept.place(sink)))
}

/// A sink's row.
struct SinkRow {
    position: i64,
    gaps: Value,
    reached: Option<i64>,
    awaited: Option<Value>,
    mark: Option<String>,
    epoch: i64,
    /// The highest message number assigned.
    last: i64,
}

impl SinkRow {
    fn place(self, sink: &str) -> SinkPosition {
        let (mut position, mut awaited) = self.exact().unwrap_or_else(|| (self.without_gaps(), BTreeMap::new()));
        if position > self.last {
            tracing::error!(
                sink,
                position,
                highest = self.last,
                "the sink's position exceeds the highest message number, so it belongs to another database; \
                 delivering all stored messages again"
            );
            (position, awaited) = (0, BTreeMap::new());
        }
        SinkPosition { feed: Feed::resume(position, awaited, self.epoch), mark: self.mark }
    }

    /// Returns the position as this version stores it, unless an older process has written since.
    fn exact(&self) -> Option<(i64, BTreeMap<i64, i64>)> {
        let awaited: Vec<(i64, i64)> = serde_json::from_value(self.awaited.clone()?).ok()?;
        let (reached, awaited) = (self.reached?, BTreeMap::from_iter(awaited));
        let is_latest = self.gaps == json!([]) && self.position == settled(reached, &awaited);
        is_latest.then_some((reached, awaited))
    }

    /// Returns the position in the form of an older process: `position`, and the numbers below it that may still come.
    /// Messages above the lowest of them are delivered again.
    fn without_gaps(&self) -> i64 {
        let gaps: Vec<(i64, i64)> = serde_json::from_value(self.gaps.clone()).unwrap_or_default();
        gaps.iter().fold(self.position, |lowest, (id, _)| lowest.min(id - 1))
    }
}

/// Proves that the holder is alive; returns false if it no longer holds the lease.
pub(super) async fn beat(db: &Database, sink: &str, process: &str) -> Result<bool, DbError> {
    let beaten = sqlx::query!(
        "update outbox_sinks set beat = beat + 1, updated_at = now() where name = $1 and leased_by = $2",
        sink,
        process,
    );
    Ok(in_own_tx!(db, |tx| beaten.execute(&mut *tx))?.rows_affected() == 1)
}

/// Stores a sink's position; returns false if another process holds the lease, or the database was exchanged.
pub(super) async fn keep(db: &Database, sink: &str, process: &str, place: &SinkPosition) -> Result<bool, DbError> {
    let awaited: Vec<(&i64, &i64)> = place.feed.awaited().iter().collect();
    let kept = sqlx::query!(
        "update outbox_sinks set position = $3, gaps = '[]', reached = $4, awaited = $5, mark = $6,
                                 beat = beat + 1, updated_at = now()
         where name = $1 and leased_by = $2
           and server_epoch() = $7 and $4 <= coalesce(pg_sequence_last_value('outbox_id_seq'), 0)",
        sink,
        process,
        place.feed.settled(),
        place.feed.position(),
        json!(awaited),
        place.mark,
        place.feed.epoch(),
    );
    Ok(in_own_tx!(db, |tx| kept.execute(&mut *tx))?.rows_affected() == 1)
}

/// Releases the lease, so that another process need not wait for silence.
pub(super) async fn give_up(db: &Database, sink: &str, process: &str) -> Result<(), DbError> {
    let given =
        sqlx::query!("update outbox_sinks set leased_by = null where name = $1 and leased_by = $2", sink, process);
    in_own_tx!(db, |tx| given.execute(&mut *tx)).map(drop)
}

/// How far a sink is behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Lag {
    pub sink: String,
    /// Age of the oldest message not delivered to it; 0 if there is none.
    pub seconds: f64,
    /// Number of messages not delivered to it; at most 10 000 are counted.
    pub undelivered: i64,
    /// Whether a process delivers to it.
    pub is_served: bool,
}

/// Returns the lag of every sink that was not retired.
pub async fn lags(db: &Database) -> Result<Vec<Lag>, DbError> {
    let mut reading = db.read().await?;
    // New messages lie above the position; late ones belong to awaited transactions that have committed.
    let found = sqlx::query!(
        r#"select name, leased_by is not null and updated_at > now() - interval '30 seconds' as "is_served!",
                  greatest(0, coalesce(extract(epoch from now() - least(new.oldest, late.oldest)), 0))::float8
                      as "seconds!",
                  least($1, new.number + late.number) as "undelivered!"
           from outbox_sinks
           cross join lateral (select greatest(position, reached) as reached) as place
           cross join lateral
               (select (select written_at from outbox where id > place.reached order by id limit 1) as oldest,
                       (select count(*) from (select from outbox where id > place.reached limit $1) waiting) as number
               ) as new
           cross join lateral
               (select min(written_at) as oldest, count(*) as number
                from jsonb_array_elements(awaited) as open (transaction)
                cross join lateral
                    (select written_at from outbox
                     where written_by is not null
                       and (written_by, id) > ((transaction ->> 0)::xid8, (transaction ->> 1)::bigint)
                       and (written_by, id) <= ((transaction ->> 0)::xid8, place.reached)
                     order by written_by, id limit $1) as waiting
               ) as late
           order by name"#,
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

/// Removes a sink that will not return: messages are no longer kept for it. If it returns nevertheless it starts with
/// the oldest message there is. Returns false if no sink has this name.
pub async fn retire(db: &Database, sink: &str) -> Result<bool, DbError> {
    let gone = sqlx::query!("delete from outbox_sinks where name = $1", sink);
    Ok(in_own_tx!(db, |tx| gone.execute(&mut *tx))?.rows_affected() == 1)
}

/// Deletes messages older than `age` that every sink has had. Returns their number.
pub async fn delete_delivered(db: &Database, age: TimeDelta) -> Result<u64, DbError> {
    let seconds = age.as_seconds_f64();
    db.delete_in_batches(|tx, most| Box::pin(delete_some(tx, seconds, most))).await
}

async fn delete_some(tx: &mut PgSession, seconds: f64, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        // Deletes by key: the planner decides a join by the table's statistics, and read the whole table once per
        // message after a season's import.
        "delete from outbox
         where id = any (array(
             select id from (select id, written_at from outbox order by id limit $2) as oldest
             where written_at < now() - make_interval(secs => $1)
               and id <= (select coalesce(min(least(position, (select min((gap ->> 0)::bigint) - 1
                                                               from jsonb_array_elements(gaps) as gap))),
                                          9223372036854775807)
                          from outbox_sinks)))",
        seconds,
        most,
    );
    Ok(deleted.execute(tx).await?.rows_affected())
}
