//! The messages about accounts themselves: verification of an address, and a new password.
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use loadmaster_accounts::{AccountMail, AccountMailKind, AccountNotice, Purpose};
use loadmaster_kernel::{OneTimeTokenId, UserId};
use loadmaster_platform::postgres::{DbError, PgSession};
use minijinja::{Value, context};

use super::{
    model::{Address, Channel, Composed, Composer, Letter, NewNotification, Receiver, Templates},
    repository,
    service::PostService,
    shares::VERIFY_PHONE,
    shipped::template_files,
};

const VERIFY_EMAIL: &str = "verify_email";
pub(super) const RESET_PASSWORD: &str = "reset_password";

/// Their types. They go to addresses that are not verified, and to people who want no other messages.
pub(super) const ACCOUNT_TYPES: [&str; 3] = [VERIFY_EMAIL, VERIFY_PHONE, RESET_PASSWORD];

pub(crate) const TEMPLATES: Templates = template_files! {
    "verify_email": ".subject" ".txt" ".html";
    "reset_password": ".subject" ".txt" ".html";
    "verify_phone": ".sms";
};

impl AccountMail for PostService {
    fn enqueue_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        kind: AccountMailKind,
        user: UserId,
        token: OneTimeTokenId,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let (kind, channel) = match kind {
            AccountMailKind::VerifyEmail => (VERIFY_EMAIL, Channel::Email),
            AccountMailKind::VerifyPhone => (VERIFY_PHONE, Channel::Sms),
            AccountMailKind::ResetPassword => (RESET_PASSWORD, Channel::Email),
        };
        let now = self.clock.now();
        let new = NewNotification {
            message_id: token.to_string(),
            channel,
            subject_id: Some(token.uuid()),
            ..NewNotification::urgent(self.ids.next(now), Receiver::User(user), kind, (now, expires_at))
        };
        Box::pin(async move { Self::enqueue_in_tx(self, tx, &[new]).await })
    }

    fn notify_in_tx<'a>(
        &'a self,
        tx: &'a mut PgSession,
        notice: AccountNotice,
        user: UserId,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(self.notify_owner_in_tx(tx, notice, user))
    }
}

/// Composes them.
pub(super) struct AccountComposer {
    pub post: PostService,
    pub public_url: String,
}

impl AccountComposer {
    async fn composed(&self, snapshot: &mut PgSession, letter: &Letter) -> Result<Composed, DbError> {
        let known = letter.rows.first().and_then(|row| Some((kind_of(&row.kind)?, row)));
        let Some(((kind, purpose), row)) = known else { return Ok(Composed::Suppress("unknown_type")) };
        let (Some(user), Some(token)) = (letter.receiver.user(), row.subject_id.map(OneTimeTokenId::from)) else {
            return Ok(Composed::Suppress("no_receiver"));
        };
        let Some(account) = repository::account(&mut *snapshot, user).await? else {
            return Ok(Composed::Suppress("no_receiver"));
        };
        let now = self.post.clock.now();
        let Some(known) = repository::usable_token(&mut *snapshot, token, now).await? else {
            return Ok(Composed::Suppress("expired"));
        };
        let (of, address) = match letter.channel {
            Channel::Email => ("email", Some(account.email)),
            Channel::Sms => ("phone", account.phone),
        };
        // The address may have changed: the token does not prove the new one.
        let address =
            address.filter(|address| known.address_hash.as_deref() == Some(&*self.post.address_hash(of, address)));
        let Some(text) = address else { return Ok(Composed::Suppress("address_changed")) };
        // The name and the address come from the registration, which anybody can make: an unverified address must not receive that name.
        let name = account.name.filter(|_| kind == RESET_PASSWORD && account.is_email_verified);
        let context = self.context_of(kind, purpose, (token, known.expires_at), name.as_deref());
        let context = context! { language => account.language, ..context };
        Ok(Composed::Text { template: kind, context, unsubscribe: None, to: Address { text, name } })
    }

    fn context_of(
        &self,
        kind: &str,
        purpose: Purpose,
        (token, expires_at): (OneTimeTokenId, DateTime<Utc>),
        name: Option<&str>,
    ) -> Value {
        let one_time = &self.post.one_time;
        if kind == VERIFY_PHONE {
            return context! { code => one_time.code_of(purpose, token) };
        }
        let link = format!("{}/{}/{}", self.public_url, path_of(kind), one_time.token_of(purpose, token));
        let expires = expires_at.format("%-d %B %Y, %H:%M UTC").to_string();
        let context = context! { link, expires, expires_at => expires_at.to_rfc3339() };
        if kind == RESET_PASSWORD {
            context! { name, ..context }
        } else {
            context
        }
    }
}

fn kind_of(kind: &str) -> Option<(&'static str, Purpose)> {
    match kind {
        VERIFY_EMAIL => Some((VERIFY_EMAIL, Purpose::VERIFY_EMAIL)),
        VERIFY_PHONE => Some((VERIFY_PHONE, Purpose::VERIFY_PHONE)),
        RESET_PASSWORD => Some((RESET_PASSWORD, Purpose::RESET_PASSWORD)),
        _ => None,
    }
}

/// The page that takes the token.
fn path_of(kind: &str) -> &'static str {
    if kind == RESET_PASSWORD { "reset-password" } else { "verify-email" }
}

impl Composer for AccountComposer {
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
        let (link, expires) = ("https://cargo.example.com/x", "1 May 2030, 12:00 UTC");
        let verify = context! { link, expires, expires_at => "2030-05-01T12:00:00+00:00" };
        let reset = context! { name => "Ann", ..verify.clone() };
        vec![(VERIFY_EMAIL, verify), (RESET_PASSWORD, reset), (VERIFY_PHONE, context! { code => "012345" })]
    }
}
