use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{Board, FlightService, NetworkVersion, board::KEPT, departures::Departures, metric, repository};
use crate::{kernel::FlightId, platform::postgres::DbError};

/// Rows read in one statement.
const PAGE: i64 = 10_000;

impl FlightService {
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// Fills the board from the tables, which include all changes up to this version. The caller must receive every
    /// change made meanwhile.
    pub(super) async fn load_board(
        &self,
        network_version: NetworkVersion,
        stop: &CancellationToken,
    ) -> Result<(), DbError> {
        // The old one goes first: there is never room for two.
        self.board.clear();
        let since = self.clock.now() - KEPT;
        let mut departures = self.departures(since, DateTime::<Utc>::MAX_UTC, stop).await?;
        departures.shrink();
        if !stop.is_cancelled() {
            self.board.put(departures, since, network_version);
        }
        Ok(())
    }

    /// Reads the scheduled flights that depart in `[from, to)` from the tables.
    pub async fn departures(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        stop: &CancellationToken,
    ) -> Result<Departures, DbError> {
        let mut departures = Departures::default();
        let mut after = (from, uuid::Uuid::nil());
        while !stop.is_cancelled() {
            let found = repository::departures::page(&mut *self.db.read().await?, after, to, PAGE).await?;
            let Some((_, last)) = found.last() else { break };
            after = (last.departure, last.flight_id.uuid());
            let is_last = i64::try_from(found.len()).is_ok_and(|count| count < PAGE);
            for (lane, departure) in found {
                departures.add(lane, departure);
            }
            if is_last {
                break;
            }
        }
        Ok(departures)
    }

    /// Reads flights that have changed onto the board; each with whether it may have been known otherwise before.
    pub(super) async fn refresh_board(&self, changed: &HashMap<FlightId, bool>) -> Result<(), DbError> {
        let ids: Vec<_> = changed.keys().map(|flight| flight.uuid()).collect();
        let read = repository::departures::find(&mut *self.db.read().await?, &ids).await?;
        self.board.take_in(read, changed);
        Ok(())
    }

    /// Updates the metrics of the board.
    pub(super) fn measure(&self) {
        metric::DEPARTURES.set(u32::try_from(self.board.count()).unwrap_or(u32::MAX));
    }
}
