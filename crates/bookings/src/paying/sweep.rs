//! Goes on with payments of holds whose process has gone, or whose hold has ended.
use std::time::Duration;

use loadmaster_kernel::PaymentOperationId;
use loadmaster_payments::{self as payments, Payment};
use loadmaster_platform::{postgres::DbError, shutdown::stopped_within};
use tokio_util::sync::CancellationToken;

use super::super::desk::Desk;

/// Interval between two looks.
const SWEEP: Duration = Duration::from_secs(2);
/// Most payments that are looked at together.
const AT_ONCE: i64 = 100;

impl Desk {
    /// Completes or voids what is left of commits, until `stop`.
    pub async fn sweep_payments(self, stop: CancellationToken) {
        while !stopped_within(&stop, SWEEP).await {
            if self.bookings().clock.is_trusted()
                && let Err(error) = self.sweep_payments_once().await
            {
                tracing::warn!(%error, "payments of holds cannot be completed; trying again");
            }
        }
    }

    async fn resume(&self, payment: &Payment) -> Result<Vec<PaymentOperationId>, DbError> {
        let recorded = self.bookings().resumed(payment).await?;
        let promised = match recorded.authorized() {
            Some(paid) => self.post(paid).await?,
            None => recorded.promised(),
        };
        self.bookings().payments.changed(payment.id);
        Ok(promised)
    }

    async fn sweep_payments_once(&self) -> Result<(), DbError> {
        let (service, mut after) = (self.bookings(), None);
        loop {
            let found = {
                let mut connection = service.db.read().await?;
                payments::unbooked_in_tx(&mut connection, after, AT_ONCE).await?
            };
            after = found.last().map(|payment| payment.id);
            for payment in &found {
                #[cfg(debug_assertions)]
                loadmaster_platform::sabotage::step("payment swept");
                // One that cannot go on keeps none behind it waiting.
                match self.resume(payment).await {
                    Ok(promised) if promised.is_empty() => {}
                    // They are due: the driver keeps them, a few at once.
                    Ok(_) => service.payments.wake(),
                    Err(error) => {
                        tracing::warn!(%error, payment_id = %payment.id, "a payment cannot go on; trying again");
                    }
                }
            }
            if i64::try_from(found.len()).unwrap_or(i64::MAX) < AT_ONCE {
                return Ok(());
            }
        }
    }
}
