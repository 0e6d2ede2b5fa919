//! Reads allotments' holds for an audit. The time limits of requests do not apply here.
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

pub(crate) async fn count(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from allotment_flights"#).fetch_one(db).await
}

/// Returns open holds that do not keep what is left of their freight after what was drawn, and holds that are open or were
/// drawn from although they are not the last of an allotment of their organization on the flight.
pub(crate) async fn astray_holds(db: &mut PgSession, flights: Option<&[Uuid]>) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select h.id from holds h
         join hold_legs l on l.hold_id = h.id
         cross join lateral (
             select coalesce(sum(weight_hg), 0) as weight, coalesce(sum(volume_l), 0) as volume,
                    coalesce(sum(positions), 0) as positions, count(*) as takers
             from allotment_draws d where d.hold_id = h.id and d.flight_id = l.flight_id) drawn
         where h.kind = 'ALLOTMENT' and ($1::uuid[] is null or l.flight_id = any($1))
           and (h.status = 'ACTIVE' or drawn.takers > 0)
           and ((h.status = 'ACTIVE' and (l.weight_hg, l.volume_l, l.positions)
                     <> (greatest(h.weight_hg - drawn.weight, 0), greatest(h.volume_l - drawn.volume, 0),
                         greatest(h.positions - drawn.positions, 0)))
                or not exists (select from allotment_flights r join allotments a on a.id = r.allotment_id
                               where r.hold_id = h.id and r.flight_id = l.flight_id
                                 and a.organization_id = h.organization_id))
         order by 1",
        flights as Option<&[Uuid]>,
    );
    ids.fetch_all(db).await
}

/// Returns the holds and legs that have drawn more than they take, and those that are no longer in force.
pub(crate) async fn astray_takers(db: &mut PgSession, flights: Option<&[Uuid]>) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select d.taker_id as "id!"
           from (select taker_id, flight_id, sum(weight_hg) as weight, sum(volume_l) as volume,
                        sum(positions) as positions
                 from allotment_draws where $1::uuid[] is null or flight_id = any($1)
                 group by taker_id, flight_id) d
           join (select hold_id as id, flight_id, is_open as is_in_force, weight_hg, volume_l, positions
                 from hold_legs
                 union all
                 select id, flight_id, status in ('BOOKED', 'DEPARTED', 'ARRIVED'), weight_hg, volume_l, positions
                 from booking_legs) l on l.id = d.taker_id and l.flight_id = d.flight_id
           where not l.is_in_force or l.weight_hg < d.weight or l.volume_l < d.volume or l.positions < d.positions
           order by 1"#,
        flights as Option<&[Uuid]>,
    );
    ids.fetch_all(db).await
}

/// A flight that counts other allotments than have or had space on it.
pub(crate) struct Mismatch {
    pub flight_id: Uuid,
    pub said: i32,
    pub allotted: i64,
}

pub(crate) async fn flight_mismatches(db: &mut PgSession, flights: Option<&[Uuid]>) -> sqlx::Result<Vec<Mismatch>> {
    let rows = sqlx::query_as!(
        Mismatch,
        r#"select c.flight_id, c.allotted as said, coalesce(k.allotted, 0) as "allotted!"
           from flight_capacity c
           left join (select flight_id, count(*) as allotted
                      from allotment_flights where hold_id is not null group by flight_id) k
                  on k.flight_id = c.flight_id
           where ($1::uuid[] is null or c.flight_id = any($1)) and c.allotted <> coalesce(k.allotted, 0)
           order by 1"#,
        flights as Option<&[Uuid]>,
    );
    rows.fetch_all(db).await
}
