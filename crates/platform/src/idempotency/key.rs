use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Answer, Idempotency, Scope, path,
    repository::{self, StoredAnswer},
};
use crate::{
    postgres::{DbError, PgSession},
    web::{Problem, code, digest_of},
};

/// The `Idempotency-Key` of a request, if it has one: the effect under a key happens once.
#[derive(Debug, Clone)]
pub struct Key(Option<Scoped>);

/// A key in its scope, and the request made under it.
#[derive(Debug, Clone)]
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
#[derive(Debug)]
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

    /// Returns a name of the request under this key: of the same request again, and of no other; `None` without a key.
    pub fn name(&self) -> Option<[u8; 32]> {
        let Scoped { scope: Scope { principal, method, path, key }, request_hash, .. } = self.0.as_ref()?;
        let hash = STANDARD.encode(request_hash);
        Some(digest_of(&[&principal.to_string(), method, path, key, &hash]))
    }

    /// Returns the key of a part of this request, which asks for `asked`: of a `POST` to this path under `<key>/<part>`.
    #[must_use]
    pub fn part(&self, asked: &str, part: &str, path: &str) -> Self {
        let Some(Scoped { idempotency, scope, .. }) = &self.0 else { return Self::none() };
        let scope = Scope {
            principal: scope.principal,
            method: "POST".to_owned(),
            path: path::canonical(path),
            key: format!("{}/{part}", scope.key),
        };
        Self::new(idempotency.clone(), scope, digest_of(&["part", asked]))
    }

    /// Reserves the key within this process. Returns `None` if another request holds it.
    pub fn start(&self) -> Option<InUse> {
        let Some(key) = &self.0 else { return Some(InUse(None)) };
        let is_first = key.idempotency.in_use().insert(key.scope.clone());
        is_first.then(|| InUse(Some(key.clone())))
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
        let found = repository::find_all(db, &[&self.scope], self.idempotency.retention_hours).await;
        match found.map_err(DbError::from)?.pop() {
            Some((_, record)) if record.request_hash != self.request_hash => Err(Repetition::Reused),
            found => Ok(found.map(|(_, record)| record.answer)),
        }
    }
}

/// Locks the keys of several requests until the end of the transaction, and looks for what was done under them.
/// Returns for each, in their order, whether its effect may happen. Must be the first step in the transaction. The two
/// statements are separate: the second sees all that was committed before the locks were taken.
pub async fn enter_in_tx(tx: &mut PgSession, keys: &[&Key]) -> Result<Vec<Result<(), Repetition>>, DbError> {
    let mut entered: Vec<Result<(), Repetition>> = keys.iter().map(|_| Ok(())).collect();
    let mut keyed: Vec<(usize, &Scoped)> =
        keys.iter().enumerate().filter_map(|(place, key)| Some((place, key.0.as_ref()?))).collect();
    let Some(retention_hours) = keyed.first().map(|(_, key)| key.idempotency.retention_hours) else {
        return Ok(entered);
    };
    let locks: Vec<i64> = keyed.iter().map(|(_, key)| key.lock).collect();
    let mut is_free = repository::lock_all(&mut *tx, &locks).await?.into_iter();
    keyed.retain(|(place, _)| {
        let is_free = is_free.next().unwrap_or_default();
        if !is_free {
            entered[*place] = Err(Repetition::InProgress);
        }
        is_free
    });
    let scopes: Vec<&Scope> = keyed.iter().map(|(_, key)| &key.scope).collect();
    if scopes.is_empty() {
        return Ok(entered);
    }
    for (at, record) in repository::find_all(tx, &scopes, retention_hours).await? {
        let Some((place, key)) = keyed.get(at) else { continue };
        let is_same = record.request_hash == key.request_hash;
        entered[*place] = Err(if is_same { Repetition::Done(Box::new(record.answer)) } else { Repetition::Reused });
    }
    Ok(entered)
}

/// Stores the answers of requests in the transaction that makes their changes.
pub async fn keep_in_tx(tx: &mut PgSession, answers: &[(&Key, &Answer)]) -> Result<(), DbError> {
    let kept: Vec<StoredAnswer<'_>> = answers
        .iter()
        .filter_map(|(key, answer)| {
            let key = key.0.as_ref()?;
            Some(StoredAnswer { scope: &key.scope, request_hash: &key.request_hash, answer })
        })
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    Ok(repository::keep_all(tx, &kept).await?)
}
