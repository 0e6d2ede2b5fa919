//! Messages that a webhook's owner asks for: a test, and what was sent before.
use chrono::{DateTime, Utc};
use loadmaster_accounts::Principal;
use loadmaster_kernel::{DeliveryId, WebhookId};
use loadmaster_platform::{
    postgres::{PgSession, allow_long_statements},
    web::Precondition,
    work::Command,
};

use super::{
    error::WebhookError,
    model::{Delivery, Outgoing, WebhookScope, test_message},
    repository,
    service::{KEPT_FOR, MOST_WAITING, WebhookService},
};

/// What the owner of a webhook asks for.
#[derive(Debug, Clone, Copy)]
pub(super) enum ResendScope {
    Test,
    One(DeliveryId),
    /// `only_failed`: without those that were delivered.
    Since {
        since: DateTime<Utc>,
        only_failed: bool,
    },
}

/// What was queued.
#[derive(Debug, Clone)]
pub(super) enum Queued {
    One(Box<Delivery>),
    Many(i64),
}

/// Queues what the owner of a webhook asks for.
pub(super) struct Resend {
    pub webhooks: WebhookService,
    pub caller: Principal,
    pub id: WebhookId,
    pub precondition: Precondition,
    pub scope: ResendScope,
}

impl Command for Resend {
    const NAME: &'static str = "webhooks.resend";
    type Done = Queued;
    type Error = WebhookError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Queued, WebhookError> {
        let action = if matches!(self.scope, ResendScope::Test) { "test" } else { "resend" };
        let locked = self.webhooks.lock_for_use_in_tx(tx, self.caller, self.id, &self.precondition, action);
        let webhook = locked.await?;
        let now = self.webhooks.clock.now();
        // What was meant for operators' eyes stays so, also when the webhook is an organization's own again.
        let only_own = self.caller.sees_only().is_some() || webhook.terms.scope == WebhookScope::Organization;
        let of = (self.id, only_own);
        let delivery = match self.scope {
            ResendScope::Test => {
                let test = test_message(self.id, self.webhooks.ids.next(now), &self.webhooks.source, now);
                let delivery = self.webhooks.add_in_tx(tx, self.id, &test).await?;
                repository::wake(tx, self.id, now).await?;
                delivery
            }
            ResendScope::One(delivery) => {
                if !repository::resend_one(tx, of, delivery, now).await? {
                    return Err(WebhookError::UnknownDelivery);
                }
                delivery
            }
            ResendScope::Since { since, only_failed } => {
                allow_long_statements(tx).await?;
                let most = i64::from(MOST_WAITING - webhook.waiting).max(0);
                let wanted = (since.max(now - KEPT_FOR), only_failed, most);
                return Ok(Queued::Many(repository::resend(tx, of, wanted, now).await?));
            }
        };
        let found = repository::delivery(tx, (self.id, false), delivery).await?;
        let (delivery, _) = found.ok_or(WebhookError::UnknownDelivery)?;
        Ok(Queued::One(Box::new(delivery)))
    }

    async fn concluded(&mut self, outcome: Result<&Queued, &WebhookError>) {
        if outcome.is_ok() {
            self.webhooks.wake();
        }
    }
}

impl WebhookService {
    /// Queues a message for one webhook, which the caller has locked and found not to be disabled.
    async fn add_in_tx(
        &self,
        tx: &mut PgSession,
        webhook: WebhookId,
        outgoing: &Outgoing,
    ) -> Result<DeliveryId, WebhookError> {
        let now = self.clock.now();
        let message = self.ids.next(now);
        let messages = repository::insert_messages(tx, &[(message, outgoing)], false, now).await?;
        let id: DeliveryId = self.ids.next(now);
        let new = messages.into_iter().map(|message| repository::NewDelivery {
            id,
            webhook,
            message,
            outgoing,
            is_own: true,
            waits: true,
        });
        let counts = repository::insert_deliveries(tx, &new.collect::<Vec<_>>(), now).await?;
        self.count_in_tx(tx, &counts).await?;
        Ok(id)
    }
}
