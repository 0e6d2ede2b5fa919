use loadmaster_platform::{
    outbox::{Entry, Sink, SinkAway},
    postgres::{DbError, commit, keep_plans, retrying},
};

use super::{model::Outgoing, service::WebhookService, subscribed::SubscribedTypes};

/// The sink of the outbox that queues messages for webhooks: one transaction for each batch, and no statement if no webhook
/// wants any of their types.
#[derive(Clone)]
pub(super) struct WebhookSink {
    webhooks: WebhookService,
    subscribed: SubscribedTypes,
}

impl Sink for WebhookSink {
    const NAME: &'static str = "webhooks";

    async fn deliver(&self, entries: &[Entry], _: Option<&str>) -> Result<Option<String>, SinkAway> {
        #[cfg(debug_assertions)]
        if loadmaster_platform::sabotage::is_on("place_first") {
            self.queue_later(entries);
            return Ok(None);
        }
        let queued = self.queue(entries).await.map_err(|error| SinkAway(error.to_string()))?;
        if queued > 0 {
            self.webhooks.wake();
        }
        Ok(None)
    }
}

impl WebhookSink {
    pub fn new(webhooks: WebhookService) -> Self {
        Self { webhooks, subscribed: SubscribedTypes::default() }
    }

    /// Breaks the promise that a message is queued before the sink moves on: what is not queued yet is lost with the process.
    #[cfg(debug_assertions)]
    fn queue_later(&self, entries: &[Entry]) {
        let (sink, entries) = (self.clone(), entries.to_vec());
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            _ = sink.queue(&entries).await;
            sink.webhooks.wake();
        });
    }

    async fn queue(&self, entries: &[Entry]) -> Result<usize, DbError> {
        let Self { webhooks, subscribed } = self;
        let wanted = subscribed.wanted(&webhooks.db, entries).await?;
        let outgoing = |entry: &Entry| Outgoing::of(entry, webhooks.source.document(entry).ok()?);
        let outgoing: Vec<Outgoing> = wanted.into_iter().filter_map(outgoing).collect();
        if outgoing.is_empty() {
            return Ok(0);
        }
        retrying(|| async {
            let mut tx = webhooks.db.begin().await?;
            keep_plans(&mut tx).await?;
            let queued = webhooks.enqueue_in_tx(&mut tx, &outgoing).await?;
            commit(tx).await?;
            Ok(queued)
        })
        .await
    }
}
