use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::metric;
use super::{
    Allocation, AvailabilityIndex, CapacityError, FlightCapacity, FlightStatus, NewCapacity, Release, Space, repository,
};
use crate::{
    kernel::{FlightId, Weight},
    platform::{
        clock::SharedClock,
        locks::{FifoLock, Locks},
        postgres::{Database, DbError, PgSession},
    },
};

/// Opens new flights for sale; joins the caller's transaction.
pub async fn open_in_tx(tx: &mut PgSession, new: &[NewCapacity], now: DateTime<Utc>) -> Result<(), DbError> {
    Ok(repository::insert(tx, new, now).await?)
}

/// Locks the flights' rows in ascending order, before any booking's row, and reads them. Omits flights that do not
/// exist.
pub async fn lock_in_tx(tx: &mut PgSession, flights: &[FlightId]) -> Result<Vec<FlightCapacity>, DbError> {
    let ids: Vec<_> = flights.iter().map(|flight| flight.uuid()).collect();
    Ok(repository::lock(tx, &ids).await?)
}

/// Changes capacity and cut-off; returns false if the capacity would be less than the room taken.
pub async fn change_in_tx(
    tx: &mut PgSession,
    flight: FlightId,
    capacity: Space,
    cutoff: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    Ok(repository::change(tx, flight, capacity, cutoff, now).await?)
}

/// Takes room on every flight, in ascending order of flights. Returns the flights' rows as they are once this transaction
/// is committed, for [`CapacityService::wrote`]; `None` if one of them has no room: the caller must then roll back, read
/// again and decide again.
pub async fn allocate_in_tx(
    tx: &mut PgSession,
    allocations: &[Allocation],
    now: DateTime<Utc>,
) -> Result<Option<Vec<FlightCapacity>>, DbError> {
    let mut rooms = Vec::with_capacity(allocations.len());
    let mut ordered: Vec<&Allocation> = allocations.iter().collect();
    ordered.sort_by_key(|allocation| allocation.flight_id);
    for allocation in ordered {
        #[cfg(debug_assertions)]
        if repository::sabotage::take(tx, allocation, now).await? {
            continue;
        }
        let taken = repository::take(tx, allocation, now).await?;
        let outcome = if taken.is_some() { "taken" } else { "conflict" };
        metric::CAPACITY_TAKINGS.with([allocation.path.as_str(), outcome]).increment(1);
        let Some(room) = taken else { return Ok(None) };
        rooms.push(room);
    }
    Ok(Some(rooms))
}

/// Releases room on every flight, in ascending order of flights.
pub async fn release_in_tx(tx: &mut PgSession, releases: &[Release], now: DateTime<Utc>) -> Result<(), DbError> {
    let mut by_flight = BTreeMap::<FlightId, Vec<&Release>>::new();
    for release in releases {
        by_flight.entry(release.flight_id).or_default().push(release);
    }
    for (flight, releases) in by_flight {
        repository::release(tx, flight, &releases, now).await?;
    }
    Ok(())
}

/// Sets a flight's status and raises its version. The caller holds its lock and has checked the step.
pub async fn set_status_in_tx(tx: &mut PgSession, flight: FlightId, status: FlightStatus) -> Result<(), DbError> {
    Ok(repository::set_status(tx, flight, status).await?)
}

/// Reports the room on a flight, directly from the book of record.
#[derive(Clone)]
pub struct CapacityService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) index: AvailabilityIndex,
    pub(super) threshold: Weight,
    pub(super) lines: FifoLock<FlightId>,
    pub(super) locks: Locks,
}

impl CapacityService {
    /// Creates the service. At or below `critical_threshold_kg` of free weight, a flight's room is taken in turn.
    pub fn new(db: Database, clock: SharedClock, locks: Locks, critical_threshold_kg: u32) -> Self {
        let threshold = Weight::from_hectograms(i64::from(critical_threshold_kg) * 10);
        Self { db, clock, index: AvailabilityIndex::default(), threshold, lines: FifoLock::default(), locks }
    }

    /// Returns the weight that must stay free when room is taken out of turn.
    pub const fn threshold(&self) -> Weight {
        self.threshold
    }

    /// Returns the flight's current row and the time of reading.
    pub async fn availability(&self, flight: FlightId) -> Result<(FlightCapacity, DateTime<Utc>), CapacityError> {
        let mut connection = self.db.read().await?;
        let found = repository::find(&mut connection, flight).await?;
        Ok((found.ok_or(CapacityError::Unknown(flight))?, self.clock.now()))
    }

    pub fn is_critical(&self, capacity: &FlightCapacity) -> bool {
        capacity.available().weight <= self.threshold
    }
}
