use std::{sync::Arc, time::Duration};

use loadmaster_capacity::FlightCapacity;
use loadmaster_kernel::FlightId;
use moka::sync::Cache;

use super::Flight;

/// Most flights, of some 500 bytes each.
const MOST: u64 = 10_000;
/// How long one is known: versions do not show what was changed by hand in the tables.
const KEPT: Duration = Duration::from_secs(5);

/// Flights as they were last read. With a capacity row of the same version, all else about a flight is still true.
#[derive(Debug, Clone)]
pub(super) struct KnownFlights(Cache<FlightId, Arc<Flight>>);

impl Default for KnownFlights {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(KEPT).build())
    }
}

impl KnownFlights {
    pub fn take_in(&self, found: &[Flight]) {
        for flight in found {
            let is_known = |known: Arc<Flight>| known.space.version >= flight.space.version;
            if !self.0.get(&flight.id).is_some_and(is_known) {
                self.0.insert(flight.id, Arc::new(flight.clone()));
            }
        }
    }

    /// Returns the flight with this capacity row; `None` if it is not known as of the row's version.
    pub fn with(&self, space: FlightCapacity) -> Option<Flight> {
        let known = self.0.get(&space.flight_id).filter(|known| known.space.version == space.version)?;
        Some(Flight { space, ..Flight::clone(&known) })
    }

    /// Returns the flight as it was last read.
    pub fn recent(&self, id: FlightId) -> Option<Flight> {
        Some(Flight::clone(&*self.0.get(&id)?))
    }

    /// Forgets all, as after a change without a version, or in another database, whose versions mean something else.
    pub fn clear(&self) {
        self.0.invalidate_all();
    }
}
