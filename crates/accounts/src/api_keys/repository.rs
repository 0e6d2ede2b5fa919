use chrono::{DateTime, Utc};
use loadmaster_kernel::{ApiKeyId, OrganizationId, UserId};
use loadmaster_platform::postgres::PgSession;

use crate::{
    api_keys::model::{ApiKey, ApiKeyAnchor},
    lasting::Obstacle,
    people::{Credential, Principal, Role},
};

/// A row of `api_keys`, with the state of the key's owner.
pub struct KeyRow {
    pub id: ApiKeyId,
    user_id: UserId,
    name: String,
    role: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    rate_limit_per_minute: Option<i32>,
    owner_role: String,
    organization_id: OrganizationId,
    /// Why it does not act, as the rule of all lasting access decides.
    obstacle: Option<String>,
}

impl KeyRow {
    fn read(name: &str) -> sqlx::Result<Role> {
        Role::from_name(name).ok_or_else(|| sqlx::Error::Decode(format!("`{name}` is not a role").into()))
    }

    /// Whether the key acts for its user now.
    pub fn is_awake(&self) -> bool {
        self.obstacle.is_none()
    }

    /// The role that the key was made with.
    fn role(&self) -> sqlx::Result<Role> {
        Self::read(&self.role)
    }

    /// The caller that the key identifies. Its role is never above its owner's. A guest's key acts for an organization
    /// of its own: whoever holds it sees nothing of its owner's.
    pub fn principal(&self) -> sqlx::Result<Principal> {
        let role = self.role()?.min(Self::read(&self.owner_role)?);
        let credential = Credential::ApiKey { id: self.id, rate_limit_per_minute: self.rate_limit() };
        let organization_id = match role {
            Role::Guest => self.id.uuid().into(),
            Role::Customer | Role::Operator | Role::Admin => self.organization_id,
        };
        Ok(Principal { user_id: self.user_id, organization_id, role, credential, is_console: false })
    }

    fn rate_limit(&self) -> Option<u32> {
        self.rate_limit_per_minute.and_then(|limit| u32::try_from(limit).ok())
    }
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = sqlx::Error;

    fn try_from(row: KeyRow) -> sqlx::Result<Self> {
        Ok(Self {
            role: row.role()?,
            rate_limit_per_minute: row.rate_limit(),
            asleep_because: Obstacle::read(row.obstacle.as_deref())?.and_then(Obstacle::sleep_reason),
            id: row.id,
            user_id: row.user_id,
            name: row.name,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            created_at: row.created_at,
        })
    }
}

pub async fn insert_api_key(db: &mut PgSession, key: &ApiKey, hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into api_keys (id, user_id, name, role, key_hash, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        key.id.uuid(),
        key.user_id.uuid(),
        key.name,
        key.role.as_str(),
        hash,
        key.expires_at,
        key.created_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// A checked query for keys that are not revoked; `$tail` selects and orders them. A key needs no role of its user: its own is
/// bounded by the user's.
macro_rules! select_keys {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            KeyRow,
            r#"select k.id as "id: ApiKeyId", k.user_id as "user_id: UserId", k.name, k.role, k.expires_at,
                      k.last_used_at, k.created_at, k.rate_limit_per_minute, u.role as owner_role,
                      u.organization_id as "organization_id: OrganizationId",
                      access_obstacle(k.user_id, k.organization_id, 'guest', null, k.made_at, now()) as obstacle
               from api_keys k join users u on u.id = k.user_id
               where k.revoked_at is null and "# + $tail
            $(, $argument)*
        )
    };
}

/// A key that is not revoked.
pub async fn api_key_by_hash(db: &mut PgSession, hash: &[u8]) -> sqlx::Result<Option<KeyRow>> {
    select_keys!("k.key_hash = $1", hash).fetch_optional(db).await
}

/// The same, locked to be changed by this transaction.
pub async fn lock_api_key(db: &mut PgSession, id: ApiKeyId) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query!("select id from api_keys where id = $1 for no key update", id.uuid()).fetch_optional(&mut *db).await?;
    // A second statement: one that waits for a lock sees joined rows as they were before the wait.
    api_key(db, id).await
}

/// A key that is not revoked, by its id.
pub async fn api_key(db: &mut PgSession, id: ApiKeyId) -> sqlx::Result<Option<ApiKey>> {
    api_key_by_id(db, id).await?.map(ApiKey::try_from).transpose()
}

/// The same with the state of its owner.
pub async fn api_key_by_id(db: &mut PgSession, id: ApiKeyId) -> sqlx::Result<Option<KeyRow>> {
    select_keys!("k.id = $1", id.uuid()).fetch_optional(db).await
}

/// A user's keys that are not revoked, newest first.
pub async fn list_api_keys(
    db: &mut PgSession,
    user: UserId,
    after: Option<ApiKeyAnchor>,
    offset: u32,
    limit: i64,
) -> sqlx::Result<Vec<ApiKey>> {
    let rows = select_keys!(
        "k.user_id = $1 and ($2::uuid is null or k.id < $2)
           order by k.id desc
           offset $3 limit $4",
        user.uuid(),
        after.map(|ApiKeyAnchor(id)| id.uuid()),
        i64::from(offset),
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

pub async fn revoke_api_key(db: &mut PgSession, id: ApiKeyId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update api_keys set revoked_at = $2 where id = $1", id.uuid(), now).execute(db).await.map(drop)
}

pub async fn save_rate_limit(db: &mut PgSession, id: ApiKeyId, limit: Option<u32>) -> sqlx::Result<()> {
    let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
    sqlx::query!("update api_keys set rate_limit_per_minute = $2 where id = $1", id.uuid(), limit)
        .execute(db)
        .await
        .map(drop)
}

/// Saves the time of a use, unless one after `unless_after` is saved already.
pub async fn save_last_use(
    db: &mut PgSession,
    id: ApiKeyId,
    now: DateTime<Utc>,
    unless_after: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)",
        id.uuid(),
        now,
        unless_after,
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn delete_keys_of(db: &mut PgSession, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("delete from api_keys where user_id = $1", user.uuid()).execute(db).await.map(drop)
}
