use chrono::{DateTime, Utc};
use loadmaster_kernel::{DeliveryId, WebhookId, from_column};
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::model::State;

/// What an attempt needs of a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub id: WebhookId,
    pub url: String,
    pub secret: Vec<u8>,
    /// Each with the time until which it signs.
    pub former_secrets: Vec<(Vec<u8>, DateTime<Utc>)>,
    /// Who changed it last is an operator, and did it as one.
    pub is_trusted: bool,
    /// It has ended or sleeps: nothing is sent to it.
    pub is_hindered: bool,
    pub state: State,
}

#[expect(clippy::struct_excessive_bools, reason = "as the table has them")]
struct Row {
    id: Uuid,
    url: String,
    secret: Vec<u8>,
    former_secrets: Vec<Vec<u8>>,
    former_secrets_until: Vec<DateTime<Utc>>,
    is_trusted: bool,
    is_hindered: bool,
    status: String,
    disabled_reason: Option<String>,
    failures: i32,
    failing_since: Option<DateTime<Utc>>,
    failing_delivery: Option<Uuid>,
    is_reported: bool,
    last_success_at: Option<DateTime<Utc>>,
    last_attempt_at: Option<DateTime<Utc>>,
    is_doubtful: bool,
    not_before: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Receiver {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            state: state_of!(row),
            id: row.id.into(),
            url: row.url,
            secret: row.secret,
            former_secrets: row.former_secrets.into_iter().zip(row.former_secrets_until).collect(),
            is_trusted: row.is_trusted,
            is_hindered: row.is_hindered,
        })
    }
}

/// Returns these webhooks as attempts need them.
pub(crate) async fn receivers(
    db: &mut PgSession,
    webhooks: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Receiver>> {
    let found = sqlx::query_as!(
        Row,
        r#"select w.id, w.url, w.secret, w.former_secrets, w.former_secrets_until,
                  (w.by_operator and u.role in ('operator', 'admin') and u.disabled_at is null) as "is_trusted!",
                  webhook_obstacle(w, $2) is not null as "is_hindered!", w.status,
                  coalesce(w.ended_because, w.disabled_reason) as disabled_reason, w.failures, w.failing_since,
                  w.failing_delivery, w.is_reported, w.last_success_at, w.last_attempt_at, w.is_doubtful, w.not_before
           from webhooks w join users u on u.id = w.changed_by
           where w.id = any($1) and w.deleted_at is null"#,
        webhooks,
        now,
    );
    found.fetch_all(db).await?.into_iter().map(Receiver::try_from).collect()
}

/// A message to send.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub delivery: DeliveryId,
    pub webhook: WebhookId,
    pub subject: String,
    pub event_id: String,
    pub body: String,
}

struct ParcelRow {
    delivery: Uuid,
    webhook: Uuid,
    subject: String,
    event_id: String,
    body: String,
}

impl From<ParcelRow> for Parcel {
    fn from(row: ParcelRow) -> Self {
        let ParcelRow { delivery, webhook, subject, event_id, body } = row;
        Self { delivery: delivery.into(), webhook: webhook.into(), subject, event_id, body }
    }
}

/// Returns what is to be sent next to each of these webhooks, at most as many as stand beside it: of each subject the due
/// message with the lowest sequence, longest waiting subjects first. Subjects `under_way` are left out.
pub(crate) async fn in_order(
    db: &mut PgSession,
    webhooks: &[(WebhookId, i64)],
    under_way: &[(WebhookId, String)],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Parcel>> {
    let rows = sqlx::query_as!(
        ParcelRow,
        r#"select next.id as "delivery!", e.id as "webhook!", next.subject as "subject!", m.event_id, m.body
           from unnest($1::uuid[], $2::bigint[]) as e (id, most)
           cross join lateral
               (select first.id, first.subject, first.message_id
                from (select distinct on (due.subject) due.subject, due.next_attempt_at, due.position
                      from (select d.subject, d.next_attempt_at, d.position from webhook_deliveries d
                            where d.webhook_id = e.id and d.status = 'WAITING' and d.next_attempt_at <= $3
                              and not exists (select from unnest($4::uuid[], $5::text[]) as busy (webhook, subject)
                                              where busy.webhook = d.webhook_id and busy.subject = d.subject)
                            order by d.next_attempt_at, d.position limit 64) as due
                      order by due.subject, due.next_attempt_at, due.position) as subjects
                cross join lateral
                    (select d.id, d.subject, d.message_id from webhook_deliveries d
                     where d.webhook_id = e.id and d.subject = subjects.subject and d.status = 'WAITING'
                       and d.next_attempt_at <= $3
                     order by d.sequence, d.position limit 1) as first
                order by subjects.next_attempt_at, subjects.position limit e.most) as next
           join webhook_messages m on m.id = next.message_id"#,
        &column(webhooks, |(webhook, _)| webhook.uuid()),
        &column(webhooks, |(_, most)| *most),
        now,
        &column(under_way, |(webhook, _)| webhook.uuid()),
        &column(under_way, |(_, subject)| subject.as_str()) as &[&str],
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Parcel::from).collect())
}

/// Returns one message for each of these webhooks, by which to see whether its receiver is back: the oldest one of the subject
/// that was tried least. A message that alone has failed so far, which stands beside the webhook, is tried only if there is no
/// other.
pub(crate) async fn probes(
    db: &mut PgSession,
    webhooks: &[(WebhookId, Option<DeliveryId>)],
) -> sqlx::Result<Vec<Parcel>> {
    let rows = sqlx::query_as!(
        ParcelRow,
        r#"select next.id as "delivery!", e.id as "webhook!", next.subject as "subject!", m.event_id, m.body
           from unnest($1::uuid[], $2::uuid[]) as e (id, suspect)
           cross join lateral
               (select oldest.id, oldest.subject, oldest.message_id
                from (select distinct on (d.subject) d.id, d.subject, d.message_id, d.attempt_count, d.position,
                             d.id is not distinct from e.suspect as is_suspect
                      from webhook_deliveries d
                      where d.webhook_id = e.id and d.status = 'WAITING'
                      order by d.subject, d.id is not distinct from e.suspect, d.sequence, d.position) as oldest
                order by oldest.is_suspect, oldest.attempt_count, oldest.position limit 1) as next
           join webhook_messages m on m.id = next.message_id"#,
        &column(webhooks, |(webhook, _)| webhook.uuid()),
        &column(webhooks, |(_, suspect)| suspect.map(DeliveryId::uuid)) as &[Option<Uuid>],
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Parcel::from).collect())
}
