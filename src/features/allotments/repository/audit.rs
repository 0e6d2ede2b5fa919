//! Reads allotments' holds for an audit. The time limits of requests do not apply here.
use uuid::Uuid;

use crate::platform::postgres::PgSession;

pub(in crate::features::allotments) async fn count(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from allotment_flights"#).fetch_one(db).await
}

/// Returns open holds whose freight is not what they keep and what was drawn, or that no allotment of their organization has.
/// A hold that has ended has no draws.
pub(in crate::features::allotments) async fn astray_holds(
    db: &mut PgSession,
    flights: Option<&[Uuid]>,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select h.id from holds h
         join hold_legs l on l.hold_id = h.id
         cross join lateral (
             select coalesce(sum(weight_hg), 0) as weight, coalesce(sum(volume_l), 0) as volume,
                    coalesce(sum(positions), 0) as positions, count(*) as takers
             from allotment_draws d where d.hold_id = h.id and d.flight_id = l.flight_id) drawn
         where h.kind = 'ALLOTMENT' and ($1::uuid[] is null or l.flight_id = any($1))
           and case when h.status <> 'ACTIVE' then drawn.takers > 0
                    else (h.weight_hg, h.volume_l, h.positions) <> (l.weight_hg + drawn.weight, l.volume_l + drawn.volume,
                                                                    l.positions + drawn.positions)
                         or not exists (select from allotment_flights r join allotments a on a.id = r.allotment_id
                                        where r.hold_id = h.id and r.flight_id = l.flight_id
                                          and a.organization_id = h.organization_id) end
         order by 1",
        flights as Option<&[Uuid]>,
    );
    ids.fetch_all(db).await
}

/// Returns the holds that have drawn more than they keep, and those that draw without keeping anything.
pub(in crate::features::allotments) async fn astray_takers(
    db: &mut PgSession,
    flights: Option<&[Uuid]>,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select d.taker_id as "id!"
           from (select taker_id, flight_id, sum(weight_hg) as weight, sum(volume_l) as volume,
                        sum(positions) as positions
                 from allotment_draws where $1::uuid[] is null or flight_id = any($1)
                 group by taker_id, flight_id) d
           join holds t on t.id = d.taker_id
           left join hold_legs l on l.hold_id = t.id and l.flight_id = d.flight_id and l.is_open
           where l.hold_id is null or l.weight_hg < d.weight or l.volume_l < d.volume or l.positions < d.positions
           order by 1"#,
        flights as Option<&[Uuid]>,
    );
    ids.fetch_all(db).await
}

/// A flight that counts other allotments than keep room on it.
pub(in crate::features::allotments) struct Astray {
    pub flight_id: Uuid,
    pub said: i32,
    pub allotted: i64,
}

pub(in crate::features::allotments) async fn astray_flights(
    db: &mut PgSession,
    flights: Option<&[Uuid]>,
) -> sqlx::Result<Vec<Astray>> {
    let rows = sqlx::query_as!(
        Astray,
        r#"select c.flight_id, c.allotted as said, coalesce(k.allotted, 0) as "allotted!"
           from flight_capacity c
           left join (select l.flight_id, count(*) as allotted
                      from holds h join hold_legs l on l.hold_id = h.id
                      where h.kind = 'ALLOTMENT' and h.status = 'ACTIVE' group by l.flight_id) k
                  on k.flight_id = c.flight_id
           where ($1::uuid[] is null or c.flight_id = any($1)) and c.allotted <> coalesce(k.allotted, 0)
           order by 1"#,
        flights as Option<&[Uuid]>,
    );
    rows.fetch_all(db).await
}
