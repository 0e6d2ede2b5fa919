use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::{AccountNotice, Principal, Role};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::{
    postgres::{PgSession, commit, retrying},
    web::Precondition,
};
use secrecy::SecretString;

use super::{
    error::WebhookError,
    repository::{self, Sealed},
    service::{WebhookService, known},
    sign,
};

/// Number of webhooks whose secrets are encrypted anew in one transaction.
const PAGE: i64 = 100;

/// Most former secrets that sign: who replaces a secret again and again has lost the answers.
const MOST_FORMER: usize = 5;

/// What [`WebhookService::reseal`] has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Webhooks whose secrets are encrypted under the present key now, and were not.
    pub changed: usize,
    /// Webhooks whose secrets cannot be decrypted: their key is not known.
    pub lost: usize,
}

impl WebhookService {
    /// Replaces the secret of a webhook. For `hours`, messages are signed with the former secret, too; secrets replaced before
    /// that keep signing until their own time ends. With 0 hours, all former secrets end now.
    pub(super) async fn rotate(
        &self,
        caller: Principal,
        id: WebhookId,
        precondition: &Precondition,
        hours: i32,
    ) -> Result<(SecretString, Option<DateTime<Utc>>), WebhookError> {
        let secret = self.tokens.bytes::<{ sign::SECRET_LEN }>()?;
        let until = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let webhook = self.lock_in_tx(&mut tx, caller, id, precondition).await?;
            // An operator whose webhook sleeps may come back: a customer who wants its secret takes it over first.
            if webhook.maker.by_operator && caller.role < Role::Operator {
                return Err(WebhookError::ChangedByOperator);
            }
            // Whoever has the secret can sign messages in our name for as long as it lasts.
            self.lasting.admit_maker_in_tx(&mut tx, caller).await?;
            let before = known(repository::sealed(&mut tx, id).await?)?;
            let now = self.clock.now();
            let until = (hours > 0).then(|| now + TimeDelta::hours(hours.into()));
            let after = Sealed {
                id,
                secret: self.vault.seal(id.uuid(), &secret)?,
                former: until.map(|until| former(before, until, now)).unwrap_or_default(),
            };
            repository::set_secrets(&mut tx, &after).await?;
            self.lasting.notify_in_tx(&mut tx, AccountNotice::NewWebhookSecret(id), webhook.maker.user).await?;
            self.record_in_tx(&mut tx, caller, &webhook, "webhook.secret_changed").await?;
            commit(tx).await?;
            Ok(until)
        });
        Ok((sign::written(&secret), until.await?))
    }

    /// Encrypts all secrets anew that are not encrypted under the present key.
    pub async fn reseal(&self) -> Result<Resealed, WebhookError> {
        let (mut sum, mut after) = (Resealed::default(), None);
        loop {
            let page = retrying(|| async {
                let mut tx = self.db.begin().await?;
                let mut done = Resealed::default();
                let page = repository::sealed_page(&mut tx, after, PAGE).await?;
                for sealed in &page {
                    match self.resealed(sealed)? {
                        Some(anew) => {
                            repository::set_secrets(&mut tx, &anew).await?;
                            done.changed += 1;
                        }
                        None if self.vault.open(sealed.id.uuid(), &sealed.secret).is_none() => done.lost += 1,
                        None => {}
                    }
                }
                commit(tx).await?;
                Ok::<_, WebhookError>((page.last().map(|last| last.id), done))
            });
            let (last, done) = page.await?;
            (sum.changed, sum.lost) = (sum.changed + done.changed, sum.lost + done.lost);
            let Some(last) = last else { return Ok(sum) };
            after = Some(last);
        }
    }

    /// Returns the secrets under the present key; `None` if they are, or cannot be decrypted.
    fn resealed(&self, sealed: &Sealed) -> Result<Option<Sealed>, WebhookError> {
        let mut all = std::iter::once(&sealed.secret).chain(sealed.former.iter().map(|(former, _)| former));
        if all.all(|secret| self.vault.is_current(secret)) {
            return Ok(None);
        }
        let row = sealed.id.uuid();
        let Some(secret) = self.vault.open(row, &sealed.secret) else { return Ok(None) };
        // One that cannot be decrypted signs nothing any more.
        let former = sealed.former.iter().filter_map(|(former, until)| Some((self.vault.open(row, former)?, *until)));
        let former = former.map(|(former, until)| Ok((self.vault.seal(row, &former)?, until)));
        Ok(Some(Sealed {
            id: sealed.id,
            secret: self.vault.seal(row, &secret)?,
            former: former.collect::<Result<_, WebhookError>>()?,
        }))
    }

    /// Has something done with a webhook that an operator has not changed last, unless the caller is one.
    pub(super) async fn lock_for_use_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        id: WebhookId,
        precondition: &Precondition,
        action: &'static str,
    ) -> Result<super::model::Webhook, WebhookError> {
        let webhook = self.lock_in_tx(tx, caller, id, precondition).await?;
        if !webhook.may_be_changed_by(caller) {
            return Err(WebhookError::ChangedByOperator);
        }
        if webhook.status == super::model::WebhookStatus::Disabled {
            return Err(WebhookError::InvalidTransition { from: webhook.status, action });
        }
        if webhook.asleep_because.is_some() {
            return Err(WebhookError::Asleep(action));
        }
        Ok(webhook)
    }
}

/// Returns the secrets that sign beside a new one: those before it as long as they may, the present one `until` then.
fn former(before: Sealed, until: DateTime<Utc>, now: DateTime<Utc>) -> Vec<(Vec<u8>, DateTime<Utc>)> {
    let mut former: Vec<_> = before.former.into_iter().filter(|(_, until)| *until > now).collect();
    former.push((before.secret, until));
    former.drain(..former.len().saturating_sub(MOST_FORMER));
    former
}
