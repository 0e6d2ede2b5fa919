use chrono::{DateTime, Utc};

use super::{AvailabilityIndex, CapacityError, FlightCapacity, FlightStatus, NewCapacity, Shift, repository};
use crate::{
    kernel::{FlightId, Weight},
    platform::{
        clock::SharedClock,
        locks::Locks,
        postgres::{Database, DbError, PgSession},
        settings,
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

/// Locks and reads these flights' rows without waiting: omits those that another transaction has locked.
pub async fn lock_free_in_tx(tx: &mut PgSession, flights: &[FlightId]) -> Result<Vec<FlightCapacity>, DbError> {
    let ids: Vec<_> = flights.iter().map(|flight| flight.uuid()).collect();
    Ok(repository::lock_free(tx, &ids).await?)
}

/// Changes capacity, overbooking and cut-off of the flight to those of `room`; returns false if the capacity would be
/// less than the room taken.
pub async fn change_in_tx(tx: &mut PgSession, room: &FlightCapacity, now: DateTime<Utc>) -> Result<bool, DbError> {
    Ok(repository::change(tx, room, now).await?)
}

/// Changes the room taken on flights, with an entry for each of these shifts in their order. Returns the flights' rows as
/// they are once this transaction is committed. The caller holds the flights' locks and has judged that there is room;
/// the tables refuse what is not so.
pub async fn shift_in_tx(
    tx: &mut PgSession,
    shifts: &[Shift],
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    #[cfg(debug_assertions)]
    let forgotten = repository::sabotage::forget(tx, shifts).await?;
    #[cfg(not(debug_assertions))]
    let forgotten = false;
    let entered: Vec<&Shift> = shifts.iter().skip(usize::from(forgotten)).collect();
    if entered.is_empty() {
        return Ok(Vec::new());
    }
    let rooms = repository::shift(tx, &entered, now).await?;
    // Each entry is of a flight that was changed, or there would be a booking without room.
    if entered.iter().any(|shift| !rooms.iter().any(|room| room.flight_id == shift.flight_id)) {
        return Err(sqlx::Error::RowNotFound.into());
    }
    Ok(rooms)
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
    pub(super) locks: Locks,
    pub(super) max_overbooking_percent: u8,
}

impl CapacityService {
    /// Creates the service. At or below `critical_threshold_kg` of free weight, a flight's room is taken in turn.
    pub fn new(db: Database, clock: SharedClock, locks: Locks, settings: &settings::Capacity) -> Self {
        let threshold = Weight::from_hectograms(i64::from(settings.critical_threshold_kg) * 10);
        let max_overbooking_percent = settings.max_overbooking_percent;
        Self { db, clock, index: AvailabilityIndex::default(), threshold, locks, max_overbooking_percent }
    }

    /// Returns the highest percentage by which a flight may be overbooked.
    pub const fn max_overbooking_percent(&self) -> u8 {
        self.max_overbooking_percent
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
