use std::ops::{Deref, DerefMut};

use sqlx::SqlStr;

use super::{Database, DbError, session::PgSession};
use crate::telemetry::metric;

/// A transaction. Dropping it unfinished rolls it back.
#[derive(Debug)]
pub struct Tx {
    session: PgSession,
    is_open: bool,
}

impl Tx {
    /// Begins a transaction. Only [`super::Database::begin`] calls this.
    pub(super) async fn begin(mut session: PgSession, statement: SqlStr) -> sqlx::Result<Self> {
        session.begin(statement).await?;
        Ok(Self { session, is_open: true })
    }

    /// Rolls back. Does not wait on a connection that is silent or lost: the transaction ends with it.
    pub async fn rollback(mut self) -> sqlx::Result<()> {
        self.session.rollback().await?;
        self.is_open = false;
        Ok(())
    }

    async fn commit(mut self) -> sqlx::Result<()> {
        self.session.commit().await?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if self.is_open && self.session.is_alive() {
            self.session.start_rollback();
        }
    }
}

impl Deref for Tx {
    type Target = PgSession;

    fn deref(&self) -> &PgSession {
        &self.session
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgSession {
        &mut self.session
    }
}

/// A connection that only reads; behind a transaction pooler it has its own transaction.
#[derive(Debug)]
pub enum ReadConnection {
    Plain(PgSession),
    Transaction(Tx),
}

impl Deref for ReadConnection {
    type Target = PgSession;

    fn deref(&self) -> &PgSession {
        match self {
            Self::Plain(session) => session,
            Self::Transaction(tx) => tx,
        }
    }
}

impl DerefMut for ReadConnection {
    fn deref_mut(&mut self) -> &mut PgSession {
        match self {
            Self::Plain(session) => session,
            Self::Transaction(tx) => tx,
        }
    }
}

/// Commits; returns [`DbError::OutcomeUnknown`] when the outcome cannot be known. Only an error about the transaction
/// itself (data, constraint, state, serialization, a failed wait for a row) proves that it was not committed. A server
/// that is shutting down, or whose files fail, may have committed before it reported that, and so may one that does not
/// respond at all.
pub async fn commit(tx: Tx) -> Result<(), DbError> {
    #[cfg(debug_assertions)]
    if crate::sabotage::early_answer() {
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            tx.commit().await
        });
        return Ok(());
    }
    tx.commit().await.map_err(|error| match DbError::from(error) {
        refused if refused.sql_state().is_some_and(|state| says_not_committed(&state)) => refused,
        DbError::Conflict => DbError::Conflict,
        DbError::Sql(other) | DbError::OutcomeUnknown(other) => {
            metric::UNKNOWN_OUTCOMES.increment(1);
            DbError::OutcomeUnknown(other)
        }
    })
}

/// Returns whether the state proves that nothing was committed; 40003 is the one of its class that does not.
fn says_not_committed(state: &str) -> bool {
    let is_about_it = ["22", "23", "25", "40"].iter().any(|class| state.starts_with(class));
    state == "55P03" || (is_about_it && state != "40003")
}

impl Database {
    /// Begins a snapshot for a page of a list, whose statements are planned for the filters that are given: a plan that is kept for
    /// any filters is by none of their indexes.
    pub async fn listing(&self) -> Result<ReadConnection, DbError> {
        let begin = "begin isolation level repeatable read, read only; set local plan_cache_mode = force_custom_plan";
        Ok(ReadConnection::Transaction(self.begin_with(begin).await?))
    }
}

/// Runs work in a transaction of its own on this database: begins, awaits the work and commits. Returns what the work returned.
#[macro_export]
macro_rules! in_own_tx {
    ($db:expr, |$tx:ident| $work:expr) => {{
        let mut $tx = $db.begin().await?;
        let done = $work.await?;
        $crate::postgres::commit($tx).await?;
        Ok::<_, $crate::postgres::DbError>(done)
    }};
}

#[cfg(test)]
mod tests {
    use super::says_not_committed;

    #[test]
    fn only_errors_about_the_transaction_itself_say_that_it_was_not_committed() {
        for state in ["23505", "22001", "25006", "25P02", "40001", "40P01", "55P03"] {
            assert!(says_not_committed(state), "{state}");
        }
        for state in ["40003", "53100", "53200", "57P01", "57P02", "57014", "58030", "08006", "XX000", ""] {
            assert!(!says_not_committed(state), "{state}");
        }
    }
}
