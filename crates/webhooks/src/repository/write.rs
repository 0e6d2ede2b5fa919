use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, ApiKeyId, DeliveryId, WebhookId};
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::model::{DisabledReason, Webhook};

fn texts(codes: &[AirportCode]) -> Vec<&str> {
    codes.iter().map(AirportCode::as_str).collect()
}

pub(crate) async fn insert(db: &mut PgSession, webhook: &Webhook, secret: &[u8]) -> sqlx::Result<()> {
    let terms = &webhook.terms;
    let made = sqlx::query!(
        "insert into webhooks (id, organization_id, url, description, types, origins, destinations, scope, secret,
                               created_by, changed_by, by_operator, created_at, updated_at, api_key_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $12, $13)",
        webhook.id.uuid(),
        webhook.organization_id.uuid(),
        terms.url,
        terms.description,
        &terms.types,
        &texts(&terms.origins) as &[&str],
        &texts(&terms.destinations) as &[&str],
        terms.scope.as_str(),
        secret,
        webhook.maker.user.uuid(),
        webhook.maker.by_operator,
        webhook.created_at,
        webhook.maker.api_key.map(ApiKeyId::uuid),
    );
    made.execute(db).await.map(drop)
}

/// What else a change of a webhook means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Consequences {
    /// Nothing waits for it any more.
    pub drops_waiting: bool,
    /// All failures are forgotten.
    pub starts_anew: bool,
    /// Its maker has made it anew; a trigger notes the maker's organization.
    pub is_taken: bool,
}

/// Writes the terms and what a caller may set of the status. The caller holds its lock.
pub(crate) async fn save(db: &mut PgSession, webhook: &Webhook, with: Consequences) -> sqlx::Result<()> {
    let terms = &webhook.terms;
    let (reason, ended) = webhook.disabled_reason.map(DisabledReason::stored).unzip();
    let saved = sqlx::query!(
        "update webhooks
         set url = $2, description = $3, types = $4, origins = $5, destinations = $6, scope = $7, status = $8,
             disabled_reason = $9, changed_by = $10, by_operator = $11, version = $12, updated_at = $13,
             waiting = case when $14 then 0 else waiting end, due_at = case when $14 then null else due_at end,
             failures = case when $15 then 0 else failures end,
             failing_since = case when $15 then null else failing_since end,
             failing_delivery = case when $15 then null else failing_delivery end,
             not_before = case when $15 then null else not_before end,
             is_reported = is_reported and not $15, is_doubtful = is_doubtful or $15, ended_because = $16,
             api_key_id = $17, made_at = case when $18 then clock_timestamp() else made_at end,
             maker_organization_id = case when $18 then null else maker_organization_id end
         where id = $1",
        webhook.id.uuid(),
        terms.url,
        terms.description,
        &terms.types,
        &texts(&terms.origins) as &[&str],
        &texts(&terms.destinations) as &[&str],
        terms.scope.as_str(),
        webhook.status.as_str(),
        reason,
        webhook.maker.user.uuid(),
        webhook.maker.by_operator,
        webhook.version,
        webhook.updated_at,
        with.drops_waiting,
        with.starts_anew,
        ended.flatten(),
        webhook.maker.api_key.map(ApiKeyId::uuid),
        with.is_taken,
    );
    saved.execute(db).await.map(drop)
}

/// Ends what waits about things of other organizations, for a webhook that gets those of its own only from now on.
pub(crate) async fn fail_foreign(db: &mut PgSession, webhook: WebhookId) -> sqlx::Result<()> {
    let failed = sqlx::query!(
        "with failed as (
             update webhook_deliveries set status = 'FAILED', next_attempt_at = null
             where webhook_id = $1 and status = 'WAITING' and not is_own returning id
         )
         update webhooks set waiting = waiting - (select count(*) from failed) where id = $1",
        webhook.uuid(),
    );
    failed.execute(db).await.map(drop)
}

/// Removes a webhook from all eyes, with its secrets.
pub(crate) async fn remove(db: &mut PgSession, webhook: WebhookId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let removed = sqlx::query!(
        "update webhooks
         set deleted_at = $2, updated_at = $2, version = version + 1, status = 'DISABLED',
             disabled_reason = coalesce(disabled_reason, 'manual'), waiting = 0, due_at = null,
             secret = '', former_secrets = '{}', former_secrets_until = '{}'
         where id = $1",
        webhook.uuid(),
        now,
    );
    removed.execute(db).await.map(drop)
}

/// Secrets as they are stored.
pub(crate) struct Sealed {
    pub id: WebhookId,
    pub secret: Vec<u8>,
    /// Each with the time until which it signs, the newest last.
    pub former: Vec<(Vec<u8>, DateTime<Utc>)>,
}

struct SealedRow {
    id: Uuid,
    secret: Vec<u8>,
    former_secrets: Vec<Vec<u8>>,
    former_secrets_until: Vec<DateTime<Utc>>,
}

impl From<SealedRow> for Sealed {
    fn from(row: SealedRow) -> Self {
        let SealedRow { id, secret, former_secrets, former_secrets_until } = row;
        Self { id: id.into(), secret, former: former_secrets.into_iter().zip(former_secrets_until).collect() }
    }
}

/// Returns the stored secrets of a webhook.
pub(crate) async fn sealed(db: &mut PgSession, id: WebhookId) -> sqlx::Result<Option<Sealed>> {
    let found = sqlx::query_as!(
        SealedRow,
        "select id, secret, former_secrets, former_secrets_until from webhooks where id = $1 and deleted_at is null",
        id.uuid(),
    );
    Ok(found.fetch_optional(db).await?.map(Sealed::from))
}

/// Locks webhooks after this one, in order, and returns their stored secrets.
pub(crate) async fn sealed_page(db: &mut PgSession, after: Option<WebhookId>, limit: i64) -> sqlx::Result<Vec<Sealed>> {
    let found = sqlx::query_as!(
        SealedRow,
        "select id, secret, former_secrets, former_secrets_until from webhooks
         where deleted_at is null and ($1::uuid is null or id > $1) order by id limit $2 for no key update",
        after.map(WebhookId::uuid),
        limit,
    );
    Ok(found.fetch_all(db).await?.into_iter().map(Sealed::from).collect())
}

pub(crate) async fn set_secrets(db: &mut PgSession, sealed: &Sealed) -> sqlx::Result<()> {
    let set = sqlx::query!(
        "update webhooks set secret = $2, former_secrets = $3, former_secrets_until = $4 where id = $1",
        sealed.id.uuid(),
        sealed.secret,
        &column(&sealed.former, |(secret, _)| secret.clone()),
        &column(&sealed.former, |(_, until)| *until),
    );
    set.execute(db).await.map(drop)
}

/// Has a delivery sent once more, now. The caller holds the webhook's lock. Returns false if there is none.
pub(crate) async fn resend_one(
    db: &mut PgSession,
    (webhook, only_own): (WebhookId, bool),
    delivery: DeliveryId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let resent = sqlx::query_scalar!(
        r#"with before as (select id, status from webhook_deliveries
                           where webhook_id = $1 and (is_own or not $2) and id = $3),
                resent as (
                    update webhook_deliveries d
                    set status = 'WAITING', step = 0, next_attempt_at = $4, delivered_at = null
                    from before where d.id = before.id returning before.status
                ),
                counted as (
                    update webhooks set waiting = waiting + 1, due_at = least(due_at, $4)
                    where id = $1 and exists (select from resent where status <> 'WAITING')
                ),
                hastened as (
                    update webhooks set due_at = least(due_at, $4)
                    where id = $1 and exists (select from resent where status = 'WAITING')
                )
           select count(*) as "resent!" from resent"#,
        webhook.uuid(),
        only_own,
        delivery.uuid(),
        now,
    );
    Ok(resent.fetch_one(db).await? > 0)
}

/// Has deliveries since this id sent once more, the newest `most` of them. `only_failed`: not those that were delivered. The
/// caller holds the webhook's lock. Returns their number.
pub(crate) async fn resend(
    db: &mut PgSession,
    (webhook, only_own): (WebhookId, bool),
    (since, only_failed, most): (DateTime<Utc>, bool, i64),
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    let resent = sqlx::query_scalar!(
        r#"with chosen as (
               select id from webhook_deliveries
               where webhook_id = $1 and (is_own or not $2) and created_at >= $3
                 and (status = 'FAILED' or (status = 'DELIVERED' and not $4))
               order by id desc limit $5
           ), resent as (
               update webhook_deliveries d
               set status = 'WAITING', step = 0, next_attempt_at = $6, delivered_at = null
               from chosen where d.id = chosen.id returning d.id
           ), counted as (
               update webhooks set waiting = waiting + (select count(*) from resent), due_at = least(due_at, $6)
               where id = $1 and exists (select from resent)
           )
           select count(*) as "resent!" from resent"#,
        webhook.uuid(),
        only_own,
        since,
        only_failed,
        most,
        now,
    );
    resent.fetch_one(db).await
}

/// Makes the next attempt due now, if something waits. The caller holds the webhook's lock.
pub(crate) async fn wake(db: &mut PgSession, webhook: WebhookId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let woken = sqlx::query!(
        "update webhooks set due_at = $2 where id = $1 and waiting > 0 and status <> 'DISABLED'",
        webhook.uuid(),
        now,
    );
    woken.execute(db).await.map(drop)
}
