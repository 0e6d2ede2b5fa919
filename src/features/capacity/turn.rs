use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{CapacityService, FlightCapacity, Space};
use crate::{
    kernel::FlightId,
    platform::locks::{Arrival, Asked, Guard},
};

/// The name of the lock on a flight.
pub(super) const LOCK: &str = "flight";

/// Longest wait for a turn, well within the time limit of a request; after that the request is refused.
const PATIENCE: Duration = Duration::from_secs(6);

impl CapacityService {
    /// Records the arrival of a request: turns follow the order of arrival.
    pub fn arrive(&self) -> Arrival {
        self.lines.arrive()
    }

    /// Returns whether this allocation would leave so little room that it must be taken in turn.
    pub fn is_critical_after(&self, room: &FlightCapacity, space: Space) -> bool {
        room.available().weight - space.weight <= self.threshold
    }

    /// Waits for the turn to take the last room of these flights, in ascending order, with no transaction open. The row
    /// lock alone ensures correctness; the turn adds fairness. Returns `None` if the turn has not come after six
    /// seconds or at `latest`.
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
            // If the lock is held for too long or unavailable, the row lock suffices.
            let lock = match self.locks.ask_briefly(LOCK, &flight).await {
                Asked::Got(lock) => Some(lock),
                Asked::Away | Asked::Held => None,
            };
            turns.push(Guard::new(place, lock));
        }
        Some(turns)
    }
}
