use chrono::{DateTime, TimeDelta, Utc};

use super::{
    cache::Hashed,
    error::AccountError,
    model::{Credential, Principal, Role},
    repository,
    service::AccountService,
};
use crate::{
    kernel::{ApiKeyId, OrganizationId, UserId},
    platform::{clock::Moment, postgres::commit, telemetry::Traced},
};

/// What every API key begins with.
pub(super) const PREFIX: &str = "lmk_";

/// How exactly it is known when a key was last used.
const USE_KEPT_EVERY: TimeDelta = TimeDelta::seconds(60);

/// An API key that was good when it was looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    organization_id: OrganizationId,
    role: Role,
    rate_limit_per_minute: Option<u32>,
    expires_at: Option<DateTime<Utc>>,
}

/// No access token looks so: it begins with the Base64 of a brace.
pub(super) fn looks_like_key(credential: &str) -> bool {
    credential.starts_with(PREFIX)
}

impl KnownKey {
    fn at(&self, now: DateTime<Utc>) -> Result<Principal, AccountError> {
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(AccountError::KeyExpired);
        }
        let credential = Credential::ApiKey { id: self.id, rate_limit_per_minute: self.rate_limit_per_minute };
        let Self { user_id, organization_id, role, .. } = *self;
        Ok(Principal { user_id, organization_id, role, credential })
    }
}

impl AccountService {
    /// Who an API key speaks for. What was found is kept for a minute; a change of the key or its owner that is seen
    /// meanwhile makes it forgotten, and one that is not seen counts after that minute.
    pub(super) async fn bearer_of_key(&self, hash: Hashed, now: DateTime<Utc>) -> Result<Principal, AccountError> {
        if let Some(known) = self.known_keys.get(&hash, now) {
            return known.at(now);
        }
        // Before the question: a change that is made during it must not be outlived by more than a minute.
        let moment = Moment::at(now);
        let found = repository::api_key_by_hash(&mut *self.db.read().await?, &hash).await?;
        let row = found.filter(|row| !row.owner_disabled).ok_or(AccountError::KeyInvalid)?;
        let known = KnownKey {
            id: row.id,
            user_id: row.user_id,
            organization_id: row.organization_id,
            role: row.effective_role()?,
            rate_limit_per_minute: row.rate_limit_per_minute.and_then(|limit| u32::try_from(limit).ok()),
            expires_at: row.expires_at,
        };
        // One that has expired as well: whoever goes on showing it shall not cost a question each time.
        self.known_keys.keep(hash, known, moment);
        let principal = known.at(now)?;
        if row.last_used_at.is_none_or(|last| last <= now - USE_KEPT_EVERY) {
            self.note_use(known.id, now).await;
        }
        Ok(principal)
    }

    /// Keeps when a key was used, to the minute. In a task of its own, as every write; that it fails is no reason to
    /// refuse the key.
    async fn note_use(&self, id: ApiKeyId, now: DateTime<Utc>) {
        let db = self.db.clone();
        let noting = async move {
            let mut tx = db.begin().await?;
            repository::save_last_use(&mut tx, id, now, now - USE_KEPT_EVERY).await?;
            commit(tx).await?;
            Ok::<(), AccountError>(())
        };
        match tokio::spawn(noting.in_same_trace()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "that an API key was used could not be written down"),
            Err(error) => tracing::warn!(%error, "that an API key was used could not be written down"),
        }
    }
}
