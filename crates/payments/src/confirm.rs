//! What a payer does at a bank, at the provider `test`.
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

use super::{
    error::PaymentError,
    model::TestPayment,
    provider::{Confirmation, Journal},
    service::PaymentService,
};

/// Confirms a payment that waits for its payer, or fails it. The webhook follows.
pub(super) struct Confirm {
    pub payments: PaymentService,
    pub reference: String,
    pub confirmation: Confirmation,
    pub precondition: Precondition,
}

impl Command for Confirm {
    const NAME: &'static str = "payments.confirm";
    type Done = TestPayment;
    type Error = PaymentError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<TestPayment, PaymentError> {
        let now = self.payments.clock.now();
        let confirmed = Journal::confirm_in_tx(tx, &self.reference, self.confirmation, now).await?;
        let confirmed = confirmed.ok_or(PaymentError::NothingToConfirm)?;
        // Version 1 waits for the payer, version 2 does not.
        self.precondition.check(1).map_err(PaymentError::VersionMismatch)?;
        Ok(confirmed)
    }

    async fn concluded(&mut self, outcome: Result<&TestPayment, &PaymentError>) {
        if outcome.is_ok() {
            self.payments.wake();
        }
    }
}
