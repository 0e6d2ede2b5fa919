use serde_json::{Value, json};

use super::{
    feed::Entry,
    relay::{Sink, SinkAway},
};
use crate::platform::redis::Redis;

/// The stream, and the channel beside it.
const STREAM: &str = "loadmaster:events";
/// How many messages the stream keeps, about: who reads slower reads the API.
const KEPT: usize = 100_000;

/// Messages in a Redis stream, for consumers that come and go, and published beside it, for those that only listen. Each
/// batch is one transaction of Redis: it is there as a whole or not at all.
pub struct RedisStreams {
    redis: Redis,
    /// Tells the messages of several installations apart.
    source: Value,
}

impl RedisStreams {
    pub fn new(redis: Redis, installation: &str) -> Self {
        Self { redis, source: json!(format!("/loadmaster/{installation}")) }
    }
}

impl Sink for RedisStreams {
    const NAME: &'static str = "redis_streams";

    async fn deliver(&self, entries: &[Entry]) -> Result<(), SinkAway> {
        let text = |entry: &Entry| {
            let mut event = entry.event.clone();
            event["source"] = self.source.clone();
            event.to_string()
        };
        let texts: Vec<String> = entries.iter().map(text).collect();
        self.redis.append(STREAM, KEPT, &texts).await.map_err(|error| SinkAway(error.to_string()))
    }
}
