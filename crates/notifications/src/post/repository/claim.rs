use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{LetterId, NotificationId};
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::post::{
    model::Channel,
    plan::{Due, HOURLY, Recent},
    shares::{Share, VERIFY_PHONE},
};

/// What a channel has sent.
pub struct PaceRow {
    pub free_at: DateTime<Utc>,
    pub day: NaiveDate,
    /// All letters of that day.
    pub sent: i32,
    /// Codes of verification among them.
    pub codes: i32,
    /// The time of the database. Claims begin and end by it alone: the clocks of processes may differ.
    pub now: DateTime<Utc>,
}

/// What a notification counts as when it is done with.
pub struct Ended {
    pub kind: String,
    pub due_at: DateTime<Utc>,
}

/// Whether a channel has anything to do for a process that knows these types.
pub async fn has_work(db: &mut PgSession, channel: Channel, types: &[&str], now: DateTime<Utc>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select (exists (select from notifications where channel = $1 and status = 'WAITING' and next_at <= $2
                             and (claimed_until is null or claimed_until <= now()) and type = any($3))
                or exists (select from notifications where channel = $1 and status = 'WAITING' and expires_at <= $2
                             and (claimed_until is null or claimed_until <= now()))) as "any!""#,
        channel.as_str(),
        now,
        types as &[&str],
    )
    .fetch_one(db)
    .await
}

/// Locks the channel's pace: processes take turns.
pub async fn lock_pace(db: &mut PgSession, channel: Channel) -> sqlx::Result<PaceRow> {
    sqlx::query_as!(
        PaceRow,
        r#"select free_at, day, sent, codes, now() as "now!" from post_pace where channel = $1 for update"#,
        channel.as_str(),
    )
    .fetch_one(db)
    .await
}

pub async fn save_pace(db: &mut PgSession, channel: Channel, pace: &PaceRow) -> sqlx::Result<()> {
    sqlx::query!(
        "update post_pace set free_at = $2, day = $3, sent = $4, codes = $5 where channel = $1",
        channel.as_str(),
        pace.free_at,
        pace.day,
        pace.sent,
        pace.codes,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Suppresses notifications whose last moment is over.
pub async fn expire(db: &mut PgSession, channel: Channel, now: DateTime<Utc>) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        "update notifications set status = 'SUPPRESSED', reason = 'expired', claimed_until = null
         where id in (select id from notifications
                      where channel = $1 and status = 'WAITING' and expires_at <= $2
                        and (claimed_until is null or claimed_until <= now())
                      order by expires_at limit 1000 for update skip locked)
         returning type as kind, due_at",
        channel.as_str(),
        now,
    )
    .fetch_all(db)
    .await
}

/// Ends letters that a process was sending when it was lost, but for those of this process: it knows their outcome.
pub async fn give_up_lost(
    db: &mut PgSession,
    channel: Channel,
    under_way: &[LetterId],
    reason: &str,
) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        "update notifications set status = 'FAILED', reason = $3, claimed_until = null
         where channel = $1 and status = 'WAITING' and claimed_until <= now() and letter_id <> all($2)
         returning type as kind, due_at",
        channel.as_str(),
        &column(under_way, |id| id.uuid()),
        reason,
    )
    .fetch_all(db)
    .await
}

/// Ends all that is due on a channel that leads nowhere.
pub async fn suppress_due(db: &mut PgSession, channel: Channel, now: DateTime<Utc>) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        "update notifications set status = 'SUPPRESSED', reason = 'no_transport'
         where id in (select id from notifications where channel = $1 and status = 'WAITING' and next_at <= $2
                      order by next_at limit 1000 for update skip locked)
         returning type as kind, due_at",
        channel.as_str(),
        now,
    )
    .fetch_all(db)
    .await
}

/// Lets notifications of these types wait again that were suppressed by a process that did not know their type. Returns how many.
pub async fn restore(db: &mut PgSession, channel: Channel, types: &[&str], now: DateTime<Utc>) -> sqlx::Result<u64> {
    let restored = sqlx::query!(
        "update notifications set status = 'WAITING', reason = null, next_at = $3
         where channel = $1 and status = 'SUPPRESSED' and reason = 'unknown_type' and type = any($2) and expires_at > $3",
        channel.as_str(),
        types as &[&str],
        now,
    );
    Ok(restored.execute(db).await?.rows_affected())
}

/// Locks what is due of a share and of these types, but for letters that this process is sending.
pub async fn lock_due(
    db: &mut PgSession,
    channel: Channel,
    (share, types): (Share, &[&str]),
    now: DateTime<Utc>,
    under_way: &[LetterId],
    limit: i64,
) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"select id as "id: NotificationId", receiver, bundle, letter_id as "letter_id: LetterId", is_urgent
           from notifications
           where channel = $1 and status = 'WAITING' and next_at <= $2
             and (claimed_until is null or claimed_until <= now())
             and (letter_id is null or letter_id <> all($3))
             and ($5::boolean is null or (type = $6) = $5) and type = any($7)
           order by is_urgent desc, next_at, id
           limit $4
           for update skip locked"#,
        channel.as_str(),
        now,
        &column(under_way, |id| id.uuid()),
        limit,
        share.is_of_codes(),
        VERIFY_PHONE,
        types as &[&str],
    )
    .fetch_all(db)
    .await
}

/// What receivers got on a channel since then; what is on its way counts.
pub async fn recent(
    db: &mut PgSession,
    channel: Channel,
    receivers: &[String],
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<String, Recent>> {
    let rows = sqlx::query!(
        r#"select receiver,
                  count(distinct letter_id) as "letters!",
                  max(sent_at) as last_sent_at,
                  min(next_at) filter (where status = 'WAITING' and bundle = $4 and letter_id is null) as digest_at
           from notifications
           where channel = $1 and receiver = any($2)
             and ((status = 'SENT' and sent_at > $3)
                  or (status = 'WAITING' and (claimed_until > now() or bundle = $4)))
           group by receiver"#,
        channel.as_str(),
        receivers,
        since,
        HOURLY,
    )
    .fetch_all(db)
    .await?;
    let recent = rows.into_iter().map(|row| {
        (row.receiver, Recent { letters: row.letters, last_sent_at: row.last_sent_at, digest_at: row.digest_at })
    });
    Ok(recent.collect())
}

/// Claims a letter that was tried before.
pub async fn claim_again(db: &mut PgSession, letter: LetterId, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set attempts = attempts + 1, claimed_until = $2
         where letter_id = $1 and status = 'WAITING'",
        letter.uuid(),
        until,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Claims one notification as a letter.
pub async fn claim_single(
    db: &mut PgSession,
    id: NotificationId,
    letter: LetterId,
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set letter_id = $2, attempts = attempts + 1, claimed_until = $3
         where id = $1 and status = 'WAITING'",
        id.uuid(),
        letter.uuid(),
        until,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Claims what is of these types in a receiver's bundle as a letter, also what of it is not due yet.
pub async fn claim_bundle(
    db: &mut PgSession,
    channel: Channel,
    (receiver, bundle, types): (&str, &str, &[&str]),
    letter: LetterId,
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set letter_id = $4, attempts = attempts + 1, claimed_until = $5
         where channel = $1 and receiver = $2 and bundle = $3 and status = 'WAITING' and letter_id is null
           and type = any($6)",
        channel.as_str(),
        receiver,
        bundle,
        letter.uuid(),
        until,
        types as &[&str],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Puts notifications, or all of a receiver's bundles, into the hourly digest.
pub async fn postpone(
    db: &mut PgSession,
    channel: Channel,
    receiver: &str,
    (ids, bundles): (&[Uuid], &[String]),
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set bundle = $6, next_at = $5
         where channel = $1 and receiver = $2 and status = 'WAITING' and letter_id is null and not is_urgent
           and (id = any($3) or bundle = any($4))",
        channel.as_str(),
        receiver,
        ids,
        bundles,
        until,
        HOURLY,
    )
    .execute(db)
    .await
    .map(drop)
}
