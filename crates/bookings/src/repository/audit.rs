//! Queries of an audit on bookings, legs, events and related tables: each finds rows that break a rule and streams
//! them; the database joins and sums large tables and spills to its disk. They read the ledger, the keys of repeated
//! requests and the outbox, and write nothing.
use chrono::{DateTime, Utc};
use futures_util::Stream;
use loadmaster_platform::{audit::UnpairedMessage, postgres::PgSession};
use uuid::Uuid;

/// The bookings to audit; `None` is all.
type Only<'a> = Option<&'a [Uuid]>;

/// The number of rows of these bookings in each table.
#[derive(Debug)]
pub(crate) struct Counts {
    pub bookings: i64,
    pub legs: i64,
    pub references: i64,
    pub claims: i64,
    pub messages: i64,
    pub keys: i64,
}

pub(crate) async fn counts(db: &mut PgSession, only: Only<'_>) -> sqlx::Result<Counts> {
    let counts = sqlx::query_as!(
        Counts,
        r#"select (select count(*) from bookings where $1::uuid[] is null or id = any($1)) as "bookings!",
                  (select count(*) from booking_legs where $1::uuid[] is null or booking_id = any($1)) as "legs!",
                  (select count(*) from booking_refs where $1::uuid[] is null or booking_id = any($1)) as "references!",
                  (select count(*) from awb_claims where $1::uuid[] is null or booking_id = any($1)) as "claims!",
                  (select count(*) from outbox where aggregate = 'booking'
                       and ($1::uuid[] is null or aggregate_id = any($1))) as "messages!",
                  (select count(*) from idempotency_records r
                   left join booking_refs f on r.location = '/api/v1/bookings/' || f.ref_id
                   where r.method = 'POST' and r.path = '/api/v1/bookings' and r.status between 200 and 299
                       and ($1::uuid[] is null or f.booking_id = any($1))) as "keys!""#,
        only as Only<'_>,
    );
    counts.fetch_one(db).await
}

/// A leg and its ledger sum on its flight, where the two disagree.
#[derive(Debug)]
pub(crate) struct Untrue {
    pub status: Option<String>,
    pub weight_hg: Option<i64>,
    pub volume_l: Option<i64>,
    pub positions: Option<i64>,
    pub booking_id: Option<Uuid>,
    pub leg_id: Option<Uuid>,
    pub flight_id: Option<Uuid>,
    /// Net, as text: sums may be larger than any column.
    pub taken: String,
}

/// Streams mismatches of legs and ledger: a leg in force must have its space in the ledger, on its flight and for its
/// booking, any other leg must have none, and no entry may lack its leg.
pub(crate) fn untrue_allocations<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Untrue>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Untrue,
        r#"select g.status as "status?", g.weight_hg as "weight_hg?", g.volume_l as "volume_l?",
                  g.positions as "positions?", coalesce(g.booking_id, net.booking_id) as "booking_id?",
                  coalesce(g.id, net.leg_id) as "leg_id?", coalesce(g.flight_id, net.flight_id) as "flight_id?",
                  concat(coalesce(net.weight, 0), ' hg, ', coalesce(net.volume, 0), ' l, ',
                         coalesce(net.positions, 0), ' positions') as "taken!"
           from (select * from booking_legs where $1::uuid[] is null or booking_id = any($1)) g
           full join (select booking_id, leg_id, flight_id, sum(weight_hg) as weight, sum(volume_l) as volume,
                             sum(positions) as positions
                      from capacity_ledger
                      where kind in ('BOOKED', 'AMENDED', 'RELEASED') and ($1::uuid[] is null or booking_id = any($1))
                      group by booking_id, leg_id, flight_id) net
               on net.leg_id = g.id and net.booking_id = g.booking_id and net.flight_id = g.flight_id
           where g.id is null
              or coalesce(net.weight, 0) <> case when g.status in ('BOOKED', 'DEPARTED', 'ARRIVED')
                                                 then g.weight_hg else 0 end
              or coalesce(net.volume, 0) <> case when g.status in ('BOOKED', 'DEPARTED', 'ARRIVED')
                                                 then g.volume_l else 0 end
              or coalesce(net.positions, 0) <> case when g.status in ('BOOKED', 'DEPARTED', 'ARRIVED')
                                                    then g.positions else 0 end
           order by 5, 6, 7"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// How many times a leg took space, changed it and released it: by its events and by the ledger.
#[derive(Debug)]
pub(crate) struct Unequal {
    pub booking_id: Option<Uuid>,
    pub leg_id: Option<String>,
    pub told_taken: i64,
    pub told_amended: i64,
    pub told_given: i64,
    pub taken: i64,
    pub amended: i64,
    pub given: i64,
}

/// Streams the legs whose events and ledger record different numbers of changes.
pub(crate) fn unequal_entries<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Unequal>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Unequal,
        r#"select booking_id as "booking_id?", leg_id as "leg_id?", coalesce(told.taken, 0) as "told_taken!",
                  coalesce(told.amended, 0) as "told_amended!", coalesce(told.given, 0) as "told_given!",
                  coalesce(entries.taken, 0) as "taken!", coalesce(entries.amended, 0) as "amended!",
                  coalesce(entries.given, 0) as "given!"
           from (select e.booking_id, leg ->> 'id' as leg_id,
                        count(*) filter (where leg ? 'flight_id') as taken,
                        count(*) filter (where not leg ? 'flight_id'
                                           and leg ?| array['weight_hg', 'volume_l', 'positions']) as amended,
                        count(*) filter (where leg ->> 'status' in ('OFFLOADED', 'RELEASED', 'CANCELLED', 'REPLACED'))
                            as given
                 from booking_events e
                 cross join lateral jsonb_array_elements(
                     case jsonb_typeof(e.data -> 'legs') when 'array' then e.data -> 'legs' else '[]' end) leg
                 where $1::uuid[] is null or e.booking_id = any($1)
                 group by 1, 2) told
           full join (select booking_id, leg_id::text as leg_id,
                             count(*) filter (where kind = 'BOOKED') as taken,
                             count(*) filter (where kind = 'AMENDED') as amended,
                             count(*) filter (where kind = 'RELEASED') as given
                      from capacity_ledger
                      where kind in ('BOOKED', 'AMENDED', 'RELEASED') and ($1::uuid[] is null or booking_id = any($1))
                      group by 1, 2) entries
               using (booking_id, leg_id)
           where (coalesce(told.taken, 0), coalesce(told.amended, 0), coalesce(told.given, 0))
                 <> (coalesce(entries.taken, 0), coalesce(entries.amended, 0), coalesce(entries.given, 0))
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// A key of a booking request that breaks a rule.
#[derive(Debug)]
pub(crate) struct StrayKey {
    pub principal_id: Uuid,
    pub key: String,
    pub location: Option<String>,
    pub created_by: Option<Uuid>,
    /// Number of keys that name the same booking.
    pub alike: i64,
}

/// Streams keys whose booking is missing, was made by another user, or has another key as well.
pub(crate) fn stray_keys<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<StrayKey>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        StrayKey,
        r#"select principal_id as "principal_id!", key as "key!", location as "location?", created_by as "created_by?",
                  alike as "alike!"
           from (select r.principal_id, r.key, r.location, b.created_by, b.id,
                        count(*) over (partition by r.location) as alike
                 from idempotency_records r
                 left join booking_refs f on r.location = '/api/v1/bookings/' || f.ref_id
                 left join bookings b on b.id = f.booking_id
                 where r.method = 'POST' and r.path = '/api/v1/bookings' and r.status between 200 and 299) made
           where (created_by is distinct from principal_id or alike > 1) and ($1::uuid[] is null or id = any($1))
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// A reference or an air waybill number without exactly one booking: its owner by each table.
#[derive(Debug)]
pub(crate) struct Claim {
    pub name: String,
    /// Owner by the table of all references or claims.
    pub claimed_by: Option<Uuid>,
    /// Owner by the booking itself.
    pub borne_by: Option<Uuid>,
}

pub(crate) fn stray_references<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Claim>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Claim,
        r#"select coalesce(r.ref_id, b.ref_id) as "name!", r.booking_id as "claimed_by?", b.id as "borne_by?"
           from booking_refs r full join bookings b on b.ref_id = r.ref_id and b.id = r.booking_id
           where (r.ref_id is null or b.id is null) and ($1::uuid[] is null or coalesce(b.id, r.booking_id) = any($1))
           order by 1"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// Streams claims that disagree with the bookings: a cancelled booking keeps its number and has no claim to it.
pub(crate) fn stray_claims<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Claim>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Claim,
        r#"select coalesce(c.awb_number, b.awb_number) as "name!", c.booking_id as "claimed_by?", b.id as "borne_by?"
           from awb_claims c
           full join (select id, awb_number from bookings where awb_number is not null and status <> 'CANCELLED') b
               on b.awb_number = c.awb_number and b.id = c.booking_id
           where (c.awb_number is null or b.id is null)
             and ($1::uuid[] is null or coalesce(b.id, c.booking_id) = any($1))
           order by 1"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// Streams events without a message, from `since` on, by default of the last six days.
pub(crate) fn missing_messages<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
    since: Option<DateTime<Utc>>,
) -> impl Stream<Item = sqlx::Result<UnpairedMessage>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        UnpairedMessage,
        "select e.booking_id as id, e.sequence, e.event_type from booking_events e
         where e.created_at >= coalesce($2, now() - interval '6 days')
           and ($1::uuid[] is null or e.booking_id = any($1))
           and not exists (select from outbox o where o.aggregate = 'booking' and o.aggregate_id = e.booking_id
                             and o.sequence = e.sequence and o.event_type = e.event_type)
         order by 1, 2",
        only as Only<'_>,
        since,
    );
    rows.fetch(db)
}

/// Streams messages without an event, or with the event of another message.
pub(crate) fn stray_messages<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<UnpairedMessage>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        UnpairedMessage,
        r#"select o.aggregate_id as "id!", o.sequence as "sequence!", o.event_type as "event_type!"
           from outbox o
           where o.aggregate = 'booking' and ($1::uuid[] is null or o.aggregate_id = any($1))
             and not exists (select from booking_events e where e.booking_id = o.aggregate_id
                               and e.sequence = o.sequence and e.event_type = o.event_type)
           union all
           select aggregate_id, sequence, min(event_type) from outbox
           where aggregate = 'booking' and ($1::uuid[] is null or aggregate_id = any($1))
           group by aggregate_id, sequence having count(*) > 1
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// Returns the bookings of a reference, by the table of references and by the bookings themselves.
pub(crate) async fn named(db: &mut PgSession, reference: &str) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select booking_id as "id!" from booking_refs where ref_id = $1
           union select id from bookings where ref_id = $1"#,
        reference,
    );
    ids.fetch_all(db).await
}

/// Returns every booking that ever had space on a flight, by its legs and by the flight's ledger.
pub(crate) async fn ever_on(db: &mut PgSession, flight: Uuid) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select booking_id as "id!" from booking_legs where flight_id = $1
           union select booking_id from capacity_ledger where flight_id = $1 and booking_id is not null"#,
        flight,
    );
    ids.fetch_all(db).await
}
