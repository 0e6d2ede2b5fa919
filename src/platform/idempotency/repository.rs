use super::{Answer, Scope};
use crate::platform::postgres::{PgSession, allow_long_statements};

/// Locks the key until the end of the transaction. Returns false if another transaction holds it.
pub(super) async fn lock(db: &mut PgSession, key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "is_free!""#, key).fetch_one(db).await
}

/// Returns whether a transaction holds this key; neither waits for it nor blocks it.
pub(super) async fn is_locked(db: &mut PgSession, key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from pg_locks
                          where locktype = 'advisory' and objsubid = 1 and granted
                            and database = (select oid from pg_database where datname = current_database())
                            and (classid::bigint << 32 | objid::bigint) = $1) as "is_locked!""#,
        key,
    )
    .fetch_one(db)
    .await
}

/// The request made under a key, and its answer.
pub(super) struct Record {
    pub request_hash: Vec<u8>,
    pub answer: Answer,
}

pub(super) async fn find(db: &mut PgSession, scope: &Scope, retention_hours: i32) -> sqlx::Result<Option<Record>> {
    let found = sqlx::query!(
        "select request_hash, status, location, etag, body from idempotency_records
         where principal_id = $1 and method = $2 and path = $3 and key = $4
           and created_at > now() - make_interval(hours => $5)",
        scope.principal,
        scope.method,
        scope.path,
        scope.key,
        retention_hours,
    );
    let found = found.fetch_optional(db).await?;
    Ok(found.map(|row| Record {
        request_hash: row.request_hash,
        answer: Answer::again(row.status, row.location, row.etag, row.body),
    }))
}

/// Stores an answer. Replaces an existing record, which the search ignored as too old.
pub(super) async fn keep(db: &mut PgSession, scope: &Scope, request_hash: &[u8], answer: &Answer) -> sqlx::Result<()> {
    let kept = sqlx::query!(
        "insert into idempotency_records (principal_id, method, path, key, request_hash, status, location, etag, body)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (principal_id, method, path, key) do update
         set request_hash = excluded.request_hash, status = excluded.status, location = excluded.location,
             etag = excluded.etag, body = excluded.body, created_at = excluded.created_at",
        scope.principal,
        scope.method,
        scope.path,
        scope.key,
        request_hash,
        answer.status_number(),
        answer.location(),
        answer.tag(),
        answer.body(),
    );
    kept.execute(db).await.map(drop)
}

pub(super) async fn delete_old(db: &mut PgSession, retention_hours: i32, limit: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from idempotency_records
         where created_at <= now() - make_interval(hours => $1) and (principal_id, method, path, key) in
               (select principal_id, method, path, key from idempotency_records
                where created_at <= now() - make_interval(hours => $1) order by created_at limit $2)",
        retention_hours,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Deletes by addresses of the form `/api/v1/things/name/…`.
pub(super) async fn forget(db: &mut PgSession, principal: uuid::Uuid, names: &[String]) -> sqlx::Result<()> {
    // The statement reads all records, and nobody waits for it.
    allow_long_statements(db).await?;
    sqlx::query!(
        "delete from idempotency_records
         where principal_id = $1 or upper(split_part(path, '/', 5)) = any($2)
            or upper(split_part(location, '/', 5)) = any($2)",
        principal,
        names,
    )
    .execute(db)
    .await
    .map(drop)
}
