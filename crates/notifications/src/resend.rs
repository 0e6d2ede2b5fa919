//! Sending again, by the carrier's staff.
use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::{NotificationId, UserId};
use loadmaster_platform::{postgres::PgSession, work::Command};
use serde_json::json;

use super::{
    error::NotificationError,
    model::{CONTACT_QUESTION, LAST_MOMENT, NotificationStatus, NotificationType},
    repository::lists::{self, Listed},
    service::NotificationService,
};

/// Has a notification sent once more, as a letter of its own. Its text is made again. A question to a contact is not sent
/// twice: an address is asked once in 30 days.
pub(super) struct Resend {
    pub notifications: NotificationService,
    pub actor: UserId,
    pub id: NotificationId,
}

impl Command for Resend {
    const NAME: &'static str = "notifications.resend";
    type Done = Listed;
    type Error = NotificationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Listed, NotificationError> {
        let Self { notifications, actor, id } = self;
        let now = notifications.now();
        let fixed = NotificationType::FIXED.map(|kind| kind.as_str().to_owned());
        lists::send_again(tx, id.uuid(), now, now + LAST_MOMENT, &fixed).await?;
        let listed = lists::find(tx, id.uuid()).await?.ok_or(NotificationError::Unknown(*id))?;
        if listed.kind == CONTACT_QUESTION && listed.status == NotificationStatus::Sent.as_str() {
            return Err(NotificationError::AlreadyAsked);
        }
        let data = json!({ "type": listed.kind, "channel": listed.channel });
        let subject = Subject::new("notification", *id);
        notifications.acts.record_in_tx(tx, Actor::Caller(*actor), "notification.resent", subject, data).await?;
        Ok(listed)
    }
}

impl NotificationService {
    pub(super) async fn exists(&self, id: NotificationId) -> Result<(), NotificationError> {
        let found = lists::find(&mut *self.db.read().await?, id.uuid()).await?;
        found.map(drop).ok_or(NotificationError::Unknown(id))
    }
}
