//! The notices to the owners of accounts: access was made that lasts, or the password is another. They go to verified addresses,
//! whatever their owners want to be notified of.
use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use loadmaster_accounts::AccountNotice;
use loadmaster_kernel::{NotificationId, UserId};
use loadmaster_platform::postgres::{DbError, PgSession};
use minijinja::{Value, context};

use super::{
    model::{Address, Composed, Composer, Letter, NewNotification, Receiver, Templates},
    repository::{self, AccountRow},
    service::PostService,
    shipped::template_files,
};

const NEW_API_KEY: &str = "new_api_key";
const NEW_WEBHOOK: &str = "new_webhook";
const NEW_WEBHOOK_SECRET: &str = "new_webhook_secret";
const NEW_PASSWORD: &str = "new_password";

/// Their types.
pub(super) const NOTICES: [&str; 4] = [NEW_API_KEY, NEW_WEBHOOK, NEW_WEBHOOK_SECRET, NEW_PASSWORD];

pub(crate) const TEMPLATES: Templates = template_files! {
    "new_api_key": ".subject" ".txt" ".html";
    "new_webhook": ".subject" ".txt" ".html";
    "new_webhook_secret": ".subject" ".txt" ".html";
    "new_password": ".subject" ".txt" ".html";
};

/// Time for which a notice is of use.
const USEFUL: TimeDelta = TimeDelta::days(3);

/// A type of notices, if it is one.
fn notice_of(kind: &str) -> Option<&'static str> {
    NOTICES.into_iter().find(|notice| *notice == kind)
}

impl PostService {
    /// Writes a notice, once for each cause.
    pub(super) async fn notify_owner_in_tx(
        &self,
        tx: &mut PgSession,
        notice: AccountNotice,
        user: UserId,
    ) -> Result<(), DbError> {
        let now = self.clock.now();
        let id: NotificationId = self.ids.next(now);
        let (kind, message_id, subject_id) = match notice {
            AccountNotice::NewApiKey(key) => (NEW_API_KEY, key.to_string(), Some(key.uuid())),
            AccountNotice::NewWebhook { id, version } => (NEW_WEBHOOK, format!("{id}-{version}"), Some(id.uuid())),
            AccountNotice::NewWebhookSecret(webhook) => (NEW_WEBHOOK_SECRET, id.to_string(), Some(webhook.uuid())),
            AccountNotice::NewPassword => (NEW_PASSWORD, id.to_string(), None),
        };
        let letter = NewNotification::urgent(id, Receiver::User(user), kind, (now, now + USEFUL));
        let new = NewNotification { message_id, subject_id, ..letter };
        self.enqueue_in_tx(tx, &[new]).await
    }
}

/// Composes them.
pub(super) struct NoticeComposer {
    pub public_url: String,
}

impl NoticeComposer {
    async fn composed(&self, snapshot: &mut PgSession, letter: &Letter) -> Result<Composed, DbError> {
        let known = letter.rows.first().and_then(|row| Some((notice_of(&row.kind)?, row)));
        let Some((kind, row)) = known else { return Ok(Composed::Suppress("unknown_type")) };
        let Some(user) = letter.receiver.user() else { return Ok(Composed::Suppress("no_receiver")) };
        let Some(account) = repository::account(&mut *snapshot, user).await? else {
            return Ok(Composed::Suppress("no_receiver"));
        };
        // Anybody can register with anybody's address.
        if !account.is_email_verified {
            return Ok(Composed::Suppress("unverified"));
        }
        let what = match (kind, row.subject_id) {
            (NEW_API_KEY, Some(key)) => repository::name_of_key(snapshot, key).await?,
            (NEW_WEBHOOK | NEW_WEBHOOK_SECRET, Some(webhook)) => repository::url_of_webhook(snapshot, webhook).await?,
            _ => None,
        };
        let AccountRow { email: text, name, language, .. } = account;
        let context = context! { language, ..context_of(name.as_deref(), what.as_deref(), &self.public_url) };
        Ok(Composed::Text { template: kind, context, unsubscribe: None, to: Address { text, name } })
    }
}

impl Composer for NoticeComposer {
    fn compose<'a>(
        &'a self,
        snapshot: &'a mut PgSession,
        letter: &'a Letter,
    ) -> BoxFuture<'a, Result<Composed, DbError>> {
        Box::pin(self.composed(snapshot, letter))
    }

    fn templates(&self) -> Templates {
        TEMPLATES
    }

    fn samples(&self) -> Vec<(&'static str, Value)> {
        let sample = |what| context_of(Some("Ann"), what, "https://cargo.example.com");
        vec![
            (NEW_API_KEY, sample(Some("warehouse scanner"))),
            (NEW_WEBHOOK, sample(Some("https://example.com/hooks/cargo"))),
            (NEW_WEBHOOK_SECRET, sample(Some("https://example.com/hooks/cargo"))),
            (NEW_PASSWORD, sample(None)),
        ]
    }
}

/// `what` is the name of a key, or the address of a webhook; none if it is gone.
fn context_of(name: Option<&str>, what: Option<&str>, public_url: &str) -> Value {
    context! { name, what, link => format!("{public_url}/account") }
}
