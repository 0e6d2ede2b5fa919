//! Delivers messages again to one sink.
use anyhow::Context;
use loadmaster_kernel::WebhookId;
use loadmaster_platform::outbox::{self, Entry, Past, RedisStreams, Replayed, Wanted};
use loadmaster_webhooks::WebhookService;
use tokio_util::sync::CancellationToken;

use super::{AppState, rooms::ROOMS};
#[cfg(feature = "kafka")]
use loadmaster_kafka::Kafka;

/// The sink that receives messages again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaySink {
    RedisStreams,
    Kafka,
    Webhook(WebhookId),
}

/// An opened sink.
enum Opened {
    RedisStreams(RedisStreams),
    #[cfg(feature = "kafka")]
    Kafka(Kafka),
    Webhook(Box<WebhookService>, WebhookId),
}

impl Opened {
    /// Returns how many it took; with `is_dry`, how many it would take.
    async fn take(&self, entries: &[Entry], is_dry: bool) -> anyhow::Result<usize> {
        match self {
            Self::Webhook(webhooks, id) if is_dry => return Ok(webhooks.count_wanted(*id, entries).await?),
            Self::Webhook(webhooks, id) => return Ok(webhooks.replay(*id, entries).await?),
            _ if is_dry => {}
            Self::RedisStreams(sink) => sink.replay(entries).await?,
            #[cfg(feature = "kafka")]
            Self::Kafka(sink) => sink.replay(entries).await?,
        }
        Ok(entries.len())
    }
}

/// Returns the histories from which messages can be made again.
pub fn pasts() -> Vec<Past> {
    ROOMS.iter().filter_map(|room| room.past).collect()
}

/// Delivers the wanted messages again; with `is_dry`, only counts them.
pub async fn replay(state: &AppState, sink: ReplaySink, wanted: &Wanted, is_dry: bool) -> anyhow::Result<Replayed> {
    let opened = open(state, sink).await?;
    let db = state.background.db();
    outbox::replay(db, &pasts(), wanted, async |entries| opened.take(entries, is_dry).await).await
}

async fn open(state: &AppState, sink: ReplaySink) -> anyhow::Result<Opened> {
    match sink {
        ReplaySink::RedisStreams => {
            let streams = state.background.streams();
            let away = "there is no Redis: redis.url is not set, or nothing answers there";
            streams.map(Opened::RedisStreams).context(away)
        }
        ReplaySink::Kafka => open_kafka(state, CancellationToken::new()),
        ReplaySink::Webhook(id) => {
            let webhooks: WebhookService = state.service()?;
            webhooks.check_replay(id).await?;
            Ok(Opened::Webhook(Box::new(webhooks), id))
        }
    }
}

#[cfg(feature = "kafka")]
fn open_kafka(state: &AppState, stop: CancellationToken) -> anyhow::Result<Opened> {
    let kafka = state.background.kafka(stop)?;
    kafka.map(Opened::Kafka).ok_or_else(|| anyhow::anyhow!("there is no Kafka: kafka.brokers is empty"))
}

#[cfg(not(feature = "kafka"))]
fn open_kafka(_: &AppState, _: CancellationToken) -> anyhow::Result<Opened> {
    anyhow::bail!("this Loadmaster was built without Kafka: use the container image, or build with `--features kafka`")
}
