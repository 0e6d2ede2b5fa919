use loadmaster_platform::postgres::{DbError, PgSession};

use super::{
    claim::counted_as,
    metric,
    model::{Channel, NewNotification},
    repository,
    service::PostService,
};

/// Why notifications on a channel without a transport are not sent.
const NO_TRANSPORT: &str = "no_transport";

impl PostService {
    /// Writes notifications, to be sent when they are due. A notification that is there already is left as it is. Joins the
    /// caller's transaction.
    pub async fn enqueue_in_tx(&self, tx: &mut PgSession, new: &[NewNotification]) -> Result<(), DbError> {
        repository::insert(tx, new, (&[], None)).await?;
        Ok(())
    }

    /// The same for background work, which runs in processes that send: what they have no transport for is suppressed at once.
    pub async fn enqueue_by_sender_in_tx(&self, tx: &mut PgSession, new: &[NewNotification]) -> Result<(), DbError> {
        for (channel, kind) in repository::insert(tx, new, (&self.closed, Some(NO_TRANSPORT))).await? {
            metric::NOTIFICATIONS.with([&channel, counted_as(&kind), "suppressed"]).increment(1);
        }
        Ok(())
    }

    /// Writes notifications that are not sent, so that lists show them with the reason, which is a word. Joins the caller's
    /// transaction.
    pub async fn enqueue_suppressed_in_tx(
        &self,
        tx: &mut PgSession,
        new: &[NewNotification],
        reason: &str,
    ) -> Result<(), DbError> {
        repository::insert(tx, new, (&Channel::ALL.map(Channel::as_str), Some(reason))).await?;
        Ok(())
    }
}
