use chrono::{DateTime, Utc};
use loadmaster_kernel::{PaymentId, PaymentOperationId};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// Returns operations that are due, the longest due first. An authorization that was sent and that the provider has not named
/// yet needs its token: without that, as with those in `own`, it must be due since `since`.
pub(crate) async fn due(
    db: &mut PgSession,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    own: &[PaymentOperationId],
    most: i64,
) -> sqlx::Result<Vec<PaymentOperationId>> {
    let own: Vec<Uuid> = own.iter().map(|id| id.uuid()).collect();
    let found = sqlx::query_scalar!(
        r#"select o.id as "id: PaymentOperationId"
           from payment_operations o join payments p on p.id = o.payment_id
           where o.status = 'OPEN' and o.next_attempt_at <= $1
             and (o.kind <> 'AUTHORIZE' or o.attempts = 0 or p.provider_reference is not null
                  or o.next_attempt_at <= $2 or o.id = any($3))
           order by o.next_attempt_at limit $4"#,
        now,
        since,
        &own,
        most,
    );
    found.fetch_all(db).await
}

/// Returns the payment of an operation.
pub(crate) async fn payment_of(db: &mut PgSession, id: PaymentOperationId) -> sqlx::Result<Option<PaymentId>> {
    let payment =
        sqlx::query_scalar!(r#"select payment_id as "id: PaymentId" from payment_operations where id = $1"#, id.uuid());
    payment.fetch_optional(db).await
}

/// Whether an operation is open; `None` if there is none.
pub(crate) async fn is_open(db: &mut PgSession, id: PaymentOperationId) -> sqlx::Result<Option<bool>> {
    let open =
        sqlx::query_scalar!(r#"select status = 'OPEN' as "open!" from payment_operations where id = $1"#, id.uuid());
    open.fetch_optional(db).await
}

/// Makes the open operations of a payment due.
pub(crate) async fn hurry(db: &mut PgSession, payment: PaymentId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update payment_operations set next_attempt_at = $2
         where payment_id = $1 and status = 'OPEN' and attempts > 0 and next_attempt_at > $2",
        payment.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the number of operations that nobody asks for any more.
pub(crate) async fn unresolved(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from payment_operations where status = 'UNRESOLVED'"#)
        .fetch_one(db)
        .await
}

/// Returns the number of payments of which the provider says otherwise.
pub(crate) async fn unmatched(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from payments where is_unmatched"#).fetch_one(db).await
}

pub(crate) async fn mark_unmatched(db: &mut PgSession, payment: PaymentId, is_unmatched: bool) -> sqlx::Result<()> {
    sqlx::query!("update payments set is_unmatched = $2 where id = $1", payment.uuid(), is_unmatched)
        .execute(db)
        .await
        .map(drop)
}

/// Returns payments of a provider that changed since then or did not match, after this one, in order of their ids. Leaves
/// out those of which an answer is awaited.
pub(crate) async fn to_reconcile(
    db: &mut PgSession,
    provider: &str,
    since: DateTime<Utc>,
    after: Option<PaymentId>,
    most: i64,
) -> sqlx::Result<Vec<PaymentId>> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: PaymentId" from payments p
           where provider = $1 and provider_reference is not null and (updated_at >= $2 or is_unmatched)
             and ($3::uuid is null or id > $3)
             and not exists (select from payment_operations o where o.payment_id = p.id and o.status = 'OPEN')
           order by id limit $4"#,
        provider,
        since,
        after.map(PaymentId::uuid) as Option<Uuid>,
        most,
    );
    found.fetch_all(db).await
}

/// Records a webhook. Returns whether it is new.
pub(crate) async fn enter_webhook(
    db: &mut PgSession,
    provider: &str,
    id: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "insert into payment_webhooks (provider, webhook_id, received_at) values ($1, $2, $3)
         on conflict (provider, webhook_id) do nothing",
        provider,
        id,
        now,
    );
    Ok(inserted.execute(db).await?.rows_affected() > 0)
}

/// Forgets webhooks that were received before then. Returns their number.
pub(crate) async fn delete_old_webhooks(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from payment_webhooks
         where (provider, webhook_id) in (
             select provider, webhook_id from payment_webhooks where received_at < $1 order by received_at limit $2)",
        before,
        most,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
