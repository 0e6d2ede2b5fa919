use std::{collections::HashMap, time::Duration};

use loadmaster_kernel::FlightId;
use loadmaster_platform::{clock::Moment, postgres::DbError, shutdown::stopped_within};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::metric;
use super::{AvailabilityIndex, CapacityService, FlightCapacity, repository};

/// Flights read in one statement.
const BATCH: usize = 2_000;
/// Rows read in one statement while the index is built.
const LOAD: i64 = 5_000;
/// Longest wait for a notification before invalidations are checked anyway, and pause after a failure.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Interval at which departed flights are removed.
const FORGET: Duration = Duration::from_mins(1);

impl CapacityService {
    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    pub const fn index(&self) -> &AvailabilityIndex {
        &self.index
    }

    /// Marks these flights as changed; call it after a commit that may have changed their space. Their space is not shown
    /// until it is read again.
    pub fn changed(&self, flights: impl IntoIterator<Item = FlightId>) {
        self.index.invalidate(flights);
    }

    /// Shows the rows that this process has just committed.
    pub fn wrote(&self, spaces: &[FlightCapacity]) {
        self.index.take_in(self.index.begin_reading(), &[], spaces, self.clock.now());
    }

    /// Returns the space to show for each of these flights, in their order, each of at least the version given with it.
    /// Reads the index if this process is up to date and the flight is not invalidated, else the tables. `None`: the
    /// flight does not exist.
    pub async fn spaces(
        &self,
        flights: impl ExactSizeIterator<Item = (FlightId, i32)> + Clone,
    ) -> Result<Vec<Option<FlightCapacity>>, DbError> {
        let is_fresh = self.index.is_fresh(self.clock.now());
        let mut spaces: Vec<Option<FlightCapacity>> = Vec::with_capacity(flights.len());
        let mut missing = Vec::new();
        for (flight, version) in flights.clone() {
            let known = if is_fresh { self.index.space(flight) } else { None };
            let known = known.filter(|space| space.version >= version);
            if known.is_none() {
                missing.push(flight);
            }
            spaces.push(known);
        }
        if !missing.is_empty() {
            let reason = if is_fresh { "unknown" } else { "behind" };
            metric::AVAILABILITY_READS.with([reason]).increment(1);
            let read = self.read(&missing).await?;
            let read: HashMap<FlightId, FlightCapacity> =
                read.into_iter().map(|space| (space.flight_id, space)).collect();
            for ((flight, _), space) in flights.zip(&mut spaces).filter(|(_, space)| space.is_none()) {
                *space = read.get(&flight).copied();
            }
        }
        Ok(spaces)
    }

    /// Returns the rows of these flights as the tables have them, in no particular order.
    pub async fn rows(&self, flights: &[FlightId]) -> Result<Vec<FlightCapacity>, DbError> {
        let ids: Vec<_> = flights.iter().map(|flight| flight.uuid()).collect();
        Ok(repository::find_all(&mut *self.db.read().await?, &ids).await?)
    }

    /// Reads these flights' rows and stores them in the index.
    async fn read(&self, flights: &[FlightId]) -> Result<Vec<FlightCapacity>, DbError> {
        let ids: Vec<_> = flights.iter().map(|flight| flight.uuid()).collect();
        let mut connection = self.db.read().await?;
        let reading = self.index.begin_reading();
        let found = repository::find_all(&mut connection, &ids).await?;
        self.index.take_in(reading, flights, &found, self.clock.now());
        Ok(found)
    }

    /// Builds the index from the tables, for flights that have not departed. The caller must receive every change made
    /// meanwhile.
    pub async fn load_index(&self, stop: &CancellationToken) -> Result<(), DbError> {
        self.index.clear();
        let since = self.clock.now() - super::index::KEPT;
        let mut after = uuid::Uuid::nil();
        while !stop.is_cancelled() {
            let mut connection = self.db.read().await?;
            let reading = self.index.begin_reading();
            let found = repository::scheduled(&mut connection, since, after, LOAD).await?;
            drop(connection);
            let Some(last) = found.last() else { break };
            after = last.flight_id.uuid();
            self.index.take_in(reading, &[], &found, self.clock.now());
        }
        Ok(())
    }

    /// Records that every earlier commit is in the index or invalidated there.
    pub fn caught_up(&self, since: Moment) {
        self.index.caught_up(since);
    }

    /// Reads invalidated flights immediately, until `stop`, and removes those that departed long ago.
    pub async fn refresh_invalidated(self, stop: CancellationToken) {
        let mut forgot = Instant::now();
        let mut may_be_more = false;
        while !stop.is_cancelled() {
            if !may_be_more {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = timeout(LOOK_AGAIN, self.index.news()) => {}
                }
            }
            let invalidated = self.index.invalidated(BATCH);
            may_be_more = invalidated.len() == BATCH;
            if !invalidated.is_empty()
                && let Err(error) = self.read(&invalidated).await
            {
                tracing::debug!(%error, "the availability of changed flights cannot be read; trying again");
                _ = stopped_within(&stop, LOOK_AGAIN).await;
            }
            if forgot.elapsed() > FORGET {
                self.index.forget_departed(self.clock.now());
                forgot = Instant::now();
            }
        }
    }

    /// Updates the metrics of the index.
    pub fn measure(&self) {
        let age = self.index.staleness(self.clock.now()).map_or(f64::INFINITY, |age| age.as_secs_f64());
        metric::AVAILABILITY_STALENESS.set(age);
        let flights = u32::try_from(self.index.len()).unwrap_or(u32::MAX);
        metric::AVAILABILITY_FLIGHTS.set(flights);
    }
}
