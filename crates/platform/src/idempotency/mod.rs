//! One `Idempotency-Key`, one effect. The answer to a request with a key is written in the transaction of its effect,
//! and returned again to a repetition. Only effects are recorded: a refusal frees the key.
mod answer;
mod extract;
mod key;
mod path;
mod repository;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::postgres::{Database, DbError, PgSession};

pub use answer::Answer;
pub use extract::{Idempotent, KeyHeader, RowKeys};
pub use key::{InUse, Key, Repetition, enter_in_tx, keep_in_tx};

/// The owner and target of a key: the same key is a different one for another caller or path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Scope {
    principal: uuid::Uuid,
    method: String,
    /// In the form of [`path::canonical`].
    path: String,
    key: String,
}

/// State shared by all requests with keys.
#[derive(Debug, Clone)]
pub struct Idempotency {
    db: Database,
    retention_hours: i32,
    /// The keys in use in this process: their repetitions are refused without a query.
    in_use: Arc<Mutex<HashSet<Scope>>>,
}

/// Deletes one principal's stored answers, and those about resources of these names: the last segment of a path, in any
/// case.
pub async fn forget_in_tx(tx: &mut PgSession, principal: Uuid, names: &[String]) -> Result<(), DbError> {
    let names: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
    Ok(repository::forget(tx, principal, &names).await?)
}

impl Idempotency {
    pub fn new(db: Database, retention_hours: u32) -> Self {
        let retention_hours = i32::try_from(retention_hours).unwrap_or(i32::MAX);
        Self { db, retention_hours, in_use: Arc::default() }
    }

    fn in_use(&self) -> MutexGuard<'_, HashSet<Scope>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes the records past their retention. Returns their number.
    pub async fn delete_old(&self) -> Result<u64, DbError> {
        let hours = self.retention_hours;
        self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_old(tx, hours, most))).await
    }
}
