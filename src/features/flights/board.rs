use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    departures::{Departure, Departures},
    model::{Lane, NetworkVersion},
};
use crate::kernel::FlightId;

/// Time after its departure at which a flight leaves the board.
pub(super) const KEPT: TimeDelta = TimeDelta::days(2);
/// Time between removals of flights that have departed.
const FORGETTING: TimeDelta = TimeDelta::hours(1);

/// All scheduled flights of the network, in this process's memory: which routes exist is found there. What a route's
/// flights are is read from the tables.
///
/// It includes every change up to a version of the network, and answers only who needs no later one. Flights that leave
/// the network do not change its version: whoever finds one must look whether it is still scheduled.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    departures: Departures,
    /// `None`: it is not loaded.
    coverage: Option<Coverage>,
}

#[derive(Debug, Clone, Copy)]
struct Coverage {
    /// It has the flights that depart from then on.
    since: DateTime<Utc>,
    /// It includes all changes up to this version.
    network_version: NetworkVersion,
}

impl Board {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the flights that depart from this moment on; `None` if they are not known as of this version.
    pub fn look<T>(
        &self,
        from: DateTime<Utc>,
        network_version: NetworkVersion,
        looking: impl FnOnce(&Departures) -> T,
    ) -> Option<T> {
        let state = self.read();
        let covered = state.coverage.filter(|coverage| coverage.since <= from)?.network_version;
        let is_known = covered.epoch == network_version.epoch && covered.version >= network_version.version;
        is_known.then(|| looking(&state.departures))
    }

    /// Forgets all, before it is loaded anew.
    pub(super) fn clear(&self) {
        *self.write() = State::default();
    }

    /// Takes the flights that depart from this moment on, with all changes up to this version.
    pub(super) fn put(&self, departures: Departures, since: DateTime<Utc>, network_version: NetworkVersion) {
        *self.write() = State { departures, coverage: Some(Coverage { since, network_version }) };
    }

    /// Takes in flights as they were read, each with whether it is scheduled and whether it was known otherwise before.
    pub(super) fn take_in(&self, read: Vec<(Lane, Departure, bool)>, moved: &HashMap<FlightId, bool>) {
        for (lane, departure, is_scheduled) in read {
            // Searches look at it in between: removing a flight looks through all that leave its origin.
            let mut state = self.write();
            let Some(Coverage { since, .. }) = state.coverage else { return };
            if moved.get(&departure.flight_id) != Some(&false) {
                state.departures.remove(lane.0, departure.flight_id);
            }
            if is_scheduled && departure.departure >= since {
                state.departures.add(lane, departure);
            }
        }
    }

    /// Records that all changes up to this version are included.
    pub(super) fn caught_up(&self, network_version: NetworkVersion) {
        if let Some(coverage) = &mut self.write().coverage {
            coverage.network_version = network_version;
        }
    }

    /// Removes flights that have departed long ago.
    pub(super) fn forget_departed(&self, now: DateTime<Utc>) {
        let mut state = self.write();
        let State { departures, coverage } = &mut *state;
        if let Some(coverage) = coverage.as_mut().filter(|coverage| coverage.since < now - KEPT - FORGETTING) {
            coverage.since = now - KEPT;
            departures.forget_before(coverage.since);
        }
    }

    /// Returns the number of flights on it.
    pub(super) fn count(&self) -> usize {
        self.read().departures.count()
    }
}
