//! Reads entries, offers and flights for an audit. The time limits of requests do not apply here.
use chrono::{DateTime, Utc};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

pub(crate) async fn count(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from waitlist_entries"#).fetch_one(db).await
}

/// Returns open offers without an entry that has them.
pub(crate) async fn astray_offers(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select h.id from holds h
         where h.kind = 'OFFER'
           and not exists (select from waitlist_entries e where e.hold_id = h.id
                           and (e.status = 'OFFERED' or not h.is_open))
         order by 1",
    );
    ids.fetch_all(db).await
}

/// Returns entries that contradict their offers or their flights. What became of an offer may be recorded a little later.
pub(crate) async fn astray_entries(db: &mut PgSession) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select e.id from waitlist_entries e left join holds h on h.id = e.hold_id
         where (e.status = 'WAITING') <> exists (select from waitlist_flights f where f.entry_id = e.id)
            or (e.hold_id is null) <> (h.id is null)
            or (e.status = 'WAITING' and h.id is not null)
            or (e.status = 'OFFERED' and h.id is null)
            or (e.status = 'BOOKED' and h.status <> 'COMMITTED')
            or (e.status = 'DECLINED' and (h.status <> 'RELEASED' or h.end_reason not in ('CALLER', 'DECLINED')))
            or (e.status = 'EXPIRED' and h.status <> 'EXPIRED'
                and h.end_reason is distinct from 'FLIGHT_DEPARTED' and h.end_reason is distinct from 'CAPACITY_CUT')
            or (e.status = 'CANCELLED' and h.id is not null and h.end_reason is distinct from 'FLIGHT_CANCELLED')
            or (h.id is not null and h.kind <> 'OFFER')
         order by 1",
    );
    ids.fetch_all(db).await
}

/// A flight that counts other entries than wait for it.
pub(crate) struct Mismatch {
    pub flight_id: Uuid,
    pub said: i32,
    pub waiting: i64,
}

/// Returns flights that count other entries than wait for them, or have space set aside that nobody waits for. The rest is
/// opened within seconds after the last entry has left.
pub(crate) async fn flight_mismatches(db: &mut PgSession, flights: Option<&[Uuid]>) -> sqlx::Result<Vec<Mismatch>> {
    let rows = sqlx::query_as!(
        Mismatch,
        r#"select c.flight_id, c.waiting as said, w.waiting as "waiting!"
           from flight_capacity c
           cross join lateral (select count(*) as waiting from waitlist_flights f where f.flight_id = c.flight_id) w
           where ($1::uuid[] is null or c.flight_id = any($1))
             and ((c.status = 'SCHEDULED' and c.waiting <> w.waiting)
                  or (c.status <> 'SCHEDULED' and c.waiting <> 0)
                  or (c.status <> 'SCHEDULED'
                      and (c.aside_weight_hg, c.aside_volume_l, c.aside_positions) <> (0, 0, 0))
                  or (c.aside_until is null)
                      <> ((c.aside_weight_hg, c.aside_volume_l, c.aside_positions) = (0, 0, 0)))
           order by 1"#,
        flights as Option<&[Uuid]>,
    );
    rows.fetch_all(db).await
}

/// Returns flights on which space is still set aside a minute after its time, or after the cut-off, or for nobody, where nothing
/// has changed on the waitlist since then. `now`: the database's time by default.
pub(crate) async fn forgotten(
    db: &mut PgSession,
    flights: Option<&[Uuid]>,
    now: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"with due as (select coalesce($2::timestamptz, now()) - interval '1 minute' as at)
           select c.flight_id from flight_capacity c cross join due
           where ($1::uuid[] is null or c.flight_id = any($1))
             and (c.aside_weight_hg, c.aside_volume_l, c.aside_positions) <> (0, 0, 0)
             and (c.aside_until < due.at or c.cutoff_at < due.at
                  or (c.waiting = 0
                      and not exists (select from waitlist_entries e where e.updated_at >= due.at)
                      and not exists (select from capacity_ledger l where l.flight_id = c.flight_id
                                        and l.seq = c.ledger_seq and l.recorded_at >= due.at)))
           order by 1"#,
        flights as Option<&[Uuid]>,
        now,
    );
    ids.fetch_all(db).await
}
