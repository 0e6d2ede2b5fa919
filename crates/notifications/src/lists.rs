//! What was sent, or was not, to whom.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{BookingRef, UserId};
use loadmaster_platform::{
    postgres::{Database, Recency},
    web::PageRequest,
};

use super::{
    error::NotificationError,
    model::{NotificationAnchor, NotificationStatus},
    repository::lists::{self, Listed},
    service::NotificationService,
};

/// Notifications are kept for this long.
pub(super) const KEPT: TimeDelta = TimeDelta::days(90);

/// Which notifications a list shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub user: Option<UserId>,
    pub ref_id: Option<BookingRef>,
    pub status: Option<NotificationStatus>,
}

impl NotificationService {
    /// Returns notifications of the last 90 days, newest first.
    pub(super) async fn list(
        &self,
        wanted: &Wanted,
        page: &PageRequest<NotificationAnchor>,
        recency: Recency,
    ) -> Result<Vec<Listed>, NotificationError> {
        let since: DateTime<Utc> = self.now() - KEPT;
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (user, ref_id) = (wanted.user.map(UserId::uuid), wanted.ref_id.as_ref().map(BookingRef::as_str));
            let status = wanted.status.map(NotificationStatus::as_str);
            Ok(lists::list(&mut snapshot, (user, ref_id, status), since, page.after, (page.offset, page.fetch()))
                .await?)
        };
        self.db.reading(recency, read).await
    }
}
