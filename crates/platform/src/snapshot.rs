//! What a process knows of some tables, in memory, and keeps up to date by the messages about their changes. It is used only
//! while no change is in doubt, and while this process hears the changes of others; else the tables are read.
use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{
    clock::{Moment, SharedClock},
    follower::Follower,
    outbox::Entry,
    postgres::{Database, DbError, PgSession},
};

/// For how long what is known is used after the last moment up to which all changes were heard.
const FRESH_FOR: Duration = Duration::from_millis(450);

/// The tables of a snapshot.
pub trait Source: Clone + Send + Sync + 'static {
    /// What is known of them; cheap to clone.
    type Known: Clone + Send + Sync + 'static;

    /// Aggregates whose messages are about changes of these tables.
    const CHANGED_BY: &'static [&'static str];
    /// Aggregates whose messages are about other data that it was made with: it is made anew.
    const MADE_WITH: &'static [&'static str];

    /// Returns what is known before anything is read.
    fn nothing(&self) -> Self::Known;

    /// Reads the tables, or what has changed in them since this was read.
    fn read(&self, db: &mut PgSession, known: Self::Known) -> impl Future<Output = sqlx::Result<Self::Known>> + Send;

    /// Returns whether what was read is not older than what is known.
    fn is_not_before(_read: &Self::Known, _known: &Self::Known) -> bool {
        true
    }
}

/// What this process knows of the tables of a source; clones share it. As a follower of the outbox it keeps itself fresh.
#[derive(Clone)]
pub struct Snapshot<S: Source> {
    source: S,
    db: Database,
    clock: SharedClock,
    cache: Arc<Cache<S::Known>>,
}

impl<S: Source> Snapshot<S> {
    pub fn new(source: S, db: Database, clock: SharedClock) -> Self {
        let cache = Arc::new(Cache::new(source.nothing()));
        Self { source, db, clock, cache }
    }

    /// Returns the same on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    pub const fn source(&self) -> &S {
        &self.source
    }

    /// Returns all changes by this process, and those by others up to half a second ago. Reads them only if this process is
    /// not up to date.
    pub async fn current(&self) -> Result<S::Known, DbError> {
        match self.cache.current(self.clock.now()) {
            Some(known) => Ok(known),
            None => self.reload().await,
        }
    }

    /// Returns the same within a transaction.
    pub async fn current_in_tx(&self, tx: &mut PgSession) -> Result<S::Known, DbError> {
        match self.cache.current(self.clock.now()) {
            Some(known) => Ok(known),
            None => Ok(self.load(tx).await?),
        }
    }

    /// Returns what was read last, without reading: all changes by this process, and those by others once they were heard.
    pub fn known(&self) -> S::Known {
        self.cache.state().known.clone()
    }

    /// To be called after the commit of a change: it is in effect in this process from now on.
    pub async fn changed(&self) {
        self.cache.changed();
        if let Err(error) = self.reload().await {
            tracing::debug!(%error, "a snapshot cannot be read; it is read when it is needed");
        }
    }

    /// Replaces what is known by what is made of it. A reading under way does not count.
    pub fn replace(&self, with: impl FnOnce(&S::Known) -> S::Known) {
        self.cache.replace(with);
    }

    /// Reads everything, perhaps from another database than before.
    async fn start_anew(&self) -> anyhow::Result<()> {
        self.cache.replace(|_| self.source.nothing());
        self.reload().await?;
        Ok(())
    }

    async fn reload(&self) -> Result<S::Known, DbError> {
        let mut connection = self.db.read().await?;
        Ok(self.load(&mut connection).await?)
    }

    async fn load(&self, db: &mut PgSession) -> sqlx::Result<S::Known> {
        let (known, place) = self.cache.begin_reading();
        let read = self.source.read(db, known).await?;
        self.cache.take_in(place, &read, S::is_not_before);
        Ok(read)
    }
}

impl<S: Source> Follower for Snapshot<S> {
    fn start<'a>(&'a self, _: &'a CancellationToken) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.start_anew())
    }

    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        let is_about =
            |aggregates: &[&str]| messages.iter().any(|message| aggregates.contains(&message.aggregate.as_str()));
        let (is_made_anew, has_changed) = (is_about(S::MADE_WITH), is_about(S::CHANGED_BY));
        Box::pin(async move {
            if is_made_anew {
                self.start_anew().await?;
            } else if has_changed {
                self.cache.changed();
                self.reload().await?;
            }
            Ok(())
        })
    }

    fn caught_up(&self, began: Moment) {
        self.cache.caught_up(began);
    }
}

struct Cache<K>(RwLock<State<K>>);

struct State<K> {
    known: K,
    /// Number of changes heard, and the number as of which it was read; `None`: not read yet.
    changes: u64,
    as_of: Option<u64>,
    /// When all earlier changes had been heard.
    caught_up: Option<Moment>,
    /// What was read in another epoch does not count.
    epoch: u64,
}

/// Where a reading begins.
#[derive(Clone, Copy)]
struct Place {
    as_of: u64,
    epoch: u64,
}

impl<K: Clone> Cache<K> {
    fn new(known: K) -> Self {
        Self(RwLock::new(State { known, changes: 0, as_of: None, caught_up: None, epoch: 0 }))
    }

    fn state(&self) -> RwLockReadGuard<'_, State<K>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State<K>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is known; `None` if changes have to be read.
    fn current(&self, now: DateTime<Utc>) -> Option<K> {
        let state = self.state();
        let is_fresh = state.caught_up.is_some_and(|caught_up| caught_up.is_within(FRESH_FOR, now));
        (is_fresh && state.as_of == Some(state.changes)).then(|| state.known.clone())
    }

    /// Records a change: what was read before it is not used any more.
    fn changed(&self) {
        self.state_mut().changes += 1;
    }

    /// Replaces what is known, which counts as not read.
    fn replace(&self, with: impl FnOnce(&K) -> K) {
        let mut state = self.state_mut();
        state.known = with(&state.known);
        (state.as_of, state.epoch) = (None, state.epoch + 1);
        state.changes += 1;
    }

    /// Returns what is known, and the place to be given to [`Self::take_in`] with what is read from now on.
    fn begin_reading(&self) -> (K, Place) {
        let state = self.state();
        (state.known.clone(), Place { as_of: state.changes, epoch: state.epoch })
    }

    /// Keeps what was read, unless more is known meanwhile.
    fn take_in(&self, place: Place, read: &K, is_not_before: impl Fn(&K, &K) -> bool) {
        let Place { as_of, epoch } = place;
        let mut state = self.state_mut();
        let is_last = state.epoch == epoch && state.as_of.is_none_or(|known| known <= as_of);
        if is_last && is_not_before(read, &state.known) {
            (state.as_of, state.known) = (Some(as_of), read.clone());
        }
    }

    /// Records that all changes before `began` were heard.
    fn caught_up(&self, began: Moment) {
        self.state_mut().caught_up = Some(began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_in(cache: &Cache<u32>, place: Place, read: u32) {
        cache.take_in(place, &read, |read, known| read >= known);
    }

    fn read(cache: &Cache<u32>, read: u32) {
        let (_, place) = cache.begin_reading();
        take_in(cache, place, read);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_known_while_nothing_is_in_doubt() {
        let (cache, now) = (Cache::new(0), DateTime::UNIX_EPOCH);
        cache.caught_up(Moment::at(now));
        assert_eq!(cache.current(now), None, "never read");
        read(&cache, 1);
        assert_eq!(cache.current(now), Some(1));

        cache.changed();
        assert_eq!(cache.current(now), None, "changed");
        let (_, before) = cache.begin_reading();
        cache.changed();
        take_in(&cache, before, 2);
        assert_eq!(cache.current(now), None, "changed again while it was read");
        read(&cache, 3);
        take_in(&cache, before, 4);
        assert_eq!(cache.current(now), Some(3), "a late reader does not take it back");

        tokio::time::advance(FRESH_FOR).await;
        assert_eq!(cache.current(now), None, "changes by others are not heard");
        cache.caught_up(Moment::at(now));
        assert_eq!(cache.current(now), Some(3));
        assert_eq!(cache.current(now + chrono::TimeDelta::hours(1)), None, "by the wall clock");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_before_a_replacement_or_is_older_is_not_kept() {
        let (cache, now) = (Cache::new(0), DateTime::UNIX_EPOCH);
        cache.caught_up(Moment::at(now));
        let (_, before) = cache.begin_reading();
        cache.replace(|known| known + 10);
        take_in(&cache, before, 20);
        assert_eq!(cache.current(now), None, "read in another epoch");
        assert_eq!(cache.begin_reading().0, 10);

        read(&cache, 9);
        assert_eq!(cache.current(now), None, "it lacks what is known");
        read(&cache, 11);
        assert_eq!(cache.current(now), Some(11));
    }
}
