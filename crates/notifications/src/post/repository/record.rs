use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, LetterId, OrganizationId};
use loadmaster_platform::postgres::PgSession;

use super::claim::Ended;

use crate::post::model::{Claim, NotificationRow};

/// A notification of a letter, with whom it goes to.
pub struct LetterRow {
    pub row: NotificationRow,
    pub receiver: String,
    pub attempts: i32,
}

/// The waiting notifications of a letter, in order.
pub async fn rows_of(db: &mut PgSession, letter: LetterId) -> sqlx::Result<Vec<LetterRow>> {
    let rows = sqlx::query!(
        r#"select type as kind, organization_id as "organization_id: OrganizationId",
                  booking_id as "booking_id: BookingId", subject_id, data, expires_at, receiver, attempts
           from notifications where letter_id = $1 and status = 'WAITING' order by id"#,
        letter.uuid(),
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|found| LetterRow {
        row: NotificationRow {
            kind: found.kind,
            organization_id: found.organization_id,
            booking_id: found.booking_id,
            subject_id: found.subject_id,
            data: found.data,
            expires_at: found.expires_at,
        },
        receiver: found.receiver,
        attempts: found.attempts,
    });
    Ok(rows.collect())
}

/// Records that a letter was sent, whatever else was recorded of it meanwhile.
pub async fn sent(db: &mut PgSession, letter: LetterId, now: DateTime<Utc>) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        "update notifications set status = 'SENT', sent_at = $2, reason = null, claimed_until = null
         where letter_id = $1 and status <> 'SENT'
         returning type as kind, due_at",
        letter.uuid(),
        now,
    )
    .fetch_all(db)
    .await
}

/// Ends a letter; `status` is `FAILED` or `SUPPRESSED`. Changes nothing unless the claim is still the caller's.
pub async fn ended(db: &mut PgSession, claim: Claim, status: &str, reason: &str) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        "update notifications set status = $3, reason = $4, claimed_until = null
         where letter_id = $1 and status = 'WAITING' and claimed_until = $2
         returning type as kind, due_at",
        claim.letter.uuid(),
        claim.until,
        status,
        reason,
    )
    .fetch_all(db)
    .await
}

/// Lets a letter wait for its next attempt. Changes nothing unless the claim is still the caller's.
pub async fn later(db: &mut PgSession, claim: Claim, next_at: DateTime<Utc>, reason: &str) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        "update notifications set next_at = $3, reason = $4, claimed_until = null
         where letter_id = $1 and status = 'WAITING' and claimed_until = $2
         returning type as kind, due_at",
        claim.letter.uuid(),
        claim.until,
        next_at,
        reason,
    )
    .fetch_all(db)
    .await
}

/// Gives up a claim of which nothing was sent.
pub async fn release(db: &mut PgSession, claim: Claim, next_at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set next_at = $3, claimed_until = null
         where letter_id = $1 and status = 'WAITING' and claimed_until = $2",
        claim.letter.uuid(),
        claim.until,
        next_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Deletes at most `limit` notifications that were written before that time. Answers their number.
pub async fn delete_old(db: &mut PgSession, before: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from notifications
         where id in (select id from notifications where created_at < $1 and status <> 'WAITING' order by id limit $2)",
        before,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
