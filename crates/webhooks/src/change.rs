use loadmaster_accounts::{Principal, Role};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

use super::{
    create::check_scope,
    dto::ChangeWebhook,
    error::WebhookError,
    model::{DisabledReason, Maker, Webhook, WebhookScope, WebhookStatus},
    repository::{self, Consequences},
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
        let (after, is_taken) = self.changed(&before)?;
        if after == before && !is_taken {
            return Ok(before);
        }
        if is_taken {
            self.webhooks.lasting.admit_maker_in_tx(tx, self.caller).await?;
        }
        self.save_in_tx(tx, &before, &after, is_taken).await?;
        if is_taken && is_news(&before, &after) {
            self.webhooks.notify_maker_in_tx(tx, &after).await?;
        }
        self.webhooks.record_in_tx(tx, self.caller, &after, "webhook.changed").await?;
        known(repository::find(tx, self.id, None, false, self.webhooks.clock.now()).await?)
    }

    async fn concluded(&mut self, outcome: Result<&Webhook, &WebhookError>) {
        if let Ok(webhook) = outcome {
            self.webhooks.wake();
            tracing::info!(webhook_id = %webhook.id, version = webhook.version, status = webhook.status.as_str(), "webhook changed");
        }
    }
}

/// Returns whether the maker gets the notice of a new webhook for this change: another receiver or a wider scope, another maker
/// or API key, or a webhook that acts again.
fn is_news(before: &Webhook, after: &Webhook) -> bool {
    let did_not_act = before.has_ended() || before.asleep_because.is_some();
    let is_wider = after.terms.scope == WebhookScope::All && before.terms.scope != WebhookScope::All;
    let has_other_maker = (after.maker.user, after.maker.api_key) != (before.maker.user, before.maker.api_key);
    did_not_act || is_wider || has_other_maker || after.terms.url != before.terms.url
}

impl Change {
    /// Writes the webhook and what follows for its messages.
    async fn save_in_tx(
        &self,
        tx: &mut PgSession,
        before: &Webhook,
        after: &Webhook,
        is_taken: bool,
    ) -> Result<(), WebhookError> {
        let is_disabled = after.status == WebhookStatus::Disabled;
        // One that has ended is disabled although something may still wait for it.
        let drops_waiting = is_disabled || before.status == WebhookStatus::Disabled;
        if drops_waiting && (before.waiting > 0 || before.status != WebhookStatus::Disabled) {
            repository::fail_waiting(tx, &[self.id.uuid()]).await?;
        }
        let starts_anew = after.status == WebhookStatus::Active
            && (before.status != WebhookStatus::Active || after.terms.url != before.terms.url);
        repository::save(tx, after, Consequences { drops_waiting, starts_anew, is_taken }).await?;
        if before.terms.scope == WebhookScope::All && after.terms.scope == WebhookScope::Organization {
            repository::fail_foreign(tx, self.id).await?;
        }
        if after.status == WebhookStatus::Active && before.waiting > 0 && !drops_waiting {
            repository::hasten(tx, &[self.id.uuid()], after.updated_at).await?;
            repository::wake(tx, self.id, after.updated_at).await?;
        }
        Ok(())
    }

    /// Returns the webhook as it is to be, and whether the caller takes it over.
    fn changed(&self, before: &Webhook) -> Result<(Webhook, bool), WebhookError> {
        let terms = self.wanted.apply(&before.terms);
        let is_woken = before.status != WebhookStatus::Active || before.asleep_because.is_some();
        let is_enabled = self.wanted.status == Some(WebhookStatus::Active) && is_woken;
        let mut after = Webhook { terms, ..before.clone() };
        // Who changes it otherwise than by switching it off takes it over, and may not have it go where its own may not.
        let is_taken = after.terms != before.terms || is_enabled;
        if is_taken {
            self.take_over(&mut after)?;
        }
        if self.wanted.status == Some(WebhookStatus::Disabled) && before.status != WebhookStatus::Disabled {
            (after.status, after.disabled_reason) = (WebhookStatus::Disabled, Some(DisabledReason::Manual));
        } else if is_enabled || (after.terms.url != before.terms.url && before.status == WebhookStatus::Failing) {
            (after.status, after.disabled_reason) = (WebhookStatus::Active, None);
        }
        if is_taken || after != *before {
            after.version += 1;
            after.updated_at = self.webhooks.clock.now();
        }
        Ok((after, is_taken))
    }

    fn take_over(&self, webhook: &mut Webhook) -> Result<(), WebhookError> {
        let caller = self.caller;
        check_scope(caller, webhook.terms.scope)?;
        let is_operator = caller.role >= Role::Operator;
        if let Err(fault) = self.webhooks.outbound.rules().judge(&webhook.terms.url, is_operator) {
            return Err(WebhookError::Invalid(vec![("/url", fault)]));
        }
        (webhook.maker, webhook.is_trusted, webhook.asleep_because) = (Maker::of(caller), is_operator, None);
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
        let webhook = known(repository::lock_webhook(tx, id, self.clock.now()).await?)?;
        if caller.sees_only().is_some_and(|organization| organization != webhook.organization_id) {
            return Err(WebhookError::Unknown);
        }
        precondition.check(webhook.version).map_err(WebhookError::VersionMismatch)?;
        Ok(webhook)
    }
}
