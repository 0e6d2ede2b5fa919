//! Queries of an audit on holds, their legs, events and named positions: each finds rows that break a rule and streams them.
//! They read the flights' rows and ledgers and the outbox, and write nothing.
use chrono::{DateTime, Utc};
use futures_util::Stream;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{audit::UnpairedMessage, postgres::PgSession};
use uuid::Uuid;

/// The holds or flights to audit; `None` is all.
type Only<'a> = Option<&'a [Uuid]>;

/// The number of rows of these holds in each table.
#[derive(Debug)]
pub(crate) struct Counts {
    pub holds: i64,
    pub open_legs: i64,
    pub claims: i64,
    pub messages: i64,
}

pub(crate) async fn counts(db: &mut PgSession, only: Only<'_>) -> sqlx::Result<Counts> {
    let counts = sqlx::query_as!(
        Counts,
        r#"select (select count(*) from holds where $1::uuid[] is null or id = any($1)) as "holds!",
                  (select count(*) from hold_legs where is_open and ($1::uuid[] is null or hold_id = any($1)))
                      as "open_legs!",
                  (select count(*) from position_claims
                   where hold_id is not null and ($1::uuid[] is null or hold_id = any($1))) as "claims!",
                  (select count(*) from outbox where aggregate = 'hold'
                       and ($1::uuid[] is null or aggregate_id = any($1))) as "messages!""#,
        only as Only<'_>,
    );
    counts.fetch_one(db).await
}

/// A flight whose space held is not what holds keep and what is set aside. Figures as text: sums may be larger than any
/// column.
#[derive(Debug)]
pub(crate) struct Misheld {
    pub flight_id: Uuid,
    pub held: String,
    /// Of its open holds, and set aside.
    pub kept: String,
    pub aside: String,
    /// Set aside, by the ledger.
    pub entered: String,
}

pub(crate) fn misheld<'a>(
    db: &'a mut PgSession,
    flights: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Misheld>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Misheld,
        r#"select flight_id as "flight_id!", held as "held!", kept as "kept!", aside as "aside!", entered as "entered!"
           from (
               select c.flight_id,
                      format('%s hg, %s l, %s positions', c.held_weight_hg, c.held_volume_l, c.held_positions) as held,
                      format('%s hg, %s l, %s positions', coalesce(l.weight, 0) + c.aside_weight_hg,
                             coalesce(l.volume, 0) + c.aside_volume_l, coalesce(l.positions, 0) + c.aside_positions)
                          as kept,
                      format('%s hg, %s l, %s positions', c.aside_weight_hg, c.aside_volume_l, c.aside_positions)
                          as aside,
                      format('%s hg, %s l, %s positions', coalesce(s.weight, 0), coalesce(s.volume, 0),
                             coalesce(s.positions, 0)) as entered
               from flight_capacity c
               left join (select flight_id, sum(weight_hg) as weight, sum(volume_l) as volume,
                                 sum(positions) as positions
                          from hold_legs where is_open group by flight_id) l on l.flight_id = c.flight_id
               left join (select flight_id, sum(weight_hg) as weight, sum(volume_l) as volume,
                                 sum(positions) as positions
                          from capacity_ledger
                          where kind in ('SET_ASIDE', 'OPENED') and ($1::uuid[] is null or flight_id = any($1))
                          group by flight_id) s on s.flight_id = c.flight_id
               where $1::uuid[] is null or c.flight_id = any($1)) each
           where held <> kept or aside <> entered
           order by 1"#,
        flights as Only<'_>,
    );
    rows.fetch(db)
}

/// What a hold keeps on a flight, and the sum of its ledger entries there, where the two disagree.
#[derive(Debug)]
pub(crate) struct Untrue {
    pub hold_id: Option<Uuid>,
    pub flight_id: Option<Uuid>,
    pub kept: String,
    pub taken: String,
}

pub(crate) fn untrue_entries<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Untrue>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Untrue,
        r#"select hold_id as "hold_id?", flight_id as "flight_id?", kept as "kept!", taken as "taken!"
           from (
               select coalesce(g.hold_id, net.hold_id) as hold_id, coalesce(g.flight_id, net.flight_id) as flight_id,
                      format('%s hg, %s l, %s positions', coalesce(g.weight_hg, 0), coalesce(g.volume_l, 0),
                             coalesce(g.positions, 0)) as kept,
                      format('%s hg, %s l, %s positions', coalesce(net.weight, 0), coalesce(net.volume, 0),
                             coalesce(net.positions, 0)) as taken
               from (select * from hold_legs where is_open and ($1::uuid[] is null or hold_id = any($1))) g
               full join (select hold_id, flight_id, sum(weight_hg) as weight, sum(volume_l) as volume,
                                 sum(positions) as positions
                          from capacity_ledger
                          where kind in ('HELD', 'HOLD_AMENDED', 'HOLD_POSTED', 'HOLD_RELEASED', 'HOLD_EXPIRED')
                            and ($1::uuid[] is null or hold_id = any($1))
                          group by hold_id, flight_id) net
                   on net.hold_id = g.hold_id and net.flight_id = g.flight_id) each
           where kept <> taken
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// A leg that is not open as long as its hold is active.
#[derive(Debug)]
pub(crate) struct OddLeg {
    pub hold_id: Uuid,
    pub sequence: Option<i32>,
    pub status: String,
}

/// Streams such legs, and active holds without a leg.
pub(crate) fn odd_legs<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<OddLeg>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        OddLeg,
        r#"select h.id as "hold_id!", l.sequence as "sequence?", h.status as "status!"
           from holds h left join hold_legs l on l.hold_id = h.id
           where ($1::uuid[] is null or h.id = any($1))
             and coalesce(l.is_open, false) <> h.is_open
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// A hold that is not as its events say.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub hold_id: Uuid,
    /// `None`: there is no such hold.
    pub status: Option<String>,
    pub event_sequence: Option<i32>,
    pub events: i64,
    pub last: Option<i32>,
    /// How many events end it.
    pub ends: i64,
    pub last_type: Option<String>,
}

pub(crate) fn mismatches<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<Mismatch>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        Mismatch,
        r#"select coalesce(h.id, e.hold_id) as "hold_id!", h.status as "status?",
                  h.event_sequence as "event_sequence?", coalesce(e.events, 0) as "events!", e.last as "last?",
                  coalesce(e.ends, 0) as "ends!", e.last_type as "last_type?"
           from (select * from holds where $1::uuid[] is null or id = any($1)) h
           full join (select hold_id, count(*) as events, max(sequence) as last,
                             count(*) filter (where event_type in ('COMMITTED', 'RELEASED', 'EXPIRED')) as ends,
                             (array_agg(event_type order by sequence desc))[1] as last_type
                      from hold_events where $1::uuid[] is null or hold_id = any($1)
                      group by hold_id) e on e.hold_id = h.id
           where h.id is null or e.hold_id is null or e.events <> e.last or e.last <> h.event_sequence
              or e.ends <> case when h.is_open then 0 else 1 end
              or (not h.is_open and e.last_type <> h.status)
           order by 1"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// A named position without the holder that it should have.
#[derive(Debug)]
pub(crate) struct OddClaim {
    pub flight_id: Uuid,
    pub name: String,
    pub hold_id: Option<Uuid>,
}

/// Streams the named positions of open holds that they do not have. A hold whose time is up loses them to the next that
/// names them.
pub(crate) fn lost_names<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<OddClaim>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        OddClaim,
        r#"select l.flight_id as "flight_id!", n.name as "name!", l.hold_id as "hold_id?"
           from hold_legs l
           join holds h on h.id = l.hold_id
           cross join lateral unnest(l.position_names) as n (name)
           left join position_claims c on c.flight_id = l.flight_id and c.name = n.name
           where l.is_open and ($1::uuid[] is null or l.hold_id = any($1)) and c.hold_id is distinct from l.hold_id
             and not exists (select from holds o where o.id = c.hold_id and o.updated_at >= h.expires_at)
             and not exists (select from holds o where o.booking_id = c.booking_id and o.updated_at >= h.expires_at)
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// Streams the positions that holds have without naming them, or that their flights do not have.
pub(crate) fn stray_claims<'a>(
    db: &'a mut PgSession,
    only: Only<'_>,
) -> impl Stream<Item = sqlx::Result<OddClaim>> + Send + Unpin + use<'a> {
    let rows = sqlx::query_as!(
        OddClaim,
        r#"select c.flight_id as "flight_id!", c.name as "name!", c.hold_id as "hold_id?"
           from position_claims c join flight_capacity f on f.flight_id = c.flight_id
           where c.hold_id is not null and ($1::uuid[] is null or c.hold_id = any($1))
             and (c.name not in (select 'P' || number
                                 from generate_series(1, coalesce(f.physical_positions, f.capacity_positions)) as number)
                  or not exists (select from hold_legs l where l.hold_id = c.hold_id and l.flight_id = c.flight_id
                                   and l.is_open and c.name = any(l.position_names)))
           order by 1, 2"#,
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
        "select e.hold_id as id, e.sequence, e.event_type from hold_events e
         where e.created_at >= coalesce($2, now() - interval '6 days')
           and ($1::uuid[] is null or e.hold_id = any($1))
           and not exists (select from outbox o where o.aggregate = 'hold' and o.aggregate_id = e.hold_id
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
           where o.aggregate = 'hold' and ($1::uuid[] is null or o.aggregate_id = any($1))
             and not exists (select from hold_events e where e.hold_id = o.aggregate_id
                               and e.sequence = o.sequence and e.event_type = o.event_type)
           union all
           select aggregate_id, sequence, min(event_type) from outbox
           where aggregate = 'hold' and ($1::uuid[] is null or aggregate_id = any($1))
           group by aggregate_id, sequence having count(*) > 1
           order by 1, 2"#,
        only as Only<'_>,
    );
    rows.fetch(db)
}

/// Returns every hold that ever kept space on a flight, by its legs and by the flight's ledger.
pub(crate) async fn ever_on(db: &mut PgSession, flight: FlightId) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select hold_id as "id!" from hold_legs where flight_id = $1
           union select hold_id from capacity_ledger where flight_id = $1 and hold_id is not null"#,
        flight.uuid(),
    );
    ids.fetch_all(db).await
}
