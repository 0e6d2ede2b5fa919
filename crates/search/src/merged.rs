//! Searches between cities: a search for each lane between their airports, as if it were searched alone, and all their options in
//! one order. What is kept are the answers of the lanes, so that whatever makes one of them outdated does so here.
use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream::FuturesOrdered};
use loadmaster_accounts::Principal;
use loadmaster_platform::{
    rate_limit::Verdict,
    telemetry::{Traced, span},
    web::{ClientAddress, Coding, Problem},
};
use loadmaster_pricing::Product;
use loadmaster_reference::Reference;
use tokio::{task::yield_now, time::Instant};

use super::{
    SearchError, SearchService,
    cache::CacheStatus,
    counter::{Answered, Asker},
    dto::{DirectFlight, PlaceSearch, RouteOption, Search, emitted},
    find::Answer,
    judge::Judge,
    model::{Form, Itinerary, Options, Sort},
    prepared::{Capacities, Shared, Shown, ShownWay},
    rank::{Rank, Standing},
    seen::Seen,
    spliced::write_products,
};

/// What each request of a quota is for, in refusals.
pub(super) const LANES: [&str; 2] = ["group of three pairs of airports", "groups of three pairs of airports"];
/// Lanes that are searched before others get their turn.
const AT_A_TIME: usize = 6;
/// Lanes of a request that are searched at once, on several processors.
const AT_ONCE: usize = 3;
/// Most products that an answer names.
const MOST_PRODUCTS: usize = 20;

/// What was found on one lane.
struct Part<'a> {
    search: &'a Search,
    answer: Answer,
}

/// What was found, prepared.
type Found = (Shared, Capacities, Judge);

/// An option of a list of a lane.
struct Entry<'a> {
    rank: Rank,
    part: &'a Part<'a>,
    text: Text,
}

enum Text {
    /// To be written from the prepared result.
    Way(ShownWay),
    Written(Vec<u8>),
}

impl SearchService {
    /// Counts the lanes against the quota of the caller: its request is counted already, and is for the first of them. Returns
    /// what is left of it, if there is a limit.
    pub(super) async fn admit_lanes(
        &self,
        caller: Option<Principal>,
        address: Option<ClientAddress>,
        place_search: &PlaceSearch,
    ) -> Result<Option<Verdict>, Problem> {
        self.admit(caller, address, place_search.requests(), LANES).await
    }

    /// Returns the body of `POST /routes/search` in no coding. It counts as one search.
    pub(super) async fn find_lists(
        &self,
        place_search: &PlaceSearch,
        searcher: Asker,
    ) -> Result<(Bytes, CacheStatus), SearchError> {
        let Some(search) = place_search.plain() else {
            let found = Box::pin(self.find_merged(place_search, Form::Lists, Coding::Identity, searcher)).await?;
            let ((body, _), status) = found;
            return Ok((body, status));
        };
        let began = Instant::now();
        let (answer, status) = self.find(search, Form::Lists).in_span(span("search.find")).await?;
        let took = began.elapsed();
        let (body, _, seen) = self.lists(search, Coding::Identity, answer).await?;
        self.count_for(searcher, Answered { search, seen, status, took });
        Ok((body, status))
    }

    /// Returns the body of an answer with the options of all lanes, in this coding if it is kept in it. It counts as one search, on
    /// the lane with the most options, of those on which any can be booked if there are such.
    pub(super) async fn find_merged(
        &self,
        place_search: &PlaceSearch,
        form: Form,
        coding: Coding,
        searcher: Asker,
    ) -> Result<((Bytes, Coding), CacheStatus), SearchError> {
        let (began, mut parts) = (Instant::now(), Vec::with_capacity(place_search.lanes()));
        let mut status: Option<CacheStatus> = None;
        let (mut waiting, mut finding) = (place_search.searches(), FuturesOrdered::new());
        for search in waiting.by_ref().take(AT_ONCE) {
            finding.push_back(self.part(search, form));
        }
        while let Some((part, found)) = finding.try_next().await? {
            status = Some(status.map_or(found, |status| status.and(found)));
            parts.push(part);
            if let Some(search) = waiting.next() {
                finding.push_back(self.part(search, form));
            }
            if parts.len().is_multiple_of(AT_A_TIME) {
                yield_now().await;
            }
        }
        let status = status.unwrap_or(CacheStatus::Miss);
        self.count(status);
        let took = began.elapsed();
        if let Some((search, found)) = lone(place_search, form, &parts) {
            let (body, coding, seen) = self.body(search, form, coding, found.clone()).await;
            self.count_for(searcher, Answered { search, seen, status, took });
            return Ok(((body, coding), status));
        }
        let products = if form == Form::Lists { self.products(place_search).await? } else { None };
        let seen: Vec<Seen> = parts.iter().map(Part::seen).collect();
        let (best, seen) = Seen::together(&seen);
        let body = merged(place_search, form, &parts, products.as_deref(), &self.0.reference)?;
        let search = parts.get(best).map_or(place_search.first(), |part| part.search);
        self.count_for(searcher, Answered { search, seen, status, took });
        let is_final = form != Form::Lists || seen.outcome.is_bookable();
        let body = if is_final { body.into() } else { self.with_alternatives_between(place_search, &body).await };
        Ok(((body, Coding::Identity), status))
    }

    async fn part<'a>(&self, search: &'a Search, form: Form) -> Result<(Part<'a>, CacheStatus), SearchError> {
        let found = self.find_uncounted(search, Shown::As(form)).in_span(span("search.find")).await;
        found.map(|(answer, status)| (Part { search, answer }, status))
    }

    /// Returns the products that tariffs rate on any of the lanes, `GENERAL` first; `None` if no prices are asked for.
    async fn products(&self, place_search: &PlaceSearch) -> Result<Option<Vec<Product>>, SearchError> {
        let Some(pricer) = self.pricer(&place_search.first().request).await? else { return Ok(None) };
        let of_lane = |search: &Search| pricer.products(search.origin, search.destination, search.date);
        let others: BTreeSet<Product> =
            place_search.searches().flat_map(of_lane).filter(|it| *it != Product::GENERAL).collect();
        Ok(Some(std::iter::once(Product::GENERAL).chain(others).take(MOST_PRODUCTS).collect()))
    }
}

impl Part<'_> {
    fn seen(&self) -> Seen {
        match &self.answer {
            Answer::Prepared((prepared, spaces, judge)) => prepared.seen(self.search, spaces, judge),
            Answer::Read(options) => Seen::of(options, self.search.request.priced_for.is_some()),
        }
    }

    fn has_routes(&self) -> bool {
        match &self.answer {
            Answer::Prepared((prepared, ..)) => prepared.routes().next().is_some(),
            Answer::Read(Options { direct, transit }) => !(direct.is_empty() && transit.is_empty()),
        }
    }

    /// Returns its options: the lists of an answer of this form, each with at most as many as the search shows.
    fn lists(&self, form: Form, reference: &Reference) -> Result<Vec<Vec<Entry<'_>>>, SearchError> {
        let found = match &self.answer {
            Answer::Prepared((prepared, spaces, judge)) => prepared.ranked_lists(self.search, form, spaces, judge),
            Answer::Read(options) => return self.read_lists(options, form, reference),
        };
        let mut lists = Vec::with_capacity(found.len());
        for list in found {
            let mut entries = Vec::with_capacity(list.len());
            for (rank, way) in list {
                entries.push(Entry { rank, part: self, text: Text::Way(way) });
            }
            lists.push(entries);
        }
        Ok(lists)
    }

    /// The same of options that were read from the tables.
    fn read_lists(
        &self,
        Options { direct, transit }: &Options,
        form: Form,
        reference: &Reference,
    ) -> Result<Vec<Vec<Entry<'_>>>, SearchError> {
        let lists: Vec<(Vec<&Itinerary>, Sort, bool)> = match form {
            Form::Lists => {
                vec![(direct.iter().collect(), Sort::Departure, true), (transit.iter().collect(), Sort::Arrival, false)]
            }
            Form::Ranking(sort) => vec![(direct.iter().chain(transit).collect(), sort, false)],
        };
        let mut written = Vec::with_capacity(lists.len());
        for (options, sort, is_direct) in lists {
            let ranked = options.into_iter().map(|option| (self.rank(option, sort, reference), option));
            let mut ranked: Vec<(Rank, &Itinerary)> = ranked.collect();
            ranked.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            let mut entries = Vec::new();
            for (rank, option) in ranked.into_iter().take(self.search.limit) {
                let text = if is_direct {
                    serde_json::to_vec(&DirectFlight::new(option, self.search, reference))
                } else {
                    serde_json::to_vec(&RouteOption::new(option, self.search, reference))
                };
                let text = Text::Written(text.map_err(|_| SearchError::Unwritable)?);
                entries.push(Entry { rank, part: self, text });
            }
            written.push(entries);
        }
        Ok(written)
    }

    fn rank(&self, option: &Itinerary, sort: Sort, reference: &Reference) -> Rank {
        let emissions = if sort == Sort::Emissions { emitted(option, self.search, reference) } else { None };
        Rank::new(Standing { co2e: emissions.map(|emissions| emissions.co2e_kg), ..Standing::from(option) }, sort)
    }
}

impl Entry<'_> {
    /// Writes it, as a direct flight of `direct_flights` or as any other option.
    fn write(&self, out: &mut Vec<u8>, is_direct: bool) {
        match (&self.text, &self.part.answer) {
            (Text::Written(text), _) => out.extend_from_slice(text),
            (Text::Way(way), Answer::Prepared((prepared, spaces, judge))) if is_direct => {
                prepared.write_direct_way(out, way, spaces, judge);
            }
            (Text::Way(way), Answer::Prepared((prepared, spaces, judge))) => {
                prepared.write_way(out, way, spaces, judge);
            }
            // Only prepared results have ways.
            (Text::Way(_), Answer::Read(_)) => {}
        }
    }
}

/// Returns what was found on the only lane with routes, if its answer is that of all lanes: most airports of some cities have no
/// flights, and the answer of one lane is kept as it was written.
fn lone<'a>(place_search: &PlaceSearch, form: Form, parts: &'a [Part<'_>]) -> Option<(&'a Search, &'a Found)> {
    let mut with_routes = parts.iter().filter(|part| part.has_routes());
    let (part, None) = (with_routes.next()?, with_routes.next()) else { return None };
    let Answer::Prepared(found) = &part.answer else { return None };
    let search = part.search;
    let is_of_all = match form {
        Form::Ranking(_) => true,
        // Lists name the lane and, with prices, its products; alternatives are those of all lanes.
        Form::Lists => {
            (search.origin, search.destination) == (place_search.origin, place_search.destination)
                && search.request.priced_for.is_none()
                && found.0.is_bookable(search, &found.1, &found.2)
        }
    };
    is_of_all.then_some((search, found))
}

/// Returns the answer in this form, the same to the byte as that of one search that found all of this.
fn merged(
    place_search: &PlaceSearch,
    form: Form,
    parts: &[Part<'_>],
    products: Option<&[Product]>,
    reference: &Reference,
) -> Result<Vec<u8>, SearchError> {
    let limit = place_search.first().limit;
    let mut lists: Vec<Vec<Entry<'_>>> = Vec::new();
    for part in parts {
        for (place, list) in part.lists(form, reference)?.into_iter().enumerate() {
            match lists.get_mut(place) {
                Some(all) => all.extend(list),
                None => lists.push(list),
            }
        }
    }
    for list in &mut lists {
        list.sort_unstable_by(|a, b| a.rank.cmp(&b.rank));
        list.truncate(limit);
    }
    let mut lists = lists.into_iter();
    let mut out = Vec::new();
    if form == Form::Lists {
        let (PlaceSearch { origin, destination, .. }, date) = (place_search, place_search.first().date);
        let head = format!(r#"{{"origin":"{origin}","destination":"{destination}","departure_date":"{date}","#);
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(br#""direct_flights":"#);
        write(&mut out, &lists.next().unwrap_or_default(), true);
        out.extend_from_slice(br#","transit_routes":"#);
        write(&mut out, &lists.next().unwrap_or_default(), false);
        if let Some(products) = products {
            write_products(&mut out, products);
        }
        out.push(b'}');
    } else {
        write(&mut out, &lists.next().unwrap_or_default(), false);
    }
    Ok(out)
}

/// Writes a list.
fn write(out: &mut Vec<u8>, list: &[Entry<'_>], is_direct: bool) {
    out.push(b'[');
    for (number, entry) in list.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        entry.write(out, is_direct);
    }
    out.push(b']');
}
