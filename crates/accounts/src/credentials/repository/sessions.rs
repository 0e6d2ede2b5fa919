use chrono::{DateTime, Utc};
use loadmaster_kernel::{TokenFamilyId, UserId};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::credentials::model::Ending;

/// A row of `refresh_tokens`.
pub struct RefreshToken {
    pub id: Uuid,
    pub family_id: TokenFamilyId,
    pub user_id: UserId,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// The number of uses of tokens between it and the log-in.
    pub generation: i32,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub spent_at: Option<DateTime<Utc>>,
}

pub async fn insert_refresh_token(db: &mut PgSession, token: &RefreshToken) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into refresh_tokens (id, family_id, user_id, token_hash, generation, issued_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        token.id,
        token.family_id.uuid(),
        token.user_id.uuid(),
        token.hash,
        token.generation,
        token.issued_at,
        token.expires_at,
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn refresh_token(db: &mut PgSession, hash: &[u8]) -> sqlx::Result<Option<RefreshToken>> {
    sqlx::query_as!(
        RefreshToken,
        r#"select id, family_id as "family_id: TokenFamilyId", user_id as "user_id: UserId", token_hash as hash,
                  generation, issued_at, expires_at, spent_at
           from refresh_tokens where token_hash = $1"#,
        hash,
    )
    .fetch_optional(db)
    .await
}

/// Uses of the tokens of a family wait for each other.
pub async fn lock_family(db: &mut PgSession, family: TokenFamilyId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('loadmaster.family.' || $1::text, 0))",
        family.to_string()
    )
    .execute(db)
    .await
    .map(drop)
}

/// Spends the unspent tokens of a generation and of those before it.
pub async fn spend_generation(
    db: &mut PgSession,
    family: TokenFamilyId,
    generation: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update refresh_tokens set spent_at = $3 where family_id = $1 and generation <= $2 and spent_at is null",
        family.uuid(),
        generation,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Whether the log-in that began a family was within the last ten minutes, by the database's clock.
pub async fn is_recent_sign_in(db: &mut PgSession, family: TokenFamilyId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from refresh_tokens
                          where family_id = $1 and generation = 0
                            and saved_at > clock_timestamp() - interval '10 minutes') as "recent!""#,
        family.uuid(),
    )
    .fetch_one(db)
    .await
}

/// Ends a family. A family that has ended before keeps its reason.
pub async fn revoke_family(db: &mut PgSession, family: TokenFamilyId, reason: Ending) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into revoked_families (family_id, reason) values ($1, $2) on conflict (family_id) do nothing",
        family.uuid(),
        reason.as_str(),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Ends all families of a user, or all but one.
pub async fn revoke_families_of(
    db: &mut PgSession,
    user: UserId,
    but: Option<TokenFamilyId>,
    reason: Ending,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into revoked_families (family_id, reason)
         select distinct family_id, $3::text from refresh_tokens
         where user_id = $1 and family_id is distinct from $2
         order by family_id
         on conflict (family_id) do nothing",
        user.uuid(),
        but.map(TokenFamilyId::uuid),
        reason.as_str(),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Deletes at most `limit` tokens that had expired at that time. Answers their number.
pub async fn delete_expired_tokens(db: &mut PgSession, expired: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from refresh_tokens
         where id in (select id from refresh_tokens where expires_at < $1 order by expires_at limit $2)",
        expired,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Deletes at most `limit` endings of families that have no refresh token and no valid access token any more. Answers their
/// number.
pub async fn delete_old_revocations(db: &mut PgSession, window: f64, limit: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from revoked_families
         where family_id in (select f.family_id from revoked_families f
                             where f.revoked_at < now() - make_interval(secs => $1)
                               and not exists (select from refresh_tokens t where t.family_id = f.family_id)
                             limit $2)",
        window,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Deletes the refresh tokens of a user, whose families must have been ended before.
pub async fn delete_tokens_of(db: &mut PgSession, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("delete from refresh_tokens where user_id = $1", user.uuid()).execute(db).await.map(drop)
}

pub async fn save_password(db: &mut PgSession, id: UserId, hash: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set password_hash = $2, version = version + 1, updated_at = $3 where id = $1",
        id.uuid(),
        hash,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
