use chrono::{DateTime, Utc};
use loadmaster_capacity::FlightCapacity;
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::{
    listing::{CountParams, Listed},
    postgres::{Database, DbError, Recency},
    web::PageRequest,
};

use super::{
    Flight, FlightError, FlightService,
    dto::{FlightFilter, FlightSort},
    model::FlightAnchor,
    repository,
};

impl FlightService {
    /// Returns one flight.
    pub async fn flight(&self, id: FlightId) -> Result<Flight, FlightError> {
        let found = self.flights(&[id]).await?.pop();
        found.ok_or(FlightError::Unknown(id))
    }

    /// Returns one flight, if it exists, as it was at most some seconds ago.
    pub async fn recent(&self, id: FlightId) -> Result<Option<Flight>, DbError> {
        match self.known.recent(id) {
            Some(flight) => Ok(Some(flight)),
            None => Ok(self.flights(&[id]).await?.pop()),
        }
    }

    /// Returns the existing flights with these ids, in no particular order.
    pub async fn flights(&self, ids: &[FlightId]) -> Result<Vec<Flight>, DbError> {
        let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let mut connection = self.db.read().await?;
        let found = repository::find(&mut connection, &ids).await?;
        self.known.take_in(&found);
        Ok(found)
    }

    /// Returns the flight of this capacity row as this process remembers it; `None` if it does not, or as of another version.
    pub fn known_as(&self, space: FlightCapacity) -> Option<Flight> {
        self.known.with(space)
    }

    /// Remembers flights that were read.
    pub fn take_in(&self, found: &[Flight]) {
        self.known.take_in(found);
    }

    pub(super) async fn list(
        &self,
        filter: &FlightFilter,
        sort: FlightSort,
        page: &PageRequest<FlightAnchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Listed<Flight>, FlightError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (after, offset, fetch) = (page.after.as_ref(), page.offset, page.fetch());
            let entries = repository::list(&mut snapshot, filter, sort, after, offset, fetch).await?;
            let counted = repository::number_of(&mut snapshot, filter, sort);
            let total = count.total(page, entries.len(), counted).await?;
            Ok(Listed { entries, total })
        };
        self.db.reading(recency, read).await
    }

    /// Returns the number of flights that a list with this filter has, and a digest that changes with any of them.
    pub async fn count(&self, filter: &FlightFilter) -> Result<(i64, i64), FlightError> {
        Ok(repository::count(&mut *self.db.read().await?, filter).await?)
    }

    /// Returns scheduled flights out of an airport that leave in `[from, to)`.
    pub async fn leaving(
        &self,
        origin: AirportCode,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Flight>, DbError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(repository::leaving(&mut connection, origin, from, to).await?)
        };
        self.db.reading(Recency::Now, read).await
    }

    /// Returns scheduled flights from any of `origins` to an airport that leave in `[from, to)`.
    pub async fn reaching(
        &self,
        destination: AirportCode,
        origins: &[AirportCode],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Flight>, DbError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok(repository::reaching(&mut connection, destination, origins, from, to).await?)
        };
        self.db.reading(Recency::Now, read).await
    }
}
