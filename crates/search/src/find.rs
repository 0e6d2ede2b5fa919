use bytes::Bytes;
use loadmaster_flights::{NetworkVersion, Scope};
use loadmaster_kernel::{Counted, FlightId};
use loadmaster_platform::{
    telemetry::{Traced, note, span},
    web::Coding,
};

use super::metric;
use super::{
    SearchError, SearchService,
    cache::{CacheStatus, RouteCache, Source},
    dto::Search,
    judge::{Judge, SuitableAircraft},
    model::{Form, Options, Question},
    prepared::{Capacities, Prepared, Shared, Shown},
    route_set::Ways,
    seen::Seen,
};

/// Maximum number of attempts for flights that change during a search; after that it reads the tables.
const MOST_READINGS: u32 = 3;

/// The result of a search.
pub(super) enum Answer {
    /// The cached network part, with the current capacities.
    Prepared((Shared, Capacities, Judge)),
    /// Read directly from the tables.
    Read(Options),
}

impl SearchService {
    /// Returns the current options of a search, and whether the network part was cached.
    pub(super) async fn find(&self, search: &Search, form: Form) -> Result<(Answer, CacheStatus), SearchError> {
        let (answer, status) = self.find_uncounted(search, Shown::As(form)).await?;
        self.count(status);
        Ok((answer, status))
    }

    /// The same for a search that no caller made.
    pub(super) async fn find_uncounted(
        &self,
        search: &Search,
        what: Shown,
    ) -> Result<(Answer, CacheStatus), SearchError> {
        let kept = match &self.0.cache {
            Some(cache) => self.find_kept(cache, search, what).await?,
            None => None,
        };
        match kept {
            Some(found) => Ok(found),
            None => Ok((Answer::Read(self.read(search).await?), CacheStatus::Miss)),
        }
    }

    /// Returns the body of an answer, in this coding if that is worth while, and what the search has found.
    pub(super) async fn body(
        &self,
        search: &Search,
        form: Form,
        coding: Coding,
        found: (Shared, Capacities, Judge),
    ) -> (Bytes, Coding, Seen) {
        self.0.bodies.get(search, form, coding, found).await
    }

    /// Searches the cache; returns `None` if the flights changed at each attempt.
    async fn find_kept(
        &self,
        cache: &RouteCache,
        search: &Search,
        what: Shown,
    ) -> Result<Option<(Answer, CacheStatus)>, SearchError> {
        let mut outdated: Option<Shared> = None;
        for _ in 0..MOST_READINGS {
            let network_version = self.network_version(search.question().scope()).await?;
            let question = self.kept_question(cache, search, network_version);
            let looking = async {
                let found = cache.get(self, question, network_version, outdated.as_ref()).await?;
                note("loadmaster.cache.hit", matches!(found.status, CacheStatus::Hit(_)));
                log(&question, found.status);
                Ok::<_, SearchError>(found)
            };
            let found = looking.in_span(span("route cache")).await?;
            let Some((spaces, judge, to_read)) = self.look(search, what, &found.prepared).await? else {
                outdated = Some(found.prepared);
                continue;
            };
            if !to_read.is_empty() && !found.prepared.take_in(&to_read, &self.0.flights.flights(&to_read).await?) {
                outdated = Some(found.prepared);
                continue;
            }
            return Ok(Some((Answer::Prepared((found.prepared, spaces, judge)), found.status)));
        }
        Ok(None)
    }

    /// Returns the space, as of now, on as many of the flights as the answer depends on, and which flights it takes to read;
    /// `None` if one of them is no longer as it was prepared.
    async fn look(
        &self,
        search: &Search,
        what: Shown,
        prepared: &Prepared,
    ) -> Result<Option<(Capacities, Judge, Vec<FlightId>)>, SearchError> {
        let aircraft = SuitableAircraft::of(&search.request, &self.0.reference);
        let mut flights = prepared.first_look(search, what, &aircraft);
        loop {
            let spaces = self.0.capacity.spaces(prepared.versions(flights)).await?;
            let Some(mut spaces) = prepared.agree(spaces) else { return Ok(None) };
            let embargoes = self.0.embargoes.in_force().await?;
            let lead_time = self.lead_time(search).await?;
            let pricer = self.pricer(&search.request).await?;
            // The clock is read after the capacities, so that the answer is as of now.
            let judge = Judge::with_aircraft(aircraft.clone(), &search.request, &embargoes, self.0.clock.now());
            let judge = judge.with_lead_time(lead_time).with_prices(pricer);
            for space in &mut spaces {
                search.request.own.open(space, judge.now());
            }
            if let Some(to_read) = prepared.to_read(search, what, &spaces, &judge) {
                return Ok(Some((spaces, judge, to_read)));
            }
            flights = usize::MAX;
        }
    }

    /// Returns the question whose answer is kept for this search: that with the most stops for all that want many. Direct
    /// flights are found faster by themselves, unless the connections are known already.
    fn kept_question(&self, cache: &RouteCache, search: &Search, network_version: NetworkVersion) -> Question {
        let question = search.question();
        if question.is_far() {
            return Question { max_stops: self.max_stops(), ..question };
        }
        let near = Question { max_stops: self.stops_near(), ..question };
        if near != question && cache.knows(&near, network_version) { near } else { question }
    }

    /// Reads the options directly from the tables.
    pub(super) async fn read(&self, search: &Search) -> Result<Options, SearchError> {
        let ways = self.current_ways(search.question()).await?;
        let lead_time = self.lead_time(search).await?;
        self.judged(ways, &search.request, lead_time).await
    }

    /// Returns the network's version for results that depend on this. It is known unless this process has just changed
    /// something or is not up to date with the changes of others; then it is read from the database.
    pub(super) async fn network_version(&self, scope: Scope) -> Result<NetworkVersion, SearchError> {
        let network = self.0.flights.network();
        let is_fresh = self.0.capacity.index().is_fresh(self.0.clock.now());
        if is_fresh && let Some(network_version) = network.version(scope) {
            return Ok(network_version);
        }
        let invalidated = network.invalidated();
        let network_version = self.0.flights.network_version().await?;
        network.settle(&invalidated, is_fresh, network_version);
        Ok(network.settled(scope))
    }

    /// Counts an answered search.
    pub(super) fn count(&self, status: CacheStatus) {
        metric::ROUTE_SEARCHES.increment(1);
        self.0.tally.add(Counted::RouteSearches, 1);
        match status {
            CacheStatus::Hit(_) => {
                metric::ROUTE_CACHE_HITS.increment(1);
                self.0.tally.add(Counted::CacheHits, 1);
            }
            CacheStatus::Miss => {
                metric::ROUTE_CACHE_MISSES.increment(1);
                self.0.tally.add(Counted::CacheMisses, 1);
            }
        }
    }

    /// Records the cache's state in the metrics.
    pub fn measure(&self) {
        if let Some(cache) = &self.0.cache {
            cache.measure();
        }
        let counts = self.0.tally.counts();
        let (hits, misses) = (counts.of(Counted::CacheHits), counts.of(Counted::CacheMisses));
        #[allow(clippy::cast_precision_loss, reason = "a ratio")]
        let ratio = if hits + misses == 0 { 0.0 } else { hits as f64 / (hits + misses) as f64 };
        metric::ROUTE_CACHE_HIT_RATIO.set(ratio);
    }
}

fn log(question: &Question, status: CacheStatus) {
    let Question { origin, destination, date, max_stops } = question;
    match status {
        CacheStatus::Hit(left) => {
            let seconds_left = left.as_secs();
            tracing::debug!(%origin, %destination, %date, max_stops, seconds_left, "hit of the route cache");
        }
        CacheStatus::Miss => {
            tracing::debug!(%origin, %destination, %date, max_stops, "miss of the route cache; the network was searched");
        }
    }
}

impl Source for SearchService {
    async fn ways(
        &self,
        question: Question,
        network_version: NetworkVersion,
        is_again: bool,
    ) -> Result<Ways, SearchError> {
        self.ways(question, network_version, is_again).await
    }

    fn prepare(&self, ways: Ways) -> Prepared {
        Prepared::new(ways, &self.0.reference)
    }
}
