use chrono::{DateTime, Utc};
use loadmaster_kernel::{ContactPointId, OneTimeTokenId, OrganizationId, UserId};
use loadmaster_platform::postgres::PgSession;

use super::model::{NewToken, OneTimeToken, Purpose};

pub async fn insert(db: &mut PgSession, id: OneTimeTokenId, new: &NewToken, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into one_time_tokens (id, purpose, user_id, contact_point_id, organization_id, address_hash, expires_at,
                                      created_at, asker_hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        new.purpose.0,
        new.user_id.map(UserId::uuid),
        new.contact_point_id.map(ContactPointId::uuid),
        new.organization_id.map(OrganizationId::uuid),
        new.address_hash.as_deref(),
        now + new.lifetime,
        now,
        new.asker_hash.as_deref(),
    )
    .execute(db)
    .await
    .map(drop)
}

/// A checked query for tokens; `$tail` selects them.
macro_rules! select_token {
    ($tail:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            OneTimeToken,
            r#"select id as "id: OneTimeTokenId", user_id as "user_id: UserId",
                      contact_point_id as "contact_point_id: ContactPointId",
                      organization_id as "organization_id: OrganizationId", address_hash, tries, expires_at, used_at
               from one_time_tokens where "#
                + $tail,
            $($argument),+
        )
    };
}

pub async fn find(db: &mut PgSession, id: OneTimeTokenId, purpose: Purpose) -> sqlx::Result<Option<OneTimeToken>> {
    select_token!("id = $1 and purpose = $2", id.uuid(), purpose.0).fetch_optional(db).await
}

/// The same, locked to be spent by this transaction.
pub async fn lock(db: &mut PgSession, id: OneTimeTokenId, purpose: Purpose) -> sqlx::Result<Option<OneTimeToken>> {
    select_token!("id = $1 and purpose = $2 for update", id.uuid(), purpose.0).fetch_optional(db).await
}

/// The last token of a user, locked to be spent by this transaction.
pub async fn lock_last_of(db: &mut PgSession, user: UserId, purpose: Purpose) -> sqlx::Result<Option<OneTimeToken>> {
    select_token!("user_id = $1 and purpose = $2 order by id desc limit 1 for update", user.uuid(), purpose.0)
        .fetch_optional(db)
        .await
}

pub async fn save_use(db: &mut PgSession, id: OneTimeTokenId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update one_time_tokens set used_at = $2 where id = $1", id.uuid(), now).execute(db).await.map(drop)
}

/// Ends all other tokens of a user for this purpose.
pub async fn use_all_of(db: &mut PgSession, user: UserId, purpose: Purpose, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update one_time_tokens set used_at = $3 where user_id = $1 and purpose = $2 and used_at is null",
        user.uuid(),
        purpose.0,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

pub async fn count_try(db: &mut PgSession, id: OneTimeTokenId) -> sqlx::Result<()> {
    sqlx::query!("update one_time_tokens set tries = tries + 1 where id = $1", id.uuid()).execute(db).await.map(drop)
}

/// The number of tokens that a user was issued for a purpose since then.
pub async fn issued_since(
    db: &mut PgSession,
    user: UserId,
    purpose: Purpose,
    since: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from one_time_tokens where user_id = $1 and purpose = $2 and created_at > $3"#,
        user.uuid(),
        purpose.0,
        since,
    )
    .fetch_one(db)
    .await
}

/// The number of tokens that a user was issued for a purpose since then, and how many of them this asker had sent.
pub async fn issued_to_askers_since(
    db: &mut PgSession,
    user: UserId,
    purpose: Purpose,
    asker_hash: Option<&[u8]>,
    since: DateTime<Utc>,
) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "all!", count(*) filter (where asker_hash is not distinct from $3) as "own!"
           from one_time_tokens where user_id = $1 and purpose = $2 and created_at > $4"#,
        user.uuid(),
        purpose.0,
        asker_hash,
        since,
    )
    .fetch_one(db)
    .await?;
    Ok((row.all, row.own))
}

/// When the last but `offset` of the tokens that an asker had sent for a purpose since then was issued, if there were more than
/// that.
pub async fn requested_since(
    db: &mut PgSession,
    asker_hash: &[u8],
    purpose: Purpose,
    since: DateTime<Utc>,
    offset: i64,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "select created_at from one_time_tokens where asker_hash = $1 and purpose = $2 and created_at > $3
         order by created_at desc offset $4 limit 1",
        asker_hash,
        purpose.0,
        since,
        offset,
    )
    .fetch_optional(db)
    .await
}

/// Locks an address: transactions that issue tokens to it take turns.
pub async fn lock_address(db: &mut PgSession, address_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('loadmaster.one_time.' || encode($1, 'hex'), 0))",
        address_hash,
    )
    .execute(db)
    .await
    .map(drop)
}

/// The number of tokens that were sent to an address for a purpose since then, whoever asked for them.
pub async fn sent_since(
    db: &mut PgSession,
    address_hash: &[u8],
    purpose: Purpose,
    since: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from one_time_tokens
           where address_hash = $1 and purpose = $2 and created_at > $3"#,
        address_hash,
        purpose.0,
        since,
    )
    .fetch_one(db)
    .await
}

/// Deletes at most `limit` tokens that had expired at that time. Answers their number.
pub async fn delete_expired(db: &mut PgSession, expired: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from one_time_tokens
         where id in (select id from one_time_tokens where expires_at < $1 order by expires_at limit $2)",
        expired,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

pub async fn delete_of(db: &mut PgSession, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("delete from one_time_tokens where user_id = $1", user.uuid()).execute(db).await.map(drop)
}
