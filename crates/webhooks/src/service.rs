use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_accounts::{Acts, LastingAccess};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::{
    clock::SharedClock,
    outbound::Outbound,
    outbox::Source,
    postgres::{Database, DbError},
    random::{IdSource, TokenSource},
    timing::Timing,
    vault::Vault,
};
use tokio::sync::Notify;

use super::{
    error::WebhookError,
    model::{AboutWebhook, GiveUp},
    repository,
};

/// How far back messages are kept and sent again.
pub(super) const KEPT_FOR: TimeDelta = TimeDelta::days(30);
/// Most messages that wait for one webhook.
pub(super) const MOST_WAITING: i32 = 100_000;

/// The use cases of webhooks, a file per verb; `sink` queues messages and `deliver` sends them. Cheap to clone.
#[derive(Clone)]
pub struct WebhookService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) tokens: TokenSource,
    pub(super) acts: Acts,
    pub(super) lasting: LastingAccess,
    pub(super) vault: Vault,
    pub(super) outbound: Outbound,
    pub(super) source: Source,
    /// The types of all messages.
    pub(super) types: Arc<[String]>,
    pub(super) max_per_organization: u32,
    pub(super) policy: Arc<GiveUp>,
    pub(super) timing: Timing,
    /// This process's name.
    pub(super) process: Arc<str>,
    /// Wakes the deliverer of this process.
    pub(super) news: Arc<Notify>,
}

impl WebhookService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    /// Returns what a higher room may know of a webhook, also of one that was deleted a short time ago.
    pub async fn about(&self, id: WebhookId) -> Result<Option<AboutWebhook>, DbError> {
        let mut connection = self.db.read().await?;
        Ok(repository::about(&mut connection, id).await?)
    }

    /// Has the deliverer look for work now. To be called after the commit of a transaction that has made some.
    pub fn wake(&self) {
        self.news.notify_one();
    }
}

/// Returns the webhook, or that there is none.
pub(super) fn known<T>(found: Option<T>) -> Result<T, WebhookError> {
    found.ok_or(WebhookError::Unknown)
}
