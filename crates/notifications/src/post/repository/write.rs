use loadmaster_kernel::{BookingId, ContactPointId, OrganizationId, UserId};
use loadmaster_platform::postgres::{PgSession, column};
use serde_json::Value;
use uuid::Uuid;

use crate::post::model::NewNotification;

/// Inserts notifications, unless they are there: those on these channels as suppressed, for this reason. Returns the channels and
/// types of those.
pub async fn insert(
    db: &mut PgSession,
    new: &[NewNotification],
    (suppressed, reason): (&[&str], Option<&str>),
) -> sqlx::Result<Vec<(String, String)>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let inserted = sqlx::query!(
        "insert into notifications (id, message_id, receiver, user_id, contact_point_id, organization_id, channel, type,
                                    booking_id, ref_id, subject_id, data, bundle, is_urgent, due_at, next_at,
                                    expires_at, created_at, status, reason)
         select id, message_id, receiver, user_id, contact_point_id, organization_id, channel, type, booking_id, ref_id,
                subject_id, data, bundle, is_urgent, due_at, due_at, expires_at, created_at,
                case when channel = any($18) then 'SUPPRESSED' else 'WAITING' end, case when channel = any($18) then $19 end
         from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[],
                     $9::uuid[], $10::text[], $11::uuid[], $12::jsonb[], $13::text[], $14::boolean[],
                     $15::timestamptz[], $16::timestamptz[], $17::timestamptz[])
             as new (id, message_id, receiver, user_id, contact_point_id, organization_id, channel, type, booking_id,
                     ref_id, subject_id, data, bundle, is_urgent, due_at, expires_at, created_at)
         order by message_id, receiver, channel, type
         on conflict (message_id, receiver, channel, type) do nothing
         returning channel, type as kind",
        &column(new, |n| n.id.uuid()),
        &column(new, |n| n.message_id.as_str()) as &[&str],
        &column(new, |n| n.receiver.to_string()),
        &column(new, |n| n.receiver.user().map(UserId::uuid)) as &[Option<Uuid>],
        &column(new, |n| n.receiver.contact_point().map(ContactPointId::uuid)) as &[Option<Uuid>],
        &column(new, |n| n.organization_id.map(OrganizationId::uuid)) as &[Option<Uuid>],
        &column(new, |n| n.channel.as_str()) as &[&str],
        &column(new, |n| n.kind) as &[&str],
        &column(new, |n| n.booking_id.map(BookingId::uuid)) as &[Option<Uuid>],
        &column(new, |n| n.ref_id.as_deref()) as &[Option<&str>],
        &column(new, |n| n.subject_id) as &[Option<Uuid>],
        &column(new, |n| n.data.clone()) as &[Value],
        &column(new, |n| n.bundle.as_deref()) as &[Option<&str>],
        &column(new, |n| n.is_urgent),
        &column(new, |n| n.due_at),
        &column(new, |n| n.expires_at),
        &column(new, |n| n.created_at),
        suppressed as &[&str],
        reason,
    );
    let inserted = inserted.fetch_all(db).await?.into_iter().map(|row| (row.channel, row.kind));
    Ok(inserted.filter(|(channel, _)| suppressed.contains(&channel.as_str())).collect())
}
