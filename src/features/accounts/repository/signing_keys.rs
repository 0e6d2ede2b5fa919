use chrono::{DateTime, Utc};

use crate::features::accounts::keys::StoredKey;
use crate::platform::postgres::PgSession;

/// Key pairs for `EdDSA`, the one that signs last first.
pub(in crate::features::accounts) async fn signing_keys(db: &mut PgSession) -> sqlx::Result<Vec<StoredKey>> {
    sqlx::query_as!(
        StoredKey,
        r#"select kid, private_key, created_at, signs_from, verifies_until, retired_at is not null as "is_retired!"
           from signing_keys where algorithm = 'EdDSA'
           order by signs_from desc, created_at desc, kid"#,
    )
    .fetch_all(db)
    .await
}

/// Lets one transaction at a time look whether a key must be made.
pub(in crate::features::accounts) async fn lock_signing_keys(db: &mut PgSession) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.signing_keys', 0))")
        .execute(db)
        .await
        .map(drop)
}

pub(in crate::features::accounts) async fn insert_signing_key(
    db: &mut PgSession,
    key: &StoredKey,
    public_key: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into signing_keys (kid, algorithm, private_key, public_key, created_at, signs_from, verifies_until)
         values ($1, 'EdDSA', $2, $3, $4, $5, $6)",
        key.kid,
        key.private_key,
        public_key,
        key.created_at,
        key.signs_from,
        key.verifies_until,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Says until when the keys besides `kid` verify; one that ends earlier stays as it is.
pub(in crate::features::accounts) async fn end_other_signing_keys(
    db: &mut PgSession,
    kid: &str,
    verify_until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update signing_keys set verifies_until = least(verifies_until, $2) where kid <> $1",
        kid,
        verify_until,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Keys that do not verify any more. Answers how many they were.
pub(in crate::features::accounts) async fn delete_spent_signing_keys(
    db: &mut PgSession,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("delete from signing_keys where verifies_until < $1", now);
    Ok(deleted.execute(db).await?.rows_affected())
}
