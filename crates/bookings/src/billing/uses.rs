//! The uses of sales by bookings that end without a payment.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{HoldId, SaleId};
use loadmaster_platform::postgres::{DbError, PgSession};
use loadmaster_pricing as pricing;

use super::super::model::{Booking, BookingStatus};

/// Returns the sales whose uses these bookings return if they end without a payment. They are locked before credit accounts and
/// payments.
pub async fn used_sales_in_tx(tx: &mut PgSession, bookings: &[&Booking]) -> Result<Vec<SaleId>, DbError> {
    let is_unpaid = |booking: &&&Booking| booking.bill.as_ref().is_some_and(|bill| bill.paid == 0);
    let holds = bookings.iter().filter(is_unpaid).filter_map(|booking| Some(booking.hold_id?.uuid()));
    pricing::sales_of_in_tx(tx, &holds.collect::<Vec<_>>()).await
}

/// Locks the sale whose use a booking returns if it is cancelled and its payments have come to nothing.
pub async fn lock_use_in_tx(tx: &mut PgSession, booking: &Booking) -> Result<(), DbError> {
    if booking.status == BookingStatus::Cancelled {
        let sales = used_sales_in_tx(tx, &[booking]).await?;
        if !sales.is_empty() {
            pricing::lock_sales_in_tx(tx, &sales).await?;
        }
    }
    Ok(())
}

/// Returns the use of a sale by a booking that is cancelled and was never paid; any other keeps it.
pub async fn return_use_in_tx(tx: &mut PgSession, booking: &Booking, now: DateTime<Utc>) -> Result<(), DbError> {
    let holds: Vec<_> = booking.unpaid_hold().map(HoldId::uuid).into_iter().collect();
    pricing::return_uses_in_tx(tx, &holds, now).await
}
