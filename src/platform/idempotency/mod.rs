//! One `Idempotency-Key`, one effect. The answer to a request with a key is written in the transaction of its effect, and
//! given again to whoever repeats the request. Only what was done is kept: a refusal frees the key.
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

use super::postgres::{Database, DbError, PgSession, commit};

pub use answer::Answer;
pub use extract::{Idempotent, KeyHeader};
pub use key::{InUse, Key, Repetition};

/// Whose key it is, and for what: the same key means something else to another caller or elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Scope {
    principal: uuid::Uuid,
    method: String,
    /// As [`path::canonical`] writes it.
    path: String,
    key: String,
}

/// What all requests with keys share.
#[derive(Clone)]
pub struct Idempotency {
    db: Database,
    retention_hours: i32,
    /// The keys in use in this process: their repetitions are refused without asking the database.
    in_use: Arc<Mutex<HashSet<Scope>>>,
}

/// Forgets the answers that one principal was given, and those about things of these names: the last part of an address, in
/// any case.
pub async fn forget_in_tx(tx: &mut PgSession, principal: Uuid, names: &[String]) -> Result<(), DbError> {
    let names: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
    Ok(repository::forget(tx, principal, &names).await?)
}

/// Records deleted at once: nobody must wait for it.
const DELETED_AT_ONCE: u64 = 5_000;

impl Idempotency {
    pub fn new(db: Database, retention_hours: u32) -> Self {
        let retention_hours = i32::try_from(retention_hours).unwrap_or(i32::MAX);
        Self { db, retention_hours, in_use: Arc::default() }
    }

    fn in_use(&self) -> MutexGuard<'_, HashSet<Scope>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes the records that are older than they are kept. Answers how many they were.
    pub async fn delete_old(&self) -> Result<u64, DbError> {
        let mut sum = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let deleted = repository::delete_old(&mut tx, self.retention_hours, DELETED_AT_ONCE.cast_signed()).await?;
            commit(tx).await?;
            sum += deleted;
            if deleted < DELETED_AT_ONCE {
                return Ok(sum);
            }
        }
    }
}
