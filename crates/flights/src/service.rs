use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use loadmaster_accounts::Acts;
use loadmaster_capacity::{AvailabilityIndex, CapacityService};
use loadmaster_kernel::{AircraftCode, FlightId};
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, DbError, PgSession},
    random::IdSource,
};
use loadmaster_reference::Reference;

use super::{
    Board, ConnectionRules, Flight, Network, aboard::FreightAboard, known::KnownFlights, model::NetworkVersion,
    repository, route_table::RouteTableCache, typical::TypicalRates, written::WrittenFlights,
};

/// The use cases of the schedule: finding in this file, `create` and `import` in their own files.
#[derive(Clone)]
pub struct FlightService {
    pub(super) db: Database,
    pub(super) availability: AvailabilityIndex,
    pub(super) network: Network,
    pub(super) board: Board,
    pub(super) routes: RouteTableCache,
    pub(super) known: KnownFlights,
    pub(super) written: WrittenFlights,
    pub(super) reference: Reference,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) acts: Acts,
    pub(super) typical: Arc<OnceLock<Arc<dyn TypicalRates>>>,
    pub(super) aboard: Arc<OnceLock<Arc<dyn FreightAboard>>>,
    pub(super) service_types: Arc<[String]>,
    connections: ConnectionRules,
}

impl FlightService {
    pub fn new(
        db: Database,
        capacity: &CapacityService,
        reference: Reference,
        clock: SharedClock,
        ids: IdSource,
        acts: Acts,
        connections: ConnectionRules,
    ) -> Self {
        let availability = capacity.index().clone();
        Self {
            db,
            availability,
            network: Network::default(),
            board: Board::default(),
            routes: RouteTableCache::default(),
            known: KnownFlights::default(),
            written: WrittenFlights::default(),
            reference,
            clock,
            ids,
            acts,
            typical: Arc::default(),
            aboard: Arc::default(),
            service_types: Arc::default(),
            connections,
        }
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), ..self.clone() }
    }

    /// Returns the service for which legs of these service types in files of SSIM are flights.
    #[must_use]
    pub fn flying(self, service_types: &[String]) -> Self {
        Self { service_types: service_types.into(), ..self }
    }

    /// Lets a higher room say what routes cost. The first one remains.
    pub fn rate_routes_with(&self, rates: Arc<dyn TypicalRates>) {
        _ = self.typical.set(rates);
    }

    /// Lets a higher room say what is aboard. The first one remains.
    pub fn know_freight(&self, aboard: Arc<dyn FreightAboard>) {
        _ = self.aboard.set(aboard);
    }

    /// Returns those of these flights on which a piece would not fit on the aircraft that they are to get.
    pub(super) async fn too_small_in_tx(
        &self,
        tx: &mut PgSession,
        wanted: &[(FlightId, AircraftCode)],
    ) -> Result<HashSet<FlightId>, DbError> {
        match self.aboard.get() {
            Some(aboard) if !wanted.is_empty() => aboard.too_small(tx, wanted).await,
            _ => Ok(HashSet::new()),
        }
    }

    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Invalidates cached data of these flights; to be called after a commit that has scheduled or changed them. From
    /// then on no earlier state is shown.
    pub fn changed<'a>(&self, flights: impl IntoIterator<Item = &'a Flight, IntoIter: Clone>) {
        let flights = flights.into_iter();
        self.network.invalidate(flights.clone().map(|flight| (flight.origin, flight.destination)));
        self.availability.invalidate(flights.map(|flight| flight.id));
    }

    /// Does the same for a flight that has left the network, or was not in it: it adds no route.
    pub fn left(&self, flight: &Flight) {
        self.availability.invalidate([flight.id]);
    }

    /// Returns the minimum ground times of freight for a connection.
    pub const fn connections(&self) -> &ConnectionRules {
        &self.connections
    }

    /// Returns the network's version, from the database.
    pub async fn network_version(&self) -> Result<NetworkVersion, DbError> {
        let mut connection = self.db.read().await?;
        Ok(repository::network_version(&mut connection).await?)
    }
}
