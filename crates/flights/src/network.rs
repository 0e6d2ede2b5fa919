use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use loadmaster_kernel::AirportCode;

use super::model::{Lane, NetworkVersion};

/// This process's view of the network's version: for each airport, the version of the last known change of flights that
/// leave or land there. A search result between two airports found under that version or a later one is complete.
/// Processes that learn of changes at different moments may know different versions for one airport: they then keep
/// their results apart, and each is right.
///
/// Flights removed from the network do not change its version: stored results hold the flights' own versions, which
/// change.
#[derive(Debug, Clone, Default)]
pub struct Network(Arc<RwLock<NetworkState>>);

/// What a search result depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Flights that leave its origin or land at its destination: routes of at most one stop.
    Lane(Lane),
    /// All flights.
    All,
}

#[derive(Debug, Default)]
struct NetworkState {
    epoch: i64,
    /// For airports without a known change since.
    floor: i64,
    /// The greatest version that any airport has.
    newest: i64,
    leaving: HashMap<AirportCode, i64>,
    landing: HashMap<AirportCode, i64>,
    /// Lanes changed by this process whose version is still to be read. Each with the number of its invalidation.
    invalidated: HashMap<Lane, u64>,
    invalidations: u64,
    /// All changes up to this version are included above.
    learned: i64,
}

impl NetworkState {
    fn of(&self, scope: Scope) -> NetworkVersion {
        let known = match scope {
            Scope::Lane((origin, destination)) => {
                let leaving = self.leaving.get(&origin).copied().unwrap_or_default();
                leaving.max(self.landing.get(&destination).copied().unwrap_or_default())
            }
            Scope::All => self.newest,
        };
        NetworkVersion { version: self.floor.max(known), epoch: self.epoch }
    }

    fn raise(&mut self, (origin, destination): Lane, version: i64) {
        for (places, place) in [(&mut self.leaving, origin), (&mut self.landing, destination)] {
            let known = places.entry(place).or_default();
            *known = version.max(*known);
        }
        self.newest = self.newest.max(version);
    }

    fn restart(&mut self, network_version: NetworkVersion) {
        (self.epoch, self.floor, self.learned) =
            (network_version.epoch, network_version.version, network_version.version);
        self.newest = network_version.version;
        self.leaving.clear();
        self.landing.clear();
    }
}

impl Network {
    fn read(&self) -> RwLockReadGuard<'_, NetworkState> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, NetworkState> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the version for results that depend on this; `None` while it has to be read.
    pub fn version(&self, scope: Scope) -> Option<NetworkVersion> {
        let known = self.read();
        known.invalidated.is_empty().then(|| known.of(scope))
    }

    /// Records that this process has changed flights on these lanes.
    pub fn invalidate(&self, lanes: impl IntoIterator<Item = Lane>) {
        let mut known = self.write();
        known.invalidations += 1;
        let number = known.invalidations;
        known.invalidated.extend(lanes.into_iter().map(|lane| (lane, number)));
    }

    /// Returns the current invalidations, to be settled by a version that is read from now on.
    pub fn invalidated(&self) -> HashMap<Lane, u64> {
        self.read().invalidated.clone()
    }

    /// Applies a version that was read after these invalidations. A process that is not up to date has not heard of
    /// changes by others, and learns of them only from the version: if it has increased, any lane may have changed.
    pub fn settle(&self, invalidated: &HashMap<Lane, u64>, is_fresh: bool, network_version: NetworkVersion) {
        let mut known = self.write();
        if known.epoch != network_version.epoch {
            known.restart(network_version);
        }
        if !is_fresh && known.learned < network_version.version {
            known.floor = known.floor.max(network_version.version);
        }
        for (lane, number) in invalidated {
            known.raise(*lane, network_version.version);
            if known.invalidated.get(lane) == Some(number) {
                known.invalidated.remove(lane);
            }
        }
    }

    /// Returns the version for results that depend on this, ignoring later invalidations.
    pub fn settled(&self, scope: Scope) -> NetworkVersion {
        self.read().of(scope)
    }

    /// Records changes of flights by any process; `version` was read after their messages. `None`: the lane is unknown.
    pub fn heard(&self, lanes: impl IntoIterator<Item = Option<Lane>>, version: i64) {
        let mut known = self.write();
        for lane in lanes {
            match lane {
                Some(lane) => known.raise(lane, version),
                None => known.floor = known.floor.max(version),
            }
        }
    }

    /// Records that all changes up to this version have been heard.
    pub fn caught_up(&self, version: i64) {
        let mut known = self.write();
        known.learned = known.learned.max(version);
    }

    /// Starts again at this version, forgetting all that was known before.
    pub fn restart(&self, network_version: NetworkVersion) {
        self.write().restart(network_version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(origin: &str, destination: &str) -> Lane {
        (origin.parse().unwrap(), destination.parse().unwrap())
    }

    fn network_version(version: i64) -> NetworkVersion {
        NetworkVersion { version, epoch: 1 }
    }

    fn version(network: &Network, origin: &str, destination: &str) -> Option<i64> {
        network.version(Scope::Lane(lane(origin, destination))).map(|network_version| network_version.version)
    }

    fn newest(network: &Network) -> i64 {
        network.version(Scope::All).unwrap().version
    }

    #[test]
    fn a_change_moves_what_leaves_its_origin_and_what_lands_at_its_destination() {
        let network = Network::default();
        network.restart(network_version(5));
        network.heard([Some(lane("DEL", "BOM"))], 7);
        assert_eq!(version(&network, "DEL", "BOM"), Some(7));
        assert_eq!(version(&network, "DEL", "LHR"), Some(7));
        assert_eq!(version(&network, "GOI", "BOM"), Some(7));
        assert_eq!(version(&network, "BOM", "DEL"), Some(5));
        assert_eq!(version(&network, "LHR", "JFK"), Some(5));
        assert_eq!(newest(&network), 7, "any change moves what depends on all flights");
        // The lane is unknown.
        network.heard([None], 9);
        assert_eq!(version(&network, "LHR", "JFK"), Some(9));
        assert_eq!(newest(&network), 9);
        network.heard([Some(lane("LHR", "JFK"))], 8);
        assert_eq!(version(&network, "LHR", "JFK"), Some(9), "it never goes back");
    }

    #[test]
    fn a_change_by_this_process_has_no_version_until_it_was_read() {
        let network = Network::default();
        network.restart(network_version(5));
        network.invalidate([lane("DEL", "BOM")]);
        assert_eq!(version(&network, "DEL", "BOM"), None);
        let invalidated = network.invalidated();
        // The lane changes again while the version is read.
        network.invalidate([lane("DEL", "BOM")]);
        network.settle(&invalidated, true, network_version(6));
        assert_eq!(version(&network, "DEL", "BOM"), None);
        network.settle(&network.invalidated(), true, network_version(7));
        assert_eq!(version(&network, "DEL", "BOM"), Some(7));
        assert_eq!(version(&network, "LHR", "JFK"), Some(5));
    }

    #[test]
    fn a_view_that_is_behind_treats_a_new_version_as_a_change_of_everything() {
        let network = Network::default();
        network.restart(network_version(5));
        network.settle(&HashMap::new(), false, network_version(5));
        assert_eq!(version(&network, "LHR", "JFK"), Some(5));
        network.settle(&HashMap::new(), false, network_version(8));
        assert_eq!(version(&network, "LHR", "JFK"), Some(8));
        network.caught_up(9);
        network.settle(&HashMap::new(), false, network_version(9));
        assert_eq!(version(&network, "LHR", "JFK"), Some(8), "all changes up to 9 were heard of");
    }

    #[test]
    fn another_server_is_another_world() {
        let network = Network::default();
        network.restart(network_version(5));
        network.heard([Some(lane("DEL", "BOM"))], 50);
        network.settle(&HashMap::new(), false, NetworkVersion { version: 20, epoch: 2 });
        for scope in [Scope::Lane(lane("DEL", "BOM")), Scope::All] {
            assert_eq!(network.version(scope), Some(NetworkVersion { version: 20, epoch: 2 }));
        }
    }
}
