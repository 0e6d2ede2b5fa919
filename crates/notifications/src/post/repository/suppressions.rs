use chrono::{DateTime, Utc};
use loadmaster_platform::postgres::PgSession;

/// Why an address is not written to.
pub struct SuppressionRow {
    /// Why nothing at all is sent to it. `None`: its owner has declined, and that is all.
    pub reason: Option<String>,
}

/// Finds the suppression of an address by its digests; one with a reason, if there is one.
pub async fn suppression(db: &mut PgSession, hashes: &[Vec<u8>]) -> sqlx::Result<Option<SuppressionRow>> {
    let mut found: Option<SuppressionRow> = None;
    for hash in hashes {
        let row =
            sqlx::query_as!(SuppressionRow, "select reason from suppressions where address_hash = $1", hash.as_slice())
                .fetch_optional(&mut *db)
                .await?;
        if found.as_ref().is_none_or(|found| found.reason.is_none()) {
            found = row.or(found);
        }
    }
    Ok(found)
}

/// Keeps the reason of an address that has one. Returns whether it had none.
pub async fn insert_suppression(
    db: &mut PgSession,
    hash: &[u8],
    reason: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "insert into suppressions (address_hash, reason, created_at) values ($1, $2, $3)
         on conflict (address_hash) do update set reason = excluded.reason where suppressions.reason is null",
        hash,
        reason,
        now,
    )
    .execute(db)
    .await
    .map(|inserted| inserted.rows_affected() > 0)
}

/// Records that the owner of an address wants no messages, beside another reason if there is one.
pub async fn insert_declined(db: &mut PgSession, hash: &[u8], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into suppressions (address_hash, is_declined, created_at) values ($1, true, $2)
         on conflict (address_hash) do update set is_declined = true where not suppressions.is_declined",
        hash,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes the reason from an address; that its owner has declined stays. Returns whether there was a reason.
pub async fn delete_suppression(db: &mut PgSession, hash: &[u8]) -> sqlx::Result<bool> {
    let deleted = sqlx::query!("delete from suppressions where address_hash = $1 and not is_declined", hash);
    let mut changed = deleted.execute(&mut *db).await?.rows_affected();
    let lifted =
        sqlx::query!("update suppressions set reason = null where address_hash = $1 and reason is not null", hash);
    changed += lifted.execute(db).await?.rows_affected();
    Ok(changed > 0)
}
