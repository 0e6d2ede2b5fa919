use chrono::{DateTime, Utc};
use loadmaster_kernel::{ApiKeyId, TokenFamilyId, UserId};
use loadmaster_platform::postgres::PgSession;

use crate::people::Role;

/// Whether a session has ended.
pub async fn has_session_ended(db: &mut PgSession, family: TokenFamilyId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from revoked_families where family_id = $1) as "revoked!""#,
        family.uuid(),
    )
    .fetch_one(db)
    .await
}

/// Ends all that a user and the user's keys have made. The caller holds the account.
pub async fn end_all(db: &mut PgSession, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("update users set lasting_from = clock_timestamp() where id = $1", user.uuid())
        .execute(db)
        .await
        .map(drop)
}

/// Ends what a user and the user's keys made before the address was verified: all, if it is not. The caller holds the account.
pub async fn end_unproven(db: &mut PgSession, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "update users
         set lasting_from = greatest(lasting_from,
                                     case when email_verified_at is null then clock_timestamp()
                                          else coalesce(address_proven_at, email_verified_at) end)
         where id = $1",
        user.uuid(),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Revokes the keys of a user that have ended. Returns those, with their roles.
pub async fn revoke_ended_keys(
    db: &mut PgSession,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(ApiKeyId, Role)>> {
    let revoked = sqlx::query!(
        "update api_keys k set revoked_at = $2
         from users u
         where u.id = k.user_id and k.user_id = $1 and k.revoked_at is null
           and coalesce(k.made_at, k.created_at) < u.lasting_from
         returning k.id, k.role",
        user.uuid(),
        now,
    );
    let revoked = revoked.fetch_all(db).await?.into_iter();
    Ok(revoked.filter_map(|row| Some((row.id.into(), Role::from_name(&row.role)?))).collect())
}
