use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::postgres::{commit, retrying};
use serde_json::json;

use super::{access_token::CLOCK_SKEW, key_ring::fresh_key, model::StoredKey, repository, tokens::TokenService};

use crate::{
    error::AccountError,
    people::{Actor, Subject},
};

/// Time between publishing a key and its first signature. Every process reads the keys each few seconds and uses none that
/// it read more than a minute ago.
const LEAD: TimeDelta = TimeDelta::minutes(5);

/// Time for which a process may go on signing with the former key.
const PROPAGATION: TimeDelta = TimeDelta::minutes(1);

/// A signing key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyInfo {
    pub kid: String,
    pub created_at: DateTime<Utc>,
    pub signs_from: DateTime<Utc>,
    /// `None`: it signs, or will sign.
    pub verifies_until: Option<DateTime<Utc>>,
}

/// The reason for a change of the signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Regular: tokens in use remain valid.
    InTurn,
    /// The keys may be known to others: they end now, and every access token with them. Refresh tokens remain valid.
    Compromised,
}

impl TokenService {
    /// Makes a new signing key. In turn, it is published at once and signs when every process knows it; the keys before it
    /// verify until the last token that they may sign has expired.
    pub async fn rotate_keys(&self, rotation: Rotation) -> Result<SigningKeyInfo, AccountError> {
        if !self.keys.are_stored() {
            return Err(AccountError::KeysConfigured);
        }
        let now = self.clock.now();
        let (signs_from, others_until, act) = match rotation {
            Rotation::InTurn => {
                let token_lifetime = TimeDelta::seconds(self.longest_lifetime() + CLOCK_SKEW);
                (now + LEAD, now + LEAD + PROPAGATION + token_lifetime, "signing_key.rotated")
            }
            Rotation::Compromised => (now, now, "signing_key.replaced"),
        };
        let (fresh, public_key) = fresh_key(&self.random, now, signs_from)?;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            repository::lock_signing_keys(&mut tx).await?;
            repository::end_other_signing_keys(&mut tx, &fresh.kid, others_until).await?;
            repository::insert_signing_key(&mut tx, &fresh, &public_key).await?;
            let (subject, data) = (Subject::new("signing_key", &fresh.kid), json!({"signs_from": signs_from}));
            self.acts.record_in_tx(&mut tx, Actor::CommandLine, act, subject, data).await?;
            commit(tx).await?;
            Ok::<(), AccountError>(())
        })
        .await?;
        if let Err(error) = self.keys.read_again(self.clock.now(), Duration::ZERO).await {
            tracing::warn!(%error, "the signing key was changed, but this process could not reload it; it tries again later");
        }
        Ok(fresh.into())
    }

    /// The keys of the database, latest first. None when the key is configured.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyInfo>, AccountError> {
        if !self.keys.are_stored() {
            return Ok(Vec::new());
        }
        let stored = repository::signing_keys(&mut *self.db.read().await?).await?;
        Ok(stored.into_iter().map(Into::into).collect())
    }
}

impl From<StoredKey> for SigningKeyInfo {
    fn from(key: StoredKey) -> Self {
        let StoredKey { kid, created_at, signs_from, verifies_until, .. } = key;
        Self { kid, created_at, signs_from, verifies_until }
    }
}
