use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{CapacityService, FlightCapacity, Space};
use crate::{
    kernel::FlightId,
    platform::locks::{Arrival, Asked, Guard},
};

/// The name of the lock on a flight.
pub(super) const LOCK: &str = "flight";

/// Whoever would wait longer is better told so: well within the time that a request may take.
const PATIENCE: Duration = Duration::from_secs(6);

impl CapacityService {
    /// Takes down that somebody has come: whoever came first has his turn first.
    pub fn arrive(&self) -> Arrival {
        self.lines.arrive()
    }

    /// Whether allocation this would leave so little that it has to be taken in turn.
    pub fn is_critical_after(&self, room: &FlightCapacity, space: Space) -> bool {
        room.available().weight - space.weight <= self.threshold
    }

    /// Waits for the turn to take the last room of these flights, in ascending order, with no transaction open. The row
    /// lock alone makes the outcome right; this makes it fair. None when too many came before: after six seconds, or at
    /// `latest`.
    pub async fn turns(
        &self,
        flights: impl IntoIterator<Item = FlightId>,
        arrival: Arrival,
        latest: Instant,
    ) -> Option<Vec<Guard<FlightId>>> {
        let until = latest.min(Instant::now() + PATIENCE);
        let mut turns = Vec::new();
        for flight in flights.into_iter().collect::<BTreeSet<_>>() {
            let place = timeout_at(until, self.lines.wait(flight, arrival)).await.ok()?;
            // Held for too long or away: the row lock will do.
            let lock = match self.locks.ask_briefly(LOCK, &flight).await {
                Asked::Got(lock) => Some(lock),
                Asked::Away | Asked::Held => None,
            };
            turns.push(Guard::new(place, lock));
        }
        Some(turns)
    }
}
