use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{
    SearchError,
    model::{Connections, Itinerary, Request, connect},
};
use crate::{
    features::{
        flights::{Flight, FlightService},
        reference::Reference,
    },
    kernel::{AirportCode, Counted},
    platform::{clock::SharedClock, settings, tally::Tally},
};

/// Finds ways from one airport to another.
#[derive(Clone)]
pub struct SearchService {
    flights: FlightService,
    reference: Reference,
    clock: SharedClock,
    settings: Arc<settings::Search>,
    tally: Tally,
}

impl Connections for SearchService {
    fn minimum_connection(&self, airport: AirportCode) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.settings.connection_minutes(airport.as_str())))
    }

    fn connection_window_end(&self, airport: AirportCode, departure_date: NaiveDate) -> Option<DateTime<Utc>> {
        Some(self.reference.airport(airport)?.start_of(departure_date + Days::new(2)))
    }
}

/// The options of one day, judged for one request.
#[derive(Debug, Default)]
pub struct Options {
    pub direct: Vec<Itinerary>,
    pub transit: Vec<Itinerary>,
}

impl SearchService {
    pub fn new(
        flights: FlightService,
        reference: Reference,
        clock: SharedClock,
        settings: settings::Search,
        tally: Tally,
    ) -> Self {
        Self { flights, reference, clock, settings: Arc::new(settings), tally }
    }

    /// Counts a search that was answered.
    pub(super) fn count(&self) {
        metrics::counter!("loadmaster_route_searches_total").increment(1);
        self.tally.add(Counted::RouteSearches, 1);
    }

    pub fn max_stops(&self) -> u8 {
        self.settings.max_stops
    }

    /// All options whose first leg leaves on the local calendar date, in no particular order.
    pub async fn options(
        &self,
        origin: AirportCode,
        destination: AirportCode,
        date: NaiveDate,
        request: &Request,
        max_stops: u8,
    ) -> Result<Options, SearchError> {
        let airport = self.reference.airport(origin).ok_or(SearchError::NoSuchAirport(origin))?;
        let (from, to) = (airport.start_of(date), airport.start_of(date + Days::new(1)));
        self.options_between(origin, destination, (from, to), date, request, max_stops).await
    }

    /// Options whose first leg leaves in `[from, to)`, direct ones first by arrival, then connections by arrival: the
    /// order in which a booking without flights tries them. Only what can be booked.
    pub async fn candidates(
        &self,
        origin: AirportCode,
        destination: AirportCode,
        departing: Departing,
        request: &Request,
    ) -> Result<Vec<Itinerary>, SearchError> {
        let airport = self.reference.airport(origin).ok_or(SearchError::NoSuchAirport(origin))?;
        let days = match departing {
            Departing::On(date) => vec![(airport.start_of(date), airport.start_of(date + Days::new(1)), date)],
            Departing::Within(span) => {
                let now = self.clock.now();
                let (first, last) = (airport.local_date(now), airport.local_date(now + span));
                let dates = first.iter_days().take_while(|date| *date <= last);
                dates
                    .map(|date| {
                        let (start, end) = (airport.start_of(date), airport.start_of(date + Days::new(1)));
                        (start.max(now), end.min(now + span), date)
                    })
                    .collect()
            }
        };
        let mut found = Options::default();
        for (from, to, date) in days {
            let max_stops = self.settings.max_stops;
            let options = self.options_between(origin, destination, (from, to), date, request, max_stops).await?;
            found.direct.extend(options.direct);
            found.transit.extend(options.transit);
        }
        let order = super::model::Sort::Arrival;
        found.direct.sort_by(|a, b| order.compare(a, b));
        found.transit.sort_by(|a, b| order.compare(a, b));
        Ok(found.direct.into_iter().chain(found.transit).filter(Itinerary::is_bookable).collect())
    }

    async fn options_between(
        &self,
        origin: AirportCode,
        destination: AirportCode,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        date: NaiveDate,
        request: &Request,
        max_stops: u8,
    ) -> Result<Options, SearchError> {
        let leaving = self.flights.leaving(origin, from, to).await?;
        let (direct, first): (Vec<Flight>, Vec<Flight>) =
            leaving.into_iter().partition(|flight| flight.destination == destination);
        let pairs = if max_stops == 0 { Vec::new() } else { self.connections(&first, destination, date).await? };
        let now = self.clock.now();
        let judge = |legs| Itinerary::judge(legs, request, now);
        Ok(Options {
            direct: direct.into_iter().filter_map(|flight| judge(vec![flight])).collect(),
            transit: pairs.into_iter().filter_map(judge).collect(),
        })
    }

    async fn connections(
        &self,
        first: &[Flight],
        destination: AirportCode,
        date: NaiveDate,
    ) -> Result<Vec<Vec<Flight>>, SearchError> {
        let mut via: Vec<AirportCode> = first.iter().map(|flight| flight.destination).collect();
        via.sort_unstable();
        via.dedup();
        let earliest = first.iter().map(|flight| flight.arrival).min();
        let latest = via.iter().filter_map(|airport| self.connection_window_end(*airport, date)).max();
        let Some((earliest, latest)) = earliest.zip(latest) else { return Ok(Vec::new()) };
        let onward = self.flights.reaching(destination, &via, earliest, latest).await?;
        Ok(connect(first, &onward, date, self))
    }
}

/// When a booking that names no flights wants to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departing {
    /// On a local calendar date at the origin.
    On(NaiveDate),
    /// From now on, within this time.
    Within(TimeDelta),
}
