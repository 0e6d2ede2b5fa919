use chrono::{DateTime, Utc};
use loadmaster_platform::postgres::{DbError, commit, retrying};
use uuid::{Timestamp, Uuid};

use super::{
    repository,
    service::{KEPT_FOR, WebhookService},
};

/// Rows deleted per transaction: their deletion must not delay other work.
const AT_ONCE: i64 = 2_000;

impl WebhookService {
    /// Deletes what is older than 30 days, and what is left of webhooks that were deleted. Returns the number of deliveries.
    pub(super) async fn delete_old(&self) -> Result<u64, DbError> {
        let before = first_id(self.clock.now() - KEPT_FOR);
        let mut sum = 0;
        loop {
            let (deliveries, messages) = retrying(|| async {
                let mut tx = self.db.begin().await?;
                let deliveries = repository::delete_old_deliveries(&mut tx, before, AT_ONCE).await?;
                let messages = repository::delete_old_messages(&mut tx, before, AT_ONCE).await?;
                repository::delete_webhooks(&mut tx).await?;
                commit(tx).await?;
                Ok::<_, DbError>((deliveries, messages))
            })
            .await?;
            sum += deliveries;
            if deliveries == 0 && messages == 0 {
                return Ok(sum);
            }
        }
    }
}

/// Returns an id before all that are made from this moment on.
fn first_id(moment: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(moment.timestamp()).unwrap_or_default();
    let (milliseconds, _) =
        Uuid::new_v7(Timestamp::from_unix_time(seconds, moment.timestamp_subsec_nanos(), 0, 0)).as_u64_pair();
    Uuid::from_u64_pair(milliseconds & !0xffff, 0)
}
