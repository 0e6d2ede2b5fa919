//! The part of the audit about what bookings cost and what was paid for them.
use loadmaster_payments::PAYMENTS;
use loadmaster_platform::{
    audit::{Breach, Findings, Rule},
    postgres::{DbError, PgSession},
};
use loadmaster_pricing::{RATED, USED};
use uuid::Uuid;

use super::super::repository::bills as repository;

/// Audits the bills of bookings, and with all of them the payments and sales that they stand on.
pub async fn audit(snapshot: &mut PgSession, only: Option<&[Uuid]>) -> Result<Vec<(Rule, Findings)>, DbError> {
    let (mut prices, mut payments, mut sales) = (Findings::default(), Findings::default(), Findings::default());
    prices.has_checked("prices of bookings", repository::count(snapshot, only).await?.unsigned_abs());
    for booking in repository::mispriced(snapshot, only).await? {
        prices.add(Breach::of("bookings", [("id", &booking)], "its price is not that of a quote that is kept"));
    }
    for row in repository::mismatches(snapshot, only).await? {
        let fault = format!(
            "its bill has {} paid and {} refunded, and its payments {} and {}; or more is kept than was agreed",
            row.paid, row.refunded, row.captured, row.returned
        );
        payments.add(Breach::of("bookings", [("id", &row.booking_id)], fault));
    }
    for row in repository::overkept(snapshot, only).await? {
        let fault = if row.is_over {
            format!("{} is kept, and its events allow {}, while no refund is under way", row.kept, row.owed)
        } else {
            "its bill is not the one that its events record".to_owned()
        };
        payments.add(Breach::of("bookings", [("id", &row.booking_id)], fault));
    }
    if only.is_none() {
        for payment in repository::stray_payments(snapshot).await? {
            let fault = "it was captured without a booking, or is for another one";
            payments.add(Breach::of("payments", [("id", &payment)], fault));
        }
        for hold in repository::stray_holds(snapshot).await? {
            payments.add(Breach::of("holds", [("id", &hold)], "it waits for a payment that is not under way"));
        }
        for subject in repository::stray_uses(snapshot).await? {
            let fault = "a sale counts a use that this hold has no right to, or does not count its use";
            sales.add(Breach::of("sale_uses", [("subject_id", &subject)], fault));
        }
    }
    let mut found = vec![(RATED, prices), (PAYMENTS, payments)];
    if only.is_none() {
        found.push((USED, sales));
    }
    Ok(found)
}
