mod judging;
mod master;
mod parts;
mod ranked;
#[cfg(test)]
mod tests;
mod watched;
mod written;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use loadmaster_capacity::{FlightCapacity, FlightStatus};
use loadmaster_flights::Flight;
use loadmaster_kernel::FlightId;
use loadmaster_pricing::Estimate;
use loadmaster_reference::{Emissions, Reference};

use super::{
    dto::Search,
    judge::{Judge, SuitableAircraft},
    model::{Form, OptionFigures, Sort, co2e_order, price_order},
    offer::Offer,
    pricer::Pricer,
    route_set::{Brief, Places, Ways},
    seen::{Seeing, Seen},
    spliced::write_products,
};
use judging::{Judged, JudgedWay, Judging};
use parts::{PreparedFlight, PreparedRoute};
use written::write;

pub(super) use ranked::ShownWay;

/// Estimated lengths of the texts of a flight, of a route, and of what is written of a route for each search, in bytes.
const FLIGHT_TEXT: usize = 900;
const ROUTE_TEXT: usize = 400;
const JUDGED_TEXT: usize = 160;
/// Most routes of one answer: of a result with more, few of the others' texts are ever written.
const MOST_SHOWN: usize = 200;
/// Fewest routes whose space is looked at, if there are as many.
const FEWEST_LOOKED_AT: usize = 100;

/// All routes of one day between two airports. What is shown of them is read and serialized when it is
/// shown first, except for values that change with each booking. Flights shared by several routes are stored once.
#[derive(Debug)]
pub(super) struct Prepared {
    reference: Reference,
    /// First those of direct routes, then as routes by arrival need them.
    flights: Vec<PreparedFlight>,
    /// In the order of [`Sort::compare`] by arrival.
    ways: Vec<PreparedRoute>,
    /// All flights were read.
    is_read: AtomicBool,
    /// Number of flights to look at for [`FEWEST_LOOKED_AT`] routes, if every aircraft can carry the freight.
    usual_look: OnceLock<usize>,
}

/// What an answer shows of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Figures alone.
    Nothing,
    /// Routes that can be booked, by arrival.
    Bookable,
    As(Form),
}

/// The capacities of the flights of a [`Prepared`], in its order: of all, or of the first ones.
pub(super) type Capacities = Vec<FlightCapacity>;

impl Prepared {
    pub fn new(ways: Ways, reference: &Reference) -> Self {
        let of_flight =
            |(brief, flight): (Brief, Option<Flight>)| PreparedFlight::new(brief, flight.as_ref(), reference);
        let flights: Vec<PreparedFlight> = ways.flights.into_iter().map(of_flight).collect();
        let mut prepared = Vec::with_capacity(ways.routes.len());
        prepared.extend(ways.routes.into_iter().filter_map(|legs| PreparedRoute::new(legs, &flights)));
        Self::in_order(reference.clone(), prepared, flights)
    }

    fn in_order(reference: Reference, mut ways: Vec<PreparedRoute>, flights: Vec<PreparedFlight>) -> Self {
        ways.sort_by(|a, b| a.compare(b, &flights));
        let flights = parts::numbered(&mut ways, flights);
        let is_read = AtomicBool::new(flights.iter().all(|flight| flight.text.get().is_some()));
        Self { reference, flights, ways, is_read, usual_look: OnceLock::new() }
    }

    pub fn flights(&self) -> impl Iterator<Item = Brief> {
        self.flights.iter().map(PreparedFlight::brief)
    }

    /// Returns how many of its flights to look at for this answer, the first ones: probably enough. Routes with aircraft that
    /// cannot carry the freight will not be bookable, so they do not count; if too few are left, all routes do.
    pub fn first_look(&self, search: &Search, what: Shown, aircraft: &SuitableAircraft) -> usize {
        match what {
            Shown::Bookable | Shown::As(Form::Lists | Form::Ranking(Sort::Arrival)) => {
                let routes = search.limit.saturating_mul(2).max(FEWEST_LOOKED_AT);
                let look = || self.flights_of(routes, search.limit, aircraft);
                // Then it is the same for each limit: fewer routes than that are all, and they use all flights.
                let is_usual = routes == FEWEST_LOOKED_AT && aircraft.includes_all();
                if is_usual { *self.usual_look.get_or_init(look) } else { look() }
            }
            // All routes count, or come in another order.
            Shown::Nothing | Shown::As(Form::Ranking(_)) => self.flights.len(),
        }
    }

    /// Returns how many of the flights, the first ones, this many suitable routes use; all, if there are fewer than `least`.
    fn flights_of(&self, routes: usize, least: usize, aircraft: &SuitableAircraft) -> usize {
        let direct = self.ways.iter().filter(|way| way.is_direct());
        let suitable = self.ways.iter().filter(|way| way.is_suitable(&self.flights, aircraft));
        let suitable: Vec<&PreparedRoute> = suitable.take(routes).collect();
        if suitable.len() < least {
            return self.flights.len();
        }
        let looked_at = direct.chain(suitable);
        looked_at.flat_map(|way| &way.legs).max().map_or(0, |last| last + 1)
    }

    /// Returns the flights that this answer shows, and that were not read yet; `None` if what it shows depends on the
    /// capacities of more flights.
    pub fn to_read(&self, search: &Search, what: Shown, spaces: &Capacities, judge: &Judge) -> Option<Vec<FlightId>> {
        if spaces.len() == self.flights.len() && (what == Shown::Nothing || self.is_read.load(Ordering::Relaxed)) {
            return Some(Vec::new());
        }
        let shown = match what {
            Shown::Nothing => Vec::new(),
            Shown::Bookable => self.bookable_ways(search, spaces, judge)?,
            Shown::As(Form::Lists) => {
                let (direct, transit) = self.lists(search, spaces, judge)?;
                direct.into_iter().chain(transit).collect()
            }
            Shown::As(Form::Ranking(sort)) => self.ranked(search, sort, spaces, judge)?,
        };
        let legs = shown.iter().flat_map(|(place, _)| &self.ways[*place].legs).map(|leg| &self.flights[*leg]);
        let unread: BTreeSet<FlightId> =
            legs.filter(|flight| flight.text.get().is_none()).map(|flight| flight.leg.flight_id).collect();
        Some(unread.into_iter().collect())
    }

    /// Takes in flights that were read. Returns false if one of these is not among them as it is known here.
    pub fn take_in(&self, asked: &[FlightId], read: &[Flight]) -> bool {
        let read: HashMap<FlightId, &Flight> = read.iter().map(|flight| (flight.id, flight)).collect();
        let asked: HashSet<FlightId> = asked.iter().copied().collect();
        let mut is_complete = true;
        for flight in self.flights.iter().filter(|flight| asked.contains(&flight.leg.flight_id)) {
            match read.get(&flight.leg.flight_id).filter(|read| flight.brief() == Brief::from(**read)) {
                Some(read) => flight.write(read, &self.reference),
                None => is_complete = false,
            }
        }
        self.is_read.store(self.flights.iter().all(|flight| flight.text.get().is_some()), Ordering::Relaxed);
        is_complete
    }

    /// Returns the legs of each route.
    pub fn routes(&self) -> impl Iterator<Item = &Places> {
        self.ways.iter().map(|way| &way.legs)
    }

    /// Returns the approximate memory it takes, in bytes.
    pub fn weight(&self) -> usize {
        // With what the flight and its leg hold besides.
        let flights = self.flights.len() * (size_of::<PreparedFlight>() + 32)
            + self.flights.len().min(2 * MOST_SHOWN) * FLIGHT_TEXT;
        let ways = self.ways.len() * size_of::<PreparedRoute>() + self.ways.len().min(MOST_SHOWN) * ROUTE_TEXT;
        flights + ways + size_of::<Self>()
    }

    /// Returns an empty buffer with space for the routes that the answer to this search shows.
    fn buffer(&self, search: &Search) -> Vec<u8> {
        let route = ROUTE_TEXT + JUDGED_TEXT + 2 * FLIGHT_TEXT;
        Vec::with_capacity(self.ways.len().min(search.limit).min(MOST_SHOWN) * route + 200)
    }

    /// Returns the first of its flights, each with the version in which it was prepared.
    pub fn versions(&self, first: usize) -> impl ExactSizeIterator<Item = (FlightId, i32)> + Clone {
        let flights = self.flights.get(..first).unwrap_or(&self.flights);
        flights.iter().map(|flight| (flight.leg.flight_id, flight.version))
    }

    /// Returns the capacities to show, if each of these flights, the first ones and at most all, still has the version in which
    /// it was prepared.
    pub fn agree(&self, spaces: Vec<Option<FlightCapacity>>) -> Option<Capacities> {
        unchanged(spaces, self.flights.iter().map(|flight| flight.version))
    }

    /// Returns the body of `POST /routes/search`.
    pub fn search_result(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> Vec<u8> {
        let mut out = self.buffer(search);
        let Search { origin, destination, date, .. } = search;
        let head = format!(
            r#"{{"origin":"{origin}","destination":"{destination}","departure_date":"{date}","direct_flights":["#
        );
        out.extend_from_slice(head.as_bytes());
        // All that it depends on was looked at before.
        let (direct, transit) = self.lists(search, spaces, judge).unwrap_or_default();
        write(&mut out, &direct, |out, place, judged| self.write_direct(out, place, judged, spaces, judge));
        out.extend_from_slice(br#"],"transit_routes":["#);
        write(&mut out, &transit, |out, place, judged| self.write_option(out, place, judged, spaces, judge));
        out.push(b']');
        if let Some(pricer) = judge.pricer() {
            write_products(&mut out, &pricer.products(*origin, *destination, *date));
        }
        out.push(b'}');
        out
    }

    /// Returns the body of `GET /routes`.
    pub fn ranking(&self, search: &Search, sort: Sort, spaces: &Capacities, judge: &Judge) -> Vec<u8> {
        let mut out = self.buffer(search);
        out.push(b'[');
        let shown = self.ranked(search, sort, spaces, judge).unwrap_or_default();
        write(&mut out, &shown, |out, place, judged| self.write_option(out, place, judged, spaces, judge));
        out.push(b']');
        out
    }

    /// Returns the routes that the search allows, in this order; those that it cannot distinguish are as by arrival.
    fn order(&self, search: &Search, sort: Sort, judge: &Judge) -> Vec<usize> {
        let mut places = self.within(search, |_| true);
        let way = |place: &usize| &self.ways[*place];
        match (sort, judge.pricer()) {
            (Sort::Price, Some(pricer)) => {
                places.sort_by_cached_key(|place| price_order(self.price(*place, pricer)));
            }
            // Without a request there are no prices.
            (Sort::Arrival, _) | (Sort::Price, None) => {}
            (Sort::Emissions, _) => {
                let co2e = |place| Some(self.emissions(place, judge)?.co2e_kg);
                places.sort_by_cached_key(|place| co2e_order(co2e(*place)));
            }
            (Sort::Duration, _) => places.sort_by_key(|place| way(place).duration),
            (Sort::Departure, _) => places.sort_by_key(|place| way(place).departure),
        }
        places
    }

    /// Returns what is shown of the routes in this order; `None` if it depends on the capacities of more flights.
    fn ranked(&self, search: &Search, sort: Sort, spaces: &Capacities, judge: &Judge) -> Option<Vec<JudgedWay>> {
        self.shown(&self.order(search, sort, judge), search, &self.judging(spaces, judge))
    }

    /// Returns what is shown of the direct flights by departure, and of the connections by arrival.
    fn lists(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> Option<(Vec<JudgedWay>, Vec<JudgedWay>)> {
        let judging = self.judging(spaces, judge);
        let mut direct = self.within(search, PreparedRoute::is_direct);
        direct.sort_by_key(|place| self.ways[*place].departure);
        let transit = self.within(search, |way| !way.is_direct());
        Some((self.shown(&direct, search, &judging)?, self.shown(&transit, search, &judging)?))
    }

    /// Returns the bookable ones of these routes, then the others, up to the requested number; `None` if that depends on the
    /// capacities of more flights.
    fn shown(&self, places: &[usize], search: &Search, judging: &Judging<'_>) -> Option<Vec<JudgedWay>> {
        let (mut bookable, mut others) = (Vec::new(), Vec::new());
        for place in places {
            if bookable.len() == search.limit {
                break;
            }
            let way = &self.ways[*place];
            // Why a route cannot be booked counts only if it is shown.
            let judged = if judging.is_suitable(way) { Some(judging.judge(way)?) } else { None };
            match judged {
                Some(judged) if judged.reasons.is_empty() => bookable.push((*place, judged)),
                judged if others.len() < search.limit => others.push((*place, judged)),
                _ => {}
            }
        }
        others.truncate(search.limit - bookable.len());
        for (place, judged) in others {
            let judged = judged.or_else(|| judging.judge(&self.ways[place]))?;
            bookable.push((place, judged));
        }
        Some(bookable)
    }

    /// Returns those of the routes that have no more stops than the search allows, by arrival.
    fn within(&self, search: &Search, is_wanted: impl Fn(&PreparedRoute) -> bool) -> Vec<usize> {
        let ways = self.ways.iter().enumerate();
        ways.filter(|(_, way)| way.has_at_most(search.max_stops) && is_wanted(way)).map(|(place, _)| place).collect()
    }

    /// Returns whether any route can be booked as requested, of those whose flights' capacities these are.
    pub fn is_bookable(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> bool {
        let judging = self.judging(spaces, judge);
        let mut judged = self.ways.iter().filter(|way| way.is_within(search)).filter_map(|way| judging.judge(way));
        judged.any(|judged| judged.reasons.is_empty())
    }

    /// Returns what a search has found, of the routes whose flights' capacities these are.
    pub fn seen(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> Seen {
        let (judging, mut seeing) = (self.judging(spaces, judge), Seeing::default());
        for (place, way) in self.ways.iter().enumerate().filter(|(_, way)| way.is_within(search)) {
            let judged = if seeing.is_settled() { None } else { judging.judge(way) };
            match judged {
                Some(judged) => {
                    let has_rate = || judge.pricer().is_none_or(|pricer| self.price(place, pricer).is_some());
                    seeing.add(&judged.reasons, has_rate);
                }
                None => seeing.pass(),
            }
        }
        seeing.seen()
    }

    /// Returns the first route by price; `None` if it cannot be booked, or has no price. The limit of the search is above 0.
    pub fn offer(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> Option<Offer> {
        let pricer = judge.pricer()?;
        let first = self.ranked(search, Sort::Price, spaces, judge)?.into_iter().next();
        let (place, _) = first.filter(|(_, judged)| judged.reasons.is_empty())?;
        let airline = self.flights[*self.ways[place].legs.first()?].leg.number.airline();
        Some(Offer { total: self.price(place, pricer)?.sums.total(), airline })
    }

    /// Returns the figures of each route, in no particular order.
    pub fn figures(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> Vec<OptionFigures> {
        let judging = self.judging(spaces, judge);
        let ways = self.ways.iter().filter(|way| way.is_within(search));
        ways.filter_map(|way| {
            let Judged { reasons, available } = judging.judge(way)?;
            let utilizations = way.legs.iter().map(|leg| spaces[*leg].utilization_percent());
            Some(OptionFigures {
                arrival: way.arrival,
                is_bookable: reasons.is_empty(),
                available,
                utilization_percent: utilizations.fold(0.0, f64::max),
            })
        })
        .collect()
    }

    /// Returns the options that can be booked as requested, the earliest arrival first, as JSON.
    pub fn bookable(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> Vec<OptionText> {
        let ways = self.bookable_ways(search, spaces, judge).unwrap_or_default();
        let text = |(place, judged): &JudgedWay| {
            let mut out = Vec::new();
            self.write_option(&mut out, *place, judged, spaces, judge);
            out
        };
        ways.iter().map(text).collect()
    }

    /// Returns those by arrival, up to the requested number; `None` if that depends on the capacities of more flights.
    fn bookable_ways(&self, search: &Search, spaces: &Capacities, judge: &Judge) -> Option<Vec<JudgedWay>> {
        let judging = self.judging(spaces, judge);
        let ways = self.ways.iter().enumerate().filter(|(_, way)| way.is_within(search));
        let judged = ways.map(|(place, way)| Some((place, judging.judge(way)?)));
        let is_wanted = |judged: &Option<JudgedWay>| judged.as_ref().is_none_or(|(_, way)| way.reasons.is_empty());
        judged.filter(is_wanted).take(search.limit).collect()
    }

    fn judging<'a>(&'a self, spaces: &'a Capacities, judge: &'a Judge) -> Judging<'a> {
        let embargoes = judge.embargoes();
        let flights = if embargoes.is_empty() { &[] } else { self.flights.get(..spaces.len()).unwrap_or_default() };
        let verdicts = flights.iter().map(|flight| embargoes.on_leg(&flight.leg)).collect();
        Judging { flights: &self.flights, spaces, judge, verdicts }
    }

    /// Returns the price of a route.
    fn price(&self, place: usize, pricer: &Pricer) -> Option<Estimate> {
        let legs = self.ways[place].legs.iter().map(|leg| self.flights[*leg].priced());
        pricer.price_legs(legs.collect())
    }

    /// Returns what the freight emits on a route; `None` without a weight.
    fn emissions(&self, place: usize, judge: &Judge) -> Option<Emissions> {
        let weight = judge.space().weight;
        if weight.is_zero() {
            return None;
        }
        let legs = self.ways[place].legs.iter().map(|leg| self.flights[*leg].emission(&self.reference));
        Emissions::of(weight, legs.collect::<Option<_>>()?)
    }
}

/// Returns the capacities, if each of these flights still has the version in which it was found.
pub(super) fn unchanged(
    spaces: Vec<Option<FlightCapacity>>,
    versions: impl Iterator<Item = i32>,
) -> Option<Capacities> {
    let is_same = |(space, version): (&Option<FlightCapacity>, i32)| {
        space.as_ref().is_some_and(|space| space.version == version && space.status == FlightStatus::Scheduled)
    };
    // Collecting reuses the allocation: a row is about 200 bytes.
    if spaces.iter().zip(versions).all(is_same) { spaces.into_iter().collect() } else { None }
}

/// An option as JSON.
pub(super) type OptionText = Vec<u8>;

/// A prepared result that searches share.
pub(super) type Shared = Arc<Prepared>;

#[cfg(test)]
impl Prepared {
    /// Returns a result without routes.
    pub fn empty() -> Self {
        Self::with_routes(0)
    }

    /// Returns a result with routes of no flights.
    pub fn with_routes(routes: usize) -> Self {
        let at = chrono::DateTime::UNIX_EPOCH;
        let (duration, text) = (chrono::TimeDelta::zero(), std::sync::OnceLock::new);
        let way = || PreparedRoute { legs: Places::new(), departure: at, arrival: at, duration, text: text() };
        Self::in_order(Reference::default(), (0..routes).map(|_| way()).collect(), vec![])
    }
}
