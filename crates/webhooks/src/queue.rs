//! Which webhooks get which messages.
use std::collections::HashMap;

use loadmaster_kernel::{WebhookId, WebhookMessageId};
use loadmaster_platform::{
    outbox::Entry,
    postgres::{DbError, PgSession, commit, retrying},
};
use uuid::Uuid;

use super::{
    error::ReplayError,
    model::{Outgoing, WebhookStatus},
    repository::{self, NewDelivery},
    service::{MOST_WAITING, WebhookService},
};

impl WebhookService {
    /// Fails, with the reason, if nothing is queued for this webhook again.
    pub async fn check_replay(&self, webhook: WebhookId) -> Result<(), ReplayError> {
        let mut connection = self.db.read().await?;
        let found = repository::find(&mut connection, webhook, None, false, self.clock.now()).await;
        ReplayError::check(webhook, found.map_err(DbError::from)?.as_ref())
    }

    /// Returns how many of these messages [`Self::replay`] would queue.
    pub async fn count_wanted(&self, webhook: WebhookId, entries: &[Entry]) -> Result<usize, DbError> {
        // Which webhook gets a message does not depend on its body.
        let outgoing: Vec<Outgoing> = entries.iter().filter_map(|entry| Outgoing::of(entry, String::new())).collect();
        let mut connection = self.db.read().await?;
        Ok(repository::matching(&mut connection, &outgoing, Some(webhook)).await?.len())
    }

    /// Queues messages that are delivered again for one webhook, as far as it would get them: its organization, scope, types
    /// and airports decide. Each is a delivery of its own, whatever was sent before. Returns their number. Messages about one
    /// subject are sent by their `sequence`. Fails, and queues none, if the webhook is disabled or sleeps by then.
    pub async fn replay(&self, webhook: WebhookId, entries: &[Entry]) -> Result<usize, ReplayError> {
        let again = |entry: &Entry| Outgoing::of(entry, self.source.replayed(entry).ok()?);
        let outgoing: Vec<Outgoing> = entries.iter().filter_map(again).collect();
        let queued = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let locked = repository::lock_webhook(&mut tx, webhook, self.clock.now()).await;
            ReplayError::check(webhook, locked.map_err(DbError::from)?.as_ref())?;
            let queued = self.match_in_tx(&mut tx, &outgoing, Some(webhook)).await?;
            commit(tx).await?;
            Ok::<_, ReplayError>(queued)
        })
        .await?;
        self.wake();
        Ok(queued)
    }

    /// Queues new messages for all webhooks that get them. A message that was queued before is left out. Returns the number
    /// of deliveries.
    pub(super) async fn enqueue_in_tx(&self, tx: &mut PgSession, messages: &[Outgoing]) -> Result<usize, DbError> {
        self.match_in_tx(tx, messages, None).await
    }

    async fn match_in_tx(
        &self,
        tx: &mut PgSession,
        outgoing: &[Outgoing],
        only: Option<WebhookId>,
    ) -> Result<usize, DbError> {
        let mut matched = repository::matching(tx, outgoing, only).await?;
        if matched.is_empty() {
            return Ok(0);
        }
        let mut webhooks: Vec<Uuid> = matched.iter().map(|found| found.webhook.uuid()).collect();
        webhooks.sort_unstable();
        webhooks.dedup();
        let now = self.clock.now();
        let statuses: HashMap<WebhookId, WebhookStatus> =
            repository::lock(tx, &webhooks, now).await?.into_iter().collect();
        // What comes while a webhook sleeps is not for it.
        matched.retain(|found| statuses.contains_key(&found.webhook));
        let mut places: Vec<usize> = matched.iter().map(|found| found.message).collect();
        places.dedup();
        let new: Vec<(WebhookMessageId, &Outgoing)> = places
            .iter()
            .filter_map(|place| outgoing.get(*place))
            .map(|outgoing| (self.ids.next(now), outgoing))
            .collect();
        let messages = repository::insert_messages(tx, &new, only.is_some(), now).await?;
        let messages: HashMap<usize, WebhookMessageId> = places.into_iter().zip(messages).collect();
        let deliveries: Vec<NewDelivery<'_>> = matched
            .iter()
            .filter_map(|found| {
                let status = statuses.get(&found.webhook)?;
                Some(NewDelivery {
                    id: self.ids.next(now),
                    webhook: found.webhook,
                    message: *messages.get(&found.message)?,
                    outgoing: outgoing.get(found.message)?,
                    is_own: found.is_own,
                    // What comes while it is disabled is kept to be sent on demand.
                    waits: *status != WebhookStatus::Disabled,
                })
            })
            .collect();
        let counts = repository::insert_deliveries(tx, &deliveries, now).await?;
        self.count_in_tx(tx, &counts).await?;
        Ok(deliveries.len())
    }

    /// Counts deliveries that wait, and ends the oldest of too many.
    pub(super) async fn count_in_tx(&self, tx: &mut PgSession, counts: &[(WebhookId, i32)]) -> Result<(), DbError> {
        if counts.is_empty() {
            return Ok(());
        }
        for (webhook, excess) in repository::add(tx, counts, MOST_WAITING, self.clock.now()).await? {
            repository::trim(tx, webhook, excess).await?;
            tracing::warn!(webhook_id = %webhook, excess, "too many messages wait for a webhook; the oldest have failed");
        }
        Ok(())
    }
}
