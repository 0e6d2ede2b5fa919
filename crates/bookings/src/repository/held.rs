//! Queries of an audit on bookings that were made of holds: each finds rows that break a rule and streams them. They read the
//! holds and the ledger, and write nothing.
use futures_util::Stream;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// The bookings to audit; `None` is all.
type Only<'a> = Option<&'a [Uuid]>;

/// The number of rows of these bookings.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Bookings that were made of holds.
    pub made: i64,
    pub claims: i64,
}

pub(crate) async fn counts(db: &mut PgSession, only: Only<'_>) -> sqlx::Result<Counts> {
    let counts = sqlx::query_as!(
        Counts,
        r#"select (select count(*) from bookings
                   where hold_id is not null and ($1::uuid[] is null or id = any($1))) as "made!",
                  (select count(*) from position_claims
                   where booking_id is not null and ($1::uuid[] is null or booking_id = any($1))) as "claims!""#,
        only as Only<'_>,
    );
    counts.fetch_one(db).await
}

/// A hold and a booking that do not name each other.
#[derive(Debug)]
pub(crate) struct Unlike {
    pub hold_id: Option<Uuid>,
    pub status: Option<String>,
    /// The booking, by the hold.
    pub named: Option<Uuid>,
    /// The booking that names the hold.
    pub booking_id: Option<Uuid>,
}

pub(crate) fn unlike<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Unlike>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Unlike,
        r#"select coalesce(h.id, b.hold_id) as "hold_id?", h.status as "status?", h.booking_id as "named?",
                  b.id as "booking_id?"
           from (select * from holds where status = 'COMMITTED' or booking_id is not null) h
           full join (select id, ref_id, hold_id from bookings where hold_id is not null) b
               on b.hold_id = h.id and b.id = h.booking_id and b.ref_id = h.booking_ref
           where (h.id is null or b.id is null or h.status <> 'COMMITTED')
             and ($1::uuid[] is null or coalesce(b.id, h.booking_id) = any($1))
           order by 1, 4"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// An entry by which a hold gave its space, and that did not go to its booking.
#[derive(Debug)]
pub(crate) struct Unposted {
    pub flight_id: Uuid,
    pub seq: i64,
    pub next: Option<String>,
}

/// Streams postings of holds without the equal entry of their booking under the next number.
pub(crate) fn unposted<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Unposted>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Unposted,
        r#"select p.flight_id as "flight_id!", p.seq as "seq!",
                  n.kind || format(' of %s hg, %s l, %s positions', n.weight_hg, n.volume_l, n.positions) as "next?"
           from capacity_ledger p
           left join holds h on h.id = p.hold_id
           left join capacity_ledger n on n.flight_id = p.flight_id and n.seq = p.seq + 1
           where p.kind = 'HOLD_POSTED' and ($1::uuid[] is null or h.booking_id = any($1))
             and (n.kind is distinct from 'BOOKED' or n.booking_id is distinct from h.booking_id
                  or (n.weight_hg, n.volume_l, n.positions)
                     is distinct from (-p.weight_hg, -p.volume_l, -p.positions))
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// A named position of a booking that it should not have.
#[derive(Debug)]
pub(crate) struct OddClaim {
    pub flight_id: Uuid,
    pub name: String,
    pub booking_id: Uuid,
}

/// Streams named positions of bookings that were not made of holds, have no leg in force on the flight, or fewer positions
/// there, and positions that the flight does not have.
pub(crate) fn odd_claims<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<OddClaim>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        OddClaim,
        r#"select flight_id as "flight_id!", name as "name!", booking_id as "booking_id!"
           from (select *, count(*) over (partition by flight_id, booking_id) as claimed from position_claims
                 where booking_id is not null and ($1::uuid[] is null or booking_id = any($1))) c
           where not exists (select from booking_legs l join bookings b on b.id = l.booking_id
                             where l.booking_id = c.booking_id and l.flight_id = c.flight_id
                               and l.status in ('BOOKED', 'DEPARTED', 'ARRIVED') and l.positions >= c.claimed
                               and b.hold_id is not null)
              or name not in (select 'P' || number from flight_capacity f
                              cross join lateral generate_series(
                                  1, coalesce(f.physical_positions, f.capacity_positions)) as number
                              where f.flight_id = c.flight_id)
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// Returns the holds that these bookings were made of, by either.
pub(crate) async fn holds_of(db: &mut PgSession, bookings: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select hold_id as "id!" from bookings where id = any($1) and hold_id is not null
           union select id from holds where booking_id = any($1)"#,
        bookings,
    );
    ids.fetch_all(db).await
}
