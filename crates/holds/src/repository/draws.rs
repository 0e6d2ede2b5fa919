use chrono::{DateTime, Utc};
use loadmaster_capacity::{Allotted, Space};
use loadmaster_kernel::{FlightId, HoldId, OrganizationId};
use loadmaster_platform::postgres::{PgSession, column, planned_list};
use uuid::Uuid;

use crate::model::{AllottedSpace, Draw};

/// Returns what allotments keep on these flights. A hold whose time is up keeps nothing.
pub(crate) async fn kept_on(
    db: &mut PgSession,
    flights: &[FlightId],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(HoldId, AllottedSpace)>> {
    let rows = sqlx::query!(
        "select h.id, h.organization_id, l.flight_id, l.weight_hg, l.volume_l, l.positions
         from hold_legs l join holds h on h.id = l.hold_id
         where l.flight_id = any($1) and l.is_open and h.kind = 'ALLOTMENT' and h.status = 'ACTIVE' and h.expires_at > $2",
        &planned_list(&column(flights, |flight| flight.uuid())),
        now,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows
        .map(|r| {
            let space = Space::from_columns(r.weight_hg, r.volume_l, r.positions);
            let (organization_id, flight_id) = (r.organization_id.into(), r.flight_id.into());
            (r.id.into(), AllottedSpace { organization_id, flight_id, space, excess: Some(Space::default()) })
        })
        .collect())
}

/// Returns what these legs and holds have drawn from allotments' holds, each with what that keeps. From a hold whose time is
/// up nothing can be drawn; what is given back returns to it until its end is recorded.
pub(crate) async fn drawn_by(
    db: &mut PgSession,
    takers: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(Draw, AllottedSpace)>> {
    let rows = sqlx::query!(
        r#"select d.taker_id, d.hold_id, d.flight_id, d.weight_hg, d.volume_l, d.positions, h.organization_id,
                  h.status = 'ACTIVE' as "is_open!", h.expires_at > $2 as "is_in_time!",
                  l.weight_hg as kept_weight_hg, l.volume_l as kept_volume_l, l.positions as kept_positions,
                  greatest(t.weight - h.weight_hg, 0) as "excess_weight!",
                  greatest(t.volume - h.volume_l, 0) as "excess_volume!",
                  greatest(t.positions - h.positions, 0) as "excess_positions!"
           from allotment_draws d
           join holds h on h.id = d.hold_id
           join hold_legs l on l.hold_id = h.id
           cross join lateral (
               select sum(weight_hg)::bigint as weight, sum(volume_l)::bigint as volume, sum(positions)::bigint as positions
               from allotment_draws each where each.hold_id = d.hold_id) t
           where d.taker_id = any($1)"#,
        &planned_list(takers),
        now,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows
        .map(|r| {
            let draw = Draw {
                taker: r.taker_id,
                hold_id: r.hold_id.into(),
                flight_id: r.flight_id.into(),
                space: Space::from_columns(r.weight_hg, r.volume_l, r.positions),
            };
            let kept = Space::from_columns(r.kept_weight_hg, r.kept_volume_l, r.kept_positions);
            let excess = Space::from_columns(r.excess_weight, r.excess_volume, r.excess_positions);
            let kept = AllottedSpace {
                organization_id: r.organization_id.into(),
                flight_id: draw.flight_id,
                space: if r.is_open && r.is_in_time { kept } else { Space::default() },
                excess: r.is_open.then_some(excess),
            };
            (draw, kept)
        })
        .collect())
}

/// Returns the sum of what was drawn from an allotment's hold.
pub(crate) async fn drawn_from(db: &mut PgSession, hold: HoldId) -> sqlx::Result<Space> {
    let sum = sqlx::query!(
        r#"select coalesce(sum(weight_hg), 0)::bigint as "weight!", coalesce(sum(volume_l), 0)::bigint as "volume!",
                  coalesce(sum(positions), 0)::bigint as "positions!"
           from allotment_draws where hold_id = $1"#,
        hold.uuid(),
    );
    let sum = sum.fetch_one(db).await?;
    Ok(Space::from_columns(sum.weight, sum.volume, sum.positions))
}

/// Moves what was drawn from one hold to another.
pub(crate) async fn move_draws(db: &mut PgSession, last: HoldId, next: HoldId) -> sqlx::Result<()> {
    sqlx::query!("update allotment_draws set hold_id = $2 where hold_id = $1", last.uuid(), next.uuid())
        .execute(db)
        .await
        .map(drop)
}

/// Writes draws as they are now, and deletes those that are over.
pub(crate) async fn save_draws(db: &mut PgSession, draws: &[Draw]) -> sqlx::Result<()> {
    let (over, open): (Vec<&Draw>, Vec<&Draw>) = draws.iter().partition(|draw| draw.space == Space::default());
    if !over.is_empty() {
        sqlx::query!(
            "delete from allotment_draws d using unnest($1::uuid[], $2::uuid[]) as over (taker_id, hold_id)
             where d.taker_id = over.taker_id and d.hold_id = over.hold_id",
            &column(&over, |draw| draw.taker),
            &column(&over, |draw| draw.hold_id.uuid()),
        )
        .execute(&mut *db)
        .await?;
    }
    if open.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into allotment_draws (taker_id, hold_id, flight_id, weight_hg, volume_l, positions)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[])
         on conflict (taker_id, hold_id) do update
         set weight_hg = excluded.weight_hg, volume_l = excluded.volume_l, positions = excluded.positions",
        &column(&open, |draw| draw.taker),
        &column(&open, |draw| draw.hold_id.uuid()),
        &column(&open, |draw| draw.flight_id.uuid()),
        &column(&open, |draw| draw.space.weight.hectograms()),
        &column(&open, |draw| draw.space.volume.litres()),
        &column(&open, |draw| draw.space.positions.count()),
    )
    .execute(db)
    .await
    .map(drop)
}

struct AllottedRow {
    organization_id: Uuid,
    expires_at: DateTime<Utc>,
    flight_id: Uuid,
    weight_hg: i64,
    volume_l: i64,
    positions: i64,
}

impl From<AllottedRow> for Allotted {
    fn from(row: AllottedRow) -> Self {
        Self {
            organization_id: row.organization_id.into(),
            flight_id: row.flight_id.into(),
            space: Space::from_columns(row.weight_hg, row.volume_l, row.positions),
            until: row.expires_at,
        }
    }
}

/// Returns what allotments keep on all flights.
pub(crate) async fn allotted(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<Vec<Allotted>> {
    let rows = sqlx::query_as!(
        AllottedRow,
        "select h.organization_id, h.expires_at, l.flight_id, l.weight_hg, l.volume_l, l.positions
         from holds h join hold_legs l on l.hold_id = h.id
         where h.kind = 'ALLOTMENT' and h.status = 'ACTIVE' and h.expires_at > $1",
        now,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Allotted::from).collect())
}

/// Returns what allotments keep on these flights.
pub(crate) async fn allotted_among(
    db: &mut PgSession,
    flights: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Allotted>> {
    let rows = sqlx::query_as!(
        AllottedRow,
        "select h.organization_id, h.expires_at, l.flight_id, l.weight_hg, l.volume_l, l.positions
         from hold_legs l join holds h on h.id = l.hold_id
         where l.flight_id = any($1) and l.is_open
           and h.kind = 'ALLOTMENT' and h.status = 'ACTIVE' and h.expires_at > $2",
        &planned_list(flights),
        now,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Allotted::from).collect())
}

/// Returns what returns on a flight to allotments that are kept, from holds whose time is up, with their organizations.
pub(crate) async fn returning_on(
    db: &mut PgSession,
    flight: FlightId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(OrganizationId, Space)>> {
    let rows = sqlx::query!(
        r#"select h.organization_id,
                  greatest(d.expired_weight - greatest(d.weight - h.weight_hg, 0), 0)::bigint as "weight!",
                  greatest(d.expired_volume - greatest(d.volume - h.volume_l, 0), 0)::bigint as "volume!",
                  greatest(d.expired_positions - greatest(d.positions - h.positions, 0), 0)::bigint as "positions!"
           from hold_legs l
           join holds h on h.id = l.hold_id
           cross join lateral (
               select sum(each.weight_hg) as weight, sum(each.volume_l) as volume, sum(each.positions) as positions,
                      sum(each.weight_hg) filter (where t.id is not null) as expired_weight,
                      sum(each.volume_l) filter (where t.id is not null) as expired_volume,
                      sum(each.positions) filter (where t.id is not null) as expired_positions
               from allotment_draws each
               left join holds t on t.id = each.taker_id and t.is_open and t.expires_at <= $2
               where each.hold_id = h.id) d
           where l.flight_id = $1 and l.is_open and h.kind = 'ALLOTMENT' and h.status = 'ACTIVE' and h.expires_at > $2
             and d.expired_weight is not null"#,
        flight.uuid(),
        now,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|r| (r.organization_id.into(), Space::from_columns(r.weight, r.volume, r.positions))).collect())
}

/// Returns what allotments of an organization keep on a flight, with what returns to them from holds whose time is up.
pub(crate) async fn allotted_on(
    db: &mut PgSession,
    flight: FlightId,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<Space> {
    let kept = kept_on(db, &[flight], now).await?.into_iter().map(|(_, kept)| kept);
    let kept = kept.map(|kept| (kept.organization_id, kept.space)).collect::<Vec<_>>();
    let all = kept.into_iter().chain(returning_on(db, flight, now).await?);
    let own = all.filter(|(of, _)| *of == organization);
    Ok(own.fold(Space::default(), |sum, (_, space)| sum + space))
}
