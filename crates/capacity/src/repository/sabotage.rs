//! Leaves part of the space taken out of the ledger (`forget_ledger`), or with a hold that has become a booking
//! (`keep_held`), to test the audit and the checker.
use loadmaster_platform::postgres::PgSession;
use loadmaster_platform::sabotage::{is_on, now_and_then};

use crate::Shift;

const TAKE: &str = "update flight_capacity
    set booked_weight_hg = booked_weight_hg + $2, booked_volume_l = booked_volume_l + $3,
        booked_positions = booked_positions + $4, version = version + 0
    where flight_id = $1";

/// Returns the shifts to be entered: all of them, unless a fault is due.
pub(crate) async fn spoil<'a>(db: &mut PgSession, shifts: &'a [Shift]) -> sqlx::Result<Vec<&'a Shift>> {
    let forgotten = forget(db, shifts).await?;
    let keeps = |shift: &&Shift| is_on("keep_held") && shift.posted().is_some();
    Ok(shifts.iter().skip(usize::from(forgotten)).filter(|shift| !keeps(shift)).collect())
}

/// Makes the first shift without its entry; returns false when no fault is due.
async fn forget(db: &mut PgSession, shifts: &[Shift]) -> sqlx::Result<bool> {
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
