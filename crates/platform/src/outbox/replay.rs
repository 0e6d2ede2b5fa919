//! Delivers messages again: those that the outbox has as they are there, older ones as their histories record them.
use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;
use uuid::Uuid;

use super::{
    Message,
    feed::{Entry, Row},
};
use crate::postgres::{Database, DbError, PgSession, allow_long_statements};

/// Messages given to a sink at a time.
const BATCH: usize = 100;
/// Messages of the outbox read at a time.
const PAGE: i64 = 1_000;

/// Which messages are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Those written at this time or later; `None`: all.
    pub since: Option<DateTime<Utc>>,
    /// Those written before this time.
    pub until: DateTime<Utc>,
    /// Types, with `*` for any text and `?` for any character; `None`: all.
    pub types: Option<String>,
    pub subject: Option<String>,
}

/// A history from which the messages about one kind of aggregate can be made again.
#[derive(Debug, Clone, Copy)]
pub struct Past {
    pub aggregate: &'static str,
    /// Returns the next messages after an id; `None` if there are no more.
    pub page: PastPage,
}

/// Reads the wanted messages about the next aggregates after an id, in ascending order of their ids and numbers, and
/// the last of these ids. It may return messages of other types and times than those wanted.
pub type PastPage = for<'a> fn(&'a mut PgSession, &'a Wanted, Uuid) -> BoxFuture<'a, Result<Option<Page>, DbError>>;

/// A part of the past.
#[derive(Debug)]
pub struct Page {
    /// The last aggregate.
    pub last: Uuid,
    pub entries: Vec<Entry>,
}

/// How many messages were delivered again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    pub messages: u64,
    /// Of these, made from histories because the outbox does not have them any more.
    pub rebuilt: u64,
    /// How many the sink took: it may want some only.
    pub taken: usize,
}

impl Wanted {
    /// Returns whether what was written at this time is wanted.
    pub fn is_in_time(&self, written_at: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| written_at >= since) && written_at < self.until
    }

    fn has(&self, entry: &Entry) -> bool {
        self.is_in_time(entry.written_at)
            && self.types.as_deref().is_none_or(|types| matches(types, entry.kind()))
            && self.subject.as_deref().is_none_or(|subject| subject == entry.subject())
    }
}

impl Entry {
    /// Returns a message as it was written at this time.
    pub fn of_past<D: Serialize>(message: &Message<'_, D>, written_at: DateTime<Utc>) -> serde_json::Result<Self> {
        Ok(Self {
            id: 0,
            aggregate: message.aggregate.to_owned(),
            aggregate_id: message.aggregate_id,
            sequence: message.sequence,
            event_type: message.event_type.to_owned(),
            event: Arc::new(serde_json::to_value(message.cloud_event(message.trace))?),
            written_at,
            organization: message.organization,
            listeners: None,
        })
    }
}

/// Passes the wanted messages to `deliver`, in order for each subject, and no more than a hundred at a time. It returns how
/// many it took.
pub async fn replay<E: From<DbError>>(
    db: &Database,
    pasts: &[Past],
    wanted: &Wanted,
    mut deliver: impl AsyncFnMut(&[Entry]) -> Result<usize, E>,
) -> Result<Replayed, E> {
    let mut replayed = Replayed::default();
    for past in pasts {
        let mut after = Uuid::nil();
        while let Some((last, entries)) = past_page(db, past, wanted, after).await? {
            after = last;
            for batch in entries.chunks(BATCH) {
                replayed.taken += deliver(batch).await?;
                replayed.messages += u64::try_from(batch.len()).unwrap_or_default();
            }
            let rebuilt = entries.iter().filter(|entry| entry.id == 0).count();
            replayed.rebuilt += u64::try_from(rebuilt).unwrap_or_default();
        }
    }
    let aggregates: Vec<String> = pasts.iter().map(|past| past.aggregate.to_owned()).collect();
    let mut after = 0;
    while let Some((last, entries)) = outbox_page(db, &aggregates, after).await? {
        after = last;
        let entries: Vec<Entry> = entries.into_iter().filter(|entry| wanted.has(entry)).collect();
        for batch in entries.chunks(BATCH) {
            replayed.taken += deliver(batch).await?;
            replayed.messages += u64::try_from(batch.len()).unwrap_or_default();
        }
    }
    Ok(replayed)
}

/// Reads a page of a history. What the outbox has is taken from there: it knows the trace of the cause, too.
async fn past_page(
    db: &Database,
    past: &Past,
    wanted: &Wanted,
    after: Uuid,
) -> Result<Option<(Uuid, Vec<Entry>)>, DbError> {
    let mut snapshot = db.snapshot().await?;
    allow_long_statements(&mut snapshot).await?;
    let Some(Page { last, entries }) = (past.page)(&mut snapshot, wanted, after).await? else { return Ok(None) };
    let entries: Vec<Entry> = entries.into_iter().filter(|entry| wanted.has(entry)).collect();
    let mut ids: Vec<Uuid> = entries.iter().map(|entry| entry.aggregate_id).collect();
    ids.dedup();
    let kept = sqlx::query_as!(
        Row,
        r#"select id, aggregate, aggregate_id, sequence, event_type, payload as "payload?", occurred_at, written_at,
                  organization_id
           from outbox where aggregate = $1 and aggregate_id = any($2)"#,
        past.aggregate,
        &ids,
    );
    let kept = kept.fetch_all(&mut *snapshot).await?;
    let mut kept: HashMap<String, Entry> =
        kept.into_iter().map(Entry::from).map(|entry| (entry.name().to_owned(), entry)).collect();
    Ok(Some((last, entries.into_iter().map(|made| kept.remove(made.name()).unwrap_or(made)).collect())))
}

/// Reads the next messages of the outbox about other aggregates than these; `None` if there are no more.
async fn outbox_page(db: &Database, aggregates: &[String], after: i64) -> Result<Option<(i64, Vec<Entry>)>, DbError> {
    let mut reading = db.read().await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, aggregate, aggregate_id, sequence, event_type, payload as "payload?", occurred_at, written_at,
                  organization_id
           from outbox where id > $1 and aggregate <> all($2) order by id limit $3"#,
        after,
        aggregates,
        PAGE,
    );
    let rows = rows.fetch_all(&mut *reading).await?;
    let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
    Ok(Some((last, rows.into_iter().map(Entry::from).collect())))
}

/// Returns whether a text matches a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Which beginnings of the text the pattern so far matches.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern {
        let before = reached.clone();
        for at in 0..=text.len() {
            reached[at] = match wanted {
                '*' => before[at] || (at > 0 && reached[at - 1]),
                wanted => at > 0 && before[at - 1] && (wanted == '?' || wanted == text[at - 1]),
            };
        }
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text) in
            [("*", ""), ("a*", "a"), ("a*c", "abc"), ("*.v1", "x.y.v1"), ("a?c", "abc"), ("a.*.v?", "a.b.c.v2")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", "ab"), ("?", ""), ("a*c", "abd"), ("*.v1", "x.v11"), ("A", "a")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
