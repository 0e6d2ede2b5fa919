//! The routes between two airports on one day: found in memory, or else in the tables.
use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Days, Utc};
use tokio::time::timeout;

use super::{
    SearchError, SearchService, metric,
    model::{Question, RouteSet},
    scan::{self, Leg, Route, Wanted},
};
use crate::{
    features::{
        capacity::FlightStatus,
        flights::{Departures, Flight, NetworkVersion, find_all_in_tx},
    },
    kernel::FlightId,
    platform::postgres::DbError,
};

/// Most looks at a lane, a flight or another way, in one search for routes with two stops, or three.
const MOST_WORK: usize = 100_000;
/// Most looks at the departures in memory before the flights of days are read instead.
const MOST_LOOKS: u32 = 3;
/// In so much time, memory catches up with a change; a follower that works does it in a third.
const CATCHES_UP: Duration = Duration::from_millis(600);
/// Time for which a search waits until others have read the flights of days.
const READING_TURN: Duration = Duration::from_secs(5);

impl SearchService {
    /// Returns the routes whose first leg departs on the day of the question, as of this version of the network or a
    /// later one.
    pub(super) async fn ways(
        &self,
        question: Question,
        network_version: NetworkVersion,
    ) -> Result<RouteSet, SearchError> {
        let wanted = self.wanted(question)?;
        if let Some(ways) = self.remembered_ways(question, &wanted, network_version).await? {
            metric::ROUTE_READS.with(["memory"]).increment(1);
            return Ok(ways);
        }
        metric::ROUTE_READS.with(["tables"]).increment(1);
        if question.is_far() { self.far_ways(&wanted).await } else { self.near_ways(&wanted).await }
    }

    /// Returns them as of now: those of one stop at most as the tables have them.
    pub(super) async fn current_ways(&self, question: Question) -> Result<RouteSet, SearchError> {
        if !question.is_far() {
            return self.near_ways(&self.wanted(question)?).await;
        }
        self.ways(question, self.0.flights.network_version().await?).await
    }

    /// Returns those that are found in memory; `None` if it does not know them.
    async fn remembered_ways(
        &self,
        question: Question,
        wanted: &Wanted,
        network_version: NetworkVersion,
    ) -> Result<Option<RouteSet>, SearchError> {
        let board = self.0.flights.board();
        for look in 1.. {
            let routes = board.look(wanted.from, network_version, |departures| self.scan(departures, wanted));
            if let Some(routes) = routes
                && let Some(ways) = self.read_flights(&routes).await?
            {
                return Ok(Some(ways));
            }
            // With more stops it is worth waiting for: what is read otherwise are the flights of days.
            if !question.is_far() || look == MOST_LOOKS || !board.catches_up(wanted.from, CATCHES_UP).await {
                break;
            }
        }
        Ok(None)
    }

    fn wanted(&self, question: Question) -> Result<Wanted, SearchError> {
        let Question { origin, destination, date, max_stops } = question;
        let airport = self.0.reference.airport(origin).ok_or(SearchError::NoSuchAirport(origin))?;
        let (from, to) = airport.day(date);
        Ok(Wanted { origin, destination, from, to, date, max_stops })
    }

    fn scan(&self, departures: &Departures, wanted: &Wanted) -> Vec<Route> {
        let found = scan::routes(departures, wanted, self.0.flights.connections(), MOST_WORK);
        if found.is_cut {
            metric::ROUTE_SEARCHES_CUT.increment(1);
        }
        found.routes
    }

    async fn near_ways(&self, wanted: &Wanted) -> Result<RouteSet, SearchError> {
        let Wanted { origin, destination, from, to, date, max_stops } = *wanted;
        self.near_ways_within(origin, destination, (from, to), date, max_stops).await
    }

    /// Finds routes among all flights of those days, as the tables have them. One search at a time reads so much.
    async fn far_ways(&self, wanted: &Wanted) -> Result<RouteSet, SearchError> {
        // Who gets no turn gets no connection.
        let turn = timeout(READING_TURN, self.0.reading.acquire()).await;
        let _turn = turn.map_err(|_| DbError::from(sqlx::Error::PoolTimedOut))?;
        let mut snapshot = self.0.flights.snapshot().await?;
        let end = end_of_connections(wanted);
        let departures = self.0.flights.departures_in_tx(&mut snapshot, wanted.from, end).await?;
        let routes = self.scan(&departures, wanted);
        let flights = find_all_in_tx(&mut snapshot, &flights_of(&routes)).await?;
        Ok(ways_of(&routes, flights).unwrap_or_default())
    }

    /// Reads the flights of these routes; returns `None` if any of them has left, or has changed places or times.
    async fn read_flights(&self, routes: &[Route]) -> Result<Option<RouteSet>, SearchError> {
        let ids = flights_of(routes);
        let flights = if ids.is_empty() { Vec::new() } else { self.0.flights.flights(&ids).await? };
        Ok(ways_of(routes, flights))
    }
}

fn flights_of(routes: &[Route]) -> Vec<FlightId> {
    let mut ids: Vec<FlightId> = routes.iter().flatten().map(|leg| leg.flight.flight_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Returns the routes with their flights as they were read; `None` if any is no longer as it was found.
fn ways_of(routes: &[Route], flights: Vec<Flight>) -> Option<RouteSet> {
    let flights: HashMap<FlightId, Flight> = flights.into_iter().map(|flight| (flight.id, flight)).collect();
    let read = |leg: &Leg| flights.get(&leg.flight.flight_id).filter(|flight| is_as_found(flight, leg)).cloned();
    let legs = routes.iter().map(|route| route.iter().map(read).collect::<Option<Vec<Flight>>>());
    legs.collect::<Option<Vec<_>>>().map(RouteSet::of)
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
