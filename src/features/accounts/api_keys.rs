use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    acts::{Actor, Subject},
    cache::hashed,
    dto::CreateApiKey,
    error::AccountError,
    known_keys::PREFIX,
    model::{ApiKey, Principal, Role},
    repository,
    service::AccountService,
};
use crate::{
    kernel::{ApiKeyId, Fault, FaultCode, UserId},
    platform::{
        postgres::{commit, retrying},
        web::{PageRequest, Patch},
    },
};

/// Where a page of API keys ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyAnchor(pub ApiKeyId);

impl AccountService {
    /// Makes a key that may do no more than the caller; answers it with its secret, of which only a hash is kept. A key
    /// makes no keys: who has stolen one shall not outlive it.
    pub(super) async fn create_api_key(
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
            let fault = Fault::new(FaultCode::OutOfOrder, "must lie in the future");
            return Err(AccountError::Input { member: "expires_at", fault });
        }
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
        };
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = repository::lock_account(&mut tx, caller.user_id).await?;
            // Who was disabled or demoted a moment ago makes no key that counts for more when he rises again.
            let account = account.filter(|account| !account.disabled).ok_or(AccountError::SessionEnded)?;
            if role > account.user.role {
                return Err(AccountError::TokenOutdated);
            }
            repository::insert_api_key(&mut tx, &key, &hash).await?;
            if key.is_administrative() {
                let (who, data) = (Actor::Caller(caller.user_id), json!({"owner": key.user_id, "role": role}));
                self.acts.record_in_tx(&mut tx, who, "api_key.created", Subject::api_key(key.id), data).await?;
            }
            commit(tx).await?;
            Ok(())
        })
        .await?;
        Ok((key, secret.into()))
    }

    /// The caller's own keys, or, for an administrator, those of `owner`.
    pub(super) async fn list_api_keys(
        &self,
        owner: UserId,
        page: &PageRequest<ApiKeyAnchor>,
    ) -> Result<Vec<ApiKey>, AccountError> {
        let mut db = self.db.read().await?;
        Ok(repository::list_api_keys(&mut db, owner, page.after, page.offset, page.fetch()).await?)
    }

    /// Takes a key away: at once here, within a minute everywhere.
    pub(super) async fn revoke_api_key(&self, caller: Principal, id: ApiKeyId) -> Result<(), AccountError> {
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let key = visible(repository::lock_api_key(&mut tx, id).await?, caller)?;
            repository::revoke_api_key(&mut tx, id, self.clock.now()).await?;
            if key.user_id != caller.user_id || key.is_administrative() {
                let (who, data) = (Actor::Caller(caller.user_id), json!({"owner": key.user_id, "role": key.role}));
                self.acts.record_in_tx(&mut tx, who, "api_key.revoked", Subject::api_key(id), data).await?;
            }
            commit(tx).await?;
            Ok::<(), AccountError>(())
        })
        .await?;
        self.learn_own_change().await;
        Ok(())
    }

    /// Whether the key is there for the caller to see.
    pub(super) async fn see_api_key(&self, caller: Principal, id: ApiKeyId) -> Result<(), AccountError> {
        visible(repository::api_key(&mut *self.db.read().await?, id).await?, caller).map(drop)
    }

    /// Gives a key a rate of its own, or none.
    pub(super) async fn limit_api_key(
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
                let (who, data) = (Actor::Caller(caller.user_id), json!({"rate_limit_per_minute": limit}));
                self.acts.record_in_tx(&mut tx, who, "api_key.changed", Subject::api_key(id), data).await?;
                key.rate_limit_per_minute = limit;
            }
            commit(tx).await?;
            Ok::<ApiKey, AccountError>(key)
        })
        .await?;
        self.learn_own_change().await;
        Ok(key)
    }
}

/// Keys are their owner's to see, and administrators'.
fn visible(key: Option<ApiKey>, caller: Principal) -> Result<ApiKey, AccountError> {
    let key = key.filter(|key| key.user_id == caller.user_id || caller.role >= Role::Admin);
    key.ok_or(AccountError::Unknown("API key"))
}
