use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use chrono::{DateTime, Utc};
use loadmaster_platform::clock::Moment;
use loadmaster_reference::Reference;

use super::{in_force::Embargoes, model::Embargo};

/// For how long the known embargoes are used after the last moment up to which all changes were heard.
const FRESH_FOR: Duration = Duration::from_millis(450);

/// The embargoes that this process knows. They are used only while no change is in doubt, and while this process hears
/// the changes of others; else the tables are read.
#[derive(Debug, Clone, Default)]
pub(super) struct EmbargoSnapshot(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    embargoes: Embargoes,
    /// Number of changes heard, and the number as of which the embargoes were read; `None`: not read yet.
    changes: u64,
    as_of: Option<u64>,
    /// When all earlier changes had been heard.
    caught_up: Option<Moment>,
}

impl EmbargoSnapshot {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the embargoes in force; `None` if they have to be read.
    pub fn current(&self, now: DateTime<Utc>) -> Option<Embargoes> {
        let state = self.read();
        let is_fresh = state.caught_up.is_some_and(|caught_up| caught_up.is_within(FRESH_FOR, now));
        (is_fresh && state.as_of == Some(state.changes)).then(|| state.embargoes.clone())
    }

    /// Records a change: what was read before it is not used any more.
    pub fn changed(&self) {
        self.write().changes += 1;
    }

    /// Forgets everything: what was read is read again.
    pub fn forget(&self) {
        let mut state = self.write();
        (state.embargoes, state.as_of) = (Embargoes::default(), None);
        state.changes += 1;
    }

    /// Returns the number of changes so far, to be given to [`Self::take_in`] with what is read from now on.
    pub fn begin_reading(&self) -> u64 {
        self.read().changes
    }

    /// Stores the embargoes, unless those known were read after a later change. Returns those that were read.
    pub fn take_in(&self, as_of: u64, all: Vec<Embargo>, reference: &Reference) -> Embargoes {
        let known = self.read().embargoes.clone();
        let read = if known.are(&all) { known } else { Embargoes::new(all, reference) };
        let mut state = self.write();
        if state.as_of.is_none_or(|known| known <= as_of) {
            (state.as_of, state.embargoes) = (Some(as_of), read.clone());
        }
        read
    }

    /// Records that all changes before `began` were heard.
    pub fn caught_up(&self, began: Moment) {
        self.write().caught_up = Some(began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(snapshot: &EmbargoSnapshot) -> u64 {
        let as_of = snapshot.begin_reading();
        snapshot.take_in(as_of, Vec::new(), &Reference::default());
        as_of
    }

    #[tokio::test(start_paused = true)]
    async fn embargoes_are_known_while_nothing_is_in_doubt() {
        let (snapshot, now) = (EmbargoSnapshot::default(), DateTime::UNIX_EPOCH);
        snapshot.caught_up(Moment::at(now));
        assert!(snapshot.current(now).is_none(), "never read");
        read(&snapshot);
        assert!(snapshot.current(now).is_some());

        snapshot.changed();
        assert!(snapshot.current(now).is_none(), "changed");
        let before = snapshot.begin_reading();
        snapshot.changed();
        snapshot.take_in(before, Vec::new(), &Reference::default());
        assert!(snapshot.current(now).is_none(), "changed again while it was read");
        read(&snapshot);
        snapshot.take_in(before, Vec::new(), &Reference::default());
        assert!(snapshot.current(now).is_some(), "a late reader does not take it back");

        tokio::time::advance(Duration::from_millis(450)).await;
        assert!(snapshot.current(now).is_none(), "changes by others are not heard");
        snapshot.caught_up(Moment::at(now));
        assert!(snapshot.current(now).is_some());
        assert!(snapshot.current(now + chrono::TimeDelta::hours(1)).is_none());
    }
}
