//! What users want to be told.
use loadmaster_kernel::UserId;
use loadmaster_platform::{
    postgres::{PgSession, commit, retrying},
    work::Command,
};

use super::{
    error::NotificationError,
    model::{NotificationChannel, Preferences},
    post::Receiver,
    repository::{self, facts},
    service::NotificationService,
    tokens::Subscription,
};

/// Replaces a user's preferences.
pub(super) struct SetPreferences {
    pub notifications: NotificationService,
    pub user: UserId,
    pub wanted: Preferences,
}

impl Command for SetPreferences {
    const NAME: &'static str = "notifications.set_preferences";
    type Done = Preferences;
    type Error = NotificationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Preferences, NotificationError> {
        let user = self.user.uuid();
        repository::preferences::lock_user(tx, user).await?;
        repository::preferences::save(tx, user, &self.wanted, self.notifications.now()).await?;
        Ok(repository::preferences::find(tx, user).await?.unwrap_or_default())
    }
}

impl NotificationService {
    pub(super) async fn preferences(&self, user: UserId) -> Result<Preferences, NotificationError> {
        let found = repository::preferences::find(&mut *self.db.read().await?, user.uuid()).await?;
        Ok(found.unwrap_or_default())
    }

    /// Switches the types of a letter off for its receiver: a user's e-mail of them, or all that a contact gets of them at this
    /// address. Can be repeated.
    pub(super) async fn unsubscribe(&self, token: &str) -> Result<Subscription, NotificationError> {
        let subscription = self.tokens.read_subscription(token).ok_or(NotificationError::InvalidToken)?;
        let Subscription { receiver, kinds } = &subscription;
        retrying(|| async {
            let now = self.now();
            let mut tx = self.db.begin().await?;
            let is_known = match receiver {
                Receiver::Contact(contact) => repository::consents::refuse(&mut tx, contact.uuid(), kinds, now).await?,
                Receiver::User(user) => {
                    let is_known = repository::preferences::lock_user(&mut tx, user.uuid()).await?;
                    if is_known {
                        let found = repository::preferences::find(&mut tx, user.uuid()).await?;
                        let mut wanted = found.unwrap_or_default();
                        for kind in kinds {
                            wanted.switch(*kind, NotificationChannel::Email, false);
                        }
                        repository::preferences::save(&mut tx, user.uuid(), &wanted, now).await?;
                    }
                    is_known
                }
            };
            commit(tx).await?;
            if is_known { Ok(()) } else { Err(NotificationError::InvalidToken) }
        })
        .await?;
        Ok(subscription)
    }

    /// Returns the language of the receiver that a token is about, if both are known.
    pub(super) async fn language_of_subscription(&self, token: &str) -> Result<Option<String>, NotificationError> {
        let Some(subscription) = self.tokens.read_subscription(token) else { return Ok(None) };
        let mut connection = self.db.read().await?;
        Ok(match subscription.receiver {
            Receiver::User(id) => facts::user(&mut connection, id.uuid()).await?.and_then(|user| user.language),
            Receiver::Contact(id) => {
                facts::contact(&mut connection, id.uuid(), &[]).await?.and_then(|contact| contact.language)
            }
        })
    }

    /// Returns what a link would switch off.
    pub(super) fn subscription(&self, token: &str) -> Result<Subscription, NotificationError> {
        self.tokens.read_subscription(token).ok_or(NotificationError::InvalidToken)
    }
}
