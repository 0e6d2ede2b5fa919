//! Leaves part of the room taken out of the ledger, to test the audit (`forget_ledger`).
use crate::features::capacity::Shift;
use crate::platform::postgres::PgSession;
use crate::platform::sabotage::{is_on, now_and_then};

const TAKE: &str = "update flight_capacity
    set booked_weight_hg = booked_weight_hg + $2, booked_volume_l = booked_volume_l + $3,
        booked_positions = booked_positions + $4, version = version + 0
    where flight_id = $1";

/// Makes the first shift without its entry; returns false when no fault is due.
pub(in crate::features::capacity) async fn forget(db: &mut PgSession, shifts: &[Shift]) -> sqlx::Result<bool> {
    let Some(shift) = shifts.first().filter(|_| is_on("forget_ledger") && now_and_then()) else { return Ok(false) };
    sqlx::query(TAKE)
        .bind(shift.flight_id.uuid())
        .bind(shift.more.weight.hectograms())
        .bind(shift.more.volume.litres())
        .bind(shift.more.positions.count())
        .execute(db)
        .await?;
    Ok(true)
}
