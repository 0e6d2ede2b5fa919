use loadmaster_platform::postgres::{DbError, PgSession};

use super::{model::NewNotification, repository};

/// Writes notifications, to be sent when they are due. A notification that is there already is left as it is. Joins the
/// caller's transaction.
pub async fn enqueue_in_tx(tx: &mut PgSession, new: &[NewNotification]) -> Result<(), DbError> {
    Ok(repository::insert(tx, new).await?)
}
