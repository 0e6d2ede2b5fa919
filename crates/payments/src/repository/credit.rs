use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingRef, Currency, OrganizationId, PaymentId, UserId, from_column};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{CreditAccount, CreditAnchor, CreditEntry, CreditKind};

struct Row {
    organization_id: Uuid,
    currency: Currency,
    credit_limit: i64,
    used: i64,
    entries: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for CreditAccount {
    fn from(row: Row) -> Self {
        Self {
            organization_id: row.organization_id.into(),
            currency: row.currency,
            limit: row.credit_limit,
            used: row.used,
            entries: row.entries,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A checked query for whole accounts; `$tail` selects and orders them.
macro_rules! select_accounts {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select organization_id, currency as "currency: _", credit_limit, used, entries, created_at, updated_at
               from credit_accounts "# + $tail
            $(, $argument)*
        )
    };
}

pub(crate) async fn account(db: &mut PgSession, organization: OrganizationId) -> sqlx::Result<Option<CreditAccount>> {
    let found = select_accounts!("where organization_id = $1", organization.uuid());
    Ok(found.fetch_optional(db).await?.map(Into::into))
}

/// Locks accounts in ascending order of organization, and reads them.
pub(crate) async fn lock_accounts(db: &mut PgSession, organizations: &[Uuid]) -> sqlx::Result<Vec<CreditAccount>> {
    let locked =
        select_accounts!("where organization_id = any($1) order by organization_id for no key update", organizations);
    Ok(locked.fetch_all(db).await?.into_iter().map(Into::into).collect())
}

/// Writes an account: a new one, or the new state of one that the caller has locked. A charge is written only if it stays
/// within the limit of the row, and a new account only if there is none; returns whether it was.
pub(crate) async fn save_account(
    db: &mut PgSession,
    account: &CreditAccount,
    entry: &CreditEntry,
) -> sqlx::Result<bool> {
    if account.entries == 1 {
        let inserted = sqlx::query!(
            "insert into credit_accounts (organization_id, currency, credit_limit, used, entries, created_at, updated_at)
             values ($1, $2, $3, $4, 1, $5, $6) on conflict (organization_id) do nothing",
            account.organization_id.uuid(),
            account.currency as Currency,
            account.limit,
            account.used,
            account.created_at,
            account.updated_at,
        );
        return Ok(inserted.execute(db).await?.rows_affected() > 0);
    }
    let charge = if entry.kind == CreditKind::Charge { entry.amount } else { 0 };
    let updated = sqlx::query!(
        "update credit_accounts set credit_limit = $2, used = $3, entries = $4, updated_at = $5
         where organization_id = $1 and entries = $4 - 1 and ($6::bigint = 0 or used + $6::bigint <= credit_limit)",
        account.organization_id.uuid(),
        account.limit,
        account.used,
        account.entries,
        account.updated_at,
        charge,
    );
    Ok(updated.execute(db).await?.rows_affected() > 0)
}

pub(crate) async fn insert_entry(db: &mut PgSession, entry: &CreditEntry) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into credit_entries (organization_id, seq, kind, amount, used, credit_limit, payment_id, booking_id,
                                     booking_ref, reference, actor_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        entry.organization_id.uuid(),
        entry.seq,
        entry.kind.as_str(),
        entry.amount,
        entry.used,
        entry.limit,
        entry.payment_id.map(PaymentId::uuid),
        entry.booking.as_ref().map(|(id, _)| id.uuid()),
        entry.booking.as_ref().map(|(_, reference)| reference.as_str()),
        entry.reference,
        entry.actor_id.map(UserId::uuid),
        entry.created_at,
    )
    .execute(db)
    .await
    .map(drop)
}

struct EntryRow {
    organization_id: Uuid,
    seq: i32,
    kind: String,
    amount: i64,
    used: i64,
    credit_limit: i64,
    payment_id: Option<Uuid>,
    booking_id: Option<Uuid>,
    booking_ref: Option<BookingRef>,
    reference: Option<String>,
    actor_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl TryFrom<EntryRow> for CreditEntry {
    type Error = sqlx::Error;

    fn try_from(row: EntryRow) -> sqlx::Result<Self> {
        Ok(Self {
            organization_id: row.organization_id.into(),
            seq: row.seq,
            kind: from_column(CreditKind::WORDS, &row.kind)?,
            amount: row.amount,
            used: row.used,
            limit: row.credit_limit,
            payment_id: row.payment_id.map(Into::into),
            booking: row.booking_id.map(Into::into).zip(row.booking_ref),
            reference: row.reference,
            actor_id: row.actor_id.map(Into::into),
            created_at: row.created_at,
        })
    }
}

/// A checked query for whole entries; `$tail` selects and orders them.
macro_rules! select_entries {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            EntryRow,
            r#"select organization_id, seq, kind, amount, used, credit_limit, payment_id, booking_id,
                      booking_ref as "booking_ref: _", reference, actor_id, created_at
               from credit_entries "# + $tail
            $(, $argument)*
        )
    };
}

/// Returns a page of an account's entries, newest first.
pub(crate) async fn entries(
    db: &mut PgSession,
    organization: OrganizationId,
    before: Option<CreditAnchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<CreditEntry>> {
    let rows = select_entries!(
        "where organization_id = $1 and ($2::int is null or seq < $2) order by seq desc limit $3 offset $4",
        organization.uuid(),
        before.map(|anchor| anchor.0),
        fetch,
        i64::from(offset),
    );
    rows.fetch_all(db).await?.into_iter().map(CreditEntry::try_from).collect()
}

/// Returns the entries from one moment to another, oldest first.
pub(crate) async fn statement(
    db: &mut PgSession,
    organization: OrganizationId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<CreditEntry>> {
    let rows = select_entries!(
        "where organization_id = $1 and created_at >= $2 and created_at < $3 order by seq limit $4",
        organization.uuid(),
        from,
        until,
        most,
    );
    rows.fetch_all(db).await?.into_iter().map(CreditEntry::try_from).collect()
}

/// Returns the last entry before a moment.
pub(crate) async fn opening(
    db: &mut PgSession,
    organization: OrganizationId,
    before: DateTime<Utc>,
) -> sqlx::Result<Option<CreditEntry>> {
    let last = select_entries!(
        "where organization_id = $1 and created_at < $2 order by seq desc limit 1",
        organization.uuid(),
        before,
    );
    last.fetch_optional(db).await?.map(CreditEntry::try_from).transpose()
}
