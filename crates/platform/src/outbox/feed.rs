use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{About, CloudEvent, Listeners};
use crate::{
    in_own_tx,
    postgres::{Database, DbError, ReadConnection as Connection},
    telemetry::TRACEPARENT,
};

/// A message as read from the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub id: i64,
    /// The aggregate type and id that it is about.
    pub aggregate: String,
    pub aggregate_id: Uuid,
    /// The number of the event among the events of its aggregate.
    pub sequence: i32,
    pub event_type: String,
    /// The `CloudEvents` document; null if it was not asked for.
    pub event: Arc<Value>,
    /// Time of writing, by the database's clock.
    pub written_at: DateTime<Utc>,
    /// The organization that the aggregate belonged to; `None`: to nobody alone, or not known.
    pub organization: Option<Uuid>,
    /// `None`: not known, as of a message that was made again from the tables.
    pub listeners: Option<Listeners>,
}

impl Entry {
    /// Returns the document's `id`.
    pub fn name(&self) -> &str {
        self.text("id")
    }

    /// Returns what it is about, by its public name.
    pub fn subject(&self) -> &str {
        self.text("subject")
    }

    /// Returns the document's `type`.
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    fn text(&self, attribute: &str) -> &str {
        self.event.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the trace of its cause.
    pub fn traceparent(&self) -> Option<&str> {
        self.event.get(TRACEPARENT)?.as_str()
    }
}

/// A position in the outbox. By default the position before the oldest message.
///
/// Messages are numbered when they are written and become visible when their transactions commit, so a lower number may
/// become visible after a higher one. A position therefore consists of the highest number read, and of the transactions
/// that were in progress at that moment: only these can still make a lower number visible. When one of them has ended,
/// its messages are read by its transaction number. The size of a position is bounded by the number of concurrent
/// transactions, not by the number of messages that they write.
///
/// Messages about one thing come in order: the next one is numbered under the lock that the one before was
/// committed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feed {
    /// The highest number read.
    position: i64,
    /// Transactions that may have unread messages up to `position`, each with the number up to which they were read.
    awaited: BTreeMap<i64, i64>,
    /// `None` until the first reading.
    server: Option<Server>,
}

/// The state of a server when a position was read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Server {
    epoch: i64,
    /// The first unassigned transaction number.
    next: i64,
}

/// The reason why reading cannot continue from a position.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error(transparent)]
    Db(#[from] DbError),
    /// Numbers of messages and transactions may mean something else there. Begin with that database's own state: a sink
    /// with the position kept there, a follower by reading the tables anew.
    #[error("the database was replaced or restarted, so the position in the outbox may belong to another database")]
    Exchanged,
}

/// The transactions at one moment.
struct Snapshot {
    server: Server,
    /// In progress.
    open: BTreeSet<i64>,
    /// The highest message number assigned.
    last: i64,
    /// How many of the open ones are known only to lie above all ended ones: some may be subtransactions.
    unlisted: i64,
    listeners: Option<Listeners>,
}

/// The result of a reading.
struct Reading {
    entries: Vec<Entry>,
    /// True when the limit was reached: there may be more.
    is_full: bool,
    snapshot: Snapshot,
}

/// Above the highest ended transaction, more open numbers than this are mostly subtransactions (savepoints).
const UNLISTED: i64 = 1_000;

impl Feed {
    /// Restores a stored position: read up to `position`, except messages of `awaited` transactions above the given
    /// numbers. `epoch` belongs to the server that it was read from.
    pub(super) const fn resume(position: i64, awaited: BTreeMap<i64, i64>, epoch: i64) -> Self {
        Self { position, awaited, server: Some(Server { epoch, next: 0 }) }
    }

    /// Returns the highest number read.
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// Returns the transactions that may still bring lower numbers, each with the number up to which its messages were
    /// read.
    pub const fn awaited(&self) -> &BTreeMap<i64, i64> {
        &self.awaited
    }

    /// Returns the number up to which every message was read and no further one can become visible.
    pub fn settled(&self) -> i64 {
        settled(self.position, &self.awaited)
    }

    /// Returns the server's epoch as of the last reading; 0 before the first.
    pub(super) fn epoch(&self) -> i64 {
        self.server.map_or(0, |server| server.epoch)
    }

    /// Returns the position after all messages visible now. Those of transactions in progress will be read, however
    /// many.
    pub async fn from_now(db: &Database) -> Result<Self, FeedError> {
        // Before the snapshot: a number given out after it may belong to a transaction that the snapshot does not list.
        let given_out = given_out(db).await?;
        let (mut connection, snapshot) = snapshot(db).await?;
        let newest = sqlx::query_scalar!("select max(id) from outbox");
        let newest = newest.fetch_one(&mut *connection).await.map_err(DbError::from)?;
        // All messages may have been delivered and deleted.
        let position = newest.unwrap_or_else(|| given_out.min(snapshot.last));
        let awaited = snapshot.open.iter().map(|transaction| (*transaction, 0)).collect();
        Ok(Self { position, awaited, server: Some(snapshot.server) })
    }

    /// Reads at most `limit` messages in the order of their numbers, late ones first, and moves the position behind
    /// them. An error leaves the position unchanged.
    pub async fn read(&mut self, db: &Database, limit: i64) -> Result<Vec<Entry>, FeedError> {
        self.read_with(db, limit, None, None).await
    }

    /// The same, and no new message with a number above `up_to`.
    pub(super) async fn read_up_to(
        &mut self,
        db: &Database,
        limit: i64,
        up_to: Option<i64>,
    ) -> Result<Vec<Entry>, FeedError> {
        self.read_with(db, limit, up_to, None).await
    }

    /// The same with the events of messages about these aggregates only: others are without.
    pub async fn read_heads(
        &mut self,
        db: &Database,
        limit: i64,
        with_events: &[String],
    ) -> Result<Vec<Entry>, FeedError> {
        self.read_with(db, limit, None, Some(with_events)).await
    }

    async fn read_with(
        &mut self,
        db: &Database,
        limit: i64,
        up_to: Option<i64>,
        with_events: Option<&[String]>,
    ) -> Result<Vec<Entry>, FeedError> {
        let (mut connection, snapshot) = snapshot(db).await?;
        if !self.is_of(&snapshot) {
            return Err(FeedError::Exchanged);
        }
        let ended = self.ended(&snapshot);
        let mut entries =
            read_late(&mut connection, self.position, ended, limit, with_events).await.map_err(DbError::from)?;
        let left = limit - count(&entries);
        if left > 0 {
            let new =
                read_new(&mut connection, self.position, up_to, left, with_events).await.map_err(DbError::from)?;
            entries.extend(new);
        }
        for entry in &mut entries {
            entry.listeners = snapshot.listeners;
        }
        let is_full = count(&entries) >= limit;
        let reading = Reading { entries, is_full, snapshot };
        self.advance(&reading);
        Ok(reading.entries)
    }

    /// Returns whether the snapshot is of the server that this position was read from, and not of an earlier state of
    /// it.
    fn is_of(&self, snapshot: &Snapshot) -> bool {
        let is_same = |before: Server| before.epoch == snapshot.server.epoch && before.next <= snapshot.server.next;
        self.server.is_none_or(is_same) && self.position <= snapshot.last
    }

    /// Returns whether a reading from `other` on contains what is unread here, and nothing else: both are at the same number,
    /// and each transaction that may still bring lower ones to one of them is awaited by the other too, or began after that one
    /// was read.
    pub(super) fn lacks_the_same_as(&self, other: &Self) -> bool {
        let (Some(here), Some(there)) = (self.server, other.server) else { return false };
        // A stored position does not say which transactions had begun.
        let is_later = |transaction: i64, server: Server| server.next > 0 && transaction >= server.next;
        let mut own = self.awaited.iter();
        self.position == other.position
            && here.epoch == there.epoch
            && own.all(|(transaction, read)| {
                other.awaited.get(transaction).map_or_else(|| is_later(*transaction, there), |other| other == read)
            })
            && other
                .awaited
                .keys()
                .all(|transaction| self.awaited.contains_key(transaction) || is_later(*transaction, here))
    }

    /// Returns the awaited transactions that have ended, each with the number up to which its messages were read.
    fn ended(&self, snapshot: &Snapshot) -> Vec<(i64, i64)> {
        let ended = self.awaited.iter().filter(|(transaction, _)| !snapshot.open.contains(transaction));
        ended.map(|(transaction, read)| (*transaction, *read)).collect()
    }

    fn advance(&mut self, reading: &Reading) {
        let (before, open) = (self.position, &reading.snapshot.open);
        let last = reading.entries.last().map_or(0, |entry| entry.id);
        // Late messages come first: a reading with space for a new one contains all late ones.
        let has_all_late = !reading.is_full || last > before;
        self.awaited.retain(|transaction, read| {
            if open.contains(transaction) {
                return true;
            }
            *read = last.max(*read);
            !has_all_late
        });
        // A transaction that was not awaited began after the last reading, and its message numbers lie above that
        // reading.
        for transaction in open {
            self.awaited.entry(*transaction).or_insert(before);
        }
        self.position = last.max(before);
        self.server = Some(reading.snapshot.server);
    }
}

/// Returns their number in the type of a limit.
pub(super) fn count(entries: &[Entry]) -> i64 {
    i64::try_from(entries.len()).unwrap_or(i64::MAX)
}

/// Computes [`Feed::settled`] from the parts of a position.
pub(super) fn settled(position: i64, awaited: &BTreeMap<i64, i64>) -> i64 {
    awaited.values().fold(position, |lowest, read| lowest.min(*read))
}

/// Returns the highest number of a message that was given out so far.
async fn given_out(db: &Database) -> Result<i64, DbError> {
    let mut connection = db.read().await?;
    let last = sqlx::query_scalar!(r#"select coalesce(pg_sequence_last_value('outbox_id_seq'), 0) as "last!""#);
    Ok(last.fetch_one(&mut *connection).await?)
}

/// Takes a snapshot of the database, and returns the connection that sees it.
async fn snapshot(db: &Database) -> Result<(Connection, Snapshot), DbError> {
    let (mut connection, mut snapshot) = try_snapshot(db).await?;
    if snapshot.unlisted > UNLISTED {
        // A transaction that ends after them makes PostgreSQL list those in progress, without their subtransactions.
        drop(connection);
        end_a_transaction(db).await?;
        (connection, snapshot) = try_snapshot(db).await?;
    }
    Ok((connection, snapshot))
}

async fn try_snapshot(db: &Database) -> Result<(Connection, Snapshot), DbError> {
    let mut connection = db.snapshot().await?;
    // A snapshot lists the transactions in progress below the highest ended one. Those above are in progress, up to the
    // first unassigned number, which is what `age` counts to.
    let found = sqlx::query!(
        r#"select array(select pg_snapshot_xip(pg_current_snapshot())::text::bigint) as "open!",
                  pg_snapshot_xmax(pg_current_snapshot())::text::bigint as "end!",
                  age(pg_snapshot_xmax(pg_current_snapshot())::xid)::bigint as "unlisted!",
                  server_epoch() as "epoch!", coalesce(pg_sequence_last_value('outbox_id_seq'), 0) as "last!",
                  (select webhooks from outbox_listeners) as webhooks,
                  (select has_contacts from outbox_listeners) as has_contacts"#
    );
    let found = found.fetch_one(&mut *connection).await?;
    let next = found.end + found.unlisted;
    let open = found.open.into_iter().chain(found.end..next).collect();
    let server = Server { epoch: found.epoch, next };
    let listeners = found.webhooks.zip(found.has_contacts);
    let listeners = listeners.map(|(webhooks, has_contacts)| Listeners { webhooks, has_contacts });
    Ok((connection, Snapshot { server, open, last: found.last, unlisted: found.unlisted, listeners }))
}

/// Reads messages of ended transactions, each above the number up to which its messages were read.
async fn read_late(
    db: &mut Connection,
    position: i64,
    ended: Vec<(i64, i64)>,
    limit: i64,
    with_events: Option<&[String]>,
) -> sqlx::Result<Vec<Entry>> {
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    // Forces a scan in index order up to the limit, whatever the planner assumes about a table that an import has just
    // filled: a bitmap scan would read the whole remainder of the import each time.
    sqlx::raw_sql("set local enable_bitmapscan = off").execute(&mut **db).await?;
    let (ended, read): (Vec<String>, Vec<i64>) =
        ended.into_iter().map(|(transaction, read)| (transaction.to_string(), read)).unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select late.id, late.aggregate, late.aggregate_id, late.sequence, late.event_type,
                  case when $5::text[] is null or late.aggregate = any($5) then late.payload end as payload,
                  late.occurred_at, late.written_at, late.organization_id
           from unnest($2::text[], $3::bigint[]) as ended (transaction, read)
           cross join lateral
               (select id, aggregate, aggregate_id, sequence, event_type, payload, occurred_at, written_at, organization_id
                from outbox
                where written_by is not null and (written_by, id) > (ended.transaction::xid8, ended.read)
                  and (written_by, id) <= (ended.transaction::xid8, $1)
                order by written_by, id limit $4) as late
           order by late.id limit $4"#,
        position,
        &ended,
        &read,
        limit,
        with_events,
    );
    Ok(rows.fetch_all(&mut **db).await?.into_iter().map(Entry::from).collect())
}

async fn read_new(
    db: &mut Connection,
    position: i64,
    up_to: Option<i64>,
    limit: i64,
    with_events: Option<&[String]>,
) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, aggregate, aggregate_id, sequence, event_type,
                case when $3::text[] is null or aggregate = any($3) then payload end as payload, occurred_at, written_at,
                organization_id
         from outbox where id > $1 and id <= $4 order by id limit $2",
        position,
        limit,
        with_events,
        up_to.unwrap_or(i64::MAX),
    );
    Ok(rows.fetch_all(&mut **db).await?.into_iter().map(Entry::from).collect())
}

/// A message's row.
pub(super) struct Row {
    pub id: i64,
    pub aggregate: String,
    pub aggregate_id: Uuid,
    pub sequence: i32,
    pub event_type: String,
    pub payload: Option<Value>,
    pub occurred_at: DateTime<Utc>,
    pub written_at: DateTime<Utc>,
    pub organization_id: Option<Uuid>,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        // An older process writes only the data, and may do so beside this one during a rollout.
        let event = match row.payload {
            None => Value::Null,
            Some(event) if event.get("specversion").is_some() => event,
            Some(data) => {
                let subject = data["ref_id"].as_str().map_or_else(|| row.aggregate_id.to_string(), str::to_owned);
                let about = About {
                    aggregate: &row.aggregate,
                    aggregate_id: row.aggregate_id,
                    sequence: row.sequence,
                    event_type: &row.event_type,
                };
                let event = CloudEvent::new(&about, &subject, row.occurred_at, &data);
                serde_json::to_value(event).unwrap_or_default()
            }
        };
        Self {
            id: row.id,
            aggregate: row.aggregate,
            aggregate_id: row.aggregate_id,
            sequence: row.sequence,
            event_type: row.event_type,
            event: Arc::new(event),
            written_at: row.written_at,
            organization: row.organization_id,
            listeners: None,
        }
    }
}

/// Takes a transaction number, and ends the transaction.
async fn end_a_transaction(db: &Database) -> Result<(), DbError> {
    let number = sqlx::query_scalar!(r#"select pg_current_xact_id()::text as "number!""#);
    in_own_tx!(db, |tx| number.fetch_one(&mut *tx)).map(drop)
}

#[cfg(test)]
#[path = "feed/tests.rs"]
mod tests;
