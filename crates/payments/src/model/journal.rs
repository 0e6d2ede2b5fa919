use chrono::{DateTime, Utc};
use loadmaster_kernel::{Currency, PaymentOperationId};
use uuid::Uuid;

/// A payment as the provider `test` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPayment {
    pub reference: String,
    /// Of the authorization.
    pub operation_id: Uuid,
    pub behaviour: String,
    pub status: String,
    pub currency: Currency,
    pub amount: i64,
    pub captured: i64,
    pub refunded: i64,
    /// When its webhook is due.
    pub notify_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOperation {
    pub operation_id: PaymentOperationId,
    pub reference: String,
    pub kind: String,
    pub currency: Currency,
    pub amount: i64,
    pub outcome: String,
    pub acted_at: DateTime<Utc>,
}
