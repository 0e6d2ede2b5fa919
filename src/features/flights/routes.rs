use serde::{Deserialize, Serialize};

use super::{FlightError, FlightService, dto::AirlineRoute, repository};
use crate::{
    kernel::{AirlineCode, AirportCode},
    platform::web::PageRequest,
};

/// Which routes a list shows; filters combine with AND.
#[derive(Debug, Clone, Copy, Default)]
pub struct RouteFilter {
    pub airline: Option<AirlineCode>,
    pub origin: Option<AirportCode>,
    pub destination: Option<AirportCode>,
}

/// Where a page of routes ended: lists go by airline, origin, destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteAnchor(pub AirlineCode, pub AirportCode, pub AirportCode);

impl FlightService {
    /// What the airlines fly, derived from the flights there are.
    pub async fn airline_routes(
        &self,
        filter: &RouteFilter,
        page: &PageRequest<RouteAnchor>,
    ) -> Result<Vec<AirlineRoute>, FlightError> {
        let mut connection = self.db.read().await?;
        let now = self.clock.now();
        let rows =
            repository::routes(&mut connection, filter, page.after.as_ref(), page.offset, page.fetch(), now).await?;
        Ok(rows.into_iter().map(|row| self.with_distance(&row)).collect())
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
