use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use loadmaster_kernel::{TokenFamilyId, UserId};
use loadmaster_platform::{
    clock::SharedClock,
    postgres::Database,
    random::{IdSource, TokenSource},
    room::Opening,
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    access_token::{AccessTokens, Verified},
    cache::{VerifiedCache, hashed},
    key_ring::KeyRing,
    keys::Keys,
};

use crate::{
    error::AccountError,
    people::{Acts, Principal, Role},
};

/// Issues and verifies access tokens, and rotates the keys that sign them. Cheap to clone.
#[derive(Clone)]
pub struct TokenService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    ids: IdSource,
    pub(super) random: TokenSource,
    pub(super) acts: Acts,
    format: Arc<AccessTokens>,
    pub(super) keys: Arc<Keys>,
    verified: Arc<VerifiedCache<VerifiedToken>>,
}

/// A token whose signature and claims are known to be valid, and the id of the key that signed it.
#[derive(Clone)]
struct VerifiedToken {
    token: Verified,
    kid: Arc<str>,
}

impl TokenService {
    /// Fails when the database is away or not migrated, or when a signing key is unusable.
    pub async fn new(opening: &Opening, acts: Acts) -> Result<Self, AccountError> {
        let Opening { settings, db, clock, ids, tokens: random, .. } = opening;
        let keys = Arc::new(Keys::load(db, &settings.auth, clock, random).await?);
        let format = Arc::new(AccessTokens::new(&settings.auth));
        let (db, clock, ids, random) = (db.clone(), clock.clone(), ids.clone(), random.clone());
        Ok(Self { db, clock, ids, random, acts, format, keys, verified: Arc::default() })
    }

    /// An access token for `principal`, valid for the configured time from now on. Whether the principal exists is for the
    /// caller of this function to know. `session` is the family of refresh tokens that the token belongs to.
    pub fn issue(&self, principal: Principal, session: TokenFamilyId) -> Result<SecretString, AccountError> {
        self.issue_with(&self.keys.current(), principal, session, self.clock.now())
    }

    /// The same with keys from [`Self::keys`].
    pub(super) fn issue_with(
        &self,
        ring: &KeyRing,
        principal: Principal,
        session: TokenFamilyId,
        now: DateTime<Utc>,
    ) -> Result<SecretString, AccountError> {
        if !self.clock.is_trusted() {
            return Err(AccountError::ClockWrong);
        }
        self.format.issue(ring, principal, session, self.ids.next::<Uuid>(now), now).map(Into::into)
    }

    /// A guest's token, which belongs to no account, and the seconds until it expires.
    pub(super) async fn issue_to_guest(&self) -> Result<(SecretString, i64), AccountError> {
        let ring = self.keys().await?;
        let now = self.clock.now();
        let (user, session) = (self.ids.next::<UserId>(now), self.ids.next(now));
        let principal = Principal::of_session(user, self.ids.next(now), Role::Guest, session);
        Ok((self.issue_with(&ring, principal, session, now)?, self.format.lifetimes().1))
    }

    /// The keys to sign with, at most a minute old.
    pub(super) async fn keys(&self) -> Result<Arc<KeyRing>, AccountError> {
        self.keys.recent(self.clock.now()).await
    }

    /// Reads the keys of the database again.
    pub(super) async fn read_keys(&self) -> Result<(), AccountError> {
        self.keys.read_again(self.clock.now(), Duration::ZERO).await.map(drop)
    }

    /// Seconds from issue to expiry of the token of a session.
    pub(super) fn lifetime(&self) -> i64 {
        self.format.lifetimes().0
    }

    /// Seconds from issue to expiry of the token that lives longest.
    pub(super) fn longest_lifetime(&self) -> i64 {
        let (session, guest) = self.format.lifetimes();
        session.max(guest)
    }

    /// The caller that an access token identifies. Its signature is verified once; its expiry and the end of its key count
    /// at each use.
    pub(super) async fn verify(&self, token: &str) -> Result<Principal, AccountError> {
        let (hash, now) = (hashed(token), self.clock.now());
        let Some(VerifiedToken { token, kid }) = self.verified.get(&hash) else {
            let kid = self.format.key_id(token)?;
            let ring = self.keys.with_key(&kid, now).await?;
            let token = self.format.verify(token, &ring, now)?;
            self.verified.insert(hash, VerifiedToken { token, kid: kid.into() });
            return Ok(token.principal);
        };
        let ring = self.keys.recent(now).await?;
        let key = ring.verifying(&kid).ok_or(AccountError::TokenInvalid)?;
        if key.is_valid_at(now) { Ok(token.at(now)?.principal) } else { Err(AccountError::KeyEnded) }
    }

    /// The public keys that verify access tokens, by their ids. A shared secret has none.
    pub(super) fn public_keys(&self) -> Vec<(String, String)> {
        self.keys.current().public(self.clock.now())
    }
}
