use std::collections::HashSet;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingRef, Currency, Money, OrganizationId, PaymentId, from_column};
use loadmaster_platform::{personal::Person, postgres::PgSession};
use serde_json::Value;
use uuid::Uuid;

use crate::model::{Failure, Operation, OperationKind, OperationStatus, Payment, PaymentMethod, PaymentStatus};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    created_by: Uuid,
    method: String,
    hold_id: Option<Uuid>,
    booking_id: Option<Uuid>,
    booking_ref: Option<BookingRef>,
    provider: String,
    provider_reference: Option<String>,
    status: String,
    currency: Currency,
    amount: i64,
    captured: i64,
    refunded: i64,
    action_url: Option<String>,
    failure_code: Option<String>,
    failure_message: Option<String>,
    request_hash: Option<Vec<u8>>,
    attempt: i32,
    operations: i32,
    event_sequence: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Payment {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            created_by: row.created_by.into(),
            method: from_column(PaymentMethod::WORDS, &row.method)?,
            hold_id: row.hold_id.map(Into::into),
            booking: row.booking_id.map(Into::into).zip(row.booking_ref),
            provider: row.provider,
            provider_reference: row.provider_reference,
            status: from_column(PaymentStatus::WORDS, &row.status)?,
            amount: Money::new(row.amount, row.currency),
            captured: row.captured,
            refunded: row.refunded,
            action_url: row.action_url,
            failure: row.failure_code.zip(row.failure_message).map(|(code, message)| Failure { code, message }),
            request_hash: row.request_hash.and_then(|hash| hash.try_into().ok()),
            attempt: row.attempt,
            operations: row.operations,
            event_sequence: row.event_sequence,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A checked query for whole payments; `$tail` selects and orders them.
macro_rules! select_payments {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, organization_id, created_by, method, hold_id, booking_id, booking_ref as "booking_ref: _",
                      provider, provider_reference, status, currency as "currency: _", amount, captured, refunded,
                      action_url, failure_code, failure_message, request_hash, attempt, operations, event_sequence,
                      version, created_at, updated_at
               from payments "# + $tail
            $(, $argument)*
        )
    };
}

fn whole(rows: Vec<Row>) -> sqlx::Result<Vec<Payment>> {
    rows.into_iter().map(Payment::try_from).collect()
}

/// Returns a payment, if it belongs to the organization that is named.
pub(crate) async fn find(
    db: &mut PgSession,
    id: PaymentId,
    of: Option<OrganizationId>,
) -> sqlx::Result<Option<Payment>> {
    let found = select_payments!(
        "where id = $1 and ($2::uuid is null or organization_id = $2)",
        id.uuid(),
        of.map(OrganizationId::uuid),
    );
    found.fetch_optional(db).await?.map(Payment::try_from).transpose()
}

/// Returns the payment of a provider's reference, if it belongs to the organization that is named.
pub(crate) async fn find_by_reference(
    db: &mut PgSession,
    provider: &str,
    reference: &str,
    of: Option<OrganizationId>,
) -> sqlx::Result<Option<Payment>> {
    let found = select_payments!(
        "where provider = $1 and provider_reference = $2 and ($3::uuid is null or organization_id = $3) limit 1",
        provider,
        reference,
        of.map(OrganizationId::uuid),
    );
    found.fetch_optional(db).await?.map(Payment::try_from).transpose()
}

/// Returns these payments in ascending order of id.
pub(crate) async fn find_all(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Payment>> {
    whole(select_payments!("where id = any($1) order by id", ids).fetch_all(db).await?)
}

/// Returns payments without a booking that are authorized or wait for their payer, and of which nothing is promised.
pub(crate) async fn unbooked(db: &mut PgSession, after: Option<PaymentId>, most: i64) -> sqlx::Result<Vec<Payment>> {
    let found = select_payments!(
        "where booking_id is null and status in ('AUTHORIZED', 'REQUIRES_ACTION') and ($1::uuid is null or id > $1)
           and not exists (select from payment_operations o
                           where o.payment_id = payments.id and o.kind in ('CAPTURE', 'VOID')
                             and o.status <> 'DECLINED')
         order by id limit $2",
        after.map(PaymentId::uuid),
        most,
    );
    whole(found.fetch_all(db).await?)
}

/// Locks payments in ascending order of id, and reads them.
pub(crate) async fn lock(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Payment>> {
    whole(select_payments!("where id = any($1) order by id for no key update", ids).fetch_all(db).await?)
}

/// Returns the payments of bookings in the order in which they were made.
pub(crate) async fn of_bookings(db: &mut PgSession, bookings: &[Uuid]) -> sqlx::Result<Vec<Payment>> {
    whole(select_payments!("where booking_id = any($1) order by id", bookings).fetch_all(db).await?)
}

/// Returns the payments of holds in the order in which they were made.
pub(crate) async fn of_holds(db: &mut PgSession, holds: &[Uuid]) -> sqlx::Result<Vec<Payment>> {
    whole(select_payments!("where hold_id = any($1) order by id", holds).fetch_all(db).await?)
}

/// Returns which of these requests have made a payment that did not fail.
pub(crate) async fn begun(db: &mut PgSession, requests: &[[u8; 32]]) -> sqlx::Result<HashSet<[u8; 32]>> {
    let requests: Vec<&[u8]> = requests.iter().map(<[u8; 32]>::as_slice).collect();
    let found = sqlx::query_scalar!(
        r#"select request_hash as "hash!" from payments
           where request_hash = any($1) and status not in ('FAILED', 'VOIDED')"#,
        &requests as &[&[u8]],
    );
    Ok(found.fetch_all(db).await?.into_iter().filter_map(|hash| hash.try_into().ok()).collect())
}

/// Returns the newest payment that a request made.
pub(crate) async fn of_request(db: &mut PgSession, request_hash: &[u8]) -> sqlx::Result<Option<Payment>> {
    let found = select_payments!("where request_hash = $1 order by id desc limit 1", request_hash);
    found.fetch_optional(db).await?.map(Payment::try_from).transpose()
}

struct OperationRow {
    id: Uuid,
    payment_id: Uuid,
    sequence: i32,
    kind: String,
    currency: Currency,
    amount: i64,
    status: String,
    reference: Option<String>,
    attempts: i32,
    first_attempt_at: Option<DateTime<Utc>>,
    next_attempt_at: Option<DateTime<Utc>>,
    note: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<OperationRow> for Operation {
    type Error = sqlx::Error;

    fn try_from(row: OperationRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            payment_id: row.payment_id.into(),
            sequence: row.sequence,
            kind: from_column(OperationKind::WORDS, &row.kind)?,
            amount: Money::new(row.amount, row.currency),
            status: from_column(OperationStatus::WORDS, &row.status)?,
            reference: row.reference,
            attempts: row.attempts,
            first_attempt_at: row.first_attempt_at,
            next_attempt_at: row.next_attempt_at,
            note: row.note,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Returns the operations of payments, in the order of their promises.
pub(crate) async fn operations_of(db: &mut PgSession, payments: &[Uuid]) -> sqlx::Result<Vec<Operation>> {
    let rows = sqlx::query_as!(
        OperationRow,
        r#"select o.id, o.payment_id, o.sequence, o.kind, p.currency as "currency: _", o.amount, o.status, o.reference,
                  o.attempts, o.first_attempt_at, o.next_attempt_at, o.note, o.created_at, o.updated_at
           from payment_operations o join payments p on p.id = o.payment_id
           where o.payment_id = any($1) order by o.payment_id, o.sequence"#,
        payments,
    );
    rows.fetch_all(db).await?.into_iter().map(Operation::try_from).collect()
}

pub(crate) async fn organization_exists(db: &mut PgSession, id: OrganizationId) -> sqlx::Result<bool> {
    let exists =
        sqlx::query_scalar!(r#"select exists (select from organizations where id = $1) as "exists!""#, id.uuid());
    exists.fetch_one(db).await
}

/// Returns the payments that a person made or that belong to the person alone, as members of an export.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Value>> {
    let organizations: Vec<Uuid> = person.organizations.iter().map(|one| one.uuid()).collect();
    let rows = sqlx::query_scalar!(
        r#"select jsonb_build_object('id', id, 'method', method, 'hold_id', hold_id, 'booking_ref', booking_ref,
                      'provider', provider, 'provider_reference', provider_reference, 'status', status,
                      'currency', currency, 'amount', amount, 'captured', captured, 'refunded', refunded,
                      'failure_code', failure_code, 'created_at', created_at) as "payment!: Value"
           from payments where created_by = $1 or organization_id = any($2) order by id"#,
        person.user_id.uuid(),
        &organizations,
    );
    rows.fetch_all(db).await
}

/// Returns the ids of all payments that belong to these organizations.
pub(crate) async fn ids_of(db: &mut PgSession, organizations: &[OrganizationId]) -> sqlx::Result<Vec<String>> {
    let ids: Vec<Uuid> = organizations.iter().map(|one| one.uuid()).collect();
    let found = sqlx::query_scalar!(
        r#"select id::text as "id!" from payments where organization_id = any($1) order by id"#,
        &ids
    );
    found.fetch_all(db).await
}
