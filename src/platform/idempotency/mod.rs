//! One `Idempotency-Key`, one effect. The answer to a request with a key is written in the transaction of its effect, and
//! given again to whoever repeats the request. Only what was done is kept: a refusal frees the key.
mod answer;
mod fingerprint;
mod key;
mod once;
mod path;
mod repository;
mod request;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use sqlx::PgConnection;
use uuid::Uuid;

use super::postgres::{Database, DbError, commit};

pub use answer::Answer;
pub use fingerprint::{Content, fingerprint};
pub use key::{Idempotent, KeyHeader};
pub use once::{Once, Repetition};
pub use request::{ChangeRequest, Terms};

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
    /// The keys at work in this process: their repetitions are refused without asking the database.
    at_work: Arc<Mutex<HashSet<Scope>>>,
}

/// Forgets the answers that one principal was given, and those about things of these names: the last part of an address, in
/// any case.
pub async fn forget_in_tx(tx: &mut PgConnection, principal: Uuid, names: &[String]) -> Result<(), DbError> {
    let names: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
    Ok(repository::forget(tx, principal, &names).await?)
}

/// Records deleted at once: nobody must wait for it.
const DELETED_AT_ONCE: u64 = 5_000;

impl Idempotency {
    pub fn new(db: Database, retention_hours: u32) -> Self {
        let retention_hours = i32::try_from(retention_hours).unwrap_or(i32::MAX);
        Self { db, retention_hours, at_work: Arc::default() }
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
