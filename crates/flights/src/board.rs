use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{AirportCode, FlightId};
use tokio::{sync::Notify, time::timeout};

use super::{
    departures::{Departure, DeparturePosition, Departures},
    model::{Lane, NetworkVersion},
};

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
pub struct Board(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: RwLock<State>,
    caught_up: Notify,
}

#[derive(Debug, Default)]
struct State {
    departures: Departures,
    /// `None`: it is not loaded.
    coverage: Option<Coverage>,
}

/// Flights that are otherwise on the board than in the tables.
pub(super) type Differences = HashMap<FlightId, Difference>;

/// A flight as it is on the board, and as it was read; `None`: it is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Difference {
    known: Option<(Lane, Departure)>,
    read: Option<(Lane, Departure)>,
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
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
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

    /// Waits until it has caught up with the changes by all processes again. Returns false if it does not know the flights
    /// that depart from this moment on, or is not kept up to date.
    pub async fn catches_up(&self, from: DateTime<Utc>, within: Duration) -> bool {
        let caught_up = self.0.caught_up.notified();
        let is_loaded = self.read().coverage.is_some_and(|coverage| coverage.since <= from);
        is_loaded && timeout(within, caught_up).await.is_ok()
    }

    /// Forgets all, before it is loaded anew.
    pub(super) fn clear(&self) {
        *self.write() = State::default();
    }

    /// Takes the flights that depart from this moment on, with all changes up to this version.
    pub(super) fn put(&self, departures: Departures, since: DateTime<Utc>, network_version: NetworkVersion) {
        *self.write() = State { departures, coverage: Some(Coverage { since, network_version }) };
    }

    /// Takes in flights as they were read, each with whether it is scheduled. `moved`: those that may have been elsewhere.
    pub(super) fn take_in(&self, read: impl IntoIterator<Item = (Lane, Departure, bool)>, moved: &HashSet<FlightId>) {
        let mut by_origin = HashMap::<AirportCode, Vec<(Lane, Departure, bool)>>::new();
        for flight in read {
            by_origin.entry(flight.0.0).or_default().push(flight);
        }
        for (origin, flights) in by_origin {
            // Searches look at it in between: removing flights looks through all that leave their origin.
            let mut state = self.write();
            let Some(Coverage { since, .. }) = state.coverage else { return };
            let is_wanted = |departure: &Departure, is_scheduled| is_scheduled && departure.departure >= since;
            let is_as_read = |(lane, departure, is_scheduled): &(Lane, Departure, bool)| {
                is_wanted(departure, *is_scheduled) && state.departures.has(*lane, departure)
            };
            let others: Vec<_> = flights.into_iter().filter(|flight| !is_as_read(flight)).collect();
            let ids = others.iter().map(|(_, departure, _)| departure.flight_id);
            let gone: HashSet<FlightId> = ids.filter(|flight| moved.contains(flight)).collect();
            state.departures.remove(origin, &gone);
            for (lane, departure, is_scheduled) in others {
                if is_wanted(&departure, is_scheduled) {
                    state.departures.add(lane, departure);
                }
            }
        }
    }

    /// Returns the flights behind one place and up to another that are otherwise here than they were read just now.
    pub(super) fn differences(
        &self,
        after: DeparturePosition,
        last: DeparturePosition,
        read: &[(Lane, Departure)],
    ) -> Differences {
        let state = self.read();
        let Some(Coverage { since, .. }) = state.coverage else { return Differences::default() };
        let mut found = Differences::default();
        for flight in read.iter().filter(|(_, departure)| departure.departure >= since) {
            if !state.departures.has(flight.0, &flight.1) {
                found.entry(flight.1.flight_id).or_default().read = Some(*flight);
            }
        }
        let read: HashMap<FlightId, &(Lane, Departure)> =
            read.iter().map(|flight| (flight.1.flight_id, flight)).collect();
        for (lane, departure) in state.departures.within(after, last) {
            if read.get(&departure.flight_id).is_none_or(|read| **read != (lane, *departure)) {
                found.entry(departure.flight_id).or_default().known = Some((lane, *departure));
            }
        }
        found
    }

    /// Corrects flights as they were read.
    pub(super) fn correct(&self, differences: &Differences) {
        let gone = differences.iter().filter(|(_, difference)| difference.known.is_some());
        let gone = gone.map(|(flight, _)| *flight).collect();
        let flights = differences.values().flat_map(|Difference { known, read }| {
            let known = known.map(|(lane, departure)| (lane, departure, false));
            known.into_iter().chain(read.map(|(lane, departure)| (lane, departure, true)))
        });
        self.take_in(flights, &gone);
    }

    /// Records that all changes up to this version are included.
    pub(super) fn caught_up(&self, network_version: NetworkVersion) {
        if let Some(coverage) = &mut self.write().coverage {
            coverage.network_version = network_version;
        }
        self.0.caught_up.notify_waiters();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn flight(id: u128, hour: i64) -> Departure {
        Departure::new(uuid::Uuid::from_u128(id).into(), "AI101".parse().unwrap(), at(hour), at(hour + 2))
    }

    fn lane(origin: &str, destination: &str) -> Lane {
        (origin.parse().unwrap(), destination.parse().unwrap())
    }

    #[test]
    fn what_was_changed_without_a_message_is_corrected_where_it_was_read() {
        let (known, network_version) = (lane("DEL", "LHR"), NetworkVersion { version: 1, epoch: 1 });
        let board = Board::default();
        let mut departures = Departures::default();
        for departure in [flight(1, 1), flight(2, 2), flight(3, 3), flight(9, 9)] {
            departures.add(known, departure);
        }
        board.put(departures, at(1), network_version);
        // The second has another time, the third is gone, and the fourth, on another lane, and one before all are new.
        let read =
            [(known, flight(1, 1)), (known, flight(2, 4)), (lane("BOM", "LHR"), flight(4, 5)), (known, flight(5, 0))];
        let (after, last) = (flight(0, 0).place(), flight(8, 8).place());
        let differences = board.differences(after, last, &read);
        assert_eq!(differences.len(), 3, "{differences:?}");
        board.correct(&differences);
        let found = |lane| board.look(at(1), network_version, |departures| departures.on(lane).to_vec()).unwrap();
        assert_eq!(found(known), [flight(1, 1), flight(2, 4), flight(9, 9)], "what was not read is as before");
        assert_eq!(found(lane("BOM", "LHR")), [flight(4, 5)]);
        assert_eq!(board.count(), 4);
        assert!(board.differences(after, last, &read).is_empty());
    }
}
