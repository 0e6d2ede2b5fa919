use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexMap;
use loadmaster_kernel::FlightId;
use loadmaster_platform::clock::Moment;
use tokio::sync::Notify;

use super::{FlightCapacity, FlightStatus, Overbooking, Space};

/// Time for which the index may answer after it was last up to date; after that the tables are read.
const FRESH_FOR: Duration = Duration::from_millis(450);
/// Time after its cut-off at which a flight leaves the index.
pub(super) const KEPT: TimeDelta = TimeDelta::days(2);
/// Few shards are cheap; this number keeps one growing shard from blocking the others or doubling the memory.
const SHARDS: usize = 64;

/// The space on each flight, in this process's memory: searches show it, and a booking may try by it. What a booking gets
/// is decided by the statement that sells.
///
/// A flight's row is stored only if it is not older than the known one: its version and the number of its last ledger
/// entry only grow, so the order in which own and foreign writes arrive does not matter. A flight that may have changed
/// is *invalidated* and not shown until it is read again. The index is used only while this process is *up to date*
/// with the writes of other processes.
#[derive(Clone)]
pub struct AvailabilityIndex(Arc<State>);

struct State {
    /// Rows lie one behind the other: a table of hashes has space for twice as many, which costs less of places than of rows.
    shards: [RwLock<IndexMap<FlightId, PackedRow>>; SHARDS],
    /// Flights that may have changed, each with the number of its last invalidation.
    invalidations: Mutex<HashMap<FlightId, u64>>,
    invalidated: AtomicUsize,
    /// Numbers invalidations and reads in the order in which they begin.
    clock: AtomicU64,
    news: Notify,
    /// Every commit before this moment is known; `None` if that was never the case.
    fresh_since: RwLock<Option<Moment>>,
}

/// A flight's row, packed: there may be a million.
#[derive(Debug, Clone, Copy)]
struct PackedRow {
    physical: Packed,
    /// Booked and held.
    taken: Packed,
    cutoff: i64,
    ledger_seq: u32,
    version: i32,
    status: FlightStatus,
    overbooking: Overbooking,
}

/// Hectograms, litres and positions.
#[derive(Debug, Clone, Copy)]
struct Packed([u32; 3]);

impl Packed {
    /// Returns `None` for what no aircraft carries.
    fn of(space: Space) -> Option<Self> {
        let [weight, volume, positions] = space.figures().map(|figure| u32::try_from(figure).ok());
        Some(Self([weight?, volume?, positions?]))
    }

    fn space(self) -> Space {
        let [weight, volume, positions] = self.0.map(i64::from);
        Space::from_columns(weight, volume, positions)
    }
}

/// A read of the tables that has begun: it settles the invalidations that are older.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading(u64);

impl PackedRow {
    /// Returns `None` for a row that has no place here: it is read each time.
    fn of(space: &FlightCapacity) -> Option<Self> {
        Some(Self {
            physical: Packed::of(space.physical)?,
            taken: Packed::of(space.booked + space.held)?,
            cutoff: space.cutoff.timestamp_micros(),
            ledger_seq: u32::try_from(space.ledger_seq).ok()?,
            version: space.version,
            status: space.status,
            overbooking: space.overbooking,
        })
    }

    fn space(&self, flight_id: FlightId) -> FlightCapacity {
        FlightCapacity {
            flight_id,
            status: self.status,
            cutoff: DateTime::from_timestamp_micros(self.cutoff).unwrap_or_default(),
            capacity: self.overbooking.authorized(self.physical.space()),
            physical: self.physical.space(),
            overbooking: self.overbooking,
            booked: self.taken.space(),
            held: Space::default(),
            aside: Space::default(),
            aside_until: None,
            waiting: 0,
            allotted: 0,
            version: self.version,
            ledger_seq: self.ledger_seq.into(),
        }
    }

    fn is_older_than(&self, space: &FlightCapacity) -> bool {
        self.version <= space.version && i64::from(self.ledger_seq) <= space.ledger_seq
    }
}

impl Default for AvailabilityIndex {
    fn default() -> Self {
        Self(Arc::new(State {
            shards: std::array::from_fn(|_| RwLock::default()),
            invalidations: Mutex::default(),
            invalidated: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            news: Notify::new(),
            fresh_since: RwLock::default(),
        }))
    }
}

impl AvailabilityIndex {
    fn shard(&self, flight: FlightId) -> &RwLock<IndexMap<FlightId, PackedRow>> {
        // The last bits of a UUIDv7 are random.
        let last = flight.uuid().as_bytes()[15];
        &self.0.shards[usize::from(last) % SHARDS]
    }

    /// Returns a flight's space, with booked and held in one figure, unless it is unknown or invalidated. The caller
    /// checks whether this process is up to date.
    pub fn space(&self, flight: FlightId) -> Option<FlightCapacity> {
        if self.is_invalidated(flight) {
            return None;
        }
        let shard = self.shard(flight).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(&flight).map(|known| known.space(flight))
    }

    fn is_invalidated(&self, flight: FlightId) -> bool {
        self.0.invalidated.load(Ordering::Acquire) > 0 && self.invalidations().contains_key(&flight)
    }

    fn invalidations(&self) -> std::sync::MutexGuard<'_, HashMap<FlightId, u64>> {
        self.0.invalidations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks flights that have changed or may have: they are not shown until they are read again.
    pub fn invalidate(&self, flights: impl IntoIterator<Item = FlightId>) {
        let number = self.0.clock.fetch_add(1, Ordering::AcqRel);
        let mut invalidations = self.invalidations();
        invalidations.extend(flights.into_iter().map(|flight| (flight, number)));
        self.0.invalidated.store(invalidations.len(), Ordering::Release);
        drop(invalidations);
        self.0.news.notify_one();
    }

    /// Marks those of these flights that are not known in this version or a later one.
    pub fn invalidate_older(&self, flights: &HashMap<FlightId, i32>) {
        let is_known = |flight, version| self.space(flight).is_some_and(|space| space.version >= version);
        let older = flights.iter().filter(|(flight, version)| !is_known(**flight, **version));
        self.invalidate(older.map(|(flight, _)| *flight).collect::<Vec<_>>());
    }

    /// Waits until something is invalidated.
    pub(super) async fn news(&self) {
        self.0.news.notified().await;
    }

    /// Returns at most `most` of the invalidated flights.
    pub(super) fn invalidated(&self, most: usize) -> Vec<FlightId> {
        self.invalidations().keys().take(most).copied().collect()
    }

    /// Begins a read; call it before reading the tables.
    pub(super) fn begin_reading(&self) -> Reading {
        Reading(self.0.clock.fetch_add(1, Ordering::AcqRel))
    }

    /// Stores the rows that a read found for these flights. A flight that it did not find is not stored.
    pub(super) fn take_in(&self, reading: Reading, asked: &[FlightId], found: &[FlightCapacity], now: DateTime<Utc>) {
        for space in found.iter().filter(|space| space.cutoff + KEPT > now) {
            let mut shard = self.shard(space.flight_id).write().unwrap_or_else(PoisonError::into_inner);
            if shard.get(&space.flight_id).is_some_and(|known| !known.is_older_than(space)) {
                continue;
            }
            match PackedRow::of(space) {
                Some(known) => drop(shard.insert(space.flight_id, known)),
                None => drop(shard.swap_remove(&space.flight_id)),
            }
        }
        if self.0.invalidated.load(Ordering::Acquire) > 0 {
            let mut invalidations = self.invalidations();
            for flight in asked {
                if invalidations.get(flight).is_some_and(|doubt| *doubt < reading.0) {
                    invalidations.remove(flight);
                }
            }
            self.0.invalidated.store(invalidations.len(), Ordering::Release);
        }
    }

    /// Removes everything and marks the index as not up to date.
    pub(super) fn clear(&self) {
        *self.0.fresh_since.write().unwrap_or_else(PoisonError::into_inner) = None;
        for shard in &self.0.shards {
            *shard.write().unwrap_or_else(PoisonError::into_inner) = IndexMap::new();
        }
    }

    /// Removes flights whose cut-off passed more than `KEPT` ago.
    pub(super) fn forget_departed(&self, now: DateTime<Utc>) {
        let oldest = (now - KEPT).timestamp_micros();
        for shard in &self.0.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, known| known.cutoff > oldest);
            if shard.capacity() > 4 * shard.len() + 64 {
                shard.shrink_to_fit();
            }
        }
    }

    /// Records that every commit before `moment` is known or invalidated here.
    pub(super) fn caught_up(&self, moment: Moment) {
        *self.0.fresh_since.write().unwrap_or_else(PoisonError::into_inner) = Some(moment);
    }

    /// Returns the time since everything was known, by whichever clock shows more; `None` before the first time.
    pub fn staleness(&self, now: DateTime<Utc>) -> Option<Duration> {
        let fresh_since = *self.0.fresh_since.read().unwrap_or_else(PoisonError::into_inner);
        fresh_since.map(|moment| moment.age(now))
    }

    /// Returns whether the index is recent enough to be shown.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.staleness(now).is_some_and(|age| age < FRESH_FOR)
    }

    /// Returns the number of known flights.
    pub fn len(&self) -> usize {
        self.0.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn space(flight_id: FlightId, version: i32, ledger_seq: i64) -> FlightCapacity {
        let opened = FlightCapacity::opened(flight_id, Space::from_columns(10, 10, 1), at(0));
        FlightCapacity { version, ledger_seq, booked: Space::from_columns(ledger_seq, 0, 0), ..opened }
    }

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn flight(number: u128) -> FlightId {
        Uuid::from_u128(number).into()
    }

    /// Returns the version and the ledger number as shown.
    fn shown(index: &AvailabilityIndex, flight: FlightId) -> Option<(i32, i64)> {
        index.space(flight).map(|space| (space.version, space.ledger_seq))
    }

    #[test]
    fn it_never_goes_back_in_whichever_order_it_learns() {
        let (index, flight) = (AvailabilityIndex::default(), flight(1));
        for (version, seq) in [(1, 3), (1, 2), (2, 3), (1, 3), (2, 5), (2, 4), (3, 5), (2, 5)] {
            let reading = index.begin_reading();
            index.take_in(reading, &[flight], &[space(flight, version, seq)], at(0));
        }
        assert_eq!(shown(&index, flight), Some((3, 5)));
        assert_eq!(index.space(flight).unwrap().available(), Space::from_columns(5, 10, 1));
    }

    #[test]
    fn an_overbooked_flight_is_shown_as_it_is() {
        let (index, flight) = (AvailabilityIndex::default(), flight(1));
        let overbooking = Overbooking { weight_percent: 10, volume_percent: 0, positions_percent: 20 };
        let known = space(flight, 1, 0).with_capacity(Space::from_columns(1005, 10, 9), overbooking);
        index.take_in(index.begin_reading(), &[flight], &[known], at(0));
        assert_eq!(index.space(flight), Some(known));
        assert_eq!(known.capacity, Space::from_columns(1105, 10, 10));
    }

    #[test]
    fn what_has_no_place_in_it_is_not_shown_as_it_was_before() {
        let (index, flight) = (AvailabilityIndex::default(), flight(1));
        let most = i64::from(u32::MAX);
        for (weight, is_kept) in [(most, true), (most + 1, false), (7, true)] {
            let known = space(flight, 1, 0).with_capacity(Space::from_columns(weight, 10, 9), Overbooking::NONE);
            index.take_in(index.begin_reading(), &[flight], &[known], at(0));
            assert_eq!(index.space(flight), Some(known).filter(|_| is_kept));
        }
    }

    #[test]
    fn doubted_entries_are_shown_again_after_a_later_reading() {
        let (index, flight, other) = (AvailabilityIndex::default(), flight(1), flight(2));
        let first = index.begin_reading();
        index.take_in(first, &[flight, other], &[space(flight, 1, 1), space(other, 1, 1)], at(0));
        let before = index.begin_reading();
        index.invalidate([flight]);
        assert_eq!((shown(&index, flight), shown(&index, other)), (None, Some((1, 1))));
        // The read may have seen the state before the change.
        index.take_in(before, &[flight], &[space(flight, 1, 1)], at(0));
        assert_eq!(shown(&index, flight), None);
        let after = index.begin_reading();
        index.take_in(after, &[flight], &[space(flight, 1, 2)], at(0));
        assert_eq!(shown(&index, flight), Some((1, 2)));
        assert!(index.invalidated(9).is_empty());
    }

    #[test]
    fn a_flight_that_is_not_there_is_not_doubted_for_ever() {
        let (index, flight) = (AvailabilityIndex::default(), flight(1));
        index.invalidate([flight]);
        assert_eq!(index.invalidated(9), [flight]);
        let reading = index.begin_reading();
        index.take_in(reading, &[flight], &[], at(0));
        assert!(index.invalidated(9).is_empty() && index.is_empty());
    }

    #[test]
    fn flights_long_departed_leave_and_do_not_come_back() {
        let (index, flight) = (AvailabilityIndex::default(), flight(1));
        let take_in = |hour| {
            let reading = index.begin_reading();
            index.take_in(reading, &[flight], &[space(flight, 1, 1)], at(hour));
        };
        take_in(47);
        index.forget_departed(at(47));
        assert_eq!(index.len(), 1);
        index.forget_departed(at(48));
        assert_eq!(index.len(), 0);
        take_in(49);
        assert_eq!(index.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_abreast_for_less_than_half_a_second_by_both_clocks() {
        let index = AvailabilityIndex::default();
        assert!(!index.is_fresh(at(0)));
        index.caught_up(Moment::at(at(0)));
        assert!(index.is_fresh(at(0)));
        tokio::time::advance(Duration::from_millis(449)).await;
        assert!(index.is_fresh(at(0)));
        for hours in [1, -1] {
            assert!(!index.is_fresh(at(hours)), "the steady clock stood still, or the wall clock was set back");
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!index.is_fresh(at(0)));
        assert_eq!(index.staleness(at(0)), Some(Duration::from_millis(450)));
        // After a wall clock was set back, the next update makes it trusted again.
        index.caught_up(Moment::at(at(-1)));
        assert!(index.is_fresh(at(-1)));
        index.clear();
        assert!(!index.is_fresh(at(-1)));
    }
}
