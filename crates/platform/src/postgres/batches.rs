use futures_util::future::BoxFuture;

use super::{Database, DbError, PgSession, commit};

/// Rows deleted in one transaction, so that no request waits long for their locks.
const BATCH: i64 = 5_000;

impl Database {
    /// Runs a deletion in transactions of its own until one deletes fewer rows than it may. `delete` gets the most rows that it may
    /// delete, and returns how many it did. Returns their sum.
    pub async fn delete_in_batches(
        &self,
        delete: impl for<'a> Fn(&'a mut PgSession, i64) -> BoxFuture<'a, sqlx::Result<u64>> + Send + Sync,
    ) -> Result<u64, DbError> {
        let mut sum = 0;
        loop {
            let mut tx = self.begin().await?;
            let deleted = delete(&mut tx, BATCH).await?;
            commit(tx).await?;
            sum += deleted;
            if deleted < BATCH.unsigned_abs() {
                return Ok(sum);
            }
        }
    }
}
