//! Takes room in forbidden ways, to test the audit: `oversell` takes room even if it is not free, `forget_ledger` omits
//! part of the room taken from the ledger.
use chrono::{DateTime, Utc};

use super::Allocation;
use crate::platform::postgres::PgSession;
use crate::platform::sabotage::{is_on, now_and_then};

const TAKE: &str = "update flight_capacity
    set booked_weight_hg = booked_weight_hg + $2, booked_volume_l = booked_volume_l + $3,
        booked_positions = booked_positions + $4, ledger_seq = ledger_seq + $5
    where flight_id = $1";

const WRITE: &str = "insert into capacity_ledger
        (flight_id, seq, kind, booking_id, leg_id, weight_hg, volume_l, positions,
         capacity_weight_hg, capacity_volume_l, capacity_positions, booked_weight_hg, booked_volume_l, booked_positions,
         held_weight_hg, held_volume_l, held_positions, recorded_at)
    select flight_id, ledger_seq, $2, $3, $4, $5, $6, $7, capacity_weight_hg, capacity_volume_l, capacity_positions,
           booked_weight_hg, booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions, $8
    from flight_capacity where flight_id = $1";

/// Returns false when no fault is due: nothing was taken.
pub(in crate::features::capacity) async fn take(
    db: &mut PgSession,
    allocation: &Allocation,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let forgets = is_on("forget_ledger") && now_and_then();
    if !forgets && !is_on("oversell") {
        return Ok(false);
    }
    let space = allocation.space;
    sqlx::query(TAKE)
        .bind(allocation.flight_id.uuid())
        .bind(space.weight.hectograms())
        .bind(space.volume.litres())
        .bind(space.positions.count())
        .bind(i64::from(!forgets))
        .execute(&mut *db)
        .await?;
    if !forgets {
        sqlx::query(WRITE)
            .bind(allocation.flight_id.uuid())
            .bind(allocation.entry.as_str())
            .bind(allocation.booking_id.uuid())
            .bind(allocation.leg_id.uuid())
            .bind(space.weight.hectograms())
            .bind(space.volume.litres())
            .bind(space.positions.count())
            .bind(now)
            .execute(db)
            .await?;
    }
    Ok(true)
}
