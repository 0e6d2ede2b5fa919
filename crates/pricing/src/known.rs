use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadmaster_platform::clock::Moment;

use super::rules::{Changes, Defaults, PriceRules};

/// For how long the known rules are used after the last moment up to which all changes were heard.
const FRESH_FOR: Duration = Duration::from_millis(450);

/// From this number of changed rules on, they are compiled on a thread of their own.
const MANY: usize = 1000;

/// The price rules that this process knows. They are used only while no change is in doubt, and while this process hears the
/// changes of others; else what has changed in the tables is read.
#[derive(Debug, Clone)]
pub(super) struct CachedRules(Arc<RwLock<State>>);

#[derive(Debug)]
struct State {
    rules: PriceRules,
    /// Number of changes heard, and the number as of which the rules were read; `None`: not read yet.
    changes: u64,
    as_of: Option<u64>,
    /// When all earlier changes had been heard.
    caught_up: Option<Moment>,
    /// What was read before is of another database.
    epoch: u64,
}

/// What is known when a reading begins.
pub(super) struct Reading {
    pub rules: PriceRules,
    as_of: u64,
    epoch: u64,
}

impl CachedRules {
    /// Begins with these rules, which are not read from the tables.
    pub fn new(rules: PriceRules) -> Self {
        Self(Arc::new(RwLock::new(State { rules, changes: 0, as_of: None, caught_up: None, epoch: 0 })))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the rules in force; `None` if their changes have to be read.
    pub fn current(&self, now: DateTime<Utc>) -> Option<PriceRules> {
        let state = self.read();
        let is_fresh = state.caught_up.is_some_and(|caught_up| caught_up.is_within(FRESH_FOR, now));
        (is_fresh && state.as_of == Some(state.changes)).then(|| state.rules.clone())
    }

    /// Records a change: what was read before it is not used any more.
    pub fn changed(&self) {
        self.write().changes += 1;
    }

    /// Forgets everything, and begins with these rules: the tables may be those of another database.
    pub fn forget(&self, rules: PriceRules) {
        let mut state = self.write();
        state.rules = rules;
        (state.as_of, state.epoch) = (None, state.epoch + 1);
        state.changes += 1;
    }

    /// Replaces the rules of the settings.
    pub fn set_defaults(&self, defaults: Option<Arc<Defaults>>) {
        let mut state = self.write();
        state.rules = state.rules.with_defaults(defaults);
        // A reading under way has the former ones.
        (state.as_of, state.epoch) = (None, state.epoch + 1);
    }

    pub fn begin_reading(&self) -> Reading {
        let state = self.read();
        Reading { rules: state.rules.clone(), as_of: state.changes, epoch: state.epoch }
    }

    /// Applies what was read to what was known when the reading began, and keeps it unless more is known meanwhile. Returns
    /// the rules that were read.
    pub async fn take_in(&self, reading: Reading, changes: Changes) -> PriceRules {
        let Reading { rules, as_of, epoch } = reading;
        let rules = if changes.len() < MANY {
            rules.changed(changes)
        } else {
            let compiling = tokio::task::spawn_blocking(move || rules.changed(changes));
            match compiling.await {
                Ok(rules) => rules,
                Err(error) => {
                    tracing::error!(%error, "the price rules could not be compiled");
                    return self.read().rules.clone();
                }
            }
        };
        let mut state = self.write();
        let is_newer = rules.revisions().are_not_before(&state.rules.revisions());
        if state.epoch == epoch && state.as_of.is_none_or(|known| known <= as_of) && is_newer {
            (state.as_of, state.rules) = (Some(as_of), rules.clone());
        }
        rules
    }

    /// Records that all changes before `began` were heard.
    pub fn caught_up(&self, began: Moment) {
        self.write().caught_up = Some(began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(known: &CachedRules) {
        let reading = known.begin_reading();
        known.take_in(reading, Changes::default()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn rules_are_known_while_nothing_is_in_doubt() {
        let (known, now) = (CachedRules::new(PriceRules::default()), DateTime::UNIX_EPOCH);
        known.caught_up(Moment::at(now));
        assert!(known.current(now).is_none(), "never read");
        read(&known).await;
        assert!(known.current(now).is_some());

        known.changed();
        assert!(known.current(now).is_none(), "changed");
        let before = known.begin_reading();
        known.changed();
        known.take_in(before, Changes::default()).await;
        assert!(known.current(now).is_none(), "changed again while it was read");
        read(&known).await;
        assert!(known.current(now).is_some());

        let before = known.begin_reading();
        known.forget(PriceRules::default());
        known.take_in(before, Changes::default()).await;
        assert!(known.current(now).is_none(), "what was read is of another database");
        read(&known).await;

        tokio::time::advance(Duration::from_millis(450)).await;
        assert!(known.current(now).is_none(), "changes by others are not heard");
        known.caught_up(Moment::at(now));
        assert!(known.current(now).is_some());
    }
}
