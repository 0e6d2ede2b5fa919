use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    acts::{Actor, Subject},
    error::AccountError,
    keys::{LEAD, StoredKey, fresh_key},
    repository,
    service::AccountService,
    tokens::CLOCK_SKEW,
};
use crate::platform::postgres::{commit, retrying};

/// A process signs with what it knew a minute ago.
const KNOWN_LATE: TimeDelta = TimeDelta::minutes(1);

/// A signing key, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyInfo {
    pub kid: String,
    pub created_at: DateTime<Utc>,
    pub signs_from: DateTime<Utc>,
    /// `None`: it signs, or will.
    pub verifies_until: Option<DateTime<Utc>>,
}

/// Why the signing key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// For good order: no token that is in use notices.
    InTurn,
    /// Somebody else may have the keys: they end now, and with them every access token. Refresh tokens go on.
    Compromised,
}

impl AccountService {
    /// Makes a new signing key. In turn, it is published at once and signs when every process knows it; those before it
    /// verify until the last token that they may sign has expired.
    pub async fn rotate_keys(&self, rotation: Rotation) -> Result<SigningKeyInfo, AccountError> {
        if !self.keys.are_kept() {
            return Err(AccountError::KeysConfigured);
        }
        let now = self.clock.now();
        let (signs_from, others_until) = match rotation {
            Rotation::InTurn => {
                let last = now + LEAD + KNOWN_LATE;
                (now + LEAD, last + TimeDelta::seconds(self.access.lifetime() + CLOCK_SKEW))
            }
            Rotation::Compromised => (now, now),
        };
        let (fresh, public_key) = fresh_key(&self.random, now, signs_from)?;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            repository::lock_signing_keys(&mut tx).await?;
            repository::end_other_signing_keys(&mut tx, &fresh.kid, others_until).await?;
            repository::insert_signing_key(&mut tx, &fresh, &public_key).await?;
            let (subject, data) = (Subject::signing_key(&fresh.kid), json!({"signs_from": signs_from}));
            let act = match rotation {
                Rotation::InTurn => "signing_key.rotated",
                Rotation::Compromised => "signing_key.replaced",
            };
            self.acts.record_in_tx(&mut tx, Actor::CommandLine, act, subject, data).await?;
            commit(tx).await?;
            Ok::<(), AccountError>(())
        })
        .await?;
        if let Err(error) = self.keys.read_again(self.clock.now(), Duration::ZERO).await {
            tracing::warn!(%error, "the signing key was changed, and will be seen a little later");
        }
        Ok(fresh.into())
    }

    /// The keys of the database, the one that signs last first. None when the key is configured.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyInfo>, AccountError> {
        if !self.keys.are_kept() {
            return Ok(Vec::new());
        }
        let stored = repository::signing_keys(&mut *self.db.read().await?).await?;
        Ok(stored.into_iter().map(Into::into).collect())
    }

    /// The public keys that verify access tokens, by their ids. Shared secrets are none.
    pub(super) fn public_keys(&self) -> Vec<(String, String)> {
        self.keys.current().public(self.clock.now())
    }
}

impl From<StoredKey> for SigningKeyInfo {
    fn from(key: StoredKey) -> Self {
        let StoredKey { kid, created_at, signs_from, verifies_until, .. } = key;
        Self { kid, created_at, signs_from, verifies_until }
    }
}
