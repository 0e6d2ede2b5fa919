//! Flights written by imports of this process, so that the follower need not read them again.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use loadmaster_kernel::FlightId;
use tokio::time::Instant;

use super::{departures::Departure, model::Lane};

/// Time within which their messages are heard, unless this process is far behind.
const KEPT: Duration = Duration::from_mins(1);
/// Most flights, of some 100 bytes each; those of a larger import are read again.
const MOST: usize = 200_000;

#[derive(Debug, Clone, Default)]
pub(super) struct WrittenFlights(Arc<Mutex<Vec<Import>>>);

#[derive(Debug)]
struct Import {
    ended: Instant,
    flights: HashMap<FlightId, (Lane, Departure)>,
}

impl WrittenFlights {
    fn imports(&self) -> MutexGuard<'_, Vec<Import>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the flights of an import that was committed.
    pub fn take_in(&self, flights: &[(Lane, Departure)]) {
        if flights.len() > MOST {
            return;
        }
        let flights = flights.iter().map(|flight| (flight.1.flight_id, *flight)).collect();
        let mut imports = self.imports();
        imports.push(Import { ended: Instant::now(), flights });
        while imports.iter().map(|import| import.flights.len()).sum::<usize>() > MOST {
            imports.remove(0);
        }
    }

    /// Returns those of these flights that were written in this version.
    pub fn find(&self, versions: &HashMap<FlightId, i32>) -> Vec<(Lane, Departure)> {
        let imports = self.imports();
        let find = |(flight, version): (&FlightId, &i32)| {
            let mut found = imports.iter().filter_map(|import| import.flights.get(flight));
            found.find(|(_, departure)| departure.version == *version).copied()
        };
        versions.iter().filter_map(find).collect()
    }

    pub fn clear(&self) {
        self.imports().clear();
    }

    pub fn forget_old(&self) {
        self.imports().retain(|import| import.ended.elapsed() < KEPT);
    }
}
