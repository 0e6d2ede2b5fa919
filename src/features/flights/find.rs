use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Flight, FlightError, FlightFilter, Network, repository, routes::KeptRoutes};
use crate::{
    features::{
        accounts::Acts,
        capacity::{AvailabilityIndex, CapacityService},
        reference::Reference,
    },
    kernel::{AirportCode, FlightId},
    platform::{
        clock::SharedClock,
        postgres::{Database, DbError},
        random::IdSource,
        web::PageRequest,
    },
};

/// The schedule's use cases: finding here, `create` and `import` in their own files.
#[derive(Clone)]
pub struct FlightService {
    pub(super) db: Database,
    pub(super) availability: AvailabilityIndex,
    pub(super) network: Network,
    pub(super) routes: KeptRoutes,
    pub(super) reference: Reference,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) acts: Acts,
}

/// Where a page of flights ended: lists go by departure, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightAnchor(pub DateTime<Utc>, pub FlightId);

impl FlightService {
    pub fn new(
        db: Database,
        capacity: &CapacityService,
        reference: Reference,
        clock: SharedClock,
        ids: IdSource,
        acts: Acts,
    ) -> Self {
        let availability = capacity.index().clone();
        Self {
            db,
            availability,
            network: Network::default(),
            routes: KeptRoutes::default(),
            reference,
            clock,
            ids,
            acts,
        }
    }

    /// One flight.
    pub async fn flight(&self, id: FlightId) -> Result<Flight, FlightError> {
        let found = self.flights(&[id]).await?.pop();
        found.ok_or(FlightError::Unknown(id))
    }

    /// The flights of these ids that exist, in no particular order.
    pub async fn flights(&self, ids: &[FlightId]) -> Result<Vec<Flight>, DbError> {
        let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let mut connection = self.db.read().await?;
        Ok(repository::find(&mut connection, &ids).await?)
    }

    pub async fn list(
        &self,
        filter: &FlightFilter,
        page: &PageRequest<FlightAnchor>,
    ) -> Result<Vec<Flight>, FlightError> {
        let mut connection = self.db.read().await?;
        Ok(repository::list(&mut connection, filter, page.after.as_ref(), page.offset, page.fetch()).await?)
    }

    /// Scheduled flights out of an airport that leave in `[from, to)`.
    pub async fn leaving(
        &self,
        origin: AirportCode,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Flight>, DbError> {
        let mut connection = self.db.read().await?;
        Ok(repository::leaving(&mut connection, origin, from, to).await?)
    }

    /// Scheduled flights from any of `origins` to an airport that leave in `[from, to)`.
    pub async fn reaching(
        &self,
        destination: AirportCode,
        origins: &[AirportCode],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Flight>, DbError> {
        let mut connection = self.db.read().await?;
        Ok(repository::reaching(&mut connection, destination, origins, from, to).await?)
    }
}
