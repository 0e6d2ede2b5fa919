//! Calls the provider within the transaction that counts the attempt (`call_in_transaction`), or under another key for each
//! attempt (`new_key`), to test the simulation of payments.
use loadmaster_kernel::PaymentOperationId;
use loadmaster_platform::{
    postgres::{DbError, commit},
    sabotage::{is_on, step},
};
use uuid::Uuid;

use super::{desk::Decided, model::Operation, provider::Call, service::PaymentService};

pub fn calls_in_transaction() -> bool {
    is_on("call_in_transaction")
}

/// Returns the call under the key of its operation, unless a fault is due.
pub fn keyed(call: Call, operation: &Operation) -> Call {
    if !is_on("new_key") || operation.attempts <= 1 {
        return call;
    }
    let key = Uuid::from_u128(call.operation.uuid().as_u128() ^ u128::from(operation.attempts.unsigned_abs()));
    Call { operation: key.into(), ..call }
}

impl PaymentService {
    /// Makes one attempt. What counts it is committed after the provider's answer: a crash in between forgets the request.
    pub(super) async fn attempt_in_transaction(
        &self,
        operation: PaymentOperationId,
    ) -> Result<Vec<PaymentOperationId>, DbError> {
        let mut tx = self.db.begin().await?;
        let Some(claim) = self.claim_in_tx(&mut tx, operation).await? else { return Ok(Vec::new()) };
        step("attempt counted");
        let outcome = self.call_provider(&claim).await;
        step("provider answered");
        commit(tx).await?;
        let next = self.record(&Decided { payment: claim.payment.id, operation, outcome }).await;
        step("attempt recorded");
        next
    }
}
