//! Which types of messages any webhook wants, kept in memory.
use std::sync::{Arc, Mutex, PoisonError};

use loadmaster_platform::{
    outbox::{Entry, Listeners, type_matches},
    postgres::{Database, DbError},
};
use uuid::Uuid;

use super::repository;

/// The wishes of all webhooks, as this process has read them last. They are believed for messages only that were read while
/// they were the same: a webhook that was created before a message was committed is never overlooked, whichever process
/// created it.
#[derive(Clone, Default)]
pub(super) struct Wishes(Arc<Mutex<Option<Known>>>);

#[derive(Clone)]
struct Known {
    state: Uuid,
    /// Types, and beginnings of types with `*`.
    types: Arc<[String]>,
}

impl Wishes {
    /// Returns the messages of types that any webhook wants. Reads the tables only if the wishes have changed since.
    pub async fn wanted<'a>(&self, db: &Database, entries: &'a [Entry]) -> Result<Vec<&'a Entry>, DbError> {
        let Some(Listeners { webhooks: state, .. }) = Listeners::of(entries) else {
            return Ok(entries.iter().collect());
        };
        let types = self.types(db, state).await?;
        let is_wanted = |entry: &&Entry| types.iter().any(|pattern| type_matches(pattern, entry.kind()));
        Ok(entries.iter().filter(is_wanted).collect())
    }

    /// Returns the types that were wanted in this state, or are wanted in a later one.
    async fn types(&self, db: &Database, state: Uuid) -> Result<Arc<[String]>, DbError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.state == state) {
            return Ok(known.types);
        }
        let (state, types) = repository::wanted_types(&mut *db.read().await?).await?;
        let known = Known { state, types: types.into() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known.types)
    }
}
