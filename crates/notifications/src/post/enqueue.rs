use loadmaster_platform::postgres::{DbError, PgSession, column};

use super::{model::NewNotification, repository};

/// Writes notifications, to be sent when they are due. A notification that is there already is left as it is. Joins the
/// caller's transaction.
pub async fn enqueue_in_tx(tx: &mut PgSession, new: &[NewNotification]) -> Result<(), DbError> {
    Ok(repository::insert(tx, new).await?)
}

/// Writes notifications that are not sent, so that lists show them with the reason, which is a word. Joins the caller's
/// transaction.
pub async fn enqueue_suppressed_in_tx(
    tx: &mut PgSession,
    new: &[NewNotification],
    reason: &str,
) -> Result<(), DbError> {
    repository::insert(tx, new).await?;
    Ok(repository::suppress(tx, &column(new, |one| one.id.uuid()), reason).await?)
}
