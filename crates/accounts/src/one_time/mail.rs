use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use loadmaster_kernel::{ApiKeyId, OneTimeTokenId, UserId, WebhookId};
use loadmaster_platform::postgres::{DbError, PgSession};

/// The messages about an account itself, which go to addresses that are not verified, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountMailKind {
    VerifyEmail,
    VerifyPhone,
    ResetPassword,
}

/// What the owner of an account learns by e-mail whatever the owner wants to be notified of, at an address that is verified: access
/// was made that lasts, or the password is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountNotice {
    NewApiKey(ApiKeyId),
    /// Made, taken over, or sent to another address; `version` is that of this change.
    NewWebhook {
        id: WebhookId,
        version: i32,
    },
    NewWebhookSecret(WebhookId),
    NewPassword,
}

/// Sends messages about accounts. The room of notifications, which is above this one, provides it.
pub trait AccountMail: Send + Sync {
    /// Writes the message, which carries a one-time token and is of no use when that expires. Joins the caller's
    /// transaction.
    fn enqueue_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        kind: AccountMailKind,
        user: UserId,
        token: OneTimeTokenId,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), DbError>>;

    /// Writes a notice, once for each cause. Joins the caller's transaction.
    fn notify_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        notice: AccountNotice,
        user: UserId,
    ) -> BoxFuture<'a, Result<(), DbError>>;
}

/// The desk for such messages, from when it is open; until then none is sent.
#[derive(Clone, Default)]
pub struct AccountMails(Arc<OnceLock<Arc<dyn AccountMail>>>);

impl AccountMails {
    /// Once.
    pub fn open(&self, desk: Arc<dyn AccountMail>) {
        _ = self.0.set(desk);
    }

    pub async fn enqueue_in_tx(
        &self,
        tx: &mut PgSession,
        kind: AccountMailKind,
        user: UserId,
        token: OneTimeTokenId,
        expires_at: DateTime<Utc>,
    ) -> Result<(), DbError> {
        match self.0.get() {
            Some(desk) => desk.enqueue_in_tx(tx, kind, user, token, expires_at).await,
            None => Ok(()),
        }
    }

    pub async fn notify_in_tx(&self, tx: &mut PgSession, notice: AccountNotice, user: UserId) -> Result<(), DbError> {
        match self.0.get() {
            Some(desk) => desk.notify_in_tx(tx, notice, user).await,
            None => Ok(()),
        }
    }
}
