use loadmaster_kernel::words;

use super::Payment;

words! {
    /// What is still to come of a payment.
    pub enum PaymentDue {
        /// Neither captured nor given up: `CREATED`, `PROCESSING`, `REQUIRES_ACTION` or `AUTHORIZED`.
        Open = "OPEN",
        /// It has `FAILED`.
        Failed = "FAILED",
        /// A refund of it is promised, and not known to be made.
        Refund = "REFUND",
    }
}

/// A payment as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPayment {
    pub payment: Payment,
    /// `None` for a guest's organization that is not kept yet.
    pub organization_name: Option<String>,
    /// Refunds that are promised and not known to be made, in minor units.
    pub refund_due: i64,
}
