//! What the relays of this process read, read once for all that stand at the same place.
use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::Mutex;

use super::feed::{Entry, Feed, FeedError, count};
use crate::postgres::Database;

/// Most messages that are kept for the relays that come next.
const KEPT: i64 = 1_000;
/// Longest wait for the reading of another relay. After it a relay reads for itself, so that none delays another.
const PATIENCE: Duration = Duration::from_millis(100);

/// The last readings of this process. Relays that have caught up follow each other through them: one asks the database, the
/// others find its reading here.
#[derive(Clone, Default)]
pub struct Readings(Arc<Mutex<RecentReadings>>);

impl Readings {
    /// Reads like [`Feed::read`].
    pub(super) async fn read(&self, db: &Database, feed: &mut Feed, limit: i64) -> Result<Arc<[Entry]>, FeedError> {
        let Ok(mut kept) = tokio::time::timeout(PATIENCE, self.0.lock()).await else {
            return Ok(feed.read(db, limit).await?.into());
        };
        if let Some(entries) = kept.follow(feed, limit) {
            return Ok(entries);
        }
        let (before, end) = (feed.clone(), kept.next_end(feed));
        let mut entries = feed.read_up_to(db, limit, end).await?;
        if entries.is_empty() && end.is_some() {
            // What was there is not any more.
            entries = feed.read(db, limit).await?;
        }
        let entries: Arc<[Entry]> = entries.into();
        kept.keep(before, feed, &entries);
        Ok(entries)
    }
}

/// The newest first.
#[derive(Default)]
pub(super) struct RecentReadings(VecDeque<Reading>);

struct Reading {
    before: Feed,
    after: Feed,
    entries: Arc<[Entry]>,
}

impl RecentReadings {
    /// Moves the position behind the readings of what it lacks, and returns their messages: at most `limit`.
    pub fn follow(&self, feed: &mut Feed, limit: i64) -> Option<Arc<[Entry]>> {
        let first = self.step(feed, limit)?;
        let Some(second) = self.step(feed, limit - count(first)) else { return Some(first.clone()) };
        let mut entries = [&first[..], &second[..]].concat();
        while let Some(next) = self.step(feed, limit - count(&entries)) {
            entries.extend_from_slice(next);
        }
        Some(entries.into())
    }

    /// Moves the position behind one reading.
    fn step(&self, feed: &mut Feed, limit: i64) -> Option<&Arc<[Entry]>> {
        let is_next = |reading: &&Reading| count(&reading.entries) <= limit && feed.lacks_the_same_as(&reading.before);
        let Reading { after, entries, .. } = self.0.iter().find(is_next)?;
        feed.clone_from(after);
        Some(entries)
    }

    /// Returns where a kept reading begins or ends next: one that stops there can be followed by those of others.
    pub fn next_end(&self, feed: &Feed) -> Option<i64> {
        let of_this_server = self.0.iter().filter(|reading| reading.after.epoch() == feed.epoch());
        let ends = of_this_server.flat_map(|reading| [reading.before.position(), reading.after.position()]);
        ends.filter(|end| *end > feed.position()).min()
    }

    pub fn keep(&mut self, before: Feed, after: &Feed, entries: &Arc<[Entry]>) {
        // A reading that does not advance the position would be followed again without end.
        if after.position() > before.position() {
            self.0.push_front(Reading { before, after: after.clone(), entries: entries.clone() });
            let mut messages = 0;
            let within = self.0.iter().take_while(|reading| {
                messages += count(&reading.entries);
                messages <= KEPT
            });
            self.0.truncate(within.count());
        }
    }
}
