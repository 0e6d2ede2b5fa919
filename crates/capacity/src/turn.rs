use loadmaster_kernel::FlightId;
use loadmaster_platform::locks::{Lock, LockOutcome};

use super::{CapacityService, metric::CAPACITY_TAKINGS};

/// The name of the lock on a flight.
pub(super) const LOCK: &str = "flight";

/// The circumstances in which space is taken, for the metrics.
#[derive(Debug, Clone, Copy)]
pub enum Path {
    /// More than the threshold stays free.
    Optimistic,
    /// Little is left, or another transaction has locked the flight.
    Locking,
    /// A booking is amended.
    Amending,
}

impl Path {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Optimistic => "optimistic",
            Self::Locking => "locking",
            Self::Amending => "amending",
        }
    }

    /// Counts this many takings of space.
    pub fn count_taken(self, takings: usize) {
        self.count("taken", takings);
    }

    /// Counts this many attempts that are repeated because another transaction had locked or changed the flights.
    pub fn count_conflicts(self, attempts: usize) {
        self.count("conflict", attempts);
    }

    fn count(self, outcome: &str, times: usize) {
        CAPACITY_TAKINGS.with([self.as_str(), outcome]).increment(u64::try_from(times).unwrap_or_default());
    }
}

impl CapacityService {
    /// Asks for the courtesy locks of these flights, all at once and with no transaction open, and returns those it got.
    /// One that is held elsewhere is waited for briefly; without it the row lock suffices.
    pub async fn turns(&self, flights: impl IntoIterator<Item = FlightId>) -> Vec<Lock> {
        let asked = flights.into_iter().map(async |flight| match self.locks.ask_briefly(LOCK, &flight).await {
            LockOutcome::Got(lock) => Some(lock),
            LockOutcome::Away | LockOutcome::Held => None,
        });
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    }
}
