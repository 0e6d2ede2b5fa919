//! All SQL of this room. A flight's row and its ledger entry are always written by one statement: neither changes
//! without the other.
pub(super) mod audit;
#[cfg(debug_assertions)]
pub(super) mod sabotage;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, FlightId, HoldId, LegId};
use loadmaster_platform::postgres::{PgSession, Statement, column, planned_list};
use uuid::Uuid;

use super::model::{FlightCapacity, FlightStatus, NewCapacity, NewEntry, Sums};

/// Returns what a row says that has the columns of `flight_capacity`, of the flight with this id.
#[macro_export]
macro_rules! capacity_of_row {
    ($row:ident, $flight:expr) => {{
        let capacity =
            $crate::Space::from_columns($row.capacity_weight_hg, $row.capacity_volume_l, $row.capacity_positions);
        let physical = [$row.physical_weight_hg, $row.physical_volume_l, $row.physical_positions];
        let percents =
            [$row.overbooking_weight_percent, $row.overbooking_volume_percent, $row.overbooking_positions_percent];
        let flight = $crate::FlightCapacity {
            flight_id: $flight.into(),
            status: loadmaster_kernel::from_column($crate::FlightStatus::WORDS, &$row.status)?,
            cutoff: $row.cutoff_at,
            capacity,
            physical: capacity,
            overbooking: $crate::Overbooking::NONE,
            booked: $crate::Space::from_columns($row.booked_weight_hg, $row.booked_volume_l, $row.booked_positions),
            held: $crate::Space::from_columns($row.held_weight_hg, $row.held_volume_l, $row.held_positions),
            aside: $crate::Space::from_columns($row.aside_weight_hg, $row.aside_volume_l, $row.aside_positions),
            aside_until: $row.aside_until,
            waiting: $row.waiting,
            allotted: $row.allotted,
            version: $row.version,
            ledger_seq: $row.ledger_seq,
        };
        flight.with_columns(physical, percents).map_err(|error| sqlx::Error::Decode(error.into()))
    }};
}

struct Row {
    flight_id: Uuid,
    status: String,
    cutoff_at: DateTime<Utc>,
    capacity_weight_hg: i64,
    capacity_volume_l: i64,
    capacity_positions: i64,
    physical_weight_hg: Option<i64>,
    physical_volume_l: Option<i64>,
    physical_positions: Option<i64>,
    overbooking_weight_percent: i16,
    overbooking_volume_percent: i16,
    overbooking_positions_percent: i16,
    booked_weight_hg: i64,
    booked_volume_l: i64,
    booked_positions: i64,
    held_weight_hg: i64,
    held_volume_l: i64,
    held_positions: i64,
    aside_weight_hg: i64,
    aside_volume_l: i64,
    aside_positions: i64,
    aside_until: Option<DateTime<Utc>>,
    waiting: i32,
    allotted: i32,
    version: i32,
    ledger_seq: i64,
}

impl TryFrom<Row> for FlightCapacity {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        capacity_of_row!(row, row.flight_id)
    }
}

/// Reads rows of flights, by the rest of the statement and its arguments.
macro_rules! spaces {
    ($db:expr, $rest:literal, $($argument:expr),+) => {
        sqlx::query_as!(
            Row,
            "select flight_id, status, cutoff_at, capacity_weight_hg, capacity_volume_l, capacity_positions,
                    physical_weight_hg, physical_volume_l, physical_positions, overbooking_weight_percent,
                    overbooking_volume_percent, overbooking_positions_percent,
                    booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions,
                    aside_weight_hg, aside_volume_l, aside_positions, aside_until, waiting, allotted,
                    version, ledger_seq
             from flight_capacity " + $rest,
            $($argument),+
        )
        .fetch_all($db)
        .await?
        .into_iter()
        .map(FlightCapacity::try_from)
        .collect()
    };
}

pub(super) async fn find(db: &mut PgSession, id: FlightId) -> sqlx::Result<Option<FlightCapacity>> {
    Ok(find_all(db, &[id.uuid()]).await?.pop())
}

/// Returns the rows of these flights, in no particular order.
pub(super) async fn find_all(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<FlightCapacity>> {
    spaces!(db, "where flight_id = any($1)", &planned_list(ids))
}

/// Returns flights that have not departed and close after `since`, in order of id, starting after `after`.
pub(super) async fn scheduled(
    db: &mut PgSession,
    since: DateTime<Utc>,
    after: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<FlightCapacity>> {
    spaces!(
        db,
        "where flight_id > $1 and status = 'SCHEDULED' and cutoff_at > $2 order by flight_id limit $3",
        after,
        since,
        limit
    )
}

/// Locks in ascending order of id, as everywhere: two transactions never wait for each other in a circle.
pub(super) async fn lock(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<FlightCapacity>> {
    spaces!(db, "where flight_id = any($1) order by flight_id for no key update", &planned_list(ids))
}

/// The same without waiting: omits rows that another transaction has locked.
pub(super) async fn lock_free(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<FlightCapacity>> {
    spaces!(db, "where flight_id = any($1) order by flight_id for no key update skip locked", &planned_list(ids))
}

pub(super) fn insert(new: &[NewCapacity], now: DateTime<Utc>) -> Statement {
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
        &column(new, |n| n.flight_id.uuid()),
        &column(new, |n| n.cutoff),
        &column(new, |n| n.capacity.weight.hectograms()),
        &column(new, |n| n.capacity.volume.litres()),
        &column(new, |n| n.capacity.positions.count()),
        now,
    )
}

/// Sets capacity, overbooking and cut-off and raises the versions. Returns false if the capacity of one would fall below the
/// space taken; the caller then writes nothing.
pub(super) async fn change(db: &mut PgSession, spaces: &[FlightCapacity], now: DateTime<Utc>) -> sqlx::Result<bool> {
    let marks: Vec<_> = spaces.iter().map(FlightCapacity::overbooking_columns).collect();
    let done = sqlx::query!(
        "with changed as (
             update flight_capacity c
             set capacity_weight_hg = new.weight, capacity_volume_l = new.volume, capacity_positions = new.positions,
                 cutoff_at = new.cutoff, physical_weight_hg = new.physical_weight,
                 physical_volume_l = new.physical_volume, physical_positions = new.physical_positions,
                 overbooking_weight_percent = new.weight_percent, overbooking_volume_percent = new.volume_percent,
                 overbooking_positions_percent = new.positions_percent,
                 version = c.version + 1, ledger_seq = c.ledger_seq + 1
             from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $7::bigint[],
                         $8::bigint[], $9::bigint[], $10::smallint[], $11::smallint[], $12::smallint[])
                  as new (flight_id, weight, volume, positions, cutoff, physical_weight, physical_volume,
                          physical_positions, weight_percent, volume_percent, positions_percent)
             where c.flight_id = new.flight_id and c.flight_id = any($1)
               and c.booked_weight_hg + c.held_weight_hg <= new.weight
               and c.booked_volume_l + c.held_volume_l <= new.volume
               and c.booked_positions + c.held_positions <= new.positions
             returning c.*
         )
         insert into capacity_ledger (flight_id, seq, kind, weight_hg, volume_l, positions,
                                      capacity_weight_hg, capacity_volume_l, capacity_positions,
                                      booked_weight_hg, booked_volume_l, booked_positions,
                                      held_weight_hg, held_volume_l, held_positions, recorded_at)
         select flight_id, ledger_seq, 'CAPACITY_SET', 0, 0, 0,
                capacity_weight_hg, capacity_volume_l, capacity_positions,
                booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions, $6
         from changed",
        &column(spaces, |space| space.flight_id.uuid()),
        &column(spaces, |space| space.capacity.weight.hectograms()),
        &column(spaces, |space| space.capacity.volume.litres()),
        &column(spaces, |space| space.capacity.positions.count()),
        &column(spaces, |space| space.cutoff),
        now,
        &column(&marks, |(physical, _)| physical[0]) as &[Option<i64>],
        &column(&marks, |(physical, _)| physical[1]) as &[Option<i64>],
        &column(&marks, |(physical, _)| physical[2]) as &[Option<i64>],
        &column(&marks, |(_, percents)| percents[0]),
        &column(&marks, |(_, percents)| percents[1]),
        &column(&marks, |(_, percents)| percents[2]),
    )
    .execute(db)
    .await?;
    Ok(usize::try_from(done.rows_affected()).is_ok_and(|count| count == spaces.len()))
}

/// Sets the flight's status and raises its version. Nobody waits for it any more.
pub(super) async fn set_status(db: &mut PgSession, id: FlightId, status: FlightStatus) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "update flight_capacity set status = $2, version = version + 1, waiting = 0 where flight_id = $1",
        id.uuid(),
        status.as_str(),
    );
    done.execute(db).await.map(drop)
}

/// Adds to the numbers of those who wait for flights. The caller holds the flights' locks.
pub(super) async fn add_waiting(db: &mut PgSession, flights: &[(FlightId, i32)]) -> sqlx::Result<()> {
    sqlx::query!(
        "update flight_capacity c set waiting = greatest(c.waiting + more.entries, 0)
         from unnest($1::uuid[], $2::int[]) as more (flight_id, entries)
         where c.flight_id = more.flight_id and c.flight_id = any($1) and (c.status = 'SCHEDULED' or c.waiting > 0)",
        &column(flights, |(flight, _)| flight.uuid()),
        &column(flights, |(_, entries)| *entries),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Adds to the numbers of allotments that keep space on flights. The caller holds the flights' locks.
pub(super) async fn add_allotted(db: &mut PgSession, flights: &[(FlightId, i32)]) -> sqlx::Result<()> {
    sqlx::query!(
        "update flight_capacity c set allotted = c.allotted + more.allotments
         from (select flight_id, sum(allotments)::int as allotments
               from unnest($1::uuid[], $2::int[]) as each (flight_id, allotments) group by flight_id) more
         where c.flight_id = more.flight_id and c.flight_id = any($1)",
        &column(flights, |(flight, _)| flight.uuid()),
        &column(flights, |(_, allotments)| *allotments),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Keeps what is set aside on a flight until then without another look.
pub(super) async fn keep_aside(db: &mut PgSession, flight: FlightId, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update flight_capacity set aside_until = $2 where flight_id = $1 and aside_until is not null",
        flight.uuid(),
        until,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns those of these flights for which somebody waits and still gets offers.
pub(super) async fn awaited(
    db: &mut PgSession,
    flights: &[Uuid],
    last_offers: DateTime<Utc>,
) -> sqlx::Result<Vec<FlightId>> {
    let awaited = sqlx::query_scalar!(
        "select flight_id from flight_capacity
         where flight_id = any($1) and waiting > 0 and status = 'SCHEDULED' and cutoff_at > $2",
        &planned_list(flights),
        last_offers,
    );
    Ok(awaited.fetch_all(db).await?.into_iter().map(FlightId::from).collect())
}

/// Writes these entries, and the sums of them on each flight's row. Returns the rows after it. The caller holds their
/// locks.
pub(super) async fn shift(
    db: &mut PgSession,
    entries: &[NewEntry<'_>],
    sums: &[Sums],
    aside_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<FlightCapacity>> {
    let rows = sqlx::query_file_as!(
        Row,
        "src/repository/shift.sql",
        &column(sums, |sum| sum.flight_id.uuid()),
        &column(sums, |sum| sum.entries),
        &column(sums, |sum| sum.booked.weight.hectograms()),
        &column(sums, |sum| sum.booked.volume.litres()),
        &column(sums, |sum| sum.booked.positions.count()),
        &column(sums, |sum| sum.held.weight.hectograms()),
        &column(sums, |sum| sum.held.volume.litres()),
        &column(sums, |sum| sum.held.positions.count()),
        &column(sums, |sum| sum.aside.weight.hectograms()),
        &column(sums, |sum| sum.aside.volume.litres()),
        &column(sums, |sum| sum.aside.positions.count()),
        &column(entries, |entry| entry.shift.flight_id.uuid()),
        &column(entries, |entry| entry.shift.kind()) as &[&str],
        &column(entries, |entry| entry.shift.booking_id.map(BookingId::uuid)) as &[Option<Uuid>],
        &column(entries, |entry| entry.shift.leg_id.map(LegId::uuid)) as &[Option<Uuid>],
        &column(entries, |entry| entry.shift.hold_id.map(HoldId::uuid)) as &[Option<Uuid>],
        &column(entries, |entry| entry.shift.more.weight.hectograms()),
        &column(entries, |entry| entry.shift.more.volume.litres()),
        &column(entries, |entry| entry.shift.more.positions.count()),
        &column(entries, |entry| entry.later),
        &column(entries, |entry| entry.booked_later.weight.hectograms()),
        &column(entries, |entry| entry.booked_later.volume.litres()),
        &column(entries, |entry| entry.booked_later.positions.count()),
        &column(entries, |entry| entry.held_later.weight.hectograms()),
        &column(entries, |entry| entry.held_later.volume.litres()),
        &column(entries, |entry| entry.held_later.positions.count()),
        aside_until,
        now,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(FlightCapacity::try_from).collect()
}
