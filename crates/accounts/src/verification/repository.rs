use chrono::{DateTime, Utc};
use loadmaster_kernel::UserId;
use loadmaster_platform::postgres::PgSession;

pub async fn save_email_verified(db: &mut PgSession, id: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set email_verified_at = $2, version = version + 1, updated_at = $2
         where id = $1 and email_verified_at is null",
        id.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// A number that changes is not verified.
pub async fn save_phone(db: &mut PgSession, id: UserId, phone: Option<&str>, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set phone = $2, version = version + 1, updated_at = $3,
                phone_verified_at = case when phone = $2 then phone_verified_at end
         where id = $1",
        id.uuid(),
        phone,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn save_phone_verified(db: &mut PgSession, id: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set phone_verified_at = $2, version = version + 1, updated_at = $2 where id = $1",
        id.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
