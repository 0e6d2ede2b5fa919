//! Queries of an audit on what bookings cost and what was paid for them. They read holds, quotes and payments, and write
//! nothing.
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// The bookings to audit; `None` is all.
type Only<'a> = Option<&'a [Uuid]>;

/// Returns the number of bookings with a price.
pub(crate) async fn count(db: &mut PgSession, only: Only<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from bookings where bill is not null and ($1::uuid[] is null or id = any($1))"#,
        only as Only<'_>,
    )
    .fetch_one(db)
    .await
}

/// Returns bookings whose price is not that of their quote.
pub(crate) async fn mispriced(db: &mut PgSession, only: Only<'_>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select b.id as "id!"
           from (select id, bill->'price' as price from bookings
                 where bill is not null and ($1::uuid[] is null or id = any($1))) b
           left join quotes q on q.id = (b.price->>'quote_id')::uuid
           where q.id is null or not q.is_taken or q.body->'priced'->'total' <> b.price->'total'
           order by 1"#,
        only as Only<'_>,
    )
    .fetch_all(db)
    .await
}

/// A bill that says otherwise than the payments.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub booking_id: Uuid,
    pub paid: i64,
    pub refunded: i64,
    pub captured: i64,
    pub returned: i64,
}

/// Returns bills that do not say what was paid, or of which more was kept than was ever agreed.
pub(crate) async fn mismatches(db: &mut PgSession, only: Only<'_>) -> sqlx::Result<Vec<Mismatch>> {
    sqlx::query_as!(
        Mismatch,
        r#"select b.id as "booking_id!", (b.bill->>'paid')::bigint as "paid!",
                  (b.bill->>'refunded')::bigint as "refunded!", p.captured as "captured!", p.returned as "returned!"
           from (select id, organization_id, bill from bookings
                 where bill is not null and ($1::uuid[] is null or id = any($1))) b
           cross join lateral (
               select coalesce(sum(captured), 0)::bigint as captured, coalesce(sum(refunded), 0)::bigint as returned,
                      coalesce(bool_or(status in ('CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED')), false) as is_open,
                      coalesce(bool_or(organization_id <> b.organization_id), false) as is_anothers
               from payments where booking_id = b.id) p
           where (b.bill->>'paid')::bigint <> p.captured or (b.bill->>'refunded')::bigint <> p.returned
              or (b.bill->>'is_open')::boolean <> p.is_open or p.is_anothers
              or p.captured - p.returned > (b.bill->>'highest')::bigint
           order by 1"#,
        only as Only<'_>,
    )
    .fetch_all(db)
    .await
}

/// A booking of which more is kept than its events say, or that has another bill.
#[derive(Debug)]
pub(crate) struct Overkept {
    pub booking_id: Uuid,
    /// By the operations of its payments, in minor units.
    pub kept: i64,
    /// By its events.
    pub owed: i64,
    /// Otherwise its bill is another than that of its events.
    pub is_over: bool,
}

/// Returns bookings of which more is kept than the fee or the total of their events, while no refund is under way, and those
/// whose bill is not the one of their last event. An amount is written with all decimals of its currency.
pub(crate) async fn overkept(db: &mut PgSession, only: Only<'_>) -> sqlx::Result<Vec<Overkept>> {
    sqlx::query_as!(
        Overkept,
        r#"with told as (
               select distinct on (booking_id) booking_id, data->'bill' as bill from booking_events
               where data ? 'bill' and ($1::uuid[] is null or booking_id = any($1))
               order by booking_id, sequence desc),
           ended as (
               select booking_id, min((data#>>'{bill,full_fee,amount}')::bigint) as most from booking_events
               where event_type = 'CANCELLED' and data ? 'bill' and ($1::uuid[] is null or booking_id = any($1))
               group by booking_id),
           moved as (
               select p.booking_id,
                      coalesce(sum(o.amount) filter (where o.kind = 'CAPTURE' and o.status = 'SUCCEEDED'), 0)::bigint
                      - coalesce(sum(o.amount) filter (where o.kind = 'REFUND' and o.status = 'SUCCEEDED'), 0)::bigint
                          as kept,
                      coalesce(bool_or(o.kind = 'REFUND' and o.status in ('OPEN', 'UNRESOLVED')), false) as is_refunding
               from payments p join payment_operations o on o.payment_id = p.id
               where p.booking_id is not null and ($1::uuid[] is null or p.booking_id = any($1))
               group by p.booking_id),
           each as (
               -- A process of an earlier version writes the bill without its floor; the floor of the events stands.
               select b.id,
                      b.bill is distinct from t.bill
                          and (b.bill ? 'floor' or b.bill is distinct from t.bill - 'floor') as is_unlike,
                      coalesce(m.kept, 0) as kept,
                      coalesce(m.is_refunding, false) as is_refunding,
                      coalesce(least((t.bill->>'fee')::bigint, e.most),
                               greatest(replace(t.bill#>>'{price,total,amount}', '.', '')::bigint,
                                        (t.bill#>>'{floor,amount}')::bigint), 0) as owed
               from bookings b
               left join told t on t.booking_id = b.id
               left join ended e on e.booking_id = b.id
               left join moved m on m.booking_id = b.id
               where b.bill is not null and ($1::uuid[] is null or b.id = any($1)))
           select id as "booking_id!", kept as "kept!", owed as "owed!", kept > owed and not is_refunding as "is_over!"
           from each where is_unlike or (kept > owed and not is_refunding)
           order by 1"#,
        only as Only<'_>,
    )
    .fetch_all(db)
    .await
}

/// Returns payments that were captured without a booking, or whose hold or booking does not know them.
pub(crate) async fn stray_payments(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select p.id as "id!"
           from payments p
           left join holds h on h.id = p.hold_id
           left join bookings b on b.id = p.booking_id
           where (p.captured > 0 and b.id is null and p.hold_id is not null)
              or (p.booking_id is not null and (b.id is null or b.bill is null or b.ref_id <> p.booking_ref))
              or (p.hold_id is not null and (h.id is null or (b.id is not null and b.hold_id is distinct from h.id)))
           order by 1"#,
    )
    .fetch_all(db)
    .await
}

/// Returns holds that wait for a payment that is over. One that is void may have ended the hold's time.
pub(crate) async fn stray_holds(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select h.id as "id!"
           from holds h
           left join payments p on p.id = h.payment_id
           where h.status = 'COMMITTING'
             and (p.id is null or p.booking_id is not null or p.status in ('CAPTURED', 'FAILED', 'VOIDED'))
           order by 1"#,
    )
    .fetch_all(db)
    .await
}

/// Returns uses of sales that no hold has a right to, and holds without the use that they have a right to. A booking that is
/// cancelled and was never paid returns its use; earlier versions, which wrote no reason of the fee, did not.
pub(crate) async fn stray_uses(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select coalesce(u.subject_id, h.id) as "id!"
           from sale_uses u
           full join (select h.id, q.sale_id, b.is_unpaid, b.returns
                      from holds h
                      join quotes q on q.id = h.quote_id
                      left join lateral (
                          select status = 'CANCELLED' and bill->>'paid' = '0' and bill->>'is_open' = 'false' as is_unpaid,
                                 bill->'full_fee' ? 'reason' as returns
                          from bookings where id = h.booking_id and bill is not null) b on true
                      where q.sale_id is not null and (h.is_open or h.status = 'COMMITTED')) h
               on h.id = u.subject_id and h.sale_id = u.sale_id
           where (u.subject_id is null and h.is_unpaid is not true) or h.id is null
              or (u.subject_id is not null and h.is_unpaid and h.returns)
           order by 1"#,
    )
    .fetch_all(db)
    .await
}
