use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::{CallerQuotas, Principal};
use loadmaster_capacity::{CapacityService, OwnSpace, Space};
use loadmaster_embargoes::EmbargoService;
use loadmaster_flights::{Connections, Flight, FlightService};
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::{clock::SharedClock, redis::Redis, secrets::ServerSecrets, settings, tally::Tally};
use loadmaster_pricing::PricingService;
use loadmaster_reference::Reference;
use loadmaster_stations::{LeadTime, StationService};
use tokio::sync::Semaphore;

use super::{
    SearchError,
    bodies::Bodies,
    cache::RouteCache,
    counter::Counter,
    dto::Search,
    judge::Judge,
    model::{Candidates, Departing, Itinerary, MOST_STOPS_NEAR, Options, Request, connect},
    pricer::Pricer,
    route_set::RouteSet,
};

/// Most answers for which alternatives are looked for at once: a crowd of refusals must not crowd out other requests.
const AT_ONCE: usize = 8;

/// Most flights on which a booking without flights looks for space that nobody has a right to any more.
const MOST_CLEARED: usize = 50;

/// Finds routes from one airport to another.
#[derive(Clone)]
pub struct SearchService(pub(super) Arc<Inner>);

/// The dependencies of a search.
pub(super) struct Inner {
    pub flights: FlightService,
    pub capacity: CapacityService,
    pub embargoes: EmbargoService,
    pub stations: StationService,
    pub prices: PricingService,
    pub reference: Reference,
    pub clock: SharedClock,
    pub settings: settings::Search,
    /// `None`: every search reads the tables.
    pub cache: Option<RouteCache>,
    pub bodies: Bodies,
    /// Turns at looking for alternatives.
    pub looking: Semaphore,
    /// Turns at reading the flights of days from the tables, for routes with more than one stop.
    pub reading: Semaphore,
    /// The longest time for which alternatives are looked for.
    pub longest_look: Duration,
    pub tally: Tally,
    pub counter: Arc<Counter>,
    /// The quotas of callers, of which each further leg takes one.
    pub quotas: CallerQuotas,
}

impl SearchService {
    /// Creates the service. Results are cached in `redis`, if there is one, for all processes of the installation that
    /// search by the same rules.
    #[allow(clippy::too_many_arguments, reason = "each is one thing that it stands on")]
    pub(crate) fn new(
        flights: &FlightService,
        capacity: &CapacityService,
        embargoes: &EmbargoService,
        stations: &StationService,
        prices: &PricingService,
        reference: &Reference,
        clock: &SharedClock,
        settings: &settings::Search,
        tally: &Tally,
        longest_look: Duration,
        shared: Option<(Redis, &ServerSecrets)>,
        counter: Counter,
        quotas: CallerQuotas,
    ) -> Self {
        let time = Duration::from_secs(settings.cache_ttl_seconds);
        let cache = (!time.is_zero()).then(|| RouteCache::new(time, settings, clock, shared));
        Self(Arc::new(Inner {
            flights: flights.clone(),
            capacity: capacity.clone(),
            embargoes: embargoes.clone(),
            stations: stations.clone(),
            prices: prices.clone(),
            reference: reference.clone(),
            clock: clock.clone(),
            settings: settings.clone(),
            cache,
            bodies: Bodies::default(),
            looking: Semaphore::new(AT_ONCE),
            reading: Semaphore::new(1),
            longest_look,
            tally: tally.clone(),
            counter: Arc::new(counter),
            quotas,
        }))
    }

    /// Returns the same service on the connections reserved for background work, without the answers that callers share.
    #[must_use]
    pub fn for_background(&self) -> Self {
        let inner = &*self.0;
        Self(Arc::new(Inner {
            flights: inner.flights.for_background(),
            capacity: inner.capacity.for_background(),
            embargoes: inner.embargoes.for_background(),
            stations: inner.stations.for_background(),
            prices: inner.prices.for_background(),
            reference: inner.reference.clone(),
            clock: inner.clock.clone(),
            settings: inner.settings.clone(),
            cache: None,
            bodies: Bodies::default(),
            looking: Semaphore::new(AT_ONCE),
            reading: Semaphore::new(1),
            longest_look: inner.longest_look,
            tally: inner.tally.clone(),
            counter: inner.counter.clone(),
            quotas: inner.quotas.clone(),
        }))
    }

    /// Returns what allotments keep for the organization of this caller.
    pub(super) fn own_space(&self, caller: Option<Principal>) -> OwnSpace {
        self.0.capacity.allotted().of(caller.map(|caller| caller.organization_id))
    }

    /// Returns what rates the options, if the request asks for prices.
    pub(super) async fn pricer(&self, request: &Request) -> Result<Option<Pricer>, SearchError> {
        let Some(payer) = request.priced_for else { return Ok(None) };
        let rules = self.0.prices.in_force().await?;
        let freight = (request.special_handling_codes.as_slice(), request.product);
        Ok(Some(Pricer::of(request.space(), freight, rules, payer, self.0.clock.now())))
    }

    /// Returns how long before departure the origin takes the freight at the latest, if it says so. All options of a search leave
    /// from one station.
    pub(super) async fn lead_time(&self, search: &Search) -> Result<Option<LeadTime>, SearchError> {
        let acceptances = self.0.stations.acceptances().await?;
        let Search { origin, request, .. } = search;
        Ok(acceptances.lead_time(*origin, request.product.as_str(), &request.special_handling_codes))
    }

    /// Forgets the written answers of this process.
    pub(super) fn forget_answers(&self) {
        if let Some(cache) = &self.0.cache {
            cache.forget();
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    pub fn max_stops(&self) -> u8 {
        self.0.settings.max_stops
    }

    /// Returns the most stops of the routes that are looked for unless more are asked for.
    pub(super) fn stops_near(&self) -> u8 {
        self.max_stops().min(MOST_STOPS_NEAR)
    }

    /// Returns options whose first leg leaves in `[from, to)`, direct ones first by arrival, then connections by
    /// arrival: the order in which a booking without flights tries them. Only bookable options, and the flights on which
    /// others lack nothing but space that is held.
    pub async fn candidates(
        &self,
        origin: AirportCode,
        destination: AirportCode,
        departing: Departing,
        request: &Request,
    ) -> Result<Candidates, SearchError> {
        let airport = self.0.reference.airport(origin).ok_or(SearchError::NoSuchAirport(origin))?;
        let days = match departing {
            Departing::On(date) => vec![(airport.day(date), date)],
            Departing::Within(span) => {
                let now = self.0.clock.now();
                let (first, last) = (airport.local_date(now), airport.local_date(now + span));
                let dates = first.iter_days().take_while(|date| *date <= last);
                dates
                    .map(|date| {
                        let (start, end) = airport.day(date);
                        ((start.max(now), end.min(now + span)), date)
                    })
                    .collect()
            }
        };
        let mut found = Options::default();
        for (day, date) in days {
            let ways = self.near_ways_within(origin, destination, day, date, self.stops_near()).await?;
            let options = self.judged(ways, request, None).await?;
            found.direct.extend(options.direct);
            found.transit.extend(options.transit);
        }
        let order = super::model::Sort::Arrival;
        found.direct.sort_by(|a, b| order.compare(a, b));
        found.transit.sort_by(|a, b| order.compare(a, b));
        let (bookable, others): (Vec<_>, Vec<_>) =
            found.direct.into_iter().chain(found.transit).partition(Itinerary::is_bookable);
        let full = others.iter().filter(|way| way.lacks_only_space()).flat_map(Itinerary::legs);
        let full = full.filter(|flight| flight.space.held != Space::default()).map(|flight| flight.id);
        let full: BTreeSet<FlightId> = full.take(MOST_CLEARED).collect();
        Ok(Candidates { bookable, full: full.into_iter().collect() })
    }

    /// Judges routes for a request, as of now. `lead_time`: that of their origin, if the options say by when it takes the freight.
    pub(super) async fn judged(
        &self,
        ways: RouteSet,
        request: &Request,
        lead_time: Option<LeadTime>,
    ) -> Result<Options, SearchError> {
        let RouteSet { mut flights, routes } = ways;
        let embargoes = self.0.embargoes.in_force().await?;
        let now = self.0.clock.now();
        for flight in &mut flights {
            request.own.open(&mut flight.space, now);
        }
        let pricer = self.pricer(request).await?;
        let judge = Judge::of(request, &embargoes, &self.0.reference, now);
        let judge = judge.with_lead_time(lead_time).with_prices(pricer);
        let legs = routes.iter().map(|route| route.iter().map(|place| flights[*place].clone()).collect());
        let (direct, transit) = legs.filter_map(|legs| judge.itinerary(legs)).partition(Itinerary::is_direct);
        Ok(Options { direct, transit })
    }

    /// Reads all routes of at most one stop whose first leg departs in `[from, to)`, on this date, from the tables.
    pub(super) async fn near_ways_within(
        &self,
        origin: AirportCode,
        destination: AirportCode,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        date: NaiveDate,
        max_stops: u8,
    ) -> Result<RouteSet, SearchError> {
        let leaving = self.0.flights.leaving(origin, from, to).await?;
        let (direct, first): (Vec<Flight>, Vec<Flight>) =
            leaving.into_iter().partition(|flight| flight.destination == destination);
        let transit = if max_stops == 0 { Vec::new() } else { self.connections(&first, destination, date).await? };
        Ok(RouteSet::of(direct.into_iter().map(|flight| vec![flight]).chain(transit)))
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
        let latest =
            via.iter().filter_map(|airport| self.0.flights.connections().connection_window_end(*airport, date)).max();
        let Some((earliest, latest)) = earliest.zip(latest) else { return Ok(Vec::new()) };
        let onward = self.0.flights.reaching(destination, &via, earliest, latest).await?;
        Ok(connect(first, &onward, date, self.0.flights.connections()))
    }
}
