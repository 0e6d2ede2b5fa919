use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use loadmaster_kernel::FlightId;
use loadmaster_platform::postgres::{DbError, PgSession, ReadConnection};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Board, FlightService, Lane, NetworkVersion,
    board::{Differences, KEPT},
    departures::{Departure, DeparturePosition, Departures},
    metric, repository,
};

/// Rows read in one statement.
const PAGE: i64 = 10_000;
/// Flights that have changed, read in one statement.
const CHANGED: usize = 1_000;

/// Differences between a part of the board and the tables.
pub(super) struct Doubt {
    after: DeparturePosition,
    last: DeparturePosition,
    /// From which place on the board is compared next.
    pub next: Option<DeparturePosition>,
    differences: Differences,
    /// How often all messages were heard since.
    passes: u8,
}

impl Doubt {
    /// Notes that all messages written before the current pass of the follower were heard.
    pub const fn note_pass(&mut self) {
        self.passes = self.passes.saturating_add(1);
    }

    /// Returns whether all changes that the comparison read were heard: it was made within the first pass, and the second
    /// began after it.
    pub const fn is_heard(&self) -> bool {
        self.passes >= 2
    }
}

/// The departures of the board being read; ends when it is dropped.
pub(super) struct Reading {
    task: JoinHandle<Result<Departures, DbError>>,
    since: DateTime<Utc>,
    network_version: NetworkVersion,
    /// Flights of which messages were heard meanwhile.
    changed: HashSet<FlightId>,
    _ends: DropGuard,
}

impl Reading {
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    pub fn hear<'a>(&mut self, flights: impl IntoIterator<Item = &'a FlightId>) {
        self.changed.extend(flights);
    }
}

impl FlightService {
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// Begins to read the departures from the tables, which include all changes up to this version. The caller must
    /// receive every change made from now on.
    pub(super) fn read_board(&self, network_version: NetworkVersion, stop: &CancellationToken) -> Reading {
        // The old one goes first: there is never memory for two.
        self.board.clear();
        let (since, stop) = (self.clock.now() - KEPT, stop.child_token());
        let (flights, ends) = (self.clone(), stop.clone().drop_guard());
        let task = tokio::spawn(async move { flights.all_departures(since, &stop).await });
        Reading { task, since, network_version, changed: HashSet::new(), _ends: ends }
    }

    /// Fills the board with what was read, and with what has changed meanwhile.
    pub(super) async fn fill_board(&self, reading: Reading) -> Result<(), DbError> {
        let Reading { task, since, network_version, changed, _ends } = reading;
        let mut departures = task.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        departures.shrink();
        // What was written meanwhile may have changed again before it was read: the tables decide.
        self.written.clear();
        self.board.put(departures, since, network_version);
        let refreshed = self.read_onto_board(changed.iter().copied(), &changed).await.map(drop);
        // With a part of the changes it is not up to date.
        refreshed.inspect_err(|_| self.board.clear())
    }

    async fn all_departures(&self, since: DateTime<Utc>, stop: &CancellationToken) -> Result<Departures, DbError> {
        let (mut departures, mut after) = (Departures::default(), Some(first_place(since)));
        let db = self.db.for_background();
        while let (Some(place), false) = (after, stop.is_cancelled()) {
            after = read_page(&mut *db.read().await?, &mut departures, place, DateTime::<Utc>::MAX_UTC).await?;
        }
        Ok(departures)
    }

    /// Reads the scheduled flights that depart in `[from, to)` from the tables.
    pub async fn departures_in_tx(
        &self,
        tx: &mut PgSession,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Departures, DbError> {
        let (mut departures, mut after) = (Departures::default(), Some(first_place(from)));
        while let Some(place) = after {
            after = read_page(tx, &mut departures, place, to).await?;
        }
        Ok(departures)
    }

    /// Returns a connection on which all is as it was at one moment.
    pub async fn snapshot(&self) -> Result<ReadConnection, DbError> {
        self.db.snapshot().await
    }

    /// Takes flights that have changed, each up to this version, onto the board, if it is loaded, and returns the lanes of those
    /// that are scheduled. `moved`: those that may have been known otherwise before.
    pub(super) async fn refresh_board(
        &self,
        changed: &HashMap<FlightId, i32>,
        moved: &HashSet<FlightId>,
    ) -> Result<HashSet<Lane>, DbError> {
        let written = self.written.find(changed);
        let written_ids: HashSet<FlightId> = written.iter().map(|(_, departure)| departure.flight_id).collect();
        let others = changed.keys().filter(|flight| !written_ids.contains(flight)).copied();
        let mut lanes: HashSet<Lane> = written.iter().map(|(lane, _)| *lane).collect();
        self.board.take_in(written.into_iter().map(|(lane, departure)| (lane, departure, true)), moved);
        lanes.extend(self.read_onto_board(others, moved).await?);
        Ok(lanes)
    }

    /// Reads flights onto the board, if it is loaded, and returns the lanes of those that are scheduled.
    async fn read_onto_board(
        &self,
        flights: impl IntoIterator<Item = FlightId>,
        moved: &HashSet<FlightId>,
    ) -> Result<HashSet<Lane>, DbError> {
        let ids: Vec<_> = flights.into_iter().map(FlightId::uuid).collect();
        let mut lanes = HashSet::new();
        for ids in ids.chunks(CHANGED) {
            let read = repository::departures::find(&mut *self.db.read().await?, ids).await?;
            lanes.extend(read.iter().filter(|(.., is_scheduled)| *is_scheduled).map(|(lane, ..)| *lane));
            self.board.take_in(read, moved);
        }
        Ok(lanes)
    }

    /// Compares the board with the tables, from behind this place on, as far as one statement reads: a change without a
    /// message that came together with messages is found only so. The tables are ahead of the board by the changes whose
    /// messages are not heard yet, so that a difference is a [`Doubt`] at first.
    pub(super) async fn compare_board(&self, after: Option<DeparturePosition>) -> Result<Doubt, DbError> {
        let after = after.unwrap_or_else(|| first_place(self.clock.now() - KEPT));
        let read = self.board_page(after).await?;
        let next = next_place(&read);
        let last = next.unwrap_or((DateTime::<Utc>::MAX_UTC, FlightId::from(uuid::Uuid::max())));
        Ok(Doubt { after, last, next, differences: self.board.differences(after, last, &read), passes: 0 })
    }

    /// Corrects the differences that are still the same, although all messages about them were heard since.
    pub(super) async fn settle_doubt(&self, doubt: &Doubt) -> Result<(), DbError> {
        if doubt.differences.is_empty() {
            return Ok(());
        }
        let read = self.board_page(doubt.after).await?;
        let mut differences = self.board.differences(doubt.after, doubt.last, &read);
        differences.retain(|flight, now| doubt.differences.get(flight) == Some(now));
        if !differences.is_empty() {
            self.board.correct(&differences);
            let corrected = differences.len();
            metric::DEPARTURES_CORRECTED.increment(u64::try_from(corrected).unwrap_or(u64::MAX));
            tracing::warn!(corrected, "departures in memory differed from the tables and were corrected");
        }
        Ok(())
    }

    async fn board_page(&self, after: DeparturePosition) -> Result<Vec<(Lane, Departure)>, DbError> {
        let mut db = self.db.for_background().read().await?;
        Ok(repository::departures::page(&mut db, after, DateTime::<Utc>::MAX_UTC, PAGE).await?)
    }

    /// Updates the metrics of the board.
    pub(super) fn measure(&self) {
        metric::DEPARTURES.set(u32::try_from(self.board.count()).unwrap_or(u32::MAX));
    }
}

/// Adds flights that depart from behind a place on and before `to`. Returns the place behind which there may be more.
async fn read_page(
    db: &mut PgSession,
    departures: &mut Departures,
    after: DeparturePosition,
    to: DateTime<Utc>,
) -> Result<Option<DeparturePosition>, DbError> {
    let found = repository::departures::page(db, after, to, PAGE).await?;
    let next = next_place(&found);
    for (lane, departure) in found {
        departures.add(lane, departure);
    }
    Ok(next)
}

/// Returns the place before all flights that depart from this moment on.
fn first_place(from: DateTime<Utc>) -> DeparturePosition {
    (from, FlightId::from(uuid::Uuid::nil()))
}

/// Returns the place behind a page; `None` if it is the last.
fn next_place(page: &[(Lane, Departure)]) -> Option<DeparturePosition> {
    let is_full = i64::try_from(page.len()).is_ok_and(|count| count == PAGE);
    page.last().filter(|_| is_full).map(|(_, last)| last.place())
}
