use chrono::{DateTime, Utc};
use loadmaster_kernel::{OneTimeTokenId, UserId};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// What a message about an account needs of it.
pub struct AccountRow {
    pub email: String,
    pub is_email_verified: bool,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub language: Option<String>,
}

/// An account that can be written to, disabled ones excluded.
pub async fn account(db: &mut PgSession, user: UserId) -> sqlx::Result<Option<AccountRow>> {
    sqlx::query_as!(
        AccountRow,
        r#"select u.email as "email!", u.email_verified_at is not null as "is_email_verified!", u.name, u.phone,
                  coalesce(p.language, u.language) as "language?"
           from users u left join notification_preferences p on p.user_id = u.id
           where u.id = $1 and u.role <> 'guest' and u.erased_at is null and u.disabled_at is null"#,
        user.uuid(),
    )
    .fetch_optional(db)
    .await
}

/// A token that can still be used: when it expires, and the digest of the address that it proves.
pub struct TokenRow {
    pub expires_at: DateTime<Utc>,
    pub address_hash: Option<Vec<u8>>,
}

pub async fn usable_token(
    db: &mut PgSession,
    token: OneTimeTokenId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<TokenRow>> {
    sqlx::query_as!(
        TokenRow,
        "select expires_at, address_hash from one_time_tokens where id = $1 and used_at is null and expires_at > $2",
        token.uuid(),
        now,
    )
    .fetch_optional(db)
    .await
}

/// The name of an API key, revoked or not.
pub async fn name_of_key(db: &mut PgSession, key: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select name from api_keys where id = $1", key).fetch_optional(db).await
}

/// The address of a webhook that is not deleted.
pub async fn url_of_webhook(db: &mut PgSession, webhook: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select url from webhooks where id = $1 and deleted_at is null", webhook)
        .fetch_optional(db)
        .await
}

/// Deletes the notifications to a user. Returns their number.
pub async fn delete_of(db: &mut PgSession, user: UserId) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("delete from notifications where user_id = $1", user.uuid());
    Ok(deleted.execute(db).await?.rows_affected())
}
