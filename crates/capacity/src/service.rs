use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{FlightId, Weight};
use loadmaster_platform::{
    clock::SharedClock,
    locks::Locks,
    postgres::{Database, DbError, PgSession, Statement},
    settings,
};

use super::model::{LAST_OFFERS, entries};
use super::{
    AllottedSpaceIndex, AvailabilityIndex, CapacityError, FlightCapacity, FlightStatus, NewCapacity, Shift, Space,
    repository,
};

/// Time for which space that was set aside is kept without an offer.
pub const ASIDE_FOR: TimeDelta = TimeDelta::seconds(30);

/// Returns the statement that opens new flights for sale, for the transaction that inserts them.
pub fn open(new: &[NewCapacity], now: DateTime<Utc>) -> Statement {
    repository::insert(new, now)
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

/// Changes capacity, overbooking and cut-off of the flight to those of `space`, and returns the row after it; `None` if the
/// capacity would be less than what is booked and kept. What was set aside is opened as far as the capacity requires; what
/// is added is set aside for those on the waitlist.
pub async fn change_in_tx(
    tx: &mut PgSession,
    space: &FlightCapacity,
    now: DateTime<Utc>,
) -> Result<Option<FlightCapacity>, DbError> {
    let flight = space.flight_id;
    let before = repository::find(tx, flight).await?;
    if let Some(before) = &before {
        let lacking = (before.booked + before.held - space.capacity).most(Space::default());
        let opened = lacking.least(before.aside);
        if opened != Space::default() {
            shift_in_tx(tx, &[Shift::opened(flight, opened)], now).await?;
        }
    }
    if !repository::change(tx, std::slice::from_ref(space), now).await? {
        return Ok(None);
    }
    let after = repository::find(tx, flight).await?;
    let (Some(before), Some(after)) = (before, after) else { return Ok(after) };
    let added = (after.capacity - before.capacity).most(Space::default());
    if added == Space::default() || !after.is_awaited(now) {
        return Ok(Some(after));
    }
    Ok(write_shifts(tx, &[&Shift::set_aside(flight, added)], &[], now).await?.pop().or(Some(after)))
}

/// Does the same for many flights, which the caller has locked and read since; `None` if it cannot be done for one. Those on
/// which nobody waits, and nothing is set aside, take one statement.
pub async fn change_all_in_tx(
    tx: &mut PgSession,
    spaces: &[FlightCapacity],
    now: DateTime<Utc>,
) -> Result<Option<Vec<FlightCapacity>>, DbError> {
    let (plain, watched): (Vec<FlightCapacity>, Vec<FlightCapacity>) =
        spaces.iter().partition(|space| space.waiting == 0 && space.aside == Space::default());
    if !repository::change(tx, &plain, now).await? {
        return Ok(None);
    }
    let ids: Vec<_> = plain.iter().map(|space| space.flight_id.uuid()).collect();
    let mut changed = repository::find_all(tx, &ids).await?;
    for space in watched {
        let Some(after) = change_in_tx(tx, &space, now).await? else { return Ok(None) };
        changed.push(after);
    }
    Ok(Some(changed))
}

/// Changes the space taken on flights, with an entry for each of these shifts in their order. Returns the flights' rows as
/// they are once this transaction is committed. The caller holds the flights' locks and has judged that there is space;
/// the tables refuse what is not so.
pub async fn shift_in_tx(
    tx: &mut PgSession,
    shifts: &[Shift],
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    #[cfg(debug_assertions)]
    let entered = repository::sabotage::spoil(tx, shifts).await?;
    #[cfg(not(debug_assertions))]
    let entered: Vec<&Shift> = shifts.iter().collect();
    if entered.is_empty() {
        return Ok(Vec::new());
    }
    let mut freed: Vec<_> =
        entered.iter().filter(|shift| shift.freed().is_some()).map(|shift| shift.flight_id.uuid()).collect();
    freed.dedup();
    let awaited =
        if freed.is_empty() { Vec::new() } else { repository::awaited(tx, &freed, now + LAST_OFFERS).await? };
    let spaces = write_shifts(tx, &entered, &awaited, now).await?;
    // Each entry is of a flight that was changed, or there would be a booking without space.
    if entered.iter().any(|shift| !spaces.iter().any(|space| space.flight_id == shift.flight_id)) {
        return Err(sqlx::Error::RowNotFound.into());
    }
    Ok(spaces)
}

/// Changes the numbers of those who wait for flights, whose locks the caller holds. What becomes free is set aside as long
/// as somebody waits.
pub async fn await_in_tx(tx: &mut PgSession, flights: &[(FlightId, i32)]) -> Result<(), DbError> {
    Ok(repository::add_waiting(tx, flights).await?)
}

/// Changes the numbers of allotments that have or had space on flights, whose locks the caller holds.
pub async fn allot_in_tx(tx: &mut PgSession, flights: &[(FlightId, i32)]) -> Result<(), DbError> {
    Ok(repository::add_allotted(tx, flights).await?)
}

/// Keeps what is set aside on a flight until then, for one who waits and was passed over.
pub async fn keep_aside_in_tx(tx: &mut PgSession, flight: FlightId, until: DateTime<Utc>) -> Result<(), DbError> {
    Ok(repository::keep_aside(tx, flight, until).await?)
}

/// Opens what was set aside on these flights and nobody has offered in time. Returns the rows of flights that changed.
pub async fn open_forgotten_in_tx(
    tx: &mut PgSession,
    flights: &[FlightId],
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    let spaces = lock_in_tx(tx, flights).await?;
    let forgotten = spaces.iter().filter(|space| space.has_forgotten_aside(now));
    let shifts: Vec<Shift> = forgotten.map(|space| Shift::opened(space.flight_id, space.aside)).collect();
    shift_in_tx(tx, &shifts, now).await
}

/// Writes the entries of these shifts. What becomes free on an awaited flight is set aside.
async fn write_shifts(
    tx: &mut PgSession,
    shifts: &[&Shift],
    awaited: &[FlightId],
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    let (entries, sums) = entries(shifts, awaited);
    Ok(repository::shift(tx, &entries, &sums, now + ASIDE_FOR, now).await?)
}

/// Sets a flight's status, raises its version, and returns the row after it. The caller holds its lock and has checked the
/// step. Nobody waits for a
/// flight that has left or is cancelled: what is set aside becomes free.
pub async fn set_status_in_tx(
    tx: &mut PgSession,
    flight: FlightId,
    status: FlightStatus,
    now: DateTime<Utc>,
) -> Result<Option<FlightCapacity>, DbError> {
    let space = repository::find(tx, flight).await?;
    if let Some(aside) = space.map(|space| space.aside).filter(|aside| *aside != Space::default()) {
        write_shifts(tx, &[&Shift::opened(flight, aside)], &[], now).await?;
    }
    repository::set_status(tx, flight, status).await?;
    Ok(repository::find(tx, flight).await?)
}

/// Reads a flight's row.
pub async fn find_in_tx(tx: &mut PgSession, flight: FlightId) -> Result<FlightCapacity, CapacityError> {
    repository::find(tx, flight).await?.ok_or(CapacityError::Unknown(flight))
}

/// Reports the space on a flight, directly from the book of record.
#[derive(Clone)]
pub struct CapacityService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) index: AvailabilityIndex,
    pub(super) allotted: AllottedSpaceIndex,
    pub(super) threshold: Weight,
    pub(super) locks: Locks,
    pub(super) max_overbooking_percent: u8,
}

impl CapacityService {
    /// Creates the service. At or below `critical_threshold_kg` of free weight, a flight's space is taken in turn.
    pub fn new(db: Database, clock: SharedClock, locks: Locks, settings: &settings::Capacity) -> Self {
        let threshold = Weight::from_hectograms(i64::from(settings.critical_threshold_kg) * 10);
        let max_overbooking_percent = settings.max_overbooking_percent;
        let index = AvailabilityIndex::default();
        let allotted = AllottedSpaceIndex::default();
        Self { db, clock, index, allotted, threshold, locks, max_overbooking_percent }
    }

    /// Returns the highest percentage by which a flight may be overbooked.
    pub const fn max_overbooking_percent(&self) -> u8 {
        self.max_overbooking_percent
    }

    /// Returns the weight that must stay free when space is taken out of turn.
    pub const fn threshold(&self) -> Weight {
        self.threshold
    }

    /// Returns the space that allotments keep, by organization, as this process knows it.
    pub const fn allotted(&self) -> &AllottedSpaceIndex {
        &self.allotted
    }

    /// Returns those of these flights on which space is set aside that nobody has offered in time.
    pub async fn forgotten(&self, flights: &[FlightId]) -> Result<Vec<FlightId>, DbError> {
        let ids: Vec<_> = flights.iter().map(|flight| flight.uuid()).collect();
        let spaces = repository::find_all(&mut *self.db.read().await?, &ids).await?;
        let now = self.clock.now();
        Ok(spaces.iter().filter(|space| space.has_forgotten_aside(now)).map(|space| space.flight_id).collect())
    }

    pub fn is_critical(&self, capacity: &FlightCapacity) -> bool {
        capacity.available().weight <= self.threshold
    }
}
