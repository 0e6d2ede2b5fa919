use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{
    feed::Entry,
    relay::{Sink, SinkAway},
};
use crate::platform::{redis::Redis, telemetry::metric};

/// The stream, and the channel beside it.
const STREAM: &str = "loadmaster:events";
/// Approximate number of messages that the stream keeps; slower consumers read the API.
const KEPT: usize = 100_000;
const SOURCE: &str = "source";

/// A sink that appends messages to a Redis stream, for consumers that come and go, and publishes them beside it, for
/// those that only listen. Each batch is one Redis transaction: it is there as a whole or not at all.
///
/// The id of the last entry is stored with the sink's position. A batch that does not find it reports that the stream
/// has lost entries; it is appended nevertheless.
pub struct RedisStreams {
    redis: Redis,
    /// Distinguishes the messages of several installations.
    source: String,
}

impl RedisStreams {
    pub fn new(redis: Redis, installation: &str) -> Self {
        metric::STREAM_RESETS.increment(0);
        Self { redis, source: format!("/loadmaster/{installation}") }
    }
}

/// A document with another source than its own.
struct Sourced<'a> {
    event: &'a Value,
    source: &'a str,
}

impl Serialize for Sourced<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.event.as_object().into_iter().flatten().filter(|(name, _)| *name != SOURCE);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(SOURCE, self.source)?;
        for (name, value) in members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Sink for RedisStreams {
    const NAME: &'static str = "redis_streams";

    async fn deliver(&self, entries: &[Entry], mark: Option<&str>) -> Result<Option<String>, SinkAway> {
        let text = |entry: &Entry| serde_json::to_string(&Sourced { event: &entry.event, source: &self.source });
        let texts = entries.iter().map(text).collect::<Result<Vec<String>, _>>();
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
