//! Reads payments and credit for an audit. The time limits of requests do not apply here.
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

pub(crate) async fn count(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from payments"#).fetch_one(db).await
}

/// Returns payments whose figures or status do not follow from their operations.
pub(crate) async fn astray_payments(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select p.id from payments p
         cross join lateral (
             select count(*) as total, coalesce(max(sequence), 0) as last,
                    count(*) filter (where status = 'SUCCEEDED' and kind = 'AUTHORIZE') as authorized,
                    count(*) filter (where status = 'SUCCEEDED' and kind = 'CAPTURE') as captures,
                    count(*) filter (where status = 'SUCCEEDED' and kind = 'VOID') as voids,
                    count(*) filter (where status = 'DECLINED') as declined,
                    coalesce(sum(amount) filter (where status = 'SUCCEEDED' and kind = 'CAPTURE'), 0) as captured,
                    coalesce(sum(amount) filter (where status = 'SUCCEEDED' and kind = 'REFUND'), 0) as refunded,
                    coalesce(sum(amount) filter (where status <> 'DECLINED' and kind = 'REFUND'), 0) as promised
             from payment_operations o where o.payment_id = p.id) o
         where p.operations <> o.total or o.last <> o.total
            or p.captured <> o.captured or p.refunded <> o.refunded or o.captures > 1
            or not (0 <= p.refunded and p.refunded <= p.captured and p.captured <= p.amount)
            or o.promised > p.captured
            or (p.status = 'CAPTURED') <> (o.captures = 1)
            or (p.status = 'AUTHORIZED' and o.authorized = 0)
            or (p.status = 'VOIDED' and o.voids = 0 and o.declined = 0)
            or (p.status = 'FAILED' and o.declined = 0)
            or (p.method = 'TOKEN' and o.captures > 0 and o.authorized = 0)
         order by 1",
    );
    ids.fetch_all(db).await
}

/// Returns holds and bookings with more than one open payment.
pub(crate) async fn paid_twice(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select subject as "subject!" from (
               select id, hold_id as subject from payments
               where status in ('CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED')
               union all
               select id, booking_id from payments
               where status in ('CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED')) open
           where subject is not null group by subject having count(distinct id) > 1 order by 1"#
    );
    ids.fetch_all(db).await
}

/// Returns operations of the provider `test` that its journal does not have as our books have them, and charges in the
/// journal that our books do not know.
pub(crate) async fn astray_journal(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select o.id as "id!" from payment_operations o
           join payments p on p.id = o.payment_id
           left join test_operations t on t.operation_id = o.id
           where p.provider = 'test'
             and ((o.status = 'SUCCEEDED'
                   and (t.outcome is distinct from 'SUCCEEDED' or t.amount <> o.amount or t.kind <> o.kind
                        or t.currency <> p.currency))
                  or (o.status = 'DECLINED' and t.outcome = 'SUCCEEDED' and o.kind <> 'VOID'
                      -- confirmed, and voided before the provider was looked at
                      and not (o.kind = 'AUTHORIZE' and p.status = 'VOIDED')))
           union all
           select t.operation_id from test_operations t
           left join payment_operations o on o.id = t.operation_id
           where o.id is null
           order by 1"#
    );
    ids.fetch_all(db).await
}

pub(crate) async fn count_entries(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from credit_entries"#).fetch_one(db).await
}

/// An entry, or an account, that does not follow from the entries before.
pub(crate) struct CreditMismatch {
    pub organization_id: Uuid,
    pub seq: i32,
}

/// Returns the entries that do not follow from those before them, and the accounts that differ from their last entry, with
/// the number that it should have.
pub(crate) async fn credit_mismatches(db: &mut PgSession) -> sqlx::Result<Vec<CreditMismatch>> {
    let rows = sqlx::query_as!(
        CreditMismatch,
        r#"with replayed as (
               select organization_id, seq, kind, used, credit_limit, amount,
                      row_number() over way as place,
                      sum(case kind when 'CHARGE' then amount when 'LIMIT' then 0 else -amount end) over way as should_use,
                      lag(credit_limit, 1, 0::bigint) over way as limit_before
               from credit_entries window way as (partition by organization_id order by seq)
           )
           select organization_id as "organization_id!", seq as "seq!" from replayed
           where seq <> place or used <> should_use
              or credit_limit <> case kind when 'LIMIT' then amount else limit_before end
              or (kind = 'CHARGE' and used > credit_limit)
           union all
           select a.organization_id, a.entries from credit_accounts a
           left join lateral (
               select seq, used, credit_limit from credit_entries e
               where e.organization_id = a.organization_id order by seq desc limit 1) e on true
           where (a.entries, a.used, a.credit_limit) is distinct from (e.seq, e.used, e.credit_limit)
           order by 1, 2"#
    );
    rows.fetch_all(db).await
}

/// A payment from an account, or its entries, without the other.
pub(crate) struct StrayCharge {
    pub payment_id: Option<Uuid>,
    pub captured: i64,
    pub refunded: i64,
    /// By the entries.
    pub charged: i64,
    pub returned: i64,
}

/// Returns payments on account that were not charged once, as they say, to the account of their organization, or did not go
/// back to it as they say, and entries of charges and refunds without such a payment.
pub(crate) async fn stray_charges(db: &mut PgSession) -> sqlx::Result<Vec<StrayCharge>> {
    let rows = sqlx::query_as!(
        StrayCharge,
        r#"select coalesce(p.id, e.payment_id) as "payment_id?", coalesce(p.captured, 0) as "captured!",
                  coalesce(p.refunded, 0) as "refunded!", coalesce(e.charged, 0) as "charged!",
                  coalesce(e.returned, 0) as "returned!"
           from (select * from payments where method = 'ACCOUNT') p
           full join (select payment_id, organization_id, count(*) filter (where kind = 'CHARGE') as charges,
                             coalesce(sum(amount) filter (where kind = 'CHARGE'), 0)::bigint as charged,
                             coalesce(sum(amount) filter (where kind = 'REFUND'), 0)::bigint as returned
                      from credit_entries where kind in ('CHARGE', 'REFUND')
                      group by payment_id, organization_id) e
               on e.payment_id = p.id and e.organization_id = p.organization_id
           where p.id is null or (coalesce(e.charges, 0), coalesce(e.charged, 0), coalesce(e.returned, 0))
                                 <> (1, p.captured, p.refunded)
           order by 1"#
    );
    rows.fetch_all(db).await
}
