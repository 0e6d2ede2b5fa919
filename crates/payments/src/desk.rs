//! Where outcomes are recorded. The room above, which books what was paid for, opens a desk of its own; until then the
//! outcome alone is recorded.
use std::slice;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use loadmaster_kernel::{PaymentId, PaymentOperationId};
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, DbError, PgSession, commit, retrying},
};

use super::{
    books::{PaymentChange, lock_in_tx, save_in_tx},
    model::Outcome,
};

/// An operation, and what the provider said to it.
#[derive(Debug, Clone)]
pub struct Decided {
    pub payment: PaymentId,
    pub operation: PaymentOperationId,
    pub outcome: Outcome,
}

/// Records outcomes.
pub trait PaymentDesk: Send + Sync {
    /// Records an outcome with all that follows from it, in a transaction of its own. Returns operations to be tried at
    /// once. Called once or more for each attempt; an answer to a decided operation changes nothing.
    fn decided<'a>(&'a self, decided: &'a Decided) -> BoxFuture<'a, Result<Vec<PaymentOperationId>, DbError>>;
}

/// Records outcomes, and does nothing else.
pub struct Record {
    pub db: Database,
    pub clock: SharedClock,
}

impl PaymentDesk for Record {
    fn decided<'a>(&'a self, decided: &'a Decided) -> BoxFuture<'a, Result<Vec<PaymentOperationId>, DbError>> {
        Box::pin(async move {
            retrying(|| async {
                let mut tx = self.db.begin().await?;
                record_in_tx(&mut tx, decided, self.clock.now()).await?;
                commit(tx).await?;
                Ok::<_, DbError>(Vec::new())
            })
            .await
        })
    }
}

/// Records an outcome, and nothing that follows from it.
pub async fn record_in_tx(tx: &mut PgSession, decided: &Decided, now: DateTime<Utc>) -> Result<(), DbError> {
    let Some((before, operations)) = lock_in_tx(tx, slice::from_ref(&decided.payment)).await?.pop() else {
        return Ok(());
    };
    let Some(operation) = operations.iter().find(|one| one.id == decided.operation) else { return Ok(()) };
    let (after, answered) = before.record(operation, &decided.outcome, now);
    if after != before || answered != *operation {
        let change = PaymentChange { before: Some(before), after, operations: vec![answered] };
        save_in_tx(tx, &mut [change]).await?;
    }
    Ok(())
}
