//! Payments within the caller's transaction. Their locks come after those of flights, bookings, holds, sales and credit.
use std::collections::{HashMap, HashSet};

use loadmaster_kernel::{BookingId, HoldId, OrganizationId, PaymentId};
use loadmaster_platform::{
    outbox,
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::{
    model::{Operation, Payment, PaymentEventType, RequestHash, message},
    repository,
};

/// A payment with all of its operations, in the order of their promises.
pub type PaymentWithOperations = (Payment, Vec<Operation>);

/// A change of a payment.
#[derive(Debug, Clone)]
pub struct PaymentChange {
    /// As it was found under its lock; `None`: it is new.
    pub before: Option<Payment>,
    pub after: Payment,
    /// New ones, and those that changed.
    pub operations: Vec<Operation>,
}

impl PaymentChange {
    /// A new payment.
    pub fn new((after, operation): (Payment, Operation)) -> Self {
        Self { before: None, after, operations: vec![operation] }
    }
}

/// Inserts new payments with their operations and messages.
pub async fn insert_in_tx(tx: &mut PgSession, new: &[(Payment, Operation)]) -> Result<(), DbError> {
    let mut changes: Vec<PaymentChange> = new.iter().cloned().map(PaymentChange::new).collect();
    save_in_tx(tx, &mut changes).await
}

/// Locks payments in ascending order, and reads them. Leaves out those that do not exist.
pub async fn lock_in_tx(tx: &mut PgSession, ids: &[PaymentId]) -> Result<Vec<PaymentWithOperations>, DbError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let payments = repository::lock(tx, &ids).await?;
    with_operations(tx, payments).await
}

/// Returns these payments, in ascending order. Leaves out those that do not exist.
pub async fn find_in_tx(tx: &mut PgSession, ids: &[PaymentId]) -> Result<Vec<PaymentWithOperations>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let payments = repository::find_all(tx, &ids).await?;
    with_operations(tx, payments).await
}

/// Returns payments of holds that are no bookings yet, authorized or waiting for their payer, of which nothing is promised:
/// the first after this one, at most so many.
pub async fn unbooked_in_tx(tx: &mut PgSession, after: Option<PaymentId>, most: i64) -> Result<Vec<Payment>, DbError> {
    Ok(repository::unbooked(tx, after, most).await?)
}

/// Returns all payments of bookings, oldest first.
pub async fn of_bookings_in_tx(
    tx: &mut PgSession,
    bookings: &[BookingId],
) -> Result<Vec<PaymentWithOperations>, DbError> {
    let ids: Vec<Uuid> = bookings.iter().map(|id| id.uuid()).collect();
    let payments = repository::of_bookings(tx, &ids).await?;
    with_operations(tx, payments).await
}

/// Locks and returns all payments of bookings, oldest first.
pub async fn lock_of_bookings_in_tx(
    tx: &mut PgSession,
    bookings: &[BookingId],
) -> Result<Vec<PaymentWithOperations>, DbError> {
    let ids: Vec<Uuid> = bookings.iter().map(|id| id.uuid()).collect();
    let found = repository::of_bookings(tx, &ids).await?;
    lock_found(tx, &found).await
}

/// Returns all payments of holds, oldest first: also those that failed.
pub async fn of_holds_in_tx(tx: &mut PgSession, holds: &[HoldId]) -> Result<Vec<PaymentWithOperations>, DbError> {
    let ids: Vec<Uuid> = holds.iter().map(|id| id.uuid()).collect();
    let payments = repository::of_holds(tx, &ids).await?;
    with_operations(tx, payments).await
}

/// Locks and returns all payments of holds, oldest first: also those that failed.
pub async fn lock_of_holds_in_tx(tx: &mut PgSession, holds: &[HoldId]) -> Result<Vec<PaymentWithOperations>, DbError> {
    let ids: Vec<Uuid> = holds.iter().map(|id| id.uuid()).collect();
    let found = repository::of_holds(tx, &ids).await?;
    lock_found(tx, &found).await
}

/// Returns the newest payment that the same request made under the same key.
pub async fn of_request_in_tx(
    tx: &mut PgSession,
    request: &RequestHash,
) -> Result<Option<PaymentWithOperations>, DbError> {
    let found = repository::of_request(tx, request).await?;
    Ok(with_operations(tx, found.into_iter().collect()).await?.pop())
}

/// Returns which of these requests have begun a payment that did not fail.
pub async fn begun_in_tx(tx: &mut PgSession, requests: &[RequestHash]) -> Result<HashSet<RequestHash>, DbError> {
    if requests.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(repository::begun(tx, requests).await?)
}

async fn lock_found(tx: &mut PgSession, found: &[Payment]) -> Result<Vec<PaymentWithOperations>, DbError> {
    let ids: Vec<PaymentId> = found.iter().map(|payment| payment.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    lock_in_tx(tx, &ids).await
}

async fn with_operations(tx: &mut PgSession, payments: Vec<Payment>) -> Result<Vec<PaymentWithOperations>, DbError> {
    if payments.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = payments.iter().map(|payment| payment.id.uuid()).collect();
    let mut operations: HashMap<PaymentId, Vec<Operation>> = HashMap::new();
    for operation in repository::operations_of(tx, &ids).await? {
        operations.entry(operation.payment_id).or_default().push(operation);
    }
    let with = |payment: Payment| {
        let own = operations.remove(&payment.id).unwrap_or_default();
        (payment, own)
    };
    Ok(payments.into_iter().map(with).collect())
}

/// Writes payments with their operations, and a message for each change of a status and each refund. The caller holds their
/// locks. Counts up their versions and events.
pub async fn save_in_tx(tx: &mut PgSession, changes: &mut [PaymentChange]) -> Result<(), DbError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut events = Vec::new();
    for (place, PaymentChange { before, after, .. }) in changes.iter_mut().enumerate() {
        let happened = PaymentEventType::between(before.as_ref(), after);
        let last = before.as_ref().map_or(0, |before| before.event_sequence);
        after.version = before.as_ref().map_or(1, |before| before.version + 1);
        after.event_sequence = last + i32::try_from(happened.len()).unwrap_or_default();
        events.extend((last + 1..).zip(happened).map(|(sequence, event_type)| (place, sequence, event_type)));
    }
    let (new, known): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.before.is_none());
    let payments = |of: Vec<&PaymentChange>| of.into_iter().map(|change| change.after.clone()).collect::<Vec<_>>();
    let (new, known) = (payments(new), payments(known));
    if !new.is_empty() {
        repository::insert(tx, &new.iter().collect::<Vec<_>>()).await?;
    }
    if !known.is_empty() {
        repository::save(tx, &known.iter().collect::<Vec<_>>()).await?;
    }
    let operations: Vec<&Operation> = changes.iter().flat_map(|change| &change.operations).collect();
    if !operations.is_empty() {
        repository::save_operations(tx, &operations).await?;
    }
    let subjects: Vec<String> = changes.iter().map(|change| change.after.id.to_string()).collect();
    let messages: Vec<_> = events
        .into_iter()
        .map(|(place, sequence, event_type)| {
            let payment = &changes[place].after;
            message(payment, &subjects[place], event_type, sequence, payment.updated_at)
        })
        .collect();
    Ok(outbox::append_in_tx(tx, &messages).await?)
}

/// Gives a booking's payments to the organization that claims the booking.
pub async fn move_in_tx(
    tx: &mut PgSession,
    booking: BookingId,
    to: OrganizationId,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), DbError> {
    Ok(repository::move_to(tx, booking, to, now).await?)
}
