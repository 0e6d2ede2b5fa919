//! The routes between two airports on one day: found in memory, or else in the tables.
use std::collections::HashMap;

use chrono::{DateTime, Days, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    SearchError, SearchService, metric,
    model::{Question, RouteSet},
    scan::{self, Leg, Route, Wanted},
};
use crate::{
    features::{
        capacity::FlightStatus,
        flights::{Departures, Flight, NetworkVersion},
    },
    kernel::FlightId,
};

/// Most flights and lanes that one search looks at for routes with more than one stop.
const MOST_WORK: usize = 50_000;
/// Most attempts to read the flights of routes before any of them changes.
const MOST_READINGS: u32 = 3;

impl SearchService {
    /// Returns the routes whose first leg departs on the day of the question, as of this version of the network or a
    /// later one.
    pub(super) async fn ways(
        &self,
        question: Question,
        network_version: NetworkVersion,
    ) -> Result<RouteSet, SearchError> {
        let wanted = self.wanted(question)?;
        let found = self.0.flights.board().look(wanted.from, network_version, |board| self.scan(board, &wanted));
        if let Some(routes) = found
            && let Some(ways) = self.read_flights(&routes).await?
        {
            metric::ROUTE_READS.with(["memory"]).increment(1);
            return Ok(ways);
        }
        metric::ROUTE_READS.with(["tables"]).increment(1);
        if question.is_far() { self.far_ways(&wanted).await } else { self.near_ways(&wanted).await }
    }

    /// Returns the same as the tables have them now.
    pub(super) async fn current_ways(&self, question: Question) -> Result<RouteSet, SearchError> {
        if !question.is_far() {
            return self.near_ways(&self.wanted(question)?).await;
        }
        self.ways(question, self.0.flights.network_version().await?).await
    }

    fn wanted(&self, question: Question) -> Result<Wanted, SearchError> {
        let Question { origin, destination, date, max_stops } = question;
        let airport = self.0.reference.airport(origin).ok_or(SearchError::NoSuchAirport(origin))?;
        let (from, to) = airport.day(date);
        Ok(Wanted { origin, destination, from, to, date, max_stops })
    }

    fn scan(&self, departures: &Departures, wanted: &Wanted) -> Vec<Route> {
        scan::routes(departures, wanted, self.0.flights.connections(), MOST_WORK)
    }

    async fn near_ways(&self, wanted: &Wanted) -> Result<RouteSet, SearchError> {
        let Wanted { origin, destination, from, to, date, max_stops } = *wanted;
        self.near_ways_within(origin, destination, (from, to), date, max_stops).await
    }

    /// Finds routes among all flights of those days, as the tables have them.
    async fn far_ways(&self, wanted: &Wanted) -> Result<RouteSet, SearchError> {
        let end = end_of_connections(wanted);
        let mut ways = RouteSet::default();
        for _ in 0..MOST_READINGS {
            let departures = self.0.flights.departures(wanted.from, end, &CancellationToken::new()).await?;
            let routes = self.scan(&departures, wanted);
            if let Some(found) = self.read_flights(&routes).await? {
                ways = found;
                break;
            }
        }
        Ok(ways)
    }

    /// Reads the flights of these routes; returns `None` if any of them has left, or has changed places or times.
    async fn read_flights(&self, routes: &[Route]) -> Result<Option<RouteSet>, SearchError> {
        let mut ids: Vec<FlightId> = routes.iter().flatten().map(|leg| leg.flight.flight_id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Some(RouteSet::default()));
        }
        let flights = self.0.flights.flights(&ids).await?;
        let flights: HashMap<FlightId, Flight> = flights.into_iter().map(|flight| (flight.id, flight)).collect();
        let read = |leg: &Leg| flights.get(&leg.flight.flight_id).filter(|flight| is_as_found(flight, leg)).cloned();
        let legs = routes.iter().map(|route| route.iter().map(read).collect::<Option<Vec<Flight>>>());
        Ok(legs.collect::<Option<Vec<_>>>().map(RouteSet::of))
    }
}

fn is_as_found(flight: &Flight, leg: &Leg) -> bool {
    flight.room.status == FlightStatus::Scheduled
        && (flight.origin, flight.destination) == leg.lane
        && (flight.departure, flight.arrival) == (leg.flight.departure, leg.flight.arrival)
}

/// Returns an instant before which every leg departs: in local time, two days after the first one's date begins. No zone is
/// further than a day from UTC.
fn end_of_connections(wanted: &Wanted) -> DateTime<Utc> {
    (wanted.date + Days::new(3)).and_time(chrono::NaiveTime::MIN).and_utc()
}
