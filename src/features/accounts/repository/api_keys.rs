use chrono::{DateTime, Utc};

use crate::{
    features::accounts::{
        api_keys::ApiKeyAnchor,
        model::{ApiKey, Role},
    },
    kernel::{ApiKeyId, OrganizationId, UserId},
    platform::postgres::PgSession,
};

/// A key as it lies in its table, with what its owner may do now.
pub(in crate::features::accounts) struct KeyRow {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub name: String,
    role: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub rate_limit_per_minute: Option<i32>,
    owner_role: String,
    pub organization_id: OrganizationId,
    pub owner_disabled: bool,
}

impl KeyRow {
    fn known(name: &str) -> sqlx::Result<Role> {
        Role::from_name(name).ok_or_else(|| sqlx::Error::Decode(format!("`{name}` is no role").into()))
    }

    /// What it was made for.
    pub fn role(&self) -> sqlx::Result<Role> {
        Self::known(&self.role)
    }

    /// What it may do: never more than its owner may now.
    pub fn effective_role(&self) -> sqlx::Result<Role> {
        Ok(self.role()?.min(Self::known(&self.owner_role)?))
    }
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = sqlx::Error;

    fn try_from(row: KeyRow) -> sqlx::Result<Self> {
        Ok(Self {
            role: row.role()?,
            id: row.id,
            user_id: row.user_id,
            name: row.name,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            created_at: row.created_at,
            rate_limit_per_minute: row.rate_limit_per_minute.and_then(|limit| u32::try_from(limit).ok()),
        })
    }
}

pub(in crate::features::accounts) async fn insert_api_key(
    db: &mut PgSession,
    key: &ApiKey,
    hash: &[u8],
) -> sqlx::Result<()> {
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

/// A checked query for keys that were not revoked, with what of their owners matters; `$tail` says which, in which order.
macro_rules! select_keys {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            KeyRow,
            r#"select k.id as "id: ApiKeyId", k.user_id as "user_id: UserId", k.name, k.role, k.expires_at,
                      k.last_used_at, k.created_at, k.rate_limit_per_minute, u.role as owner_role,
                      u.organization_id as "organization_id: OrganizationId",
                      u.disabled_at is not null as "owner_disabled!"
               from api_keys k join users u on u.id = k.user_id
               where k.revoked_at is null and "# + $tail
            $(, $argument)*
        )
    };
}

/// A key that was not revoked.
pub(in crate::features::accounts) async fn api_key_by_hash(
    db: &mut PgSession,
    hash: &[u8],
) -> sqlx::Result<Option<KeyRow>> {
    select_keys!("k.key_hash = $1", hash).fetch_optional(db).await
}

/// The same, by its id, to be changed by this transaction.
pub(in crate::features::accounts) async fn lock_api_key(
    db: &mut PgSession,
    id: ApiKeyId,
) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query!("select id from api_keys where id = $1 for no key update", id.uuid()).fetch_optional(&mut *db).await?;
    // A statement of its own: one that had to wait sees what was joined to the row as it was before the wait.
    api_key(db, id).await
}

/// A key that was not revoked, by its id.
pub(in crate::features::accounts) async fn api_key(db: &mut PgSession, id: ApiKeyId) -> sqlx::Result<Option<ApiKey>> {
    let row = select_keys!("k.id = $1", id.uuid()).fetch_optional(db).await?;
    row.map(ApiKey::try_from).transpose()
}

/// A user's keys that were not revoked, newest first.
pub(in crate::features::accounts) async fn list_api_keys(
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

pub(in crate::features::accounts) async fn revoke_api_key(
    db: &mut PgSession,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("update api_keys set revoked_at = $2 where id = $1", id.uuid(), now).execute(db).await.map(drop)
}

pub(in crate::features::accounts) async fn save_rate_limit(
    db: &mut PgSession,
    id: ApiKeyId,
    limit: Option<u32>,
) -> sqlx::Result<()> {
    let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
    sqlx::query!("update api_keys set rate_limit_per_minute = $2 where id = $1", id.uuid(), limit)
        .execute(db)
        .await
        .map(drop)
}

/// Unless a use of the last minute is known already.
pub(in crate::features::accounts) async fn save_last_use(
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
