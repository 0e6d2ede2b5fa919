use loadmaster_accounts::{AccountNotice, Actor, Principal, Role, Subject};
use loadmaster_platform::postgres::{PgSession, commit, retrying};
use secrecy::SecretString;
use serde_json::json;

use super::{
    error::WebhookError,
    model::{Maker, Terms, WEBHOOK, Webhook, WebhookScope, WebhookStatus},
    repository,
    service::WebhookService,
    sign,
};

impl WebhookService {
    /// Creates a webhook of the caller's organization; returns it with its secret.
    pub(super) async fn create(
        &self,
        caller: Principal,
        terms: Terms,
    ) -> Result<(Webhook, SecretString), WebhookError> {
        check_scope(caller, terms.scope)?;
        let secret = self.tokens.bytes::<{ sign::SECRET_LEN }>()?;
        let webhook = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let made = self.create_in_tx(&mut tx, caller, &terms, &secret).await?;
            commit(tx).await?;
            Ok::<_, WebhookError>(made)
        });
        let webhook = webhook.await?;
        tracing::info!(webhook_id = %webhook.id, scope = webhook.terms.scope.as_str(), "webhook created");
        Ok((webhook, sign::written(&secret)))
    }

    async fn create_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        terms: &Terms,
        secret: &[u8],
    ) -> Result<Webhook, WebhookError> {
        self.lasting.admit_maker_in_tx(tx, caller).await?;
        let organization_id = caller.organization_id;
        repository::lock_organization(tx, organization_id).await?;
        let count = repository::count(tx, organization_id).await?;
        if count >= i64::from(self.max_per_organization) {
            return Err(WebhookError::LimitReached(self.max_per_organization));
        }
        let now = self.clock.now();
        let maker = Maker::of(caller);
        let webhook = Webhook {
            id: self.ids.next(now),
            organization_id,
            terms: terms.clone(),
            status: WebhookStatus::Active,
            disabled_reason: None,
            failing_since: None,
            last_success_at: None,
            waiting: 0,
            maker,
            is_trusted: maker.by_operator,
            asleep_because: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let sealed = self.vault.seal(webhook.id.uuid(), secret)?;
        repository::insert(tx, &webhook, &sealed).await?;
        self.record_in_tx(tx, caller, &webhook, "webhook.created").await?;
        self.notify_maker_in_tx(tx, &webhook).await?;
        Ok(webhook)
    }

    /// Notifies the user of a webhook by e-mail that it is there, or goes elsewhere.
    pub(super) async fn notify_maker_in_tx(&self, tx: &mut PgSession, webhook: &Webhook) -> Result<(), WebhookError> {
        let notice = AccountNotice::NewWebhook { id: webhook.id, version: webhook.version };
        Ok(self.lasting.notify_in_tx(tx, notice, webhook.maker.user).await?)
    }

    /// Records what an operator does. The address and the description are not recorded: they may hold secrets and names.
    pub(super) async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        webhook: &Webhook,
        act: &str,
    ) -> Result<(), WebhookError> {
        if caller.role < Role::Operator {
            return Ok(());
        }
        let data = json!({
            "version": webhook.version, "organization_id": webhook.organization_id, "scope": webhook.terms.scope,
            "types": webhook.terms.types, "status": webhook.status,
        });
        let actor = Actor::Caller(caller.user_id);
        Ok(self.acts.record_in_tx(tx, actor, act, Subject::new(WEBHOOK, webhook.id), data).await?)
    }
}

/// Checks that the caller may have a webhook with this scope.
pub(super) fn check_scope(caller: Principal, scope: WebhookScope) -> Result<(), WebhookError> {
    if scope == WebhookScope::All && caller.role < Role::Operator {
        return Err(WebhookError::AllIsForOperators);
    }
    Ok(())
}
