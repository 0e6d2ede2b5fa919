use loadmaster_accounts::{Principal, Role};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

use super::{
    create::check_scope,
    dto::ChangeWebhook,
    error::WebhookError,
    model::{DisabledReason, Webhook, WebhookScope, WebhookStatus},
    repository,
    service::{WebhookService, known},
};

/// Changes a webhook.
pub(super) struct Change {
    pub webhooks: WebhookService,
    pub caller: Principal,
    pub id: WebhookId,
    pub precondition: Precondition,
    pub wanted: ChangeWebhook,
}

impl Command for Change {
    const NAME: &'static str = "webhooks.change";
    type Done = Webhook;
    type Error = WebhookError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Webhook, WebhookError> {
        let before = self.webhooks.lock_in_tx(tx, self.caller, self.id, &self.precondition).await?;
        if !before.may_be_changed_by(self.caller) && !self.wanted.only_disables() {
            return Err(WebhookError::ChangedByOperator);
        }
        let after = self.changed(&before)?;
        if after == before {
            return Ok(before);
        }
        if after.status == WebhookStatus::Disabled && before.status != WebhookStatus::Disabled {
            repository::fail_waiting(tx, &[self.id.uuid()]).await?;
        }
        let starts_anew = after.status == WebhookStatus::Active
            && (before.status != WebhookStatus::Active || after.terms.url != before.terms.url);
        repository::save(tx, &after, starts_anew).await?;
        if before.terms.scope == WebhookScope::All && after.terms.scope == WebhookScope::Organization {
            repository::fail_foreign(tx, self.id).await?;
        }
        if after.status == WebhookStatus::Active && before.waiting > 0 {
            repository::hasten(tx, &[self.id.uuid()], after.updated_at).await?;
            repository::wake(tx, self.id, after.updated_at).await?;
        }
        self.webhooks.record_in_tx(tx, self.caller, &after, "webhook.changed").await?;
        known(repository::find(tx, self.id, None, false).await?)
    }

    async fn concluded(&mut self, outcome: Result<&Webhook, &WebhookError>) {
        if let Ok(webhook) = outcome {
            self.webhooks.wake();
            tracing::info!(webhook_id = %webhook.id, version = webhook.version, status = webhook.status.as_str(), "webhook changed");
        }
    }
}

impl Change {
    /// Returns the webhook as it is to be.
    fn changed(&self, before: &Webhook) -> Result<Webhook, WebhookError> {
        let terms = self.wanted.apply(&before.terms);
        let is_enabled = self.wanted.status == Some(WebhookStatus::Active) && before.status != WebhookStatus::Active;
        let mut after = Webhook { terms, ..before.clone() };
        // Who changes it otherwise than by switching it off takes it over, and may not have it go where its own may not.
        if after.terms != before.terms || is_enabled {
            self.take_over(&mut after)?;
        }
        if self.wanted.status == Some(WebhookStatus::Disabled) && before.status != WebhookStatus::Disabled {
            (after.status, after.disabled_reason) = (WebhookStatus::Disabled, Some(DisabledReason::Manual));
        } else if is_enabled || (after.terms.url != before.terms.url && before.status == WebhookStatus::Failing) {
            (after.status, after.disabled_reason) = (WebhookStatus::Active, None);
        }
        if after != *before {
            after.version += 1;
            after.updated_at = self.webhooks.clock.now();
        }
        Ok(after)
    }

    fn take_over(&self, webhook: &mut Webhook) -> Result<(), WebhookError> {
        let caller = self.caller;
        check_scope(caller, webhook.terms.scope)?;
        let is_operator = caller.role >= Role::Operator;
        if let Err(fault) = self.webhooks.outbound.rules().judge(&webhook.terms.url, is_operator) {
            return Err(WebhookError::Invalid(vec![("/url", fault)]));
        }
        (webhook.changed_by, webhook.by_operator, webhook.is_trusted) = (caller.user_id, is_operator, is_operator);
        Ok(())
    }
}

/// Deletes a webhook. What waits is not sent any more.
pub(super) struct Delete {
    pub webhooks: WebhookService,
    pub caller: Principal,
    pub id: WebhookId,
    pub precondition: Precondition,
}

impl Command for Delete {
    const NAME: &'static str = "webhooks.delete";
    type Done = Webhook;
    type Error = WebhookError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Webhook, WebhookError> {
        let webhook = self.webhooks.lock_in_tx(tx, self.caller, self.id, &self.precondition).await?;
        repository::fail_waiting(tx, &[self.id.uuid()]).await?;
        repository::remove(tx, self.id, self.webhooks.clock.now()).await?;
        self.webhooks.record_in_tx(tx, self.caller, &webhook, "webhook.deleted").await?;
        Ok(webhook)
    }
}

impl WebhookService {
    /// Locks a webhook that the caller may see and that still has the version that the caller knows.
    pub(super) async fn lock_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        id: WebhookId,
        precondition: &Precondition,
    ) -> Result<Webhook, WebhookError> {
        let webhook = known(repository::lock_webhook(tx, id).await?)?;
        if caller.sees_only().is_some_and(|organization| organization != webhook.organization_id) {
            return Err(WebhookError::Unknown);
        }
        precondition.check(webhook.version).map_err(WebhookError::VersionMismatch)?;
        Ok(webhook)
    }
}
