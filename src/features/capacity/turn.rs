use std::collections::BTreeSet;

use super::{CapacityService, FlightCapacity, Space};
use crate::{
    kernel::FlightId,
    platform::locks::{Arrival, Asked, Lock, Place},
};

/// The turn to take the last room of some flights: nobody else of this process has it, and nobody of another who asks for
/// it. Dropped, it is the next one's. The row lock alone makes the outcome right; this makes it fair.
#[derive(Debug)]
pub struct Turn(Vec<(Option<Lock>, Place<FlightId>)>);

impl CapacityService {
    /// Takes down that somebody has come: whoever came first has his turn first.
    pub fn arrive(&self) -> Arrival {
        self.lines.arrive()
    }

    /// Whether taking this would leave so little that it has to be taken in turn.
    pub fn is_critical_after(&self, room: &FlightCapacity, space: Space) -> bool {
        room.available().weight - space.weight <= self.threshold
    }

    /// Waits for the turn on all these flights, in ascending order, with no transaction open.
    pub async fn turn(&self, flights: impl IntoIterator<Item = FlightId>, arrival: Arrival) -> Turn {
        let mut turn = Turn(Vec::new());
        for flight in flights.into_iter().collect::<BTreeSet<_>>() {
            let place = self.lines.wait(flight, arrival).await;
            // Held for too long or away: the row lock will do.
            let lock = match self.locks.ask_briefly("flight", &flight).await {
                Asked::Got(lock) => Some(lock),
                Asked::Away | Asked::Held => None,
            };
            turn.0.push((lock, place));
        }
        turn
    }
}

impl Drop for Turn {
    /// The lock is given back before the place is: the next one here need not find it held.
    fn drop(&mut self) {
        let held = std::mem::take(&mut self.0);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            for (lock, place) in held {
                if let Some(lock) = lock {
                    lock.give_back().await;
                }
                drop(place);
            }
        });
    }
}
