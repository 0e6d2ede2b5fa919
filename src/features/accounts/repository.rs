use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    keys::StoredKey,
    model::{Email, Role, User},
};
use crate::kernel::{OrganizationId, TokenFamilyId, UserId};

/// A user as it lies in its table, with what only a log-in needs.
struct Row {
    id: UserId,
    email: String,
    name: Option<String>,
    role: String,
    organization_id: OrganizationId,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    password_hash: String,
    disabled: bool,
}

/// What a log-in is judged by.
pub(super) struct Account {
    pub user: User,
    pub password_hash: String,
    pub disabled: bool,
}

impl TryFrom<Row> for Account {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let unknown = || sqlx::Error::Decode(format!("`{}` is no role", row.role).into());
        let role = Role::from_name(&row.role).ok_or_else(unknown)?;
        let user = User {
            id: row.id,
            email: row.email,
            name: row.name,
            role,
            organization_id: row.organization_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        Ok(Self { user, password_hash: row.password_hash, disabled: row.disabled })
    }
}

pub(super) async fn insert_organization(
    db: &mut PgConnection,
    id: OrganizationId,
    name: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("insert into organizations (id, name, created_at) values ($1, $2, $3)", id.uuid(), name, now)
        .execute(db)
        .await
        .map(drop)
}

/// An e-mail address that is taken meets the constraint `users_email_unique`.
pub(super) async fn insert_user(
    db: &mut PgConnection,
    user: &User,
    email: &Email,
    password_hash: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into users (id, organization_id, email, email_key, name, role, password_hash, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        user.id.uuid(),
        user.organization_id.uuid(),
        user.email,
        email.key(),
        user.name.as_deref(),
        user.role.as_str(),
        password_hash,
        user.created_at,
        user.updated_at,
    )
    .execute(db)
    .await
    .map(drop)
}

pub(super) async fn account_by_email(db: &mut PgConnection, email: &Email) -> sqlx::Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: UserId", email, name, role, organization_id as "organization_id: OrganizationId",
                  created_at, updated_at, password_hash, disabled_at is not null as "disabled!"
           from users where email_key = $1"#,
        email.key(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Account::try_from).transpose()
}

pub(super) async fn account_by_id(db: &mut PgConnection, id: UserId) -> sqlx::Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: UserId", email, name, role, organization_id as "organization_id: OrganizationId",
                  created_at, updated_at, password_hash, disabled_at is not null as "disabled!"
           from users where id = $1"#,
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Account::try_from).transpose()
}

/// The same, and nobody changes the account before this transaction ends; others may read and log in beside.
pub(super) async fn lock_account(db: &mut PgConnection, id: UserId) -> sqlx::Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: UserId", email, name, role, organization_id as "organization_id: OrganizationId",
                  created_at, updated_at, password_hash, disabled_at is not null as "disabled!"
           from users where id = $1
           for share"#,
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Account::try_from).transpose()
}

pub(super) async fn any_user_with_role(db: &mut PgConnection, role: Role) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from users where role = $1) as "any!""#, role.as_str())
        .fetch_one(db)
        .await
}

/// A refresh token as it is kept: by its hash.
pub(super) struct RefreshToken {
    pub id: Uuid,
    pub family_id: TokenFamilyId,
    pub user_id: UserId,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub(super) async fn insert_refresh_token(db: &mut PgConnection, token: &RefreshToken) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into refresh_tokens (id, family_id, user_id, token_hash, issued_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        token.id,
        token.family_id.uuid(),
        token.user_id.uuid(),
        token.hash,
        token.issued_at,
        token.expires_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Key pairs for `EdDSA`, newest first.
pub(super) async fn signing_keys(db: &mut PgConnection) -> sqlx::Result<Vec<StoredKey>> {
    sqlx::query_as!(
        StoredKey,
        r#"select kid, private_key, retired_at is not null as "is_retired!"
           from signing_keys where algorithm = 'EdDSA'
           order by created_at desc, kid"#,
    )
    .fetch_all(db)
    .await
}

/// Lets one transaction at a time look whether a key must be made.
pub(super) async fn lock_signing_keys(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.signing_keys', 0))")
        .execute(db)
        .await
        .map(drop)
}

pub(super) async fn insert_signing_key(
    db: &mut PgConnection,
    key: &StoredKey,
    public_key: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into signing_keys (kid, algorithm, private_key, public_key, created_at)
         values ($1, 'EdDSA', $2, $3, $4)",
        key.kid,
        key.private_key,
        public_key,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Some of them: at most `limit`. Answers how many they were.
pub(super) async fn delete_expired_tokens(db: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from refresh_tokens
         where id in (select id from refresh_tokens where expires_at < $1 order by expires_at limit $2)",
        now,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
