use chrono::{DateTime, Utc};
use loadmaster_accounts::Obstacle;
use loadmaster_kernel::{AirportCode, ApiKeyId, DeliveryId, OrganizationId, WebhookId, from_column};
use loadmaster_platform::postgres::PgSession;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    dto::{DeliveryFilter, WebhookFilter},
    model::{
        AboutWebhook, Attempt, AttemptOutcome, Delivery, DeliveryAnchor, DeliveryStatus, DisabledReason, Maker, Terms,
        Webhook, WebhookAnchor, WebhookScope, WebhookStatus,
    },
};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    url: String,
    description: Option<String>,
    types: Vec<String>,
    origins: Vec<AirportCode>,
    destinations: Vec<AirportCode>,
    scope: String,
    status: String,
    disabled_reason: Option<String>,
    failing_since: Option<DateTime<Utc>>,
    last_success_at: Option<DateTime<Utc>>,
    waiting: i32,
    changed_by: Uuid,
    by_operator: bool,
    api_key_id: Option<Uuid>,
    is_trusted: bool,
    obstacle: Option<String>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    /// What it is, whatever is stored: one that has ended is disabled from then on, though nothing has been sent since.
    fn state(&self) -> sqlx::Result<(WebhookStatus, Option<DisabledReason>)> {
        let status = from_column(WebhookStatus::WORDS, &self.status)?;
        let ended = Obstacle::read(self.obstacle.as_deref())?.and_then(DisabledReason::of);
        if status != WebhookStatus::Disabled && ended.is_some() {
            return Ok((WebhookStatus::Disabled, ended));
        }
        let reason = self.disabled_reason.as_deref().map(|reason| from_column(DisabledReason::WORDS, reason));
        Ok((status, reason.transpose()?))
    }
}

impl TryFrom<Row> for Webhook {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let (status, disabled_reason) = row.state()?;
        let terms = Terms {
            url: row.url,
            description: row.description,
            types: row.types,
            origins: row.origins,
            destinations: row.destinations,
            scope: from_column(WebhookScope::WORDS, &row.scope)?,
        };
        Ok(Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            terms,
            status,
            disabled_reason,
            failing_since: row.failing_since,
            last_success_at: row.last_success_at,
            waiting: row.waiting,
            maker: Maker {
                user: row.changed_by.into(),
                api_key: row.api_key_id.map(ApiKeyId::from),
                by_operator: row.by_operator,
            },
            is_trusted: row.is_trusted,
            asleep_because: Obstacle::read(row.obstacle.as_deref())?.and_then(Obstacle::sleep_reason),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A checked query for whole webhooks as they are now, which is `$1`; `$tail` selects and orders them.
macro_rules! select_webhooks {
    ($db:expr, $now:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select w.id, w.organization_id, w.url, w.description, w.types, w.origins as "origins: _",
                      w.destinations as "destinations: _", w.scope, w.status,
                      coalesce(w.ended_because, w.disabled_reason) as disabled_reason, w.failing_since,
                      w.last_success_at, w.waiting, w.changed_by, w.by_operator, w.api_key_id,
                      (w.by_operator and u.role in ('operator', 'admin') and u.disabled_at is null) as "is_trusted!",
                      webhook_obstacle(w, $1) as obstacle, w.version, w.created_at, w.updated_at
               from webhooks w join users u on u.id = w.changed_by "# + $tail,
            $now
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await?
        .into_iter()
        .map(Webhook::try_from)
        .collect::<sqlx::Result<Vec<Webhook>>>()
    };
}

/// Returns a webhook, unless it is of another organization than this. `or_deleted`: also one that was deleted.
pub(crate) async fn find(
    db: &mut PgSession,
    id: WebhookId,
    of: Option<OrganizationId>,
    or_deleted: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Webhook>> {
    let found = select_webhooks!(
        db,
        now,
        "where w.id = $2 and (w.deleted_at is null or $4) and ($3::uuid is null or w.organization_id = $3)",
        id.uuid(),
        of.map(OrganizationId::uuid),
        or_deleted,
    );
    Ok(found?.pop())
}

/// Locks a webhook and reads it.
pub(crate) async fn lock_webhook(
    db: &mut PgSession,
    id: WebhookId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Webhook>> {
    let found = select_webhooks!(db, now, "where w.id = $2 and w.deleted_at is null for no key update of w", id.uuid());
    Ok(found?.pop())
}

pub(crate) async fn list(
    db: &mut PgSession,
    filter: &WebhookFilter,
    after: Option<WebhookAnchor>,
    offset: u32,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Webhook>> {
    select_webhooks!(
        db,
        now,
        "where w.id in (
             select h.id from webhooks h
             where h.deleted_at is null and ($2::uuid is null or h.organization_id = $2)
               and ($3::text is null
                    or $3 = case when webhook_obstacle(h, $1) in ('key_ended', 'access_ended') then 'DISABLED'
                                 else h.status end)
               and ($4::uuid is null or h.id < $4)
             order by h.id desc offset $5 limit $6)
         order by w.id desc",
        filter.organization_id.map(OrganizationId::uuid),
        filter.status.map(WebhookStatus::as_str),
        after.map(|anchor| anchor.0.uuid()),
        i64::from(offset),
        limit,
    )
}

/// Locks an organization, so that it gets no webhook meanwhile.
pub(crate) async fn lock_organization(db: &mut PgSession, organization: OrganizationId) -> sqlx::Result<()> {
    sqlx::query!("select id from organizations where id = $1 for no key update", organization.uuid())
        .fetch_optional(db)
        .await
        .map(drop)
}

/// Returns the number of an organization's webhooks.
pub(crate) async fn count(db: &mut PgSession, organization: OrganizationId) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from webhooks where organization_id = $1 and deleted_at is null"#,
        organization.uuid(),
    );
    count.fetch_one(db).await
}

/// Returns the number of messages that wait for any webhook.
pub(crate) async fn waiting(db: &mut PgSession) -> sqlx::Result<i64> {
    let waiting =
        sqlx::query_scalar!(r#"select coalesce(sum(waiting), 0) as "waiting!" from webhooks where due_at is not null"#);
    waiting.fetch_one(db).await
}

/// Returns what others may know of a webhook, a deleted one too.
pub(crate) async fn about(db: &mut PgSession, id: WebhookId) -> sqlx::Result<Option<AboutWebhook>> {
    let found = sqlx::query!(
        "select organization_id, changed_by, url, description, status, failing_since, deleted_at
         from webhooks where id = $1",
        id.uuid(),
    );
    let Some(row) = found.fetch_optional(db).await? else { return Ok(None) };
    Ok(Some(AboutWebhook {
        id,
        organization_id: row.organization_id.into(),
        changed_by: row.changed_by.into(),
        url: row.url,
        description: row.description,
        status: from_column(WebhookStatus::WORDS, &row.status)?,
        failing_since: row.failing_since,
        is_deleted: row.deleted_at.is_some(),
    }))
}

struct DeliveryRow {
    id: Uuid,
    message_id: Uuid,
    event_id: String,
    event_type: String,
    subject: String,
    status: String,
    attempt_count: i32,
    next_attempt_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    delivered_at: Option<DateTime<Utc>>,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = sqlx::Error;

    fn try_from(row: DeliveryRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id.into(),
            message_id: row.message_id.into(),
            event_id: row.event_id,
            event_type: row.event_type,
            subject: row.subject,
            status: from_column(DeliveryStatus::WORDS, &row.status)?,
            attempt_count: row.attempt_count,
            next_attempt_at: row.next_attempt_at,
            created_at: row.created_at,
            delivered_at: row.delivered_at,
        })
    }
}

/// A checked query for whole deliveries; `$tail` selects and orders them. While its receiver is left in peace, a delivery is
/// not due before that ends.
macro_rules! select_deliveries {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            DeliveryRow,
            r#"select d.id, d.message_id, m.event_id, d.type as event_type, d.subject, d.status,
                      d.attempt_count,
                      case when w.status = 'FAILING' then greatest(d.next_attempt_at, case when d.next_attempt_at is not null then w.due_at end)
                           else d.next_attempt_at end as next_attempt_at,
                      d.created_at, d.delivered_at
               from webhook_deliveries d
               join webhook_messages m on m.id = d.message_id join webhooks w on w.id = d.webhook_id "# + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await?
        .into_iter()
        .map(Delivery::try_from)
        .collect::<sqlx::Result<Vec<Delivery>>>()
    };
}

/// Lists deliveries of a webhook. `only_own`: without those about things of other organizations.
pub(crate) async fn deliveries(
    db: &mut PgSession,
    (webhook, only_own): (WebhookId, bool),
    filter: &DeliveryFilter,
    (after, offset, limit): (Option<DeliveryAnchor>, u32, i64),
) -> sqlx::Result<Vec<Delivery>> {
    select_deliveries!(
        db,
        "where d.id in (
             select id from webhook_deliveries
             where webhook_id = $1 and (is_own or not $2) and ($3::text is null or status = $3)
               and ($4::text is null or type = $4 or (right($4, 2) = '.*' and starts_with(type, left($4, -1))))
               and ($5::text is null or subject = $5) and ($6::uuid is null or id < $6)
             order by id desc offset $7 limit $8)
         order by d.id desc",
        webhook.uuid(),
        only_own,
        filter.status.map(DeliveryStatus::as_str),
        filter.event_type.as_deref(),
        filter.subject.as_deref(),
        after.map(|anchor| anchor.0.uuid()),
        i64::from(offset),
        limit,
    )
}

/// Returns a delivery of a webhook with its message's document.
pub(crate) async fn delivery(
    db: &mut PgSession,
    (webhook, only_own): (WebhookId, bool),
    id: DeliveryId,
) -> sqlx::Result<Option<(Delivery, Value)>> {
    let found = select_deliveries!(
        db,
        "where d.webhook_id = $1 and (d.is_own or not $2) and d.id = $3",
        webhook.uuid(),
        only_own,
        id.uuid(),
    );
    let Some(delivery) = found?.pop() else { return Ok(None) };
    let body = sqlx::query_scalar!("select body from webhook_messages where id = $1", delivery.message_id.uuid());
    let body = body.fetch_one(db).await?;
    let document = serde_json::from_str(&body).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some((delivery, document)))
}

/// Returns the attempts of a delivery, oldest first.
pub(crate) async fn attempts(db: &mut PgSession, delivery: DeliveryId) -> sqlx::Result<Vec<Attempt>> {
    let found = sqlx::query_as!(
        AttemptRow,
        "select number, started_at, duration_ms, outcome, http_status, response from webhook_attempts
         where delivery_id = $1 order by number",
        delivery.uuid(),
    );
    found.fetch_all(db).await?.into_iter().map(Attempt::try_from).collect()
}

struct AttemptRow {
    number: i32,
    started_at: DateTime<Utc>,
    duration_ms: i32,
    outcome: String,
    http_status: Option<i32>,
    response: Option<String>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = sqlx::Error;

    fn try_from(row: AttemptRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number: row.number,
            started_at: row.started_at,
            duration_ms: row.duration_ms,
            outcome: from_column(AttemptOutcome::WORDS, &row.outcome)?,
            http_status: row.http_status,
            response: row.response,
        })
    }
}
