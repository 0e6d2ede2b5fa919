use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{ApiKeyId, Fault, FaultCode, UserId};
use loadmaster_platform::{
    clock::{Moment, SharedClock},
    postgres::{Database, commit, retrying},
    random::{IdSource, TokenSource},
    room::Opening,
    telemetry::Traced,
    web::{PageRequest, Patch},
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    dto::CreateApiKey,
    model::{ApiKey, ApiKeyAnchor, PREFIX, VerifiedKey},
    repository,
};

use crate::{
    credentials::{AccessChanges, Proofs, VerifiedCache, hashed},
    error::AccountError,
    lasting::{LastingAccess, Proof},
    one_time::AccountNotice,
    people::{Account, Actor, Acts, Principal, Role, Subject, account_by_id},
};

/// Time after which a key is read from the database again. That also bounds the effect of a change that no poll has seen,
/// and saves when the key was last used.
const MAX_AGE: Duration = Duration::from_mins(1);

/// Precision of the time at which a key was last used.
const USE_PRECISION: TimeDelta = TimeDelta::seconds(60);

/// Whether a Bearer credential is an API key, and not an access token.
pub fn is_api_key(credential: &str) -> bool {
    credential.starts_with(PREFIX)
}

/// Makes, lists, changes, revokes and verifies API keys. Cheap to clone.
#[derive(Clone)]
pub struct ApiKeyService {
    db: Database,
    clock: SharedClock,
    ids: IdSource,
    random: TokenSource,
    acts: Acts,
    changes: AccessChanges,
    lasting: LastingAccess,
    proofs: Proofs,
    verified: Arc<VerifiedCache<VerifiedKey>>,
}

impl ApiKeyService {
    pub fn new(opening: &Opening, acts: Acts, changes: AccessChanges, lasting: LastingAccess, proofs: Proofs) -> Self {
        let Opening { db, clock, ids, tokens: random, .. } = opening;
        let (db, clock, ids, random) = (db.clone(), clock.clone(), ids.clone(), random.clone());
        Self { db, clock, ids, random, acts, changes, lasting, proofs, verified: Arc::default() }
    }

    /// The caller that an API key identifies. A key is read from the database once a minute, and after each change of the
    /// key or its owner that a poll has seen.
    pub async fn authenticate(&self, secret: &str) -> Result<Principal, AccountError> {
        let (hash, now) = (hashed(secret), self.clock.now());
        if let Some(key) = self.verified.get(&hash)
            && key.read_at.is_within(MAX_AGE, now)
            && !self.changes.concern_key_since(key.poll, key.id, key.principal.user_id)
        {
            return key.principal(now);
        }
        // Taken before the query: a change that is made during it is newer.
        let (read_at, poll) = (Moment::at(now), self.changes.poll_number());
        let found = repository::api_key_by_hash(&mut *self.db.read().await?, &hash).await?;
        let row = found.filter(repository::KeyRow::is_awake).ok_or(AccountError::KeyInvalid)?;
        let key = VerifiedKey { id: row.id, principal: row.principal()?, expires_at: row.expires_at, read_at, poll };
        // An expired key is cached as well, so that its further use costs no query each time.
        self.verified.insert(hash, key);
        let principal = key.principal(now)?;
        if row.last_used_at.is_none_or(|last| last <= now - USE_PRECISION) {
            self.save_last_use(key.id, now).await;
        }
        Ok(principal)
    }

    /// Whether the key of a caller still identifies the same caller.
    pub async fn still_identifies(&self, key: ApiKeyId, caller: &Principal) -> Result<bool, AccountError> {
        let found = repository::api_key_by_id(&mut *self.db.read().await?, key).await?;
        let now = self.clock.now();
        let row = found.filter(|row| row.is_awake() && row.expires_at.is_none_or(|end| now < end));
        let Some(row) = row else { return Ok(false) };
        let found = row.principal()?;
        Ok((found.user_id, found.organization_id, found.role) == (caller.user_id, caller.organization_id, caller.role))
    }

    /// Saves when a key was last used, to the minute. Runs in a task of its own, as every write; a failure is no reason to
    /// refuse the key.
    async fn save_last_use(&self, id: ApiKeyId, now: DateTime<Utc>) {
        let db = self.db.clone();
        let saving = async move {
            let mut tx = db.begin().await?;
            repository::save_last_use(&mut tx, id, now, now - USE_PRECISION).await?;
            commit(tx).await?;
            Ok::<(), AccountError>(())
        };
        let error = match tokio::spawn(saving.in_same_trace()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(%error, "the time of last use of an API key could not be saved");
    }

    /// Makes a key that may do no more than the caller, and notifies the caller by e-mail. Answers it with its secret, of which
    /// only a hash is stored. API keys cannot make keys: a thief would keep access after the stolen key is revoked. Nor does
    /// a session alone, unless its log-in is recent: its token lives for minutes, a key for years.
    pub(super) async fn create(
        &self,
        caller: Principal,
        new: CreateApiKey,
    ) -> Result<(ApiKey, SecretString), AccountError> {
        let role = new.role.unwrap_or(caller.role);
        if role > caller.role {
            return Err(AccountError::RoleTooGreat(role.as_str()));
        }
        let now = self.clock.now();
        if new.expires_at.is_some_and(|end| end <= now) {
            let fault = Fault::new(FaultCode::OutOfOrder, "must be in the future");
            return Err(AccountError::Input { member: "expires_at", fault });
        }
        let account = account_by_id(&mut *self.db.read().await?, caller.user_id).await?;
        let account = account.ok_or(AccountError::NoAccount)?;
        self.lasting.require_verified(&account.user)?;
        let proof = self.proofs.require(caller, &account, new.password).await?;
        let secret = format!("{PREFIX}{}", self.random.token()?);
        let hash = hashed(&secret);
        let key = ApiKey {
            id: self.ids.next(now),
            user_id: caller.user_id,
            name: new.name,
            role,
            expires_at: new.expires_at,
            last_used_at: None,
            created_at: now,
            rate_limit_per_minute: None,
            asleep_because: None,
        };
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = self.lasting.admit_maker_in_tx(&mut tx, caller).await?;
            check_maker(&account, &key, &proof)?;
            repository::insert_api_key(&mut tx, &key, &hash).await?;
            if key.is_administrative() {
                let (actor, data) = (Actor::Caller(caller.user_id), json!({"owner": key.user_id, "role": role}));
                self.acts
                    .record_in_tx(&mut tx, actor, "api_key.created", Subject::new("api_key", key.id), data)
                    .await?;
            }
            self.lasting.notify_in_tx(&mut tx, AccountNotice::NewApiKey(key.id), caller.user_id).await?;
            commit(tx).await?;
            Ok::<(), AccountError>(())
        })
        .await?;
        Ok((key, secret.into()))
    }

    /// The caller's own keys, or, for an administrator, those of `owner`.
    pub(super) async fn list(
        &self,
        owner: UserId,
        page: &PageRequest<ApiKeyAnchor>,
    ) -> Result<Vec<ApiKey>, AccountError> {
        let mut db = self.db.read().await?;
        Ok(repository::list_api_keys(&mut db, owner, page.after, page.offset, page.fetch()).await?)
    }

    /// Revokes a key: at once here, within a minute everywhere.
    pub(super) async fn revoke(&self, caller: Principal, id: ApiKeyId) -> Result<(), AccountError> {
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let key = visible(repository::lock_api_key(&mut tx, id).await?, caller)?;
            repository::revoke_api_key(&mut tx, id, self.clock.now()).await?;
            if key.user_id != caller.user_id || key.is_administrative() {
                let (actor, data) = (Actor::Caller(caller.user_id), json!({"owner": key.user_id, "role": key.role}));
                self.acts.record_in_tx(&mut tx, actor, "api_key.revoked", Subject::new("api_key", id), data).await?;
            }
            commit(tx).await?;
            Ok::<(), AccountError>(())
        })
        .await?;
        self.changes.poll_own_change().await;
        Ok(())
    }

    /// Fails if the key does not exist or the caller may not see it.
    pub(super) async fn ensure_visible(&self, caller: Principal, id: ApiKeyId) -> Result<(), AccountError> {
        visible(repository::api_key(&mut *self.db.read().await?, id).await?, caller).map(drop)
    }

    /// Sets or clears the rate limit of a key.
    pub(super) async fn limit(
        &self,
        caller: Principal,
        id: ApiKeyId,
        limit: Patch<u32>,
    ) -> Result<ApiKey, AccountError> {
        let key = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let mut key = visible(repository::lock_api_key(&mut tx, id).await?, caller)?;
            let limit = limit.or(key.rate_limit_per_minute);
            if limit != key.rate_limit_per_minute {
                repository::save_rate_limit(&mut tx, id, limit).await?;
                let (actor, data) = (Actor::Caller(caller.user_id), json!({"rate_limit_per_minute": limit}));
                self.acts.record_in_tx(&mut tx, actor, "api_key.changed", Subject::new("api_key", id), data).await?;
                key.rate_limit_per_minute = limit;
            }
            commit(tx).await?;
            Ok::<ApiKey, AccountError>(key)
        })
        .await?;
        self.changes.poll_own_change().await;
        Ok(key)
    }
}

/// Refuses a user who was demoted a moment ago, so that no key regains the rights later, and one whose password is another by
/// now.
fn check_maker(account: &Account, key: &ApiKey, proof: &Proof) -> Result<(), AccountError> {
    if key.role > account.user.role {
        return Err(AccountError::TokenOutdated);
    }
    if matches!(proof, Proof::Password(hash) if *hash != account.password_hash) {
        return Err(AccountError::SignInRequired);
    }
    Ok(())
}

/// The key, if the caller is its owner or an administrator.
fn visible(key: Option<ApiKey>, caller: Principal) -> Result<ApiKey, AccountError> {
    let key = key.filter(|key| key.user_id == caller.user_id || caller.role >= Role::Admin);
    key.ok_or(AccountError::Unknown("API key"))
}
