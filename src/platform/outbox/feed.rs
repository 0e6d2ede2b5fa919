use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::cloud_event;
use crate::platform::{
    postgres::{Database, DbError, commit},
    telemetry::TRACEPARENT,
};

/// A message as it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub id: i64,
    /// The booking or flight.
    pub aggregate_id: Uuid,
    /// The `CloudEvents` document.
    pub event: Value,
    /// By the database's clock.
    pub written_at: DateTime<Utc>,
}

impl Entry {
    /// The trace of what caused it.
    pub fn traceparent(&self) -> Option<&str> {
        self.event.get(TRACEPARENT)?.as_str()
    }
}

/// A place in the outbox. Messages are numbered when they are written and seen when their transactions commit, so that a
/// lower number may come after a higher one. Missing numbers are remembered until they come, or until every transaction
/// that could have brought them has ended: a rolled-back one leaves its number unused.
///
/// Messages of one booking or flight always come in order: the next one is numbered under the lock that the one before
/// was committed with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The highest number seen.
    position: i64,
    /// Lower numbers not seen, each with a transaction number that was given out after it was missed.
    gaps: BTreeMap<i64, i64>,
}

/// What there was to read, and which transactions were under way at that moment.
struct Reading {
    entries: Vec<Entry>,
    /// As many as were asked for: there may be more.
    is_full: bool,
    /// The oldest transaction number still under way, and the first that was not given out.
    oldest: i64,
    next: i64,
}

/// A sink that begins somewhere looks back so far for numbers of transactions under way: a large import writes many.
const LOOK_BACK: i64 = 100_000;
/// Who follows from now on looks back so far.
const NEAR: i64 = 10_000;

impl Feed {
    pub const fn new(position: i64, gaps: BTreeMap<i64, i64>) -> Self {
        Self { position, gaps }
    }

    pub const fn position(&self) -> i64 {
        self.position
    }

    pub const fn gaps(&self) -> &BTreeMap<i64, i64> {
        &self.gaps
    }

    /// From now on: what is there is not told, what is under way will be.
    pub async fn from_now(db: &Database) -> Result<Self, DbError> {
        let mut reading = db.read().await?;
        let last = sqlx::query_scalar!(
            r#"select coalesce((select max(id) from outbox), (select last_value from outbox_id_seq)) as "last!""#
        );
        let last = last.fetch_one(&mut *reading).await?;
        drop(reading);
        let mut feed = Self::new((last - NEAR).max(0), BTreeMap::new());
        while feed.position < last && !feed.read(db, NEAR).await?.is_empty() {}
        Ok(feed)
    }

    /// From the oldest message there is, or is about to be.
    pub async fn from_the_start(db: &Database) -> Result<Self, DbError> {
        let mut reading = db.read().await?;
        let first = sqlx::query_scalar!(
            r#"select coalesce((select min(id) - 1 from outbox), (select last_value from outbox_id_seq)) as "first!""#
        );
        let first = first.fetch_one(&mut *reading).await?;
        Ok(Self::new((first - LOOK_BACK).max(0), BTreeMap::new()))
    }

    /// Reads on: at most so many messages, in the order of their numbers, late ones first. The place moves behind them.
    pub async fn read(&mut self, db: &Database, limit: i64) -> Result<Vec<Entry>, DbError> {
        let gaps: Vec<i64> = self.gaps.keys().copied().collect();
        let reading = read(db, self.position, &gaps, limit).await?;
        // Whoever has a missing number had its transaction's number before it, and so a lower one than this.
        let horizon = if self.misses_some(&reading) { transaction_number(db).await? } else { 0 };
        self.advance(&reading, horizon);
        Ok(reading.entries)
    }

    fn misses_some(&self, reading: &Reading) -> bool {
        let new = reading.entries.iter().filter(|entry| entry.id > self.position);
        reading.entries.last().is_some_and(|last| last.id > self.position + i64::try_from(new.count()).unwrap_or(0))
    }

    fn advance(&mut self, reading: &Reading, horizon: i64) {
        // All that ended transactions brought is in this reading, as far as it goes: what is not, never comes.
        let looked_at = if reading.is_full { reading.entries.last().map_or(0, |entry| entry.id) } else { i64::MAX };
        // A horizon that was not given out yet is from another cluster, of which this one is a copy: none is under way.
        let is_awaited = |horizon: i64| reading.oldest < horizon && horizon < reading.next;
        self.gaps.retain(|id, horizon| is_awaited(*horizon) || *id > looked_at);
        for entry in &reading.entries {
            if entry.id <= self.position {
                self.gaps.remove(&entry.id);
            } else {
                let missing = self.position + 1..entry.id;
                self.gaps.extend(missing.map(|id| (id, horizon)));
                self.position = entry.id;
            }
        }
    }
}

async fn read(db: &Database, position: i64, gaps: &[i64], limit: i64) -> Result<Reading, DbError> {
    let mut snapshot = db.snapshot().await?;
    let numbers = sqlx::query!(
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "oldest!",
                  pg_snapshot_xmax(pg_current_snapshot())::text::bigint as "next!""#
    );
    let numbers = numbers.fetch_one(&mut *snapshot).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", aggregate as "aggregate!", aggregate_id as "aggregate_id!", sequence as "sequence!",
                  event_type as "event_type!", payload as "payload!", occurred_at as "occurred_at!",
                  written_at as "written_at!"
           from ((select id, aggregate, aggregate_id, sequence, event_type, payload, occurred_at, written_at
                  from outbox where id = any($2) order by id limit $3)
                 union all
                 (select id, aggregate, aggregate_id, sequence, event_type, payload, occurred_at, written_at
                  from outbox where id > $1 order by id limit $3)) as next
           order by id limit $3"#,
        position,
        gaps,
        limit,
    );
    let entries: Vec<Entry> = rows.fetch_all(&mut *snapshot).await?.into_iter().map(Entry::from).collect();
    let is_full = i64::try_from(entries.len()).is_ok_and(|count| count >= limit);
    Ok(Reading { entries, is_full, oldest: numbers.oldest, next: numbers.next })
}

struct Row {
    id: i64,
    aggregate: String,
    aggregate_id: Uuid,
    sequence: i32,
    event_type: String,
    payload: Value,
    occurred_at: DateTime<Utc>,
    written_at: DateTime<Utc>,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        // An older process writes the data alone, and may do so beside this one while a version is rolled out.
        let event = if row.payload.get("specversion").is_some() {
            row.payload
        } else {
            let subject = row.payload["ref_id"].as_str().map_or_else(|| row.aggregate_id.to_string(), str::to_owned);
            let kind = (row.aggregate.as_str(), row.event_type.as_str());
            cloud_event(kind, row.aggregate_id, row.sequence, &subject, row.occurred_at, &row.payload)
        };
        Self { id: row.id, aggregate_id: row.aggregate_id, event, written_at: row.written_at }
    }
}

/// A number that is given out now, and whose transaction ends at once.
async fn transaction_number(db: &Database) -> Result<i64, DbError> {
    let mut tx = db.begin().await?;
    let number = sqlx::query_scalar!(r#"select pg_current_xact_id()::text::bigint as "number!""#);
    let number = number.fetch_one(&mut *tx).await.map_err(DbError::from)?;
    commit(tx).await?;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(ids: &[i64], oldest: i64) -> Reading {
        let entry = |id: &i64| Entry {
            id: *id,
            aggregate_id: Uuid::nil(),
            event: Value::Null,
            written_at: DateTime::UNIX_EPOCH,
        };
        Reading { entries: ids.iter().map(entry).collect(), is_full: false, oldest, next: i64::MAX }
    }

    fn gaps(feed: &Feed) -> Vec<i64> {
        feed.gaps.keys().copied().collect()
    }

    #[test]
    fn a_missing_number_is_awaited_until_it_comes_or_nobody_is_left_to_bring_it() {
        let mut feed = Feed::default();
        assert!(feed.misses_some(&reading(&[1, 2, 5], 100)));
        feed.advance(&reading(&[1, 2, 5], 100), 103);
        assert_eq!((feed.position, gaps(&feed)), (5, vec![3, 4]));
        // 4 comes late; a transaction that may bring 3 is still under way.
        assert!(!feed.misses_some(&reading(&[4, 6], 102)));
        feed.advance(&reading(&[4], 102), 0);
        assert_eq!((feed.position, gaps(&feed)), (5, vec![3]));
        // All that were under way have ended: 3 was rolled back.
        feed.advance(&reading(&[6], 103), 0);
        assert_eq!((feed.position, gaps(&feed)), (6, vec![]));
    }

    #[test]
    fn in_a_copy_of_the_database_nothing_is_under_way_that_was_in_the_original() {
        let mut feed = Feed::default();
        feed.advance(&reading(&[2], 9_000), 9_001);
        feed.advance(&Reading { next: 800, ..reading(&[3], 700) }, 0);
        assert_eq!((feed.position, gaps(&feed)), (3, vec![]));
    }

    #[test]
    fn a_number_that_comes_with_the_last_look_is_not_lost() {
        let mut feed = Feed::default();
        feed.advance(&reading(&[2], 100), 101);
        // The same reading brings it and tells that its transaction has ended.
        feed.advance(&reading(&[1, 3], 101), 0);
        assert_eq!((feed.position, gaps(&feed)), (3, vec![]));
    }

    #[test]
    fn what_a_full_reading_had_no_room_for_is_still_awaited() {
        let mut feed = Feed::default();
        feed.advance(&reading(&[6], 100), 101);
        // A transaction with the numbers 1 to 5 has ended; the reading takes two.
        feed.advance(&Reading { is_full: true, ..reading(&[1, 2], 101) }, 0);
        assert_eq!((feed.position, gaps(&feed)), (6, vec![3, 4, 5]));
        feed.advance(&reading(&[3, 4, 5], 101), 0);
        assert_eq!((feed.position, gaps(&feed)), (6, vec![]));
    }
}
