use chrono::{DateTime, Utc};
use loadmaster_kernel::ContactPointId;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{CONTACT_QUESTION, NotificationAnchor};

/// A notification in a list.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub id: Uuid,
    pub kind: String,
    pub channel: String,
    pub ref_id: Option<String>,
    pub status: String,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub address: Option<String>,
}

/// Which notifications: a user's, those about a booking, those with a status.
pub(crate) type Filter<'a> = (Option<Uuid>, Option<&'a str>, Option<&'a str>);

/// Returns notifications, newest first.
pub(crate) async fn list(
    db: &mut PgSession,
    (user, ref_id, status): Filter<'_>,
    since: DateTime<Utc>,
    after: Option<NotificationAnchor>,
    (offset, limit): (u32, i64),
) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"select n.id, n.type as kind, n.channel, n.ref_id, n.status, n.reason, n.created_at, n.sent_at,
                  case n.channel when 'email' then coalesce(u.email, p.address)
                                 else coalesce(u.phone, p.address) end as address
           from notifications n
           left join users u on u.id = n.user_id
           left join contact_points p on p.id = n.contact_point_id
           where n.id in (
               select id from notifications
               where id >= uuid_v7_floor($4) and ($1::uuid is null or user_id = $1)
                 and ($2::text is null or ref_id = $2) and ($3::text is null or status = $3)
                 and ($5::uuid is null or id < $5)
               order by id desc offset $6 limit $7)
           order by n.id desc"#,
        user,
        ref_id,
        status,
        since,
        after.map(|NotificationAnchor(id)| id),
        i64::from(offset),
        limit,
    )
    .fetch_all(db)
    .await
}

pub(crate) async fn find(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"select n.id, n.type as kind, n.channel, n.ref_id, n.status, n.reason, n.created_at, n.sent_at,
                  case n.channel when 'email' then coalesce(u.email, p.address)
                                 else coalesce(u.phone, p.address) end as address
           from notifications n
           left join users u on u.id = n.user_id
           left join contact_points p on p.id = n.contact_point_id
           where n.id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// Has a notification sent again, as another letter, until `until`; those of `fixed` types keep their last moment. One that is
/// being sent, or waits, is left as it is, as is a question that was sent.
pub(crate) async fn send_again(
    db: &mut PgSession,
    id: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    fixed: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications
         set status = 'WAITING', reason = null, letter_id = null, claimed_until = null, attempts = 0, sent_at = null,
             bundle = null, is_urgent = true, due_at = $2, next_at = $2,
             expires_at = case when type = any($4) then expires_at else greatest(expires_at, $3) end
         where id = $1 and status <> 'WAITING' and not (status = 'SENT' and type = $5)",
        id,
        now,
        until,
        fixed,
        CONTACT_QUESTION,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Deletes what has no use any more: settled reminders, questions that are not counted any more, contacts of bookings that
/// have left the tables, and addresses that nobody names. Returns the ids of those.
pub(crate) async fn delete_useless(
    db: &mut PgSession,
    settled_before: DateTime<Utc>,
    asked_before: DateTime<Utc>,
) -> sqlx::Result<Vec<ContactPointId>> {
    sqlx::query!("delete from reminders where status <> 'WAITING' and updated_at < $1", settled_before)
        .execute(&mut *db)
        .await?;
    sqlx::query!("delete from contact_questions where asked_at < $1", asked_before).execute(&mut *db).await?;
    sqlx::query!(
        "delete from booking_contacts c
         where not exists (select from bookings b where b.id = c.booking_id)
           and not exists (select from holds h where h.id = c.booking_id and h.is_open)"
    )
    .execute(&mut *db)
    .await?;
    super::erase::delete_unnamed(db).await
}
