//! The routes between two airports on one day: found in memory, or else in the tables.
use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Days, Utc};
use loadmaster_capacity::FlightStatus;
use loadmaster_flights::{Departure, Departures, Flight, NetworkVersion, find_all_in_tx};
use loadmaster_kernel::FlightId;
use loadmaster_platform::postgres::DbError;
use tokio::time::timeout;

use super::{
    SearchError, SearchService, metric,
    model::Question,
    route_set::{Brief, RouteSet, Ways},
    scan::{self, Leg, ScanResult, Wanted},
};

/// Most looks at a lane, a flight or another way, in one search for routes with two stops, or three.
const MOST_WORK: usize = 100_000;
/// Most looks at the departures in memory before the flights of days are read instead.
const MOST_LOOKS: u32 = 3;
/// Longest wait for memory to catch up with a change. A follower that works takes a third of it.
const CATCHES_UP: Duration = Duration::from_millis(600);
/// Time for which a search waits until others have read the flights of days.
const READING_TURN: Duration = Duration::from_secs(5);

impl SearchService {
    /// Returns the routes whose first leg departs on the day of the question, as of this version of the network or a
    /// later one. `is_again`: what was returned before is outdated.
    pub(super) async fn ways(
        &self,
        question: Question,
        network_version: NetworkVersion,
        is_again: bool,
    ) -> Result<Ways, SearchError> {
        let wanted = self.wanted(question)?;
        let routes = self.remembered(question, &wanted, network_version, is_again).await;
        if let Some(found) = routes {
            metric::ROUTE_READS.with(["memory"]).increment(1);
            return Ok(remembered_ways(found));
        }
        metric::ROUTE_READS.with(["tables"]).increment(1);
        let ways = if question.is_far() { self.far_ways(&wanted).await } else { self.near_ways(&wanted).await };
        Ok(ways?.into())
    }

    /// Returns them with their flights as the tables have them now.
    pub(super) async fn current_ways(&self, question: Question) -> Result<RouteSet, SearchError> {
        let wanted = self.wanted(question)?;
        if !question.is_far() {
            return self.near_ways(&wanted).await;
        }
        let network_version = self.0.flights.network_version().await?;
        if let Some(routes) = self.remembered(question, &wanted, network_version, false).await {
            let flights = self.0.flights.flights(&ids(&routes.legs)).await?;
            if let Some(ways) = ways_of(routes, flights) {
                return Ok(ways);
            }
        }
        self.far_ways(&wanted).await
    }

    /// Returns those that are found in memory; `None` if it does not know them.
    async fn remembered(
        &self,
        question: Question,
        wanted: &Wanted,
        network_version: NetworkVersion,
        is_again: bool,
    ) -> Option<ScanResult> {
        let board = self.0.flights.board();
        // What it does not know yet of a change that moves no version.
        let mut is_behind = is_again;
        for _ in 0..MOST_LOOKS {
            // With more stops it is worth waiting for: what is read otherwise are the flights of days.
            if is_behind && !(question.is_far() && board.catches_up(wanted.from, CATCHES_UP).await) {
                return None;
            }
            let routes = board.look(wanted.from, network_version, |departures| self.scan(departures, wanted));
            if routes.is_some() {
                return routes;
            }
            is_behind = true;
        }
        None
    }

    fn wanted(&self, question: Question) -> Result<Wanted, SearchError> {
        let Question { origin, destination, date, max_stops } = question;
        let airport = self.0.reference.airport(origin).ok_or(SearchError::NoSuchAirport(origin))?;
        let (from, to) = airport.day(date);
        Ok(Wanted { origin, destination, from, to, date, max_stops })
    }

    fn scan(&self, departures: &Departures, wanted: &Wanted) -> ScanResult {
        let found = scan::routes(departures, wanted, self.0.flights.connections(), MOST_WORK);
        if found.is_cut {
            metric::ROUTE_SEARCHES_CUT.increment(1);
        }
        found
    }

    async fn near_ways(&self, wanted: &Wanted) -> Result<RouteSet, SearchError> {
        let Wanted { origin, destination, from, to, date, max_stops } = *wanted;
        self.near_ways_within(origin, destination, (from, to), date, max_stops).await
    }

    /// Finds routes among all flights of those days, as the tables have them. One search at a time reads so much.
    async fn far_ways(&self, wanted: &Wanted) -> Result<RouteSet, SearchError> {
        // A search that gets no turn fails like one that gets no connection.
        let turn = timeout(READING_TURN, self.0.reading.acquire()).await;
        let _turn = turn.map_err(|_| DbError::from(sqlx::Error::PoolTimedOut))?;
        let mut snapshot = self.0.flights.snapshot().await?;
        let end = end_of_connections(wanted);
        let departures = self.0.flights.departures_in_tx(&mut snapshot, wanted.from, end).await?;
        let routes = self.scan(&departures, wanted);
        let flights = find_all_in_tx(&mut snapshot, &ids(&routes.legs)).await?;
        Ok(ways_of(routes, flights).unwrap_or_default())
    }
}

fn ids(legs: &[Leg]) -> Vec<FlightId> {
    legs.iter().map(|leg| leg.flight.flight_id).collect()
}

/// Returns the routes with their flights as they were read; `None` if any is no longer as it was found.
fn ways_of(ScanResult { legs, routes, .. }: ScanResult, flights: Vec<Flight>) -> Option<RouteSet> {
    let mut read: HashMap<FlightId, Flight> = flights.into_iter().map(|flight| (flight.id, flight)).collect();
    let flight = |leg: &Leg| read.remove(&leg.flight.flight_id).filter(|flight| is_as_found(flight, leg));
    Some(RouteSet { flights: legs.iter().map(flight).collect::<Option<_>>()?, routes })
}

/// Returns the routes with what memory knows of their flights.
fn remembered_ways(ScanResult { legs, routes, .. }: ScanResult) -> Ways {
    Ways { flights: legs.iter().map(|leg| (brief(leg), None)).collect(), routes }
}

fn brief(leg: &Leg) -> Brief {
    let Leg { lane: (origin, destination), flight } = *leg;
    let Departure { flight_id: id, version, departure, arrival, aircraft, is_freighter, .. } = flight;
    let number = flight.number();
    Brief { id, version, number, origin, destination, departure, arrival, aircraft, is_freighter }
}

fn is_as_found(flight: &Flight, leg: &Leg) -> bool {
    flight.space.status == FlightStatus::Scheduled
        && (flight.origin, flight.destination) == leg.lane
        && (flight.departure, flight.arrival) == (leg.flight.departure, leg.flight.arrival)
}

/// Returns an instant before which every leg departs: in local time, two days after the first one's date begins. No zone is
/// further than a day from UTC.
fn end_of_connections(wanted: &Wanted) -> DateTime<Utc> {
    (wanted.date + Days::new(3)).and_time(chrono::NaiveTime::MIN).and_utc()
}
