use std::{collections::BTreeSet, sync::Arc};

use loadmaster_kernel::AirlineCode;
use loadmaster_platform::{postgres::DbError, web::PageRequest};

use super::{
    FlightError, FlightService,
    dto::{AirlineRoute, RouteFilter},
    model::{AirlineLane, Lane, RouteAnchor},
    repository,
    route_table::{RouteTable, anchor},
};

impl FlightService {
    /// Returns the routes of all airlines, or of one, derived from the existing flights.
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
        let routes = rows.skip(page.offset as usize).take(most).map(|row| self.with_distance(row)).collect();
        Ok(self.with_rates(routes).await)
    }

    /// Returns the lanes with a direct flight in the next 30 days, by their airports.
    pub async fn lanes_ahead(&self) -> Result<BTreeSet<Lane>, FlightError> {
        let table = self.route_table().await?;
        let flown = table.rows.iter().filter(|row| row.upcoming > 0);
        Ok(flown.map(|row| (row.origin, row.destination)).collect())
    }

    async fn route_table(&self) -> Result<Arc<RouteTable>, FlightError> {
        if let Some(table) = self.routes.get(self.network_version().await?, self.clock.now()) {
            return Ok(table);
        }
        let this = self.clone();
        let reading = async move {
            match this.read_routes().await {
                Ok(table) => Some(table),
                Err(error) => {
                    tracing::error!(error = error.summary(), "the airline routes could not be read");
                    None
                }
            }
        };
        self.routes.reading.get(reading).await.flatten().ok_or(FlightError::RoutesUnread)
    }

    async fn read_routes(&self) -> Result<Arc<RouteTable>, DbError> {
        let mut connection = self.db.read().await?;
        let read_at = self.clock.now();
        // The version is read first: a change while the flights are read increases it.
        let network_version = repository::network_version(&mut connection).await?;
        let mut rows = repository::routes(&mut connection, read_at).await?;
        rows.sort_unstable_by_key(anchor);
        let table = Arc::new(RouteTable { network_version, read_at, rows });
        self.routes.put(table.clone());
        Ok(table)
    }

    /// Adds what they typically cost; without it they are shown all the same.
    async fn with_rates(&self, mut routes: Vec<AirlineRoute>) -> Vec<AirlineRoute> {
        let Some(typical) = self.typical.get() else { return routes };
        let lanes: Vec<Lane> = routes.iter().map(|route| (route.origin, route.destination)).collect();
        match typical.of(&lanes).await {
            Ok(rates) => {
                for (route, lane) in routes.iter_mut().zip(&lanes) {
                    route.typical_rate = rates.get(lane).copied();
                }
            }
            Err(error) => tracing::warn!(error = error.summary(), "what routes typically cost could not be read"),
        }
        routes
    }

    fn with_distance(&self, row: &AirlineLane) -> AirlineRoute {
        let ends = self.reference.airport(row.origin).zip(self.reference.airport(row.destination));
        // Half the Earth's circumference at most.
        #[allow(clippy::cast_possible_truncation, reason = "at most 20 038 km")]
        let distance_km = ends.map_or(0.0, |(from, to)| from.distance_km(&to)).round() as i64;
        AirlineRoute {
            airline_code: row.airline_code,
            origin: row.origin,
            destination: row.destination,
            distance_km,
            typical_duration_minutes: row.typical_minutes,
            flights_next_30_days: row.upcoming,
            days_of_operation: row.days.clone(),
            first_date: row.first_date,
            last_date: row.last_date,
            typical_rate: None,
        }
    }
}
