use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    feed::{Entry, Feed},
    follow::is_stopped_within,
};
use crate::platform::{
    clock::SharedClock,
    postgres::{Database, DbError, commit},
};

/// How often the outbox is looked at when there was nothing.
const POLL: Duration = Duration::from_millis(200);
/// How often a process that does not hold the lease asks for it.
const WAIT_FOR_LEASE: Duration = Duration::from_secs(1);
/// A process that is silent for so long has lost its sink to another.
const LEASE_SECONDS: i32 = 10;
const RENEW_AFTER: Duration = Duration::from_secs(3);
/// A delivery that takes longer has failed: well below the lease.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(5);
const BATCH: i64 = 100;
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Where messages go.
pub trait Sink: Send + Sync + 'static {
    /// Under which its place is kept.
    const NAME: &'static str;

    /// Takes all of these, in this order, or fails; after a failure they come again, from the first on.
    fn deliver(&self, entries: &[Entry]) -> impl Future<Output = Result<(), SinkAway>> + Send;
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkAway(pub String);

/// Brings every message to a sink, at least once and in order per booking or flight, until `stop`. Of all processes one
/// does it at a time, the one with the lease; when it dies another takes over where it was. A sink that is away is tried
/// again with growing pauses and delays nobody but itself. No transaction is open while the sink is waited for.
pub async fn relay<S: Sink>(db: Database, sink: S, process: String, clock: SharedClock, stop: CancellationToken) {
    let relay = Relay { db, sink, process, clock, stop };
    loop {
        match relay.run_lease().await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, sink = S::NAME, "the outbox cannot be read; trying again"),
        }
        if is_stopped_within(&relay.stop, WAIT_FOR_LEASE).await {
            break;
        }
    }
    if let Err(error) = relay.give_up_lease().await {
        tracing::debug!(%error, sink = S::NAME, "the lease will run out by itself");
    }
}

struct Relay<S> {
    db: Database,
    sink: S,
    process: String,
    clock: SharedClock,
    stop: CancellationToken,
}

impl<S: Sink> Relay<S> {
    /// Delivers for as long as the lease is ours; returns at once if it is another's.
    async fn run_lease(&self) -> Result<(), DbError> {
        let Some(mut feed) = self.take_lease().await? else { return Ok(()) };
        let (mut renewed, mut failures) = (Instant::now(), 0);
        loop {
            let mut next = feed.clone();
            let entries = next.read(&self.db, BATCH).await?;
            let oldest = entries.first().map(|entry| entry.written_at);
            metrics::gauge!("loadmaster_outbox_lag_seconds", "sink" => S::NAME).set(self.age(oldest));
            let mut pause = if entries.is_empty() { POLL } else { Duration::ZERO };
            if self.deliver(&entries, &mut failures).await {
                let is_news = next != feed;
                feed = next;
                if is_news && !self.keep(&feed).await? {
                    return Ok(());
                }
                renewed = if is_news { Instant::now() } else { renewed };
            } else {
                pause = pause_after(failures);
            }
            if renewed.elapsed() > RENEW_AFTER || pause > RENEW_AFTER {
                if !self.keep(&feed).await? {
                    return Ok(());
                }
                renewed = Instant::now();
            }
            if is_stopped_within(&self.stop, pause.min(RENEW_AFTER)).await {
                return Ok(());
            }
        }
    }

    /// How long the oldest message waits that was not delivered yet; the clocks of database and process may differ a little.
    fn age(&self, oldest: Option<DateTime<Utc>>) -> f64 {
        oldest.map_or(0.0, |written| (self.clock.now() - written).as_seconds_f64().max(0.0))
    }

    async fn deliver(&self, entries: &[Entry], failures: &mut u32) -> bool {
        if entries.is_empty() {
            return true;
        }
        let outcome = tokio::time::timeout(DELIVERY_PATIENCE, self.sink.deliver(entries)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(SinkAway("it took too long".to_owned())));
        match outcome {
            Ok(()) => {
                *failures = 0;
                let delivered = u64::try_from(entries.len()).unwrap_or_default();
                metrics::counter!("loadmaster_outbox_delivered_total", "sink" => S::NAME).increment(delivered);
                true
            }
            Err(error) => {
                if *failures == 0 {
                    tracing::warn!(%error, sink = S::NAME, "messages cannot be delivered; trying again");
                }
                *failures += 1;
                metrics::counter!("loadmaster_outbox_failures_total", "sink" => S::NAME).increment(1);
                false
            }
        }
    }

    /// The sink's place, if the lease is free or ours. A new sink starts with the oldest message.
    async fn take_lease(&self) -> Result<Option<Feed>, DbError> {
        let start = Feed::from_the_start(&self.db).await?;
        let mut tx = self.db.begin().await?;
        insert_sink(&mut tx, S::NAME, start.position()).await?;
        let taken = sqlx::query!(
            "update outbox_sinks set leased_by = $2, leased_until = now() + make_interval(secs => $3), updated_at = now()
             where name = $1 and (leased_by is null or leased_by = $2 or leased_until < now())
             returning position, gaps",
            S::NAME,
            self.process,
            f64::from(LEASE_SECONDS),
        );
        let taken = taken.fetch_optional(&mut *tx).await.map_err(DbError::from)?;
        commit(tx).await?;
        // What was deleted while nobody served the sink is not looked for.
        Ok(taken.map(|row| match row.position {
            position if position < start.position() => start,
            position => Feed::new(position, gaps_from(&row.gaps)),
        }))
    }

    /// Writes the place down and renews the lease; false if another has it.
    async fn keep(&self, feed: &Feed) -> Result<bool, DbError> {
        let gaps: Vec<[i64; 2]> = feed.gaps().iter().map(|(id, horizon)| [*id, *horizon]).collect();
        let mut tx = self.db.begin().await?;
        let kept = sqlx::query!(
            "update outbox_sinks
             set position = $3, gaps = $4, leased_until = now() + make_interval(secs => $5), updated_at = now()
             where name = $1 and leased_by = $2 and leased_until > now()",
            S::NAME,
            self.process,
            feed.position(),
            json!(gaps),
            f64::from(LEASE_SECONDS),
        );
        let kept = kept.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected() == 1;
        commit(tx).await?;
        Ok(kept)
    }

    /// So that another need not wait until it runs out.
    async fn give_up_lease(&self) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        let given = sqlx::query!(
            "update outbox_sinks set leased_by = null, leased_until = null where name = $1 and leased_by = $2",
            S::NAME,
            self.process,
        );
        given.execute(&mut *tx).await.map_err(DbError::from)?;
        commit(tx).await
    }
}

async fn insert_sink(db: &mut PgConnection, name: &str, position: i64) -> Result<(), DbError> {
    let made = sqlx::query!(
        "insert into outbox_sinks (name, position) values ($1, $2) on conflict (name) do nothing",
        name,
        position,
    );
    made.execute(db).await?;
    Ok(())
}

fn gaps_from(gaps: &Value) -> BTreeMap<i64, i64> {
    let pairs: Vec<[i64; 2]> = serde_json::from_value(gaps.clone()).unwrap_or_default();
    pairs.into_iter().map(|[id, horizon]| (id, horizon)).collect()
}

/// Doubling from a fifth of a second, with jitter, so that many do not come back at once.
fn pause_after(failures: u32) -> Duration {
    let pause = Duration::from_millis(200) * 2u32.saturating_pow(failures.saturating_sub(1).min(10));
    let jitter = RandomState::new().hash_one(failures) % 100;
    pause.min(LONGEST_PAUSE) + Duration::from_millis(jitter)
}

/// A sink that nobody served for so many days is taken for gone: it would keep its messages for ever.
const GONE_AFTER_DAYS: i32 = 30;

/// Deletes messages older than that which every sink has had. Answers how many they were.
pub async fn delete_delivered(db: &Database, age: TimeDelta) -> Result<u64, DbError> {
    let mut tx = db.begin().await?;
    let deleted = sqlx::query!(
        "delete from outbox
         where written_at < now() - make_interval(secs => $1)
           and id < coalesce((select min(least(position, (select min((gap ->> 0)::bigint)
                                                          from jsonb_array_elements(gaps) as gap)))
                              from outbox_sinks where updated_at >= now() - make_interval(days => $2)),
                             9223372036854775807)",
        age.as_seconds_f64(),
        GONE_AFTER_DAYS,
    );
    let deleted = deleted.execute(&mut *tx).await.map_err(DbError::from)?.rows_affected();
    commit(tx).await?;
    Ok(deleted)
}
