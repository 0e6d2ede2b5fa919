use super::{Answer, Scope};
use crate::postgres::{PgSession, allow_long_statements, column};

/// Tries to lock each of these keys until the end of the transaction; returns whether it did, in their order.
pub(super) async fn lock_all(db: &mut PgSession, keys: &[i64]) -> sqlx::Result<Vec<bool>> {
    sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(k.lock) as "is_free!"
           from unnest($1::bigint[]) with ordinality as k (lock, place) order by k.place"#,
        keys,
    )
    .fetch_all(db)
    .await
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

/// Returns the records under these keys, each with the place of its key.
pub(super) async fn find_all(
    db: &mut PgSession,
    scopes: &[&Scope],
    retention_hours: i32,
) -> sqlx::Result<Vec<(usize, Record)>> {
    let found = sqlx::query!(
        r#"select a.place as "place!", r.request_hash, r.status, r.location, r.etag, r.body
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
                with ordinality as a (principal_id, method, path, key, place)
           cross join lateral (
               select * from idempotency_records i
               where i.principal_id = a.principal_id and i.method = a.method and i.path = a.path and i.key = a.key
               offset 0
           ) r
           where r.created_at > now() - make_interval(hours => $5)"#,
        &column(scopes, |scope| scope.principal),
        &column(scopes, |scope| scope.method.as_str()) as &[&str],
        &column(scopes, |scope| scope.path.as_str()) as &[&str],
        &column(scopes, |scope| scope.key.as_str()) as &[&str],
        retention_hours,
    );
    let found = found.fetch_all(db).await?.into_iter().map(|row| {
        let place = usize::try_from(row.place - 1).unwrap_or_default();
        let answer = Answer::again(row.status, row.location, row.etag, row.body);
        (place, Record { request_hash: row.request_hash, answer })
    });
    Ok(found.collect())
}

/// An answer that is stored under a key.
pub(super) struct StoredAnswer<'a> {
    pub scope: &'a Scope,
    pub request_hash: &'a [u8],
    pub answer: &'a Answer,
}

/// Stores answers. Replaces existing records, which the search ignored as too old.
pub(super) async fn keep_all(db: &mut PgSession, kept: &[StoredAnswer<'_>]) -> sqlx::Result<()> {
    let statement = sqlx::query!(
        "insert into idempotency_records (principal_id, method, path, key, request_hash, status, location, etag, body)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::int2[], $7::text[],
                              $8::text[], $9::text[])
         on conflict (principal_id, method, path, key) do update
         set request_hash = excluded.request_hash, status = excluded.status, location = excluded.location,
             etag = excluded.etag, body = excluded.body, created_at = excluded.created_at",
        &column(kept, |k| k.scope.principal),
        &column(kept, |k| k.scope.method.as_str()) as &[&str],
        &column(kept, |k| k.scope.path.as_str()) as &[&str],
        &column(kept, |k| k.scope.key.as_str()) as &[&str],
        &column(kept, |k| k.request_hash) as &[&[u8]],
        &column(kept, |k| k.answer.status_number()),
        &column(kept, |k| k.answer.location()) as &[Option<&str>],
        &column(kept, |k| k.answer.tag()) as &[Option<&str>],
        &column(kept, |k| k.answer.body()) as &[&str],
    );
    statement.execute(db).await.map(drop)
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

/// Deletes by addresses of the forms `/api/v1/things/name/…` and `/api/v1/things/…/parts/name`.
pub(super) async fn forget(db: &mut PgSession, principal: uuid::Uuid, names: &[String]) -> sqlx::Result<()> {
    // The statement reads all records, and nobody waits for it.
    allow_long_statements(db).await?;
    sqlx::query!(
        "delete from idempotency_records
         where principal_id = $1 or upper(split_part(path, '/', 5)) = any($2) or upper(split_part(path, '/', 7)) = any($2)
            or upper(split_part(location, '/', 5)) = any($2)",
        principal,
        names,
    )
    .execute(db)
    .await
    .map(drop)
}
