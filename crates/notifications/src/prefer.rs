//! What users want to be notified of.
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
    tokens::{Followed, Subscription},
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
    pub(super) async fn unsubscribe(&self, token: &str) -> Result<Followed<Subscription>, NotificationError> {
        let Some(subscription) = self.tokens.read_subscription(token) else { return Ok(Followed::UNKNOWN) };
        let Followed { language, done } = retrying(|| self.unsubscribe_once(&subscription)).await?;
        Ok(Followed { language, done: done.map(|()| subscription) })
    }

    async fn unsubscribe_once(&self, subscription: &Subscription) -> Result<Followed<()>, NotificationError> {
        let Subscription { receiver, kinds } = subscription;
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let language = match receiver {
            Receiver::Contact(contact) => {
                let found = facts::contact(&mut tx, contact.uuid(), &[]).await?;
                let Some(contact_facts) = found else { return Ok(Followed::UNKNOWN) };
                repository::consents::refuse(&mut tx, contact.uuid(), kinds, now).await?;
                contact_facts.language
            }
            Receiver::User(user) => {
                if !repository::preferences::lock_user(&mut tx, user.uuid()).await? {
                    return Ok(Followed::UNKNOWN);
                }
                let found = repository::preferences::find(&mut tx, user.uuid()).await?;
                let mut wanted = found.unwrap_or_default();
                for kind in kinds {
                    wanted.switch(*kind, NotificationChannel::Email, false);
                }
                repository::preferences::save(&mut tx, user.uuid(), &wanted, now).await?;
                wanted.language.or(wanted.account_language)
            }
        };
        commit(tx).await?;
        Ok(Followed { language, done: Some(()) })
    }

    /// Returns what a link would switch off.
    pub(super) async fn subscription(&self, token: &str) -> Result<Followed<Subscription>, NotificationError> {
        let Some(subscription) = self.tokens.read_subscription(token) else { return Ok(Followed::UNKNOWN) };
        let mut connection = self.db.read().await?;
        let language = match subscription.receiver {
            Receiver::User(id) => facts::user(&mut connection, id.uuid()).await?.and_then(|user| user.language),
            Receiver::Contact(id) => {
                facts::contact(&mut connection, id.uuid(), &[]).await?.and_then(|contact| contact.language)
            }
        };
        Ok(Followed { language, done: Some(subscription) })
    }
}
