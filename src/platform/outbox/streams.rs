use serde_json::{Value, json};

use super::{
    feed::Entry,
    relay::{Sink, SinkAway},
};
use crate::platform::{redis::Redis, telemetry::metric};

/// The stream, and the channel beside it.
const STREAM: &str = "loadmaster:events";
/// How many messages the stream keeps, about: who reads slower reads the API.
const KEPT: usize = 100_000;

/// Messages in a Redis stream, for consumers that come and go, and published beside it, for those that only listen. Each
/// batch is one transaction of Redis: it is there as a whole or not at all.
///
/// The id of the last entry is kept with the sink's place. A batch that does not find it reports that the stream has lost
/// entries; it is appended all the same.
pub struct RedisStreams {
    redis: Redis,
    /// Tells the messages of several installations apart.
    source: Value,
}

impl RedisStreams {
    pub fn new(redis: Redis, installation: &str) -> Self {
        metric::STREAM_RESETS.increment(0);
        Self { redis, source: json!(format!("/loadmaster/{installation}")) }
    }
}

impl Sink for RedisStreams {
    const NAME: &'static str = "redis_streams";

    async fn deliver(&self, entries: &[Entry], mark: Option<&str>) -> Result<Option<String>, SinkAway> {
        let text = |entry: &Entry| {
            let mut event = entry.event.clone();
            event["source"] = self.source.clone();
            event.to_string()
        };
        let texts: Vec<String> = entries.iter().map(text).collect();
        let appended = self.redis.append(STREAM, KEPT, &texts, mark).await;
        let appended = appended.map_err(|error| SinkAway(error.to_string()))?;
        if appended.has_lost {
            metric::STREAM_RESETS.increment(1);
            tracing::error!(
                stream = STREAM,
                last_delivered = mark,
                "Redis has lost entries of the event stream: consumers miss events that were delivered"
            );
        }
        Ok(Some(appended.last))
    }
}
