use std::ops::{Deref, DerefMut};

use crate::{
    idempotency::{self, Answer, Key, Repetition},
    postgres::{self, Database, DbError, PgSession, Tx},
};

/// The transaction of one command or of many: their keys are entered first, their answers are stored last, and they are
/// committed together.
pub struct Transaction(Tx);

/// Proof that a transaction was committed: nothing is acknowledged without it. Only [`Transaction::commit`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Committed(());

#[cfg(debug_assertions)]
impl Committed {
    /// For simulated transactions: no release has it.
    pub const fn simulated() -> Self {
        Self(())
    }
}

impl Transaction {
    pub async fn begin(db: &Database) -> Result<Self, DbError> {
        Ok(Self(db.begin().await?))
    }

    /// Locks these keys until the end; returns for each, in their order, whether its effect may happen.
    pub async fn enter(&mut self, keys: &[&Key]) -> Result<Vec<Result<(), Repetition>>, DbError> {
        idempotency::enter_in_tx(&mut self.0, keys).await
    }

    /// Stores the answers under their keys.
    pub async fn keep(&mut self, answers: &[(&Key, &Answer)]) -> Result<(), DbError> {
        idempotency::keep_in_tx(&mut self.0, answers).await
    }

    pub async fn commit(self) -> Result<Committed, DbError> {
        postgres::commit(self.0).await?;
        Ok(Committed(()))
    }

    /// Rolls back and waits for it: a transaction that is only dropped lives on for a while, with its locks. A lost
    /// connection takes it along.
    pub async fn roll_back(self) {
        _ = self.0.rollback().await;
    }
}

impl Deref for Transaction {
    type Target = PgSession;

    fn deref(&self) -> &PgSession {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgSession {
        &mut self.0
    }
}
