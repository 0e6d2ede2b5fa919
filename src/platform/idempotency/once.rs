use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;

use super::{Answer, Idempotency, Scope, fingerprint::digest_of, repository};
use crate::platform::{
    postgres::{DbError, PgSession, Tx, commit},
    web::{Code, NO_STORE, Problem},
};

/// Makes an effect happen once, however often it is asked for under one key; without a key it happens each time.
pub struct Once<T> {
    keyed: Option<Keyed>,
    answer: Arc<dyn Fn(&T) -> Answer + Send + Sync>,
    /// What this request has kept, should its commit come through.
    kept: Arc<Mutex<Option<Answer>>>,
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self { keyed: self.keyed.clone(), answer: self.answer.clone(), kept: self.kept.clone() }
    }
}

/// A key in its scope, and what is asked under it.
#[derive(Clone)]
pub(super) struct Keyed {
    idempotency: Idempotency,
    scope: Scope,
    request_hash: [u8; 32],
    /// The number that stands for the scope in PostgreSQL's advisory locks.
    lock: i64,
}

/// Why an effect does not happen under this key now.
#[derive(Debug, thiserror::Error)]
pub enum Repetition {
    #[error("done before")]
    Done(Box<Answer>),
    #[error("the key was used for another request")]
    Reused,
    #[error("the first request with this key is at work")]
    InProgress,
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<Repetition> for Problem {
    fn from(repetition: Repetition) -> Self {
        match repetition {
            Repetition::Reused => Self::new(
                Code::IdempotencyKeyReused,
                "This Idempotency-Key was used for a request that asked for something else.",
            ),
            Repetition::Done(_) | Repetition::InProgress => Self::new(
                Code::IdempotencyInProgress,
                "The first request with this Idempotency-Key is still being worked on.",
            )
            .retry_after(1),
            Repetition::Database(cause) => cause.into(),
        }
    }
}

/// A key at work in this process; dropped, it is free.
struct AtWork(Keyed);

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut at_work = self.0.idempotency.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.remove(&self.0.scope);
    }
}

impl<T> Once<T> {
    pub(super) fn new(keyed: Option<Keyed>, answer: Arc<dyn Fn(&T) -> Answer + Send + Sync>) -> Self {
        Self { keyed, answer, kept: Arc::default() }
    }

    /// Without a key and without anybody to answer.
    pub fn each_time() -> Self {
        Self::new(None, Arc::new(|_| Answer::new(StatusCode::OK, &(), NO_STORE)))
    }

    /// Does the work, unless it was done before: then the answer is that of the first time. The work begins the transaction
    /// of its effect with [`Self::enter_in_tx`] and ends it with [`Self::conclude`], and does nothing outside it.
    pub async fn run<E: Into<Problem>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<Answer, Problem> {
        let Some(keyed) = &self.keyed else {
            return work.await.map(|done| (self.answer)(&done)).map_err(Into::into);
        };
        let _at_work = keyed.start().ok_or(Repetition::InProgress)?;
        match work.await {
            Ok(done) => Ok((self.answer)(&done)),
            // What stood in the way may be the effect itself: made before, by another process meanwhile, or by a commit
            // that was not confirmed.
            Err(error) => match keyed.look().await {
                Ok(Some(answer)) => Ok(self.own(&answer).unwrap_or(answer)),
                Ok(None) => Err(error.into()),
                Err(reused @ Repetition::Reused) => Err(reused.into()),
                // Whether it was done cannot be told: a refusal would be taken for a word that it was not.
                Err(again) => {
                    let problem: Problem = error.into();
                    Err(if problem.code().status().is_server_error() { problem } else { again.into() })
                }
            },
        }
    }

    /// The answer that was found, if it is this very request's: its commit came through, but was not confirmed.
    fn own(&self, found: &Answer) -> Option<Answer> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.filter(|kept| kept.body() == found.body())
    }

    /// Comes before anything else in the transaction: from here to its end nobody else is at this key.
    pub async fn enter_in_tx(&self, tx: &mut PgSession) -> Result<(), Repetition> {
        let Some(keyed) = &self.keyed else { return Ok(()) };
        match keyed.look_in_tx(tx).await? {
            Some(answer) => Err(Repetition::Done(Box::new(answer))),
            None => Ok(()),
        }
    }

    /// Ends the transaction by how the work went: keeps the answer and commits, or takes everything back before anybody is
    /// told. (A transaction that is only dropped goes on for a while, and with it the lock on the key.)
    pub async fn conclude<E: From<DbError>>(&self, mut tx: Tx, outcome: Result<T, E>) -> Result<T, E> {
        let outcome = match outcome {
            Ok(done) => self.keep_in_tx(&mut tx, &done).await.map(|()| done).map_err(E::from),
            refused => refused,
        };
        match outcome {
            Ok(done) => {
                commit(tx).await?;
                Ok(done)
            }
            Err(error) => {
                // A connection that is lost takes the transaction with it.
                _ = tx.rollback().await;
                Err(error)
            }
        }
    }

    async fn keep_in_tx(&self, tx: &mut PgSession, done: &T) -> Result<(), DbError> {
        let Some(keyed) = &self.keyed else { return Ok(()) };
        let answer = (self.answer)(done);
        repository::keep(tx, &keyed.scope, &keyed.request_hash, &answer).await?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        Ok(())
    }

    /// Before waiting for something that whoever is at this key may have: it was done before, or is being done.
    pub async fn look_before_waiting(&self) -> Result<(), Repetition> {
        match &self.keyed {
            Some(keyed) => keyed.look().await?.map_or(Ok(()), |answer| Err(Repetition::Done(Box::new(answer)))),
            None => Ok(()),
        }
    }
}

impl Keyed {
    pub fn new(idempotency: Idempotency, scope: Scope, request_hash: [u8; 32]) -> Self {
        let Scope { principal, method, path, key } = &scope;
        let digest = digest_of(&[&principal.to_string(), method, path, key]);
        let lock = digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte));
        Self { idempotency, scope, request_hash, lock }
    }

    fn start(&self) -> Option<AtWork> {
        let mut at_work = self.idempotency.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.insert(self.scope.clone()).then(|| AtWork(self.clone()))
    }

    /// The answer of the first time, if there was one. Keeps nobody from the key. Whether somebody is at it is asked first,
    /// and then, as a statement of its own, what was done: it sees what whoever was at it before has committed.
    async fn look(&self) -> Result<Option<Answer>, Repetition> {
        let mut reading = self.idempotency.db.read().await?;
        if repository::is_locked(&mut reading, self.lock).await.map_err(DbError::from)? {
            return Err(Repetition::InProgress);
        }
        self.find(&mut reading).await
    }

    /// The same, and from here to the transaction's end nobody else is at this key.
    async fn look_in_tx(&self, tx: &mut PgSession) -> Result<Option<Answer>, Repetition> {
        if !repository::lock(&mut *tx, self.lock).await.map_err(DbError::from)? {
            return Err(Repetition::InProgress);
        }
        self.find(tx).await
    }

    async fn find(&self, db: &mut PgSession) -> Result<Option<Answer>, Repetition> {
        let found = repository::find(db, &self.scope, self.idempotency.retention_hours).await.map_err(DbError::from)?;
        match found {
            Some(record) if record.request_hash != self.request_hash => Err(Repetition::Reused),
            found => Ok(found.map(|record| record.answer)),
        }
    }
}
