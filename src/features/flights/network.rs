use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::model::{Standing, Stretch};
use crate::kernel::AirportCode;

/// What this process knows of the network's version: for each airport, the version by which all flights that leave there, or
/// land there, are known to have changed last. What was found between two airports under that version or a later one has
/// them all. Processes that learn of changes at different moments may know different versions for one airport: then they
/// keep what they found apart, and each is right.
///
/// Flights that are taken out of the network do not move it: what was found holds their version, which has moved.
#[derive(Debug, Clone, Default)]
pub struct Network(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    epoch: i64,
    /// For airports that nothing was heard of since.
    floor: i64,
    leaving: HashMap<AirportCode, i64>,
    landing: HashMap<AirportCode, i64>,
    /// Changed by this process; the version is yet to be read. Each with the number of its doubt.
    doubted: HashMap<Stretch, u64>,
    doubts: u64,
    /// All changes up to this version are in the above.
    learned: i64,
}

impl Known {
    fn of(&self, (origin, destination): Stretch) -> Standing {
        let leaving = self.leaving.get(&origin).copied().unwrap_or_default();
        let landing = self.landing.get(&destination).copied().unwrap_or_default();
        Standing { version: self.floor.max(leaving).max(landing), epoch: self.epoch }
    }

    fn raise(&mut self, (origin, destination): Stretch, version: i64) {
        for (places, place) in [(&mut self.leaving, origin), (&mut self.landing, destination)] {
            let known = places.entry(place).or_default();
            *known = version.max(*known);
        }
    }

    fn restart(&mut self, standing: Standing) {
        (self.epoch, self.floor, self.learned) = (standing.epoch, standing.version, standing.version);
        self.leaving.clear();
        self.landing.clear();
    }
}

impl Network {
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version for what is found between these airports; none while it has to be read.
    pub fn version(&self, stretch: Stretch) -> Option<Standing> {
        let known = self.read();
        known.doubted.is_empty().then(|| known.of(stretch))
    }

    /// This process has changed such flights.
    pub fn doubt(&self, stretches: impl IntoIterator<Item = Stretch>) {
        let mut known = self.write();
        known.doubts += 1;
        let number = known.doubts;
        known.doubted.extend(stretches.into_iter().map(|stretch| (stretch, number)));
    }

    /// What is in doubt now; to be settled by a version that is read from now on.
    pub fn doubted(&self) -> HashMap<Stretch, u64> {
        self.read().doubted.clone()
    }

    /// Takes in a version that was read after these doubts. Of changes by others, of which a process that is not abreast has
    /// not heard, only the version tells: if it has moved, they may be anywhere.
    pub fn settle(&self, doubted: &HashMap<Stretch, u64>, is_abreast: bool, standing: Standing) {
        let mut known = self.write();
        if known.epoch != standing.epoch {
            known.restart(standing);
        }
        if !is_abreast && known.learned < standing.version {
            known.floor = known.floor.max(standing.version);
        }
        for (stretch, number) in doubted {
            known.raise(*stretch, standing.version);
            if known.doubted.get(stretch) == Some(number) {
                known.doubted.remove(stretch);
            }
        }
    }

    /// The version for what is found between these airports, whatever came into doubt since.
    pub fn settled(&self, stretch: Stretch) -> Standing {
        self.read().of(stretch)
    }

    /// These flights were changed, by whomever; the version was read after that was heard. None: nobody knows which.
    pub fn heard(&self, stretches: impl IntoIterator<Item = Option<Stretch>>, version: i64) {
        let mut known = self.write();
        for stretch in stretches {
            match stretch {
                Some(stretch) => known.raise(stretch, version),
                None => known.floor = known.floor.max(version),
            }
        }
    }

    /// All changes up to this version were heard of.
    pub fn caught_up(&self, version: i64) {
        let mut known = self.write();
        known.learned = known.learned.max(version);
    }

    /// Begins anew: nothing is known of what was before.
    pub fn restart(&self, standing: Standing) {
        self.write().restart(standing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(origin: &str, destination: &str) -> Stretch {
        (origin.parse().unwrap(), destination.parse().unwrap())
    }

    fn standing(version: i64) -> Standing {
        Standing { version, epoch: 1 }
    }

    fn version(network: &Network, origin: &str, destination: &str) -> Option<i64> {
        network.version(stretch(origin, destination)).map(|standing| standing.version)
    }

    #[test]
    fn a_change_moves_what_leaves_its_origin_and_what_lands_at_its_destination() {
        let network = Network::default();
        network.restart(standing(5));
        network.heard([Some(stretch("DEL", "BOM"))], 7);
        assert_eq!(version(&network, "DEL", "BOM"), Some(7));
        assert_eq!(version(&network, "DEL", "LHR"), Some(7));
        assert_eq!(version(&network, "GOI", "BOM"), Some(7));
        assert_eq!(version(&network, "BOM", "DEL"), Some(5));
        assert_eq!(version(&network, "LHR", "JFK"), Some(5));
        // Nobody knows where.
        network.heard([None], 9);
        assert_eq!(version(&network, "LHR", "JFK"), Some(9));
        network.heard([Some(stretch("LHR", "JFK"))], 8);
        assert_eq!(version(&network, "LHR", "JFK"), Some(9), "it never goes back");
    }

    #[test]
    fn what_this_process_has_changed_has_no_version_until_it_was_read() {
        let network = Network::default();
        network.restart(standing(5));
        network.doubt([stretch("DEL", "BOM")]);
        assert_eq!(version(&network, "DEL", "BOM"), None);
        let doubted = network.doubted();
        // Changed again while the version is read.
        network.doubt([stretch("DEL", "BOM")]);
        network.settle(&doubted, true, standing(6));
        assert_eq!(version(&network, "DEL", "BOM"), None);
        network.settle(&network.doubted(), true, standing(7));
        assert_eq!(version(&network, "DEL", "BOM"), Some(7));
        assert_eq!(version(&network, "LHR", "JFK"), Some(5));
    }

    #[test]
    fn who_is_not_abreast_takes_a_version_that_has_moved_for_a_change_of_anything() {
        let network = Network::default();
        network.restart(standing(5));
        network.settle(&HashMap::new(), false, standing(5));
        assert_eq!(version(&network, "LHR", "JFK"), Some(5));
        network.settle(&HashMap::new(), false, standing(8));
        assert_eq!(version(&network, "LHR", "JFK"), Some(8));
        network.caught_up(9);
        network.settle(&HashMap::new(), false, standing(9));
        assert_eq!(version(&network, "LHR", "JFK"), Some(8), "all changes up to 9 were heard of");
    }

    #[test]
    fn another_server_is_another_world() {
        let network = Network::default();
        network.restart(standing(5));
        network.heard([Some(stretch("DEL", "BOM"))], 50);
        network.settle(&HashMap::new(), false, Standing { version: 20, epoch: 2 });
        assert_eq!(network.version(stretch("DEL", "BOM")), Some(Standing { version: 20, epoch: 2 }));
    }
}
