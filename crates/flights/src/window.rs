use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::postgres::{DbError, PgSession};
use uuid::Uuid;

use super::{
    model::{Flight, FlightAnchor},
    repository,
};

/// The flights of a station that depart in `[from, to)`, wherever they lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Origin or destination; `None`: all flights.
    pub station: Option<AirportCode>,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Window {
    /// Returns the next `most` flights after `after`, in the order of departure, then id; joins the caller's snapshot.
    pub async fn flights_in_tx(
        &self,
        snapshot: &mut PgSession,
        after: Option<FlightAnchor>,
        most: i64,
    ) -> Result<Vec<Flight>, DbError> {
        // No flight has this id: the place is before all that depart at `from`.
        let first = (self.from, FlightId::from(Uuid::nil()));
        let place = after.map_or(first, FlightAnchor::time_and_id);
        let ids = repository::window::departing(snapshot, self.station, place, self.to, most).await?;
        let mut found = repository::find(snapshot, &ids).await?;
        found.sort_unstable_by_key(|flight| (flight.departure, flight.id));
        Ok(found)
    }
}
