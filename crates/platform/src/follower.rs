//! Keeps the rooms up to date with the writes of all processes: reads the outbox, and passes its messages to the rooms.
use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    clock::{Moment, SharedClock},
    outage::OutageLog,
    outbox::{Entry, Feed, FeedError},
    postgres::Database,
    shutdown::stopped_within,
};

/// Interval between reads of the outbox.
const POLL: Duration = Duration::from_millis(200);
/// Messages read at once; more after a full reading, as of an import.
const BATCH: i64 = 500;
const LARGE_BATCH: i64 = 4_000;

/// A part of a room that follows the writes of all processes, by the messages in the outbox.
pub trait Follower: Send + Sync {
    /// Runs before each read of the messages. Returns false if the known state comes from another database, or another
    /// state of it: the follower then starts anew.
    fn look(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async { Ok(true) })
    }

    /// Starts anew: all messages from now on will be heard, and earlier writes are in the tables.
    fn start<'a>(&'a self, _stop: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Returns the aggregates whose messages it receives with their events; all others come without.
    fn reads_events_of(&self) -> &'static [&'static str] {
        &[]
    }

    /// Receives written messages. They come again after a failure.
    fn hear<'a>(&'a self, _messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Reports that all writes before `began` were heard.
    fn caught_up(&self, _began: Moment) {}
}

/// Follows the writes of all processes, through the connections reserved for background work.
pub struct OutboxFollower {
    db: Database,
    clock: SharedClock,
    rooms: Vec<Arc<dyn Follower>>,
    with_events: Vec<String>,
}

impl OutboxFollower {
    pub fn new(db: &Database, clock: SharedClock, rooms: Vec<Arc<dyn Follower>>) -> Self {
        let aggregates = rooms.iter().flat_map(|room| room.reads_events_of());
        let with_events = aggregates.map(|aggregate| (*aggregate).to_owned()).collect();
        Self { db: db.for_background(), clock, rooms, with_events }
    }

    /// Runs until `stop`. Retries an absent database; skips nothing. Reads an exchanged database anew.
    pub async fn run(self, stop: CancellationToken) {
        let mut feed: Option<Feed> = None;
        let mut outage = OutageLog::new("the follower cannot read the outbox; data cached in memory is not used");
        while !stop.is_cancelled() {
            let began = Instant::now();
            _ = outage.note(self.look(&mut feed, &stop).await);
            _ = stopped_within(&stop, POLL.saturating_sub(began.elapsed())).await;
        }
    }

    async fn look(&self, feed: &mut Option<Feed>, stop: &CancellationToken) -> anyhow::Result<()> {
        // Taken before the tables are read: the rooms' data is as old as this by both clocks.
        let began = Moment::at(self.clock.now());
        let mut is_continued = true;
        for room in &self.rooms {
            is_continued &= room.look().await?;
        }
        let Some(place) = feed.as_mut().filter(|_| is_continued) else {
            *feed = None;
            *feed = Some(self.start(stop).await?);
            return Ok(());
        };
        let outcome = self.catch_up(place).await;
        match &outcome {
            Ok(()) => self.rooms.iter().for_each(|room| room.caught_up(began)),
            // The next read starts anew.
            Err(error) if matches!(error.downcast_ref(), Some(FeedError::Exchanged)) => *feed = None,
            Err(_) => {}
        }
        outcome
    }

    /// Starts a feed that delivers all writes from now on, and reads the earlier ones from the tables.
    async fn start(&self, stop: &CancellationToken) -> anyhow::Result<Feed> {
        let feed = Feed::from_now(&self.db).await?;
        for room in &self.rooms {
            room.start(stop).await?;
        }
        Ok(feed)
    }

    async fn catch_up(&self, place: &mut Feed) -> anyhow::Result<()> {
        let mut limit = BATCH;
        loop {
            let mut feed = place.clone();
            let entries = feed.read_heads(&self.db, limit, &self.with_events).await?;
            for room in &self.rooms {
                room.hear(&entries).await?;
            }
            // Only after success: messages that a room failed to process are read again.
            *place = feed;
            if i64::try_from(entries.len()).is_ok_and(|count| count < limit) {
                return Ok(());
            }
            limit = LARGE_BATCH;
        }
    }
}
