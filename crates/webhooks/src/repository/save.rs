use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_accounts::Obstacle;
use loadmaster_kernel::{DeliveryId, WebhookId, from_column};
use loadmaster_platform::postgres::{PgSession, column, planned_list};
use uuid::Uuid;

use crate::model::{Attempt, DeliveryStatus, DisabledReason, Outlook, State};

/// A locked webhook.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    pub id: WebhookId,
    pub state: State,
    pub waiting: i32,
    pub event_sequence: i32,
    pub is_deleted: bool,
}

struct Row {
    id: Uuid,
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
    waiting: i32,
    event_sequence: i32,
    is_deleted: bool,
}

impl TryFrom<Row> for Locked {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id.into(),
            state: state_of!(row),
            waiting: row.waiting,
            event_sequence: row.event_sequence,
            is_deleted: row.is_deleted,
        })
    }
}

/// Locks webhooks in ascending order, and returns what is known of their receivers.
pub(crate) async fn lock_states(db: &mut PgSession, webhooks: &[Uuid]) -> sqlx::Result<Vec<Locked>> {
    let locked = sqlx::query_as!(
        Row,
        r#"select id, status, coalesce(ended_because, disabled_reason) as disabled_reason, failures, failing_since,
                  failing_delivery, is_reported, last_success_at, last_attempt_at, is_doubtful, not_before, waiting,
                  event_sequence, deleted_at is not null as "is_deleted!"
           from webhooks where id = any($1) order by id for no key update"#,
        webhooks,
    );
    locked.fetch_all(db).await?.into_iter().map(Locked::try_from).collect()
}

/// Returns why nothing is sent to those of these webhooks that have ended or sleep. The caller holds their locks: this statement
/// sees what was committed while it waited for them.
pub(crate) async fn obstacles(
    db: &mut PgSession,
    webhooks: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<WebhookId, Obstacle>> {
    let found = sqlx::query!(
        "select w.id, webhook_obstacle(w, $2) as obstacle from webhooks w where w.id = any($1)",
        &planned_list(webhooks),
        now,
    );
    let found = found.fetch_all(db).await?.into_iter();
    let found = found.map(|row| Ok(Obstacle::read(row.obstacle.as_deref())?.map(|obstacle| (row.id.into(), obstacle))));
    found.filter_map(sqlx::Result::transpose).collect()
}

/// A delivery that was tried.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub id: DeliveryId,
    pub status: DeliveryStatus,
    pub attempt_count: i32,
    pub step: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// Reads deliveries whose webhooks are locked.
pub(crate) async fn pending(db: &mut PgSession, deliveries: &[Uuid]) -> sqlx::Result<Vec<Pending>> {
    let found = sqlx::query!(
        "select id, status, attempt_count, step, next_attempt_at from webhook_deliveries where id = any($1)",
        &planned_list(deliveries),
    );
    let found = found.fetch_all(db).await?.into_iter().map(|row| {
        Ok(Pending {
            id: row.id.into(),
            status: from_column(DeliveryStatus::WORDS, &row.status)?,
            attempt_count: row.attempt_count,
            step: row.step,
            next_attempt_at: row.next_attempt_at,
        })
    });
    found.collect()
}

pub(crate) async fn insert_attempts(db: &mut PgSession, attempts: &[(DeliveryId, Attempt)]) -> sqlx::Result<()> {
    let inserted = sqlx::query!(
        "insert into webhook_attempts (delivery_id, number, started_at, duration_ms, outcome, http_status, response)
         select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::int[], $5::text[], $6::int[], $7::text[])",
        &column(attempts, |(delivery, _)| delivery.uuid()),
        &column(attempts, |(_, attempt)| attempt.number),
        &column(attempts, |(_, attempt)| attempt.started_at),
        &column(attempts, |(_, attempt)| attempt.duration_ms),
        &column(attempts, |(_, attempt)| attempt.outcome.as_str()) as &[&str],
        &column(attempts, |(_, attempt)| attempt.http_status) as &[Option<i32>],
        &column(attempts, |(_, attempt)| attempt.response.as_deref()) as &[Option<&str>],
    );
    inserted.execute(db).await.map(drop)
}

/// Writes what became of deliveries.
pub(crate) async fn save_deliveries(
    db: &mut PgSession,
    deliveries: &[Pending],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let saved = sqlx::query!(
        "update webhook_deliveries d
         set status = new.status, attempt_count = new.attempt_count, step = new.step,
             next_attempt_at = new.next_attempt_at,
             delivered_at = case when new.status = 'DELIVERED' then coalesce(d.delivered_at, $6) end
         from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::timestamptz[])
              as new (id, status, attempt_count, step, next_attempt_at)
         where d.id = new.id",
        &column(deliveries, |d| d.id.uuid()),
        &column(deliveries, |d| d.status.as_str()) as &[&str],
        &column(deliveries, |d| d.attempt_count),
        &column(deliveries, |d| d.step),
        &column(deliveries, |d| d.next_attempt_at) as &[Option<DateTime<Utc>>],
        now,
    );
    saved.execute(db).await.map(drop)
}

/// Ends all deliveries that wait for these webhooks.
pub(crate) async fn fail_waiting(db: &mut PgSession, webhooks: &[Uuid]) -> sqlx::Result<()> {
    let failed = sqlx::query!(
        "update webhook_deliveries set status = 'FAILED', next_attempt_at = null
         where webhook_id = any($1) and status = 'WAITING'",
        webhooks,
    );
    failed.execute(db).await.map(drop)
}

/// Makes all deliveries that wait for these webhooks due, the oldest first: their receivers are back.
pub(crate) async fn hasten(db: &mut PgSession, webhooks: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    let hastened = sqlx::query!(
        "update webhook_deliveries set next_attempt_at = least(created_at, $2)
         where webhook_id = any($1) and status = 'WAITING' and next_attempt_at > least(created_at, $2)",
        webhooks,
        now,
    );
    hastened.execute(db).await.map(drop)
}

/// Returns when deliveries of these webhooks are due.
pub(crate) async fn outlooks(
    db: &mut PgSession,
    webhooks: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(WebhookId, Outlook)>> {
    let found = sqlx::query!(
        r#"select e.id as "id!", first.at as "first?", next.at as "next?"
           from unnest($1::uuid[]) as e (id)
           left join lateral (select d.next_attempt_at as at from webhook_deliveries d
                              where d.webhook_id = e.id and d.status = 'WAITING'
                              order by d.next_attempt_at limit 1) as first on true
           left join lateral (select d.next_attempt_at as at from webhook_deliveries d
                              where d.webhook_id = e.id and d.status = 'WAITING' and d.next_attempt_at > $2
                              order by d.next_attempt_at limit 1) as next on true"#,
        webhooks,
        now,
    );
    let found = found.fetch_all(db).await?.into_iter();
    Ok(found.map(|row| (row.id.into(), Outlook { first: row.first, next: row.next })).collect())
}

/// What is written of a webhook after attempts.
#[derive(Debug, Clone)]
pub(crate) struct Learned {
    pub id: WebhookId,
    pub state: State,
    pub waiting: i32,
    pub event_sequence: i32,
    pub due_at: Option<DateTime<Utc>>,
    /// This process makes further attempts.
    pub keeps_lease: bool,
    /// Its representation has changed for good: it was disabled.
    pub is_changed: bool,
}

fn stored(webhook: &Learned) -> Option<(&'static str, Option<&'static str>)> {
    webhook.state.disabled_reason.map(DisabledReason::stored)
}

/// Writes what is known of receivers. The caller holds the locks.
pub(crate) async fn save_states(db: &mut PgSession, webhooks: &[Learned], now: DateTime<Utc>) -> sqlx::Result<()> {
    let saved = sqlx::query!(
        "update webhooks w
         set status = new.status, disabled_reason = new.disabled_reason, ended_because = new.ended_because,
             failures = new.failures,
             failing_since = new.failing_since, failing_delivery = new.failing_delivery,
             is_reported = new.is_reported, last_success_at = new.last_success_at,
             last_attempt_at = new.last_attempt_at, is_doubtful = new.is_doubtful, not_before = new.not_before,
             waiting = new.waiting, event_sequence = new.event_sequence, due_at = new.due_at,
             leased_by = case when new.keeps_lease then w.leased_by end,
             version = w.version + new.is_changed::int,
             updated_at = case when new.is_changed then $17 else w.updated_at end
         from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::uuid[], $7::boolean[],
                     $8::timestamptz[], $9::timestamptz[], $10::boolean[], $11::timestamptz[], $12::int[], $13::int[],
                     $14::timestamptz[], $15::boolean[], $16::boolean[], $18::text[])
              as new (id, status, disabled_reason, failures, failing_since, failing_delivery, is_reported,
                      last_success_at, last_attempt_at, is_doubtful, not_before, waiting, event_sequence, due_at,
                      keeps_lease, is_changed, ended_because)
         where w.id = new.id",
        &column(webhooks, |w| w.id.uuid()),
        &column(webhooks, |w| w.state.status.as_str()) as &[&str],
        &column(webhooks, |w| stored(w).map(|(reason, _)| reason)) as &[Option<&str>],
        &column(webhooks, |w| w.state.failures),
        &column(webhooks, |w| w.state.failing_since) as &[Option<DateTime<Utc>>],
        &column(webhooks, |w| w.state.failing_delivery.map(DeliveryId::uuid)) as &[Option<Uuid>],
        &column(webhooks, |w| w.state.is_reported),
        &column(webhooks, |w| w.state.last_success_at) as &[Option<DateTime<Utc>>],
        &column(webhooks, |w| w.state.last_attempt_at) as &[Option<DateTime<Utc>>],
        &column(webhooks, |w| w.state.is_doubtful),
        &column(webhooks, |w| w.state.not_before) as &[Option<DateTime<Utc>>],
        &column(webhooks, |w| w.waiting),
        &column(webhooks, |w| w.event_sequence),
        &column(webhooks, |w| w.due_at) as &[Option<DateTime<Utc>>],
        &column(webhooks, |w| w.keeps_lease),
        &column(webhooks, |w| w.is_changed),
        now,
        &column(webhooks, |w| stored(w).and_then(|(_, ended)| ended)) as &[Option<&str>],
    );
    saved.execute(db).await.map(drop)
}
