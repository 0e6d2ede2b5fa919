//! Finding webhooks and what was sent to them.
use loadmaster_accounts::Principal;
use loadmaster_kernel::{DeliveryId, WebhookId};
use loadmaster_platform::{
    postgres::{Database, Recency},
    web::PageRequest,
};

use super::{
    dto::{DeliveryFilter, WebhookFilter},
    error::WebhookError,
    model::{Attempt, Delivery, DeliveryAnchor, Webhook, WebhookAnchor},
    repository,
    service::{WebhookService, known},
};

impl WebhookService {
    /// Returns the webhook if the caller may see it; one of another organization is reported as unknown.
    pub(super) async fn visible(&self, caller: Principal, id: WebhookId) -> Result<Webhook, WebhookError> {
        let mut connection = self.db.read().await?;
        known(repository::find(&mut connection, id, caller.sees_only(), false, self.clock.now()).await?)
    }

    /// The same, also of one that was deleted: its deletion may be repeated under the same key.
    pub(super) async fn existing(&self, caller: Principal, id: WebhookId) -> Result<Webhook, WebhookError> {
        let mut connection = self.db.read().await?;
        known(repository::find(&mut connection, id, caller.sees_only(), true, self.clock.now()).await?)
    }

    pub(super) async fn list(
        &self,
        filter: &WebhookFilter,
        page: &PageRequest<WebhookAnchor>,
        recency: Recency,
    ) -> Result<Vec<Webhook>, WebhookError> {
        let now = self.clock.now();
        let read = move |db: Database| async move {
            let mut connection = db.listing().await?;
            Ok(repository::list(&mut connection, filter, page.after, page.offset, page.fetch(), now).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Lists what was sent to a webhook. A customer sees only what is about things of the organization, even if an operator
    /// had everything sent.
    pub(super) async fn deliveries(
        &self,
        caller: Principal,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        page: &PageRequest<DeliveryAnchor>,
    ) -> Result<Vec<Delivery>, WebhookError> {
        let mut connection = self.db.listing().await?;
        let of = (webhook, caller.sees_only().is_some());
        Ok(repository::deliveries(&mut connection, of, filter, (page.after, page.offset, page.fetch())).await?)
    }

    /// Returns a delivery with its message and its attempts.
    pub(super) async fn delivery(
        &self,
        caller: Principal,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<(Delivery, serde_json::Value, Vec<Attempt>), WebhookError> {
        self.visible(caller, webhook).await?;
        let mut connection = self.db.read().await?;
        let of = (webhook, caller.sees_only().is_some());
        let found = repository::delivery(&mut connection, of, id).await?;
        let (delivery, message) = found.ok_or(WebhookError::UnknownDelivery)?;
        let attempts = repository::attempts(&mut connection, id).await?;
        Ok((delivery, message, attempts))
    }
}
