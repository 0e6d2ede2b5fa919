use super::{
    Source,
    feed::Entry,
    relay::{Sink, SinkAway},
};
use crate::{redis::Redis, telemetry::metric};

/// The stream, and the channel beside it.
const STREAM: &str = "loadmaster:events";
/// Approximate number of messages that the stream keeps; slower consumers read the API.
const KEPT: usize = 100_000;

/// A sink that appends messages to a Redis stream, for consumers that come and go, and publishes them beside it, for
/// those that only listen. Each batch is one Redis transaction: it is there as a whole or not at all.
///
/// The id of the last entry is stored with the sink's position. A batch that does not find it reports that the stream
/// has lost entries; it is appended nevertheless.
pub struct RedisStreams {
    redis: Redis,
    source: Source,
}

impl RedisStreams {
    pub fn new(redis: Redis, installation: &str) -> Self {
        metric::STREAM_RESETS.increment(0);
        Self { redis, source: Source::of(installation) }
    }
}

impl RedisStreams {
    /// Appends messages to the stream once more, and publishes them.
    pub async fn replay(&self, entries: &[Entry]) -> Result<(), SinkAway> {
        let texts = entries.iter().map(|entry| self.source.replayed(entry)).collect::<Result<Vec<String>, _>>();
        let texts = texts.map_err(|error| SinkAway(error.to_string()))?;
        let appended = self.redis.append(STREAM, KEPT, &texts, None).await;
        appended.map(drop).map_err(|error| SinkAway(error.to_string()))
    }
}

impl Sink for RedisStreams {
    const NAME: &'static str = "redis_streams";

    async fn deliver(&self, entries: &[Entry], mark: Option<&str>) -> Result<Option<String>, SinkAway> {
        let texts = entries.iter().map(|entry| self.source.document(entry)).collect::<Result<Vec<String>, _>>();
        let texts = texts.map_err(|error| SinkAway(error.to_string()))?;
        let appended = self.redis.append(STREAM, KEPT, &texts, mark).await;
        let appended = appended.map_err(|error| SinkAway(error.to_string()))?;
        if appended.has_lost {
            metric::STREAM_RESETS.increment(1);
            tracing::error!(
                stream = STREAM,
                last_delivered = mark,
                "Redis has lost delivered entries of the event stream; consumers may miss events"
            );
        }
        Ok(Some(appended.last))
    }
}
