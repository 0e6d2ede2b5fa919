use chrono::{DateTime, Utc};
use loadmaster_platform::postgres::PgSession;

use crate::credentials::model::StoredKey;

/// Key pairs for `EdDSA`, latest first.
pub async fn signing_keys(db: &mut PgSession) -> sqlx::Result<Vec<StoredKey>> {
    sqlx::query_as!(
        StoredKey,
        r#"select kid, private_key, created_at, signs_from, verifies_until, retired_at is not null as "is_retired!"
           from signing_keys where algorithm = 'EdDSA'
           order by signs_from desc, created_at desc, kid"#,
    )
    .fetch_all(db)
    .await
}

/// Changes of the keys, and checks whether one must be made, wait for each other.
pub async fn lock_signing_keys(db: &mut PgSession) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.signing_keys', 0))")
        .execute(db)
        .await
        .map(drop)
}

pub async fn insert_signing_key(db: &mut PgSession, key: &StoredKey, public_key: &[u8]) -> sqlx::Result<()> {
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

/// Sets the end of all keys but `kid`; a key that ends earlier keeps its end.
pub async fn end_other_signing_keys(db: &mut PgSession, kid: &str, verify_until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update signing_keys set verifies_until = least(verifies_until, $2) where kid <> $1",
        kid,
        verify_until,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Deletes the keys that do not verify any more. Answers their number.
pub async fn delete_spent_signing_keys(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("delete from signing_keys where verifies_until < $1", now);
    Ok(deleted.execute(db).await?.rows_affected())
}
