//! What the room above does with outcomes, in short: what is authorized is captured.
use futures_util::future::BoxFuture;
use loadmaster_kernel::PaymentOperationId;
use loadmaster_payments::{Decided, OperationKind, PaymentChange, PaymentDesk, PaymentStatus, lock_in_tx, save_in_tx};
use loadmaster_platform::{
    clock::{Clock, ManualClock},
    postgres::{Database, DbError, commit},
};
use uuid::Uuid;

pub struct Till {
    pub db: Database,
    pub clock: ManualClock,
}

impl Till {
    async fn record(&self, decided: &Decided) -> Result<Vec<PaymentOperationId>, DbError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let (before, mut operations) = lock_in_tx(&mut tx, &[decided.payment]).await?.pop().expect("the payment");
        let place = operations.iter().position(|one| one.id == decided.operation).expect("the operation");
        let (mut after, answered) = before.record(&operations[place], &decided.outcome, now);
        operations[place] = answered.clone();
        let (mut changed, mut next) = (vec![answered], Vec::new());
        if after.status == PaymentStatus::Authorized && after.is_capturable(&operations) {
            let capture = after.promise(OperationKind::Capture, after.amount.minor(), Uuid::now_v7().into(), now);
            next.push(capture.id);
            changed.push(capture);
        }
        save_in_tx(&mut tx, &mut [PaymentChange { before: Some(before), after, operations: changed }]).await?;
        commit(tx).await?;
        Ok(next)
    }
}

impl PaymentDesk for Till {
    fn decided<'a>(&'a self, decided: &'a Decided) -> BoxFuture<'a, Result<Vec<PaymentOperationId>, DbError>> {
        Box::pin(self.record(decided))
    }
}
