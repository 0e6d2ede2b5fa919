//! Which messages any webhook wants, kept in memory.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use loadmaster_platform::{
    outbox::{Entry, Listeners, type_matches},
    postgres::{Database, DbError},
};
use uuid::Uuid;

use super::repository;

/// The types that all webhooks subscribe to, as this process has read them last. They are believed for messages only that were
/// read while they were the same: a webhook that was created before a message was committed is never overlooked, whichever
/// process created it.
#[derive(Clone, Default)]
pub(super) struct SubscribedTypes(Arc<Mutex<Option<LoadedTypes>>>);

#[derive(Clone)]
struct LoadedTypes {
    state: Uuid,
    types: Arc<Types>,
}

/// Types, and beginnings of types with `*`, by organization; without one: of everybody's messages.
#[derive(Default)]
struct Types(HashMap<Option<Uuid>, Vec<String>>);

impl Types {
    /// A message that names no organization may be of any.
    fn want(&self, entry: &Entry) -> bool {
        let is_wanted = |types: &Vec<String>| types.iter().any(|pattern| type_matches(pattern, entry.kind()));
        match entry.organization {
            Some(organization) => [None, Some(organization)].iter().filter_map(|of| self.0.get(of)).any(is_wanted),
            None => self.0.values().any(is_wanted),
        }
    }
}

impl SubscribedTypes {
    /// Returns the messages that any webhook wants, by their types and organizations. Reads the tables only if the types have
    /// changed since.
    pub async fn wanted<'a>(&self, db: &Database, entries: &'a [Entry]) -> Result<Vec<&'a Entry>, DbError> {
        let Some(Listeners { webhooks: state, .. }) = Listeners::of_all(entries.iter().map(|entry| entry.listeners))
        else {
            return Ok(entries.iter().collect());
        };
        let types = self.types(db, state).await?;
        Ok(entries.iter().filter(|entry| types.want(entry)).collect())
    }

    /// Returns what was wanted in this state, or is wanted in a later one.
    async fn types(&self, db: &Database, state: Uuid) -> Result<Arc<Types>, DbError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.state == state) {
            return Ok(known.types);
        }
        let (state, wanted) = repository::wanted_types(&mut *db.read().await?).await?;
        let mut types = Types::default();
        for (organization, wanted) in wanted {
            types.0.entry(organization).or_default().push(wanted);
        }
        let known = LoadedTypes { state, types: types.into() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known.types)
    }
}
