use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, Currency, HoldId, OrganizationId};
use loadmaster_platform::postgres::{PgSession, column};
use uuid::Uuid;

use crate::model::{Operation, Payment};

/// Inserts new payments.
pub(crate) async fn insert(db: &mut PgSession, new: &[&Payment]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into payments (id, organization_id, created_by, method, hold_id, booking_id, booking_ref, provider,
                               provider_reference, status, currency, amount, captured, refunded, action_url,
                               failure_code, failure_message, request_hash, attempt, operations, event_sequence,
                               version, created_at, updated_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[],
                              $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[],
                              $14::bigint[], $15::text[], $16::text[], $17::text[], $18::bytea[], $19::int[],
                              $20::int[], $21::int[], $22::int[], $23::timestamptz[], $24::timestamptz[])",
        &column(new, |p| p.id.uuid()),
        &column(new, |p| p.organization_id.uuid()),
        &column(new, |p| p.created_by.uuid()),
        &column(new, |p| p.method.as_str()) as &[&str],
        &column(new, |p| p.hold_id.map(HoldId::uuid)) as &[Option<Uuid>],
        &column(new, |p| p.booking.as_ref().map(|(id, _)| id.uuid())) as &[Option<Uuid>],
        &column(new, |p| p.booking.as_ref().map(|(_, reference)| reference.as_str())) as &[Option<&str>],
        &column(new, |p| p.provider.as_str()) as &[&str],
        &column(new, |p| p.provider_reference.as_deref()) as &[Option<&str>],
        &column(new, |p| p.status.as_str()) as &[&str],
        &column(new, |p| p.amount.currency()) as &[Currency],
        &column(new, |p| p.amount.minor()),
        &column(new, |p| p.captured),
        &column(new, |p| p.refunded),
        &column(new, |p| p.action_url.as_deref()) as &[Option<&str>],
        &column(new, |p| p.failure.as_ref().map(|f| f.code.as_str())) as &[Option<&str>],
        &column(new, |p| p.failure.as_ref().map(|f| f.message.as_str())) as &[Option<&str>],
        &column(new, |p| p.request_hash.as_ref().map(<[u8; 32]>::as_slice)) as &[Option<&[u8]>],
        &column(new, |p| p.attempt),
        &column(new, |p| p.operations),
        &column(new, |p| p.event_sequence),
        &column(new, |p| p.version),
        &column(new, |p| p.created_at),
        &column(new, |p| p.updated_at),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes the new states of payments whose locks the caller holds.
pub(crate) async fn save(db: &mut PgSession, changed: &[&Payment]) -> sqlx::Result<()> {
    sqlx::query!(
        "update payments p
         set organization_id = n.organization_id, booking_id = n.booking_id, booking_ref = n.booking_ref,
             provider_reference = n.provider_reference, status = n.status, captured = n.captured,
             refunded = n.refunded, action_url = n.action_url, failure_code = n.failure_code,
             failure_message = n.failure_message, operations = n.operations, event_sequence = n.event_sequence,
             version = n.version, updated_at = n.updated_at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
                     $9::text[], $10::text[], $11::text[], $12::int[], $13::int[], $14::int[], $15::timestamptz[])
              as n (id, organization_id, booking_id, booking_ref, provider_reference, status, captured, refunded,
                    action_url, failure_code, failure_message, operations, event_sequence, version, updated_at)
         where p.id = n.id",
        &column(changed, |p| p.id.uuid()),
        &column(changed, |p| p.organization_id.uuid()),
        &column(changed, |p| p.booking.as_ref().map(|(id, _)| id.uuid())) as &[Option<Uuid>],
        &column(changed, |p| p.booking.as_ref().map(|(_, reference)| reference.as_str())) as &[Option<&str>],
        &column(changed, |p| p.provider_reference.as_deref()) as &[Option<&str>],
        &column(changed, |p| p.status.as_str()) as &[&str],
        &column(changed, |p| p.captured),
        &column(changed, |p| p.refunded),
        &column(changed, |p| p.action_url.as_deref()) as &[Option<&str>],
        &column(changed, |p| p.failure.as_ref().map(|f| f.code.as_str())) as &[Option<&str>],
        &column(changed, |p| p.failure.as_ref().map(|f| f.message.as_str())) as &[Option<&str>],
        &column(changed, |p| p.operations),
        &column(changed, |p| p.event_sequence),
        &column(changed, |p| p.version),
        &column(changed, |p| p.updated_at),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Inserts operations, or writes the new states of those whose payments the caller has locked.
pub(crate) async fn save_operations(db: &mut PgSession, operations: &[&Operation]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into payment_operations (id, payment_id, sequence, kind, amount, status, reference, attempts,
                                         first_attempt_at, next_attempt_at, note, created_at, updated_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[],
                              $8::int[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::timestamptz[],
                              $13::timestamptz[])
         on conflict (id) do update
         set status = excluded.status, reference = excluded.reference, attempts = excluded.attempts,
             first_attempt_at = excluded.first_attempt_at, next_attempt_at = excluded.next_attempt_at,
             note = excluded.note, updated_at = excluded.updated_at",
        &column(operations, |o| o.id.uuid()),
        &column(operations, |o| o.payment_id.uuid()),
        &column(operations, |o| o.sequence),
        &column(operations, |o| o.kind.as_str()) as &[&str],
        &column(operations, |o| o.amount.minor()),
        &column(operations, |o| o.status.as_str()) as &[&str],
        &column(operations, |o| o.reference.as_deref()) as &[Option<&str>],
        &column(operations, |o| o.attempts),
        &column(operations, |o| o.first_attempt_at) as &[Option<DateTime<Utc>>],
        &column(operations, |o| o.next_attempt_at) as &[Option<DateTime<Utc>>],
        &column(operations, |o| o.note.as_deref()) as &[Option<&str>],
        &column(operations, |o| o.created_at),
        &column(operations, |o| o.updated_at),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Gives a booking's payments to another organization.
pub(crate) async fn move_to(
    db: &mut PgSession,
    booking: BookingId,
    to: OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with own as (select id from payments where booking_id = $1 order by id for no key update)
         update payments set organization_id = $2, version = version + 1, updated_at = $3
         where id in (select id from own)",
        booking.uuid(),
        to.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
