use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    FlightError, FlightService, Standing,
    dto::{AirlineRoute, RouteFilter},
    repository,
};
use crate::{
    kernel::{AirlineCode, AirportCode},
    platform::{postgres::DbError, shared::Shared, web::PageRequest},
};

/// How old the kept routes may be. A flight that comes into the network, or moves, is seen at once all the same.
const OLDEST: TimeDelta = TimeDelta::seconds(60);
/// While flights change all the time, reading the routes takes a tenth of one connection's time at most.
const PAUSE: u32 = 9;

/// Where a page of routes ended: lists go by airline, origin, destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RouteAnchor(pub AirlineCode, pub AirportCode, pub AirportCode);

/// All routes, as they were read last. Reading them goes over every flight, so they are read once for all who ask.
#[derive(Debug, Clone)]
pub(super) struct KeptRoutes {
    table: Arc<RwLock<Option<Arc<RouteTable>>>>,
    /// None: they could not be read, which is in the log.
    reading: Shared<Option<Arc<RouteTable>>>,
}

#[derive(Debug)]
struct RouteTable {
    standing: Standing,
    read_at: DateTime<Utc>,
    /// By their anchors.
    rows: Vec<repository::RouteRow>,
}

impl Default for KeptRoutes {
    fn default() -> Self {
        Self { table: Arc::default(), reading: Shared::pausing(PAUSE) }
    }
}

impl KeptRoutes {
    /// The kept ones, if they are of this network and young enough. A clock that was put back makes nothing young.
    fn get(&self, standing: Standing, now: DateTime<Utc>) -> Option<Arc<RouteTable>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let is_young = (TimeDelta::zero()..=OLDEST).contains(&(now - table.read_at));
        (is_young && table.standing == standing).then_some(table)
    }

    fn put(&self, table: Arc<RouteTable>) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Some(table);
    }
}

fn anchor(row: &repository::RouteRow) -> RouteAnchor {
    RouteAnchor(row.airline_code, row.origin, row.destination)
}

impl RouteFilter {
    fn takes(self, row: &repository::RouteRow) -> bool {
        self.origin.is_none_or(|origin| origin == row.origin)
            && self.destination.is_none_or(|destination| destination == row.destination)
    }
}

impl FlightService {
    /// What the airlines fly, or one of them, derived from the flights there are.
    pub async fn airline_routes(
        &self,
        airline: Option<AirlineCode>,
        filter: &RouteFilter,
        page: &PageRequest<RouteAnchor>,
    ) -> Result<Vec<AirlineRoute>, FlightError> {
        let table = self.route_table().await?;
        let start = page.after.map_or(0, |after| table.rows.partition_point(|row| anchor(row) <= after));
        let rows = table
            .rows
            .iter()
            .skip(start)
            .filter(|row| airline.is_none_or(|airline| airline == row.airline_code) && filter.takes(row));
        let most = usize::try_from(page.fetch()).unwrap_or_default();
        Ok(rows.skip(page.offset as usize).take(most).map(|row| self.with_distance(row)).collect())
    }

    async fn route_table(&self) -> Result<Arc<RouteTable>, FlightError> {
        if let Some(table) = self.routes.get(self.standing().await?, self.clock.now()) {
            return Ok(table);
        }
        let this = self.clone();
        let reading = async move {
            match this.read_routes().await {
                Ok(table) => Some(table),
                Err(error) => {
                    tracing::error!(error = error.summary(), "the routes of the airlines could not be read");
                    None
                }
            }
        };
        self.routes.reading.get(reading).await.flatten().ok_or(FlightError::RoutesUnread)
    }

    async fn read_routes(&self) -> Result<Arc<RouteTable>, DbError> {
        let mut connection = self.db.read().await?;
        let read_at = self.clock.now();
        // The version first: what changes while the flights are read moves it on.
        let standing = repository::standing(&mut connection).await?;
        let mut rows = repository::routes(&mut connection, read_at).await?;
        rows.sort_unstable_by_key(anchor);
        let table = Arc::new(RouteTable { standing, read_at, rows });
        self.routes.put(table.clone());
        Ok(table)
    }

    fn with_distance(&self, row: &repository::RouteRow) -> AirlineRoute {
        let ends = self.reference.airport(row.origin).zip(self.reference.airport(row.destination));
        // Half the Earth's circumference at most.
        #[allow(clippy::cast_possible_truncation, reason = "at most 20 038 km")]
        let distance_km = ends.map_or(0.0, |(from, to)| from.distance_km(to)).round() as i64;
        AirlineRoute {
            airline_code: row.airline_code,
            origin: row.origin,
            destination: row.destination,
            distance_km,
            typical_duration_minutes: row.typical_minutes,
            flights_next_30_days: row.upcoming,
        }
    }
}
