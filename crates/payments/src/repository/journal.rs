//! The state of the provider `test`.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{Currency, PaymentOperationId};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{TestOperation, TestPayment};

macro_rules! select_tests {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            TestPayment,
            r#"select reference, operation_id, behaviour, status, currency as "currency: _", amount, captured, refunded,
                      notify_at, created_at
               from test_payments "# + $tail
            $(, $argument)*
        )
    };
}

pub(crate) async fn lock_test(db: &mut PgSession, reference: &str) -> sqlx::Result<Option<TestPayment>> {
    select_tests!("where reference = $1 for no key update", reference).fetch_optional(db).await
}

pub(crate) async fn lock_test_by_operation(
    db: &mut PgSession,
    operation: PaymentOperationId,
) -> sqlx::Result<Option<TestPayment>> {
    select_tests!("where operation_id = $1 for no key update", operation.uuid()).fetch_optional(db).await
}

/// Returns whether it is new.
pub(crate) async fn insert_test(db: &mut PgSession, new: &TestPayment) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "insert into test_payments (reference, operation_id, behaviour, status, currency, amount, notify_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        new.reference,
        new.operation_id,
        new.behaviour,
        new.status,
        new.currency as Currency,
        new.amount,
        new.notify_at,
        new.created_at,
    );
    Ok(inserted.execute(db).await?.rows_affected() > 0)
}

pub(crate) async fn save_test(db: &mut PgSession, changed: &TestPayment) -> sqlx::Result<()> {
    sqlx::query!(
        "update test_payments set status = $2, captured = $3, refunded = $4, notify_at = $5 where reference = $1",
        changed.reference,
        changed.status,
        changed.captured,
        changed.refunded,
        changed.notify_at,
    )
    .execute(db)
    .await
    .map(drop)
}

pub(crate) async fn insert_test_operation(db: &mut PgSession, entry: &TestOperation) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into test_operations (operation_id, reference, kind, currency, amount, outcome, acted_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        entry.operation_id.uuid(),
        entry.reference,
        entry.kind,
        entry.currency as Currency,
        entry.amount,
        entry.outcome,
        entry.acted_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Decides an entry of the journal that was not decided.
pub(crate) async fn settle_test_operation(
    db: &mut PgSession,
    operation: Uuid,
    outcome: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update test_operations set outcome = $2, acted_at = $3 where operation_id = $1",
        operation,
        outcome,
        now
    )
    .execute(db)
    .await
    .map(drop)
}

macro_rules! select_test_operations {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            TestOperation,
            r#"select operation_id as "operation_id: _", reference, kind, currency as "currency: _", amount, outcome,
                      acted_at
               from test_operations "# + $tail
            $(, $argument)*
        )
    };
}

pub(crate) async fn operation_of(
    db: &mut PgSession,
    operation: PaymentOperationId,
) -> sqlx::Result<Option<TestOperation>> {
    select_test_operations!("where operation_id = $1", operation.uuid()).fetch_optional(db).await
}

/// Returns a page of the journal, newest first.
pub(crate) async fn journal(
    db: &mut PgSession,
    before: Option<PaymentOperationId>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<TestOperation>> {
    let page = select_test_operations!(
        "where $1::uuid is null or number < (select number from test_operations where operation_id = $1)
         order by number desc limit $2 offset $3",
        before.map(PaymentOperationId::uuid),
        fetch,
        i64::from(offset),
    );
    page.fetch_all(db).await
}

/// Returns the payments of which a webhook is due.
pub(crate) async fn due_notifications(
    db: &mut PgSession,
    now: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<TestPayment>> {
    select_tests!("where notify_at <= $1 order by notify_at limit $2", now, most).fetch_all(db).await
}

/// Records that the webhook that was due then was sent.
pub(crate) async fn notified(db: &mut PgSession, reference: &str, due: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update test_payments set notify_at = null where reference = $1 and notify_at = $2", reference, due)
        .execute(db)
        .await
        .map(drop)
}
