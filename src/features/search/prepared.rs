mod parts;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    dto::Search,
    model::{Form, Judge, OptionFigures, Reason, Sort, price_order},
    pricer::Pricer,
    route_set::{Brief, Ways},
    spliced::{write_available, write_live, write_price, write_reasons},
};
use crate::{
    features::{
        capacity::{FlightCapacity, FlightStatus, Space},
        embargoes::Verdict,
        flights::Flight,
        pricing::Estimate,
        reference::Reference,
    },
    kernel::FlightId,
};
use parts::{PreparedFlight, PreparedRoute};

/// Estimated lengths of the texts of a flight and of a route, in bytes.
const FLIGHT_TEXT: usize = 900;
const ROUTE_TEXT: usize = 400;
/// What the places of a route in all orders, and those of its legs, take in bytes.
const PLACES: usize = 64;
/// Most routes of one answer: of a result with more, few of the others' texts are ever written.
const MOST_SHOWN: usize = 200;

/// All routes of one day between two airports, in every sort order. What is shown of them is read and serialized when it is
/// shown first, except for values that change with each booking. Flights shared by several routes are stored once.
#[derive(Debug)]
pub(super) struct Prepared {
    reference: Reference,
    flights: Vec<PreparedFlight>,
    ways: Vec<PreparedRoute>,
    /// Direct flights by departure.
    direct: Vec<usize>,
    /// Connections by arrival.
    transit: Vec<usize>,
    /// All routes, by each sort key.
    ranked: [Vec<usize>; Sort::WORDS.len()],
    /// All flights were read.
    is_read: AtomicBool,
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

/// The capacity of each flight of a [`Prepared`], in its order.
pub(super) type Capacities = Vec<FlightCapacity>;

/// A route judged as of now.
struct Judged {
    reasons: Vec<Reason>,
    available: Space,
}

impl Prepared {
    pub fn new(ways: Ways, reference: &Reference) -> Self {
        let of_flight =
            |(brief, flight): (Brief, Option<Flight>)| PreparedFlight::new(brief, flight.as_ref(), reference);
        let flights: Vec<PreparedFlight> = ways.flights.into_iter().map(of_flight).collect();
        let ways = ways.routes.into_iter().filter_map(|legs| PreparedRoute::new(legs, &flights));
        Self::in_order(reference.clone(), ways.collect(), flights)
    }

    /// Puts the routes in each order. Among those that one cannot tell apart they are as by arrival, and among those in the
    /// order of [`Sort::compare`].
    fn in_order(reference: Reference, ways: Vec<PreparedRoute>, flights: Vec<PreparedFlight>) -> Self {
        let ids = |way: &PreparedRoute| way.legs.iter().map(|leg| flights[*leg].leg.flight_id).collect::<Vec<_>>();
        let mut by_arrival: Vec<usize> = (0..ways.len()).collect();
        by_arrival.sort_by(|a, b| {
            let (a, b) = (&ways[*a], &ways[*b]);
            let key = |way: &PreparedRoute| (way.arrival, way.legs.len(), way.arrival - way.departure);
            key(a).cmp(&key(b)).then_with(|| ids(a).cmp(&ids(b)))
        });
        let ranked = |sort: &Sort| {
            let mut places = by_arrival.clone();
            match sort {
                // Without a request there are no prices.
                Sort::Arrival | Sort::Price => {}
                Sort::Duration => places.sort_by_key(|place| ways[*place].arrival - ways[*place].departure),
                Sort::Departure => places.sort_by_key(|place| ways[*place].departure),
            }
            places
        };
        let is_direct = |place: &usize| ways[*place].legs.len() == 1;
        let direct = ranked(&Sort::Departure).into_iter().filter(is_direct).collect();
        let transit = by_arrival.iter().copied().filter(|place| !is_direct(place)).collect();
        let ranked = [Sort::Arrival, Sort::Duration, Sort::Departure, Sort::Price].map(|sort| ranked(&sort));
        let is_read = AtomicBool::new(flights.iter().all(|flight| flight.text.get().is_some()));
        Self { reference, flights, ways, direct, transit, ranked, is_read }
    }

    pub fn flights(&self) -> impl Iterator<Item = Brief> {
        self.flights.iter().map(PreparedFlight::brief)
    }

    /// Returns the flights that this answer shows, and that were not read yet.
    pub fn to_read(&self, search: &Search, what: Shown, rooms: &Capacities, judge: &Judge) -> Vec<FlightId> {
        if what == Shown::Nothing || self.is_read.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let judged = self.judged(rooms, judge);
        let places: Vec<usize> = match what {
            Shown::Nothing => Vec::new(),
            Shown::Bookable => self.bookable_places(search, rooms, judge).map(|(place, _)| place).collect(),
            Shown::As(Form::Lists) => {
                let transit = self.within(&self.transit, search);
                shown(&self.direct, &judged, search).chain(shown(&transit, &judged, search)).collect()
            }
            Shown::As(Form::Ranking(sort)) => shown(&self.order(search, sort, judge), &judged, search).collect(),
        };
        let legs = places.into_iter().flat_map(|place| &self.ways[place].legs).map(|leg| &self.flights[*leg]);
        let unread: BTreeSet<FlightId> =
            legs.filter(|flight| flight.text.get().is_none()).map(|flight| flight.leg.flight_id).collect();
        unread.into_iter().collect()
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

    /// Returns each route's flights, as indices.
    pub fn routes(&self) -> impl Iterator<Item = &[usize]> {
        self.ways.iter().map(|way| way.legs.as_slice())
    }

    /// Returns the approximate memory it takes, in bytes.
    pub fn weight(&self) -> usize {
        // With what the flight and its leg hold besides, and the places in all orders.
        let flights = self.flights.len() * (size_of::<PreparedFlight>() + 32)
            + self.flights.len().min(2 * MOST_SHOWN) * FLIGHT_TEXT;
        let ways =
            self.ways.len() * (size_of::<PreparedRoute>() + PLACES) + self.ways.len().min(MOST_SHOWN) * ROUTE_TEXT;
        flights + ways + size_of::<Self>()
    }

    /// Returns an empty buffer with room for the routes that the answer to this search shows.
    fn buffer(&self, search: &Search) -> Vec<u8> {
        Vec::with_capacity(self.ways.len().min(search.limit).min(MOST_SHOWN) * (ROUTE_TEXT + 2 * FLIGHT_TEXT) + 200)
    }

    /// Returns its flights, each with the version in which it was prepared.
    pub fn versions(&self) -> impl ExactSizeIterator<Item = (FlightId, i32)> + Clone {
        self.flights.iter().map(|flight| (flight.leg.flight_id, flight.version))
    }

    /// Returns the capacities to show, if every flight still has the version in which it was prepared.
    pub fn agree(&self, rooms: Vec<Option<FlightCapacity>>) -> Option<Capacities> {
        let is_same = |flight: &PreparedFlight, room: &FlightCapacity| {
            room.version == flight.version && room.status == FlightStatus::Scheduled
        };
        let same = self.flights.iter().zip(rooms).map(|(flight, room)| room.filter(|room| is_same(flight, room)));
        same.collect()
    }

    /// Returns the body of `POST /routes/search`.
    pub fn search_result(&self, search: &Search, rooms: &Capacities, judge: &Judge) -> Vec<u8> {
        let mut out = self.buffer(search);
        let Search { origin, destination, date, .. } = search;
        let head = format!(
            r#"{{"origin":"{origin}","destination":"{destination}","departure_date":"{date}","direct_flights":["#
        );
        out.extend_from_slice(head.as_bytes());
        let judged = self.judged(rooms, judge);
        write(&mut out, shown(&self.direct, &judged, search), |out, place| {
            self.write_direct(out, place, &judged[place], rooms, judge);
        });
        out.extend_from_slice(br#"],"transit_routes":["#);
        let transit = self.within(&self.transit, search);
        write(&mut out, shown(&transit, &judged, search), |out, place| {
            self.write_option(out, place, &judged[place], rooms, judge);
        });
        out.extend_from_slice(b"]}");
        out
    }

    /// Returns the body of `GET /routes`.
    pub fn ranking(&self, search: &Search, sort: Sort, rooms: &Capacities, judge: &Judge) -> Vec<u8> {
        let mut out = self.buffer(search);
        out.push(b'[');
        let judged = self.judged(rooms, judge);
        write(&mut out, shown(&self.order(search, sort, judge), &judged, search), |out, place| {
            self.write_option(out, place, &judged[place], rooms, judge);
        });
        out.push(b']');
        out
    }

    /// Returns the routes that the search allows, in this order.
    fn order<'a>(&'a self, search: &Search, sort: Sort, judge: &Judge) -> Cow<'a, [usize]> {
        let mut all = self.within(&self.ranked[sort as usize], search);
        if let (Sort::Price, Some(pricer)) = (sort, judge.pricer()) {
            all.to_mut().sort_by_cached_key(|place| price_order(self.price(*place, pricer)));
        }
        all
    }

    /// Returns those of these routes that have no more stops than the search allows.
    fn within<'a>(&self, places: &'a [usize], search: &Search) -> Cow<'a, [usize]> {
        let is_within = |place: &usize| self.ways[*place].has_at_most(search.max_stops);
        if places.iter().all(is_within) {
            return Cow::Borrowed(places);
        }
        places.iter().copied().filter(is_within).collect()
    }

    /// Returns whether any route can be booked as requested.
    pub fn is_bookable(&self, search: &Search, rooms: &Capacities, judge: &Judge) -> bool {
        let verdicts = self.verdicts(judge);
        let mut ways = self.ways.iter().filter(|way| way.is_within(search));
        ways.any(|way| self.judge(way, rooms, judge, &verdicts).reasons.is_empty())
    }

    /// Returns the figures of each route, in no particular order.
    pub fn figures(&self, search: &Search, rooms: &Capacities, judge: &Judge) -> Vec<OptionFigures> {
        let verdicts = self.verdicts(judge);
        let ways = self.ways.iter().filter(|way| way.is_within(search));
        ways.map(|way| {
            let Judged { reasons, available } = self.judge(way, rooms, judge, &verdicts);
            let utilizations = way.legs.iter().map(|leg| rooms[*leg].utilization_percent());
            OptionFigures {
                arrival: way.arrival,
                is_bookable: reasons.is_empty(),
                available,
                utilization_percent: utilizations.fold(0.0, f64::max),
            }
        })
        .collect()
    }

    /// Returns the options that can be booked as requested, the earliest arrival first, as JSON.
    pub fn bookable(&self, search: &Search, rooms: &Capacities, judge: &Judge) -> Vec<OptionText> {
        let text = |(place, judged): (usize, Judged)| {
            let mut out = Vec::new();
            self.write_option(&mut out, place, &judged, rooms, judge);
            out
        };
        self.bookable_places(search, rooms, judge).map(text).collect()
    }

    fn bookable_places(
        &self,
        search: &Search,
        rooms: &Capacities,
        judge: &Judge,
    ) -> impl Iterator<Item = (usize, Judged)> {
        let verdicts = self.verdicts(judge);
        let ranked = self.ranked[Sort::Arrival as usize].iter().map(|place| (*place, &self.ways[*place]));
        let judged = ranked.filter(|(_, way)| way.is_within(search)).map(move |(place, way)| {
            let judged = self.judge(way, rooms, judge, &verdicts);
            (place, judged)
        });
        judged.filter(|(_, judged)| judged.reasons.is_empty()).take(search.limit)
    }

    /// Returns what the embargoes say of each flight; nothing if none concerns the freight, as of most.
    fn verdicts(&self, judge: &Judge) -> Vec<Verdict> {
        let embargoes = judge.embargoes();
        let flights = if embargoes.is_empty() { &[] } else { self.flights.as_slice() };
        flights.iter().map(|flight| embargoes.on_leg(&flight.leg)).collect()
    }

    fn judged(&self, rooms: &Capacities, judge: &Judge) -> Vec<Judged> {
        let verdicts = self.verdicts(judge);
        self.ways.iter().map(|way| self.judge(way, rooms, judge, &verdicts)).collect()
    }

    fn judge(&self, way: &PreparedRoute, rooms: &Capacities, judge: &Judge, verdicts: &[Verdict]) -> Judged {
        let legs = way.legs.iter().map(|leg| (&rooms[*leg], self.flights[*leg].leg.is_freighter));
        let verdict = way.legs.iter().filter_map(|leg| verdicts.get(*leg).copied());
        let verdict = verdict.fold(Verdict::default(), Verdict::and);
        let (reasons, available) = judge.reasons(&legs, verdict).unwrap_or_default();
        Judged { reasons, available }
    }

    /// Returns the price of a route.
    fn price(&self, place: usize, pricer: &Pricer) -> Option<Estimate> {
        let legs = self.ways[place].legs.iter().map(|leg| self.flights[*leg].priced());
        pricer.price_legs(legs.collect())
    }

    /// Writes a flight, without its closing brace.
    fn write_flight(&self, out: &mut Vec<u8>, leg: usize, rooms: &Capacities) {
        // All that is shown was read before.
        if let Some(text) = self.flights[leg].text.get() {
            out.extend_from_slice(&text.before);
            write_live(out, &rooms[leg]);
            out.extend_from_slice(&text.after);
        }
    }

    fn write_direct(&self, out: &mut Vec<u8>, place: usize, judged: &Judged, rooms: &Capacities, judge: &Judge) {
        for leg in &self.ways[place].legs {
            self.write_flight(out, *leg, rooms);
        }
        write_reasons(out, &judged.reasons);
        if let Some(pricer) = judge.pricer() {
            write_price(out, self.price(place, pricer));
        }
        out.push(b'}');
    }

    fn write_option(&self, out: &mut Vec<u8>, place: usize, judged: &Judged, rooms: &Capacities, judge: &Judge) {
        let way = &self.ways[place];
        let text = way.text(&self.flights);
        out.extend_from_slice(&text.before);
        for (number, leg) in way.legs.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            self.write_flight(out, *leg, rooms);
            out.push(b'}');
        }
        out.extend_from_slice(&text.after);
        write_available(out, judged.available);
        write_reasons(out, &judged.reasons);
        if let Some(pricer) = judge.pricer() {
            write_price(out, self.price(place, pricer));
        }
        out.push(b'}');
    }
}

/// Returns the bookable routes, then the others, up to the requested number.
fn shown<'a>(places: &'a [usize], judged: &'a [Judged], search: &Search) -> impl Iterator<Item = usize> + use<'a> {
    let bookable =
        |wanted: bool| places.iter().copied().filter(move |place| judged[*place].reasons.is_empty() == wanted);
    bookable(true).chain(bookable(false)).take(search.limit)
}

/// Writes the items with commas between them.
fn write(out: &mut Vec<u8>, places: impl Iterator<Item = usize>, mut each: impl FnMut(&mut Vec<u8>, usize)) {
    for (number, place) in places.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        each(out, place);
    }
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
        let way = || PreparedRoute { legs: vec![], departure: at, arrival: at, text: std::sync::OnceLock::new() };
        Self::in_order(Reference::default(), (0..routes).map(|_| way()).collect(), vec![])
    }
}
