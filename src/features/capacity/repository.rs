//! All SQL of this room. A flight's row and its ledger entry are always written by one statement: neither changes
//! without the other.
pub(super) mod audit;
#[cfg(debug_assertions)]
pub(super) mod sabotage;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::{Allocation, FlightCapacity, FlightStatus, NewCapacity, OpenUntil, Release, Space};
use crate::kernel::{FlightId, from_column};
use crate::platform::postgres::{PgSession, planned_list};

struct Row {
    flight_id: Uuid,
    status: String,
    cutoff_at: DateTime<Utc>,
    capacity_weight_hg: i64,
    capacity_volume_l: i64,
    capacity_positions: i64,
    booked_weight_hg: i64,
    booked_volume_l: i64,
    booked_positions: i64,
    held_weight_hg: i64,
    held_volume_l: i64,
    held_positions: i64,
    version: i32,
    ledger_seq: i64,
}

impl TryFrom<Row> for FlightCapacity {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            flight_id: row.flight_id.into(),
            status: from_column(FlightStatus::WORDS, &row.status)?,
            cutoff: row.cutoff_at,
            capacity: Space::from_columns(row.capacity_weight_hg, row.capacity_volume_l, row.capacity_positions),
            booked: Space::from_columns(row.booked_weight_hg, row.booked_volume_l, row.booked_positions),
            held: Space::from_columns(row.held_weight_hg, row.held_volume_l, row.held_positions),
            version: row.version,
            ledger_seq: row.ledger_seq,
        })
    }
}

pub(super) async fn find(db: &mut PgSession, id: FlightId) -> sqlx::Result<Option<FlightCapacity>> {
    Ok(find_all(db, &[id.uuid()]).await?.pop())
}

/// Returns the rows of these flights, in no particular order.
pub(super) async fn find_all(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<FlightCapacity>> {
    let rows = sqlx::query_as!(
        Row,
        "select flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions,
                booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions,
                version, ledger_seq
         from flight_capacity where flight_id = any($1)",
        &planned_list(ids),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(FlightCapacity::try_from).collect()
}

/// Returns flights that have not departed and close after `since`, in order of id, starting after `after`.
pub(super) async fn scheduled(
    db: &mut PgSession,
    since: DateTime<Utc>,
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<FlightCapacity>> {
    let rows = sqlx::query_as!(
        Row,
        "select flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions,
                booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions,
                version, ledger_seq
         from flight_capacity where flight_id > $1 and status = 'SCHEDULED' and cutoff_at > $2
         order by flight_id limit $3",
        after,
        since,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(FlightCapacity::try_from).collect()
}

/// Locks in ascending order of id, as everywhere: two transactions never wait for each other in a circle.
pub(super) async fn lock(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<FlightCapacity>> {
    let rows = sqlx::query_as!(
        Row,
        "select flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions,
                booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions,
                version, ledger_seq
         from flight_capacity where flight_id = any($1) order by flight_id for no key update",
        &planned_list(ids),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(FlightCapacity::try_from).collect()
}

pub(super) async fn insert(db: &mut PgSession, new: &[NewCapacity], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = new.iter().map(|n| n.flight_id.uuid()).collect();
    let cutoffs: Vec<DateTime<Utc>> = new.iter().map(|n| n.cutoff).collect();
    let weights: Vec<i64> = new.iter().map(|n| n.capacity.weight.hectograms()).collect();
    let volumes: Vec<i64> = new.iter().map(|n| n.capacity.volume.litres()).collect();
    let positions: Vec<i64> = new.iter().map(|n| n.capacity.positions.count()).collect();
    sqlx::query!(
        "with opened as (
             insert into flight_capacity (flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l,
                                          capacity_positions, ledger_seq)
             select id, 'SCHEDULED', cutoff, weight, volume, positions, 1
             from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[])
                  as new (id, cutoff, weight, volume, positions)
             returning *
         )
         insert into capacity_ledger (flight_id, seq, kind, weight_hg, volume_l, positions,
                                      capacity_weight_hg, capacity_volume_l, capacity_positions,
                                      booked_weight_hg, booked_volume_l, booked_positions,
                                      held_weight_hg, held_volume_l, held_positions, recorded_at)
         select flight_id, ledger_seq, 'CAPACITY_SET', 0, 0, 0,
                capacity_weight_hg, capacity_volume_l, capacity_positions,
                booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions, $6
         from opened",
        &ids,
        &cutoffs,
        &weights,
        &volumes,
        &positions,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Sets capacity and cut-off and raises the version. Returns false if the capacity would fall below the room taken.
pub(super) async fn change(
    db: &mut PgSession,
    id: FlightId,
    capacity: Space,
    cutoff: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "with changed as (
             update flight_capacity
             set capacity_weight_hg = $2, capacity_volume_l = $3, capacity_positions = $4, cutoff_at = $5,
                 version = version + 1, ledger_seq = ledger_seq + 1
             where flight_id = $1
               and booked_weight_hg + held_weight_hg <= $2
               and booked_volume_l + held_volume_l <= $3
               and booked_positions + held_positions <= $4
             returning *
         )
         insert into capacity_ledger (flight_id, seq, kind, weight_hg, volume_l, positions,
                                      capacity_weight_hg, capacity_volume_l, capacity_positions,
                                      booked_weight_hg, booked_volume_l, booked_positions,
                                      held_weight_hg, held_volume_l, held_positions, recorded_at)
         select flight_id, ledger_seq, 'CAPACITY_SET', 0, 0, 0,
                capacity_weight_hg, capacity_volume_l, capacity_positions,
                booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions, $6
         from changed",
        id.uuid(),
        capacity.weight.hectograms(),
        capacity.volume.litres(),
        capacity.positions.count(),
        cutoff,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets the flight's status and raises its version.
pub(super) async fn set_status(db: &mut PgSession, id: FlightId, status: FlightStatus) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update flight_capacity set status = $2, version = version + 1 where flight_id = $1",
        id.uuid(),
        status.as_str(),
    );
    done.execute(db).await.map(drop)
}

/// Takes room, or the difference for a leg that has some, by the one guarded statement that sells: only if the flight
/// has the validated version, is still open to this caller, has that room in every dimension, and keeps the required
/// weight free. Returns the row after it; `None` if nothing was taken.
pub(super) async fn take(
    db: &mut PgSession,
    allocation: &Allocation,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<FlightCapacity>> {
    let row = sqlx::query_as!(
        Row,
        r#"with taken as (
             update flight_capacity
             set booked_weight_hg = booked_weight_hg + $3,
                 booked_volume_l = booked_volume_l + $4,
                 booked_positions = booked_positions + $5,
                 ledger_seq = ledger_seq + 1
             where flight_id = $1 and version = $2 and status = 'SCHEDULED' and (cutoff_at > $6 or $10)
               and booked_weight_hg + held_weight_hg + $3 <= capacity_weight_hg
               and booked_volume_l + held_volume_l + $4 <= capacity_volume_l
               and booked_positions + held_positions + $5 <= capacity_positions
               and capacity_weight_hg - booked_weight_hg - held_weight_hg - $3 > $11
             returning *
         ), entered as (
             insert into capacity_ledger (flight_id, seq, kind, booking_id, leg_id, weight_hg, volume_l, positions,
                                          capacity_weight_hg, capacity_volume_l, capacity_positions,
                                          booked_weight_hg, booked_volume_l, booked_positions,
                                          held_weight_hg, held_volume_l, held_positions, recorded_at)
             select flight_id, ledger_seq, $9, $7, $8, $3, $4, $5,
                    capacity_weight_hg, capacity_volume_l, capacity_positions, booked_weight_hg, booked_volume_l,
                    booked_positions, held_weight_hg, held_volume_l, held_positions, $6
             from taken
         )
         select flight_id as "flight_id!", status as "status!", cutoff_at as "cutoff_at!",
                capacity_weight_hg as "capacity_weight_hg!", capacity_volume_l as "capacity_volume_l!",
                capacity_positions as "capacity_positions!", booked_weight_hg as "booked_weight_hg!",
                booked_volume_l as "booked_volume_l!", booked_positions as "booked_positions!",
                held_weight_hg as "held_weight_hg!", held_volume_l as "held_volume_l!",
                held_positions as "held_positions!", version as "version!", ledger_seq as "ledger_seq!"
         from taken"#,
        allocation.flight_id.uuid(),
        allocation.version,
        allocation.space.weight.hectograms(),
        allocation.space.volume.litres(),
        allocation.space.positions.count(),
        now,
        allocation.booking_id.uuid(),
        allocation.leg_id.uuid(),
        allocation.entry.as_str(),
        allocation.until == OpenUntil::Departure,
        allocation.path.leaving(),
    )
    .fetch_optional(db)
    .await?;
    row.map(FlightCapacity::try_from).transpose()
}

/// Releases the room of these legs on one flight, in their order: one change of the row, one entry for each leg.
pub(super) async fn release(
    db: &mut PgSession,
    flight: FlightId,
    releases: &[&Release],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let bookings: Vec<Uuid> = releases.iter().map(|release| release.booking_id.uuid()).collect();
    let legs: Vec<Uuid> = releases.iter().map(|release| release.leg_id.uuid()).collect();
    let weights: Vec<i64> = releases.iter().map(|release| release.space.weight.hectograms()).collect();
    let volumes: Vec<i64> = releases.iter().map(|release| release.space.volume.litres()).collect();
    let positions: Vec<i64> = releases.iter().map(|release| release.space.positions.count()).collect();
    sqlx::query!(
        "with given as (
             select *, sum(weight) over upto as weight_so_far, sum(volume) over upto as volume_so_far,
                    sum(positions) over upto as positions_so_far
             from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[]) with ordinality
                  as each (booking_id, leg_id, weight, volume, positions, number)
             window upto as (order by number)
         ), total as (
             select count(*) as entries, sum(weight)::bigint as weight, sum(volume)::bigint as volume,
                    sum(positions)::bigint as positions
             from given
         ), released as (
             update flight_capacity c
             set booked_weight_hg = c.booked_weight_hg - total.weight,
                 booked_volume_l = c.booked_volume_l - total.volume,
                 booked_positions = c.booked_positions - total.positions,
                 ledger_seq = c.ledger_seq + total.entries
             from total where c.flight_id = $1
             returning c.*, total.entries, total.weight, total.volume, total.positions
         )
         insert into capacity_ledger (flight_id, seq, kind, booking_id, leg_id, weight_hg, volume_l, positions,
                                      capacity_weight_hg, capacity_volume_l, capacity_positions,
                                      booked_weight_hg, booked_volume_l, booked_positions,
                                      held_weight_hg, held_volume_l, held_positions, recorded_at)
         select r.flight_id, r.ledger_seq - r.entries + g.number, 'RELEASED', g.booking_id, g.leg_id,
                -g.weight, -g.volume, -g.positions, r.capacity_weight_hg, r.capacity_volume_l, r.capacity_positions,
                r.booked_weight_hg + r.weight - g.weight_so_far, r.booked_volume_l + r.volume - g.volume_so_far,
                r.booked_positions + r.positions - g.positions_so_far,
                r.held_weight_hg, r.held_volume_l, r.held_positions, $7
         from released r cross join given g",
        flight.uuid(),
        &bookings,
        &legs,
        &weights,
        &volumes,
        &positions,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
