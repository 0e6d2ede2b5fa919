use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::Coding,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    SearchError, SearchService,
    dto::{PlaceSearch, RouteOption, Search, SearchResult},
    find::Answer,
    model::{Form, Itinerary, Request, Sort},
    prepared::{OptionText, Shown},
    seen::Seen,
};

/// Most alternatives of one answer.
const MOST: usize = 3;

/// Freight that was refused.
#[derive(Debug, Clone)]
pub struct RouteQuery {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub day: Day,
    /// The earliest departure, if the freight is not at the origin yet.
    pub earliest: Option<DateTime<Utc>>,
    pub request: Request,
}

/// The day of departure that a refused request asked for.
#[derive(Debug, Clone)]
pub enum Day {
    /// This local calendar date at the origin.
    On(NaiveDate),
    /// That of the first of these flights that exists, in local time of where it departs; without any, today.
    Of(Vec<FlightId>),
    /// Today at the origin.
    Today,
}

/// What decides between the options of several days.
#[derive(Deserialize)]
struct Onward {
    arrival_datetime: DateTime<Utc>,
    flights: Vec<OnwardFlight>,
}

#[derive(Deserialize)]
struct OnwardFlight {
    id: FlightId,
}

impl SearchService {
    /// Returns the flights of the options that can be booked for this freight, on that day or one of the
    /// `search.alternative_days` after it: the earliest arrival first, at most `most` of each day. Unlike
    /// [`Self::alternatives`] it takes the time that it needs, because a change depends on it.
    pub async fn onward(&self, route: RouteQuery, most: usize) -> Result<Vec<Vec<FlightId>>, SearchError> {
        let wanted = Search { limit: most, ..self.search_of(route).await? };
        let mut options = Vec::new();
        for date in wanted.date.iter_days().take(self.days_ahead()) {
            options.extend(self.bookable(&Search { date, ..wanted.clone() }).await?);
        }
        let read = |option: &OptionText| serde_json::from_slice(option).map_err(|_| SearchError::Unwritable);
        let mut options: Vec<Onward> = options.iter().map(read).collect::<Result<_, _>>()?;
        options.sort_by_key(|option| option.arrival_datetime);
        Ok(options.into_iter().map(|option| option.flights.into_iter().map(|flight| flight.id).collect()).collect())
    }

    /// Returns at most three options (`RouteOption`) that can be booked for this freight, on that day or one of the
    /// `search.alternative_days` after it: by day, then the earliest arrival first. To be called after a refusal, with
    /// no transaction open. Never fails, and takes 200 milliseconds at most: it returns none if they do not suffice.
    pub async fn alternatives(&self, route: RouteQuery) -> Vec<Value> {
        self.alternatives_once(async { Some(route) }).await
    }

    /// The same for a query that is to be read first, within the same time; none for `None`.
    pub async fn alternatives_once(&self, route: impl Future<Output = Option<RouteQuery>> + Send) -> Vec<Value> {
        let looking = Box::pin(async {
            match route.await {
                Some(route) => self.look_ahead(self.search_of(route).await?, 0).await,
                None => Ok(Vec::new()),
            }
        });
        self.in_time(looking).await.iter().filter_map(|option| serde_json::from_slice(option).ok()).collect()
    }

    /// Returns the query of a request that names its ends, or flights whose ends they are; `None` if these do not exist.
    pub async fn route_query(
        &self,
        (origin, destination): (Option<AirportCode>, Option<AirportCode>),
        flights: &[FlightId],
        date: Option<NaiveDate>,
        request: Request,
    ) -> Option<RouteQuery> {
        let known = async |id: &FlightId| self.0.flights.recent(*id).await.ok().flatten();
        let origin = match (origin, flights.first()) {
            (None, Some(first)) => known(first).await?.origin,
            (origin, _) => origin?,
        };
        let destination = match (destination, flights.last()) {
            (None, Some(last)) => known(last).await?.destination,
            (destination, _) => destination?,
        };
        let asked = date.map_or(Day::Today, Day::On);
        let day = if flights.is_empty() { asked } else { Day::Of(flights.to_vec()) };
        Some(RouteQuery { origin, destination, day, earliest: None, request })
    }

    /// Returns the body of `POST /routes/search`, in this coding if that is worth while, and what the search has found. If nothing
    /// can be booked, with alternatives: such an answer is not kept, as it also depends on the flights of other days.
    pub(super) async fn lists(
        &self,
        search: &Search,
        coding: Coding,
        answer: Answer,
    ) -> Result<(Bytes, Coding, Seen), SearchError> {
        let (body, seen) = match answer {
            Answer::Prepared(found) if found.0.is_bookable(search, &found.1, &found.2) => {
                return Ok(self.body(search, Form::Lists, coding, found).await);
            }
            Answer::Prepared(found) => {
                let (body, _, seen) = self.body(search, Form::Lists, Coding::Identity, found).await;
                (body, seen)
            }
            Answer::Read(options) => {
                let seen = Seen::of(&options, search.request.priced_for.is_some());
                let pricer = self.pricer(&search.request).await?;
                let products = pricer.map(|pricer| pricer.products(search.origin, search.destination, search.date));
                let body = SearchResult::new(search, options, products, &self.0.reference);
                let body = Bytes::from(serde_json::to_vec(&body).map_err(|_| SearchError::Unwritable)?);
                if seen.outcome.is_bookable() {
                    return Ok((body, Coding::Identity, seen));
                }
                (body, seen)
            }
        };
        // This search has found nothing on its own day.
        let found = self.in_time(self.look_ahead(Search { limit: MOST, ..search.clone() }, 1)).await;
        Ok((with_alternatives(&body, &found), Coding::Identity, seen))
    }

    /// Returns this body of a search between cities that found nothing on its own day, with alternatives.
    pub(super) async fn with_alternatives_between(&self, place_search: &PlaceSearch, body: &[u8]) -> Bytes {
        let found = self.in_time(self.look_ahead_between(place_search)).await;
        with_alternatives(body, &found)
    }

    /// Returns what is found in time, without an error.
    async fn in_time(
        &self,
        looking: impl Future<Output = Result<Vec<OptionText>, SearchError>> + Send,
    ) -> Vec<OptionText> {
        let in_turn = async {
            let _turn = self.0.looking.acquire().await;
            looking.await
        };
        match timeout(self.0.longest_look, in_turn.in_span(span("search.alternatives"))).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the search for alternatives failed; none are shown");
                Vec::new()
            }
            Err(_) => {
                tracing::debug!("the search for alternatives took too long; none are shown");
                Vec::new()
            }
        }
    }

    async fn search_of(&self, route: RouteQuery) -> Result<Search, SearchError> {
        let RouteQuery { origin, destination, day, earliest, request } = route;
        let date = match day {
            Day::On(date) => date,
            Day::Of(flights) => match self.departure_of(&flights).await? {
                Some(date) => date,
                None => self.date_at(origin, self.0.clock.now())?,
            },
            Day::Today => self.date_at(origin, self.0.clock.now())?,
        };
        Ok(Search { origin, destination, date, request, max_stops: self.stops_near(), limit: MOST, earliest })
    }

    /// Returns the local date of departure of the first of these flights that exists.
    async fn departure_of(&self, flights: &[FlightId]) -> Result<Option<NaiveDate>, SearchError> {
        for flight in flights {
            if let Some(flight) = self.0.flights.recent(*flight).await? {
                return self.date_at(flight.origin, flight.departure).map(Some);
            }
        }
        Ok(None)
    }

    fn date_at(&self, airport: AirportCode, instant: DateTime<Utc>) -> Result<NaiveDate, SearchError> {
        let found = self.0.reference.airport(airport).ok_or(SearchError::NoSuchAirport(airport))?;
        Ok(found.local_date(instant))
    }

    /// Returns the number of days on which options are looked for, the first one included.
    fn days_ahead(&self) -> usize {
        usize::from(self.0.settings.alternative_days) + 1
    }

    /// Returns as many options that can be booked as the limit of the search, from its date on without the first days.
    async fn look_ahead(&self, wanted: Search, without: usize) -> Result<Vec<OptionText>, SearchError> {
        let mut found = Vec::new();
        for date in wanted.date.iter_days().take(self.days_ahead()).skip(without) {
            let search = Search { date, limit: wanted.limit - found.len(), ..wanted.clone() };
            found.extend(self.bookable(&search).await?);
            if found.len() >= wanted.limit {
                break;
            }
        }
        Ok(found)
    }

    /// The same from the day after the search on, on all lanes: of each day the earliest arrivals.
    async fn look_ahead_between(&self, place_search: &PlaceSearch) -> Result<Vec<OptionText>, SearchError> {
        let mut found = Vec::new();
        for date in place_search.first().date.iter_days().take(self.days_ahead()).skip(1) {
            let limit = MOST - found.len();
            let mut of_day = Vec::new();
            for search in place_search.searches() {
                for option in self.bookable(&Search { date, limit, ..search.clone() }).await? {
                    let read: Onward = serde_json::from_slice(&option).map_err(|_| SearchError::Unwritable)?;
                    of_day.push((read.arrival_datetime, option));
                }
            }
            of_day.sort_by_key(|(arrival, _)| *arrival);
            found.extend(of_day.into_iter().take(limit).map(|(_, option)| option));
            if found.len() >= MOST {
                break;
            }
        }
        Ok(found)
    }

    /// Returns the options of one day that can be booked, in the usual order.
    async fn bookable(&self, search: &Search) -> Result<Vec<OptionText>, SearchError> {
        let options = match self.find_uncounted(search, Shown::Bookable).await?.0 {
            Answer::Prepared((prepared, spaces, judge)) => return Ok(prepared.bookable(search, &spaces, &judge)),
            Answer::Read(options) => options,
        };
        let is_wanted = |option: &Itinerary| {
            option.is_bookable() && search.earliest.is_none_or(|earliest| option.departure() >= earliest)
        };
        let mut options: Vec<_> = options.direct.into_iter().chain(options.transit).filter(is_wanted).collect();
        options.sort_by(|a, b| Sort::Arrival.compare(a, b));
        let text = |option: &Itinerary| {
            let option = RouteOption::new(option, search, &self.0.reference);
            serde_json::to_vec(&option).map_err(|_| SearchError::Unwritable)
        };
        options.iter().take(search.limit).map(text).collect()
    }
}

/// Adds the member `alternatives` at the end of a JSON object.
fn with_alternatives(object: &[u8], options: &[OptionText]) -> Bytes {
    let object = object.strip_suffix(b"}").unwrap_or(object);
    let mut out = Vec::with_capacity(object.len() + options.iter().map(|option| option.len() + 1).sum::<usize>() + 20);
    out.extend_from_slice(object);
    out.extend_from_slice(br#","alternatives":["#);
    out.extend_from_slice(&options.join(&b','));
    out.extend_from_slice(b"]}");
    out.into()
}
