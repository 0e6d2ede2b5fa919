use super::{Answer, Idempotency, Scope, repository};
use crate::platform::{
    postgres::{DbError, PgSession},
    web::{Problem, code, digest_of},
};

/// The `Idempotency-Key` of a request, if it has one: the effect under a key happens once.
pub struct Key(Option<Scoped>);

/// A key in its scope, and the request made under it.
#[derive(Clone)]
struct Scoped {
    idempotency: Idempotency,
    scope: Scope,
    request_hash: [u8; 32],
    /// The lock number of the scope in PostgreSQL's advisory locks.
    lock: i64,
}

/// The reason why an effect does not happen under this key now.
#[derive(Debug, thiserror::Error)]
pub enum Repetition {
    #[error("the request was already processed")]
    Done(Box<Answer>),
    #[error("the key was used for another request")]
    Reused,
    #[error("the first request with this key is in progress")]
    InProgress,
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<Repetition> for Problem {
    fn from(repetition: Repetition) -> Self {
        match repetition {
            Repetition::Reused => {
                Self::new(code::IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was used for a different request.")
            }
            Repetition::Done(_) | Repetition::InProgress => Self::new(
                code::IDEMPOTENCY_IN_PROGRESS,
                "The first request with this Idempotency-Key is still in progress.",
            )
            .retry_after(1),
            Repetition::Database(cause) => cause.into(),
        }
    }
}

/// A key that is in use in this process until this is dropped.
pub struct InUse(Option<Scoped>);

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(key) = &self.0 {
            key.idempotency.in_use().remove(&key.scope);
        }
    }
}

impl Key {
    pub(super) fn new(idempotency: Idempotency, scope: Scope, request_hash: [u8; 32]) -> Self {
        let Scope { principal, method, path, key } = &scope;
        let digest = digest_of(&[&principal.to_string(), method, path, key]);
        let lock = digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte));
        Self(Some(Scoped { idempotency, scope, request_hash, lock }))
    }

    /// Returns the key of a request without one.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Reserves the key within this process. Returns `None` if another request holds it.
    pub fn start(&self) -> Option<InUse> {
        let Some(key) = &self.0 else { return Some(InUse(None)) };
        let is_first = key.idempotency.in_use().insert(key.scope.clone());
        is_first.then(|| InUse(Some(key.clone())))
    }

    /// Locks the key until the end of the transaction. Must be the first step in the transaction.
    pub async fn enter_in_tx(&self, tx: &mut PgSession) -> Result<(), Repetition> {
        let Some(key) = &self.0 else { return Ok(()) };
        if !repository::lock(&mut *tx, key.lock).await.map_err(DbError::from)? {
            return Err(Repetition::InProgress);
        }
        match key.find(tx).await? {
            Some(answer) => Err(Repetition::Done(Box::new(answer))),
            None => Ok(()),
        }
    }

    /// Stores the answer in the transaction that makes the change.
    pub async fn keep_in_tx(&self, tx: &mut PgSession, answer: &Answer) -> Result<(), DbError> {
        let Some(key) = &self.0 else { return Ok(()) };
        Ok(repository::keep(tx, &key.scope, &key.request_hash, answer).await?)
    }

    /// Checks, before waiting for a resource that the first request with this key may hold, whether that request is
    /// done or under way.
    pub async fn look_before_waiting(&self) -> Result<(), Repetition> {
        match &self.0 {
            Some(key) => key.look().await?.map_or(Ok(()), |answer| Err(Repetition::Done(Box::new(answer)))),
            None => Ok(()),
        }
    }

    /// Returns the answer after a failure: that of the first request with the key, if there is one. If it equals
    /// `kept`, which this request tried to store, then its own commit succeeded without confirmation.
    pub async fn resolve(&self, failure: Problem, kept: Option<&Answer>) -> Result<Answer, Problem> {
        let Some(key) = &self.0 else { return Err(failure) };
        match key.look().await {
            Ok(Some(answer)) => Ok(kept.filter(|kept| kept.body() == answer.body()).cloned().unwrap_or(answer)),
            Ok(None) => Err(failure),
            Err(reused @ Repetition::Reused) => Err(reused.into()),
            // The outcome is unknown: a refusal would be read as a statement that nothing was done.
            Err(again) => Err(if failure.code().status().is_server_error() { failure } else { again.into() }),
        }
    }
}

impl Scoped {
    /// Returns the answer of the first request, if there is one, without blocking the key. Checks first whether a
    /// request holds the key, and then, in a separate statement, for its record: that statement sees everything
    /// committed before.
    async fn look(&self) -> Result<Option<Answer>, Repetition> {
        let mut reading = self.idempotency.db.read().await?;
        if repository::is_locked(&mut reading, self.lock).await.map_err(DbError::from)? {
            return Err(Repetition::InProgress);
        }
        self.find(&mut reading).await
    }

    async fn find(&self, db: &mut PgSession) -> Result<Option<Answer>, Repetition> {
        let found = repository::find(db, &self.scope, self.idempotency.retention_hours).await.map_err(DbError::from)?;
        match found {
            Some(record) if record.request_hash != self.request_hash => Err(Repetition::Reused),
            found => Ok(found.map(|record| record.answer)),
        }
    }
}
