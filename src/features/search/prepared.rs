use std::{borrow::Cow, collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    dto::{RouteOption, Search},
    model::{Itinerary, Judge, OptionFigures, Reason, Request, RouteSet, Sort, price_order},
    pricer::Pricer,
    spliced::{Halves, write_available, write_live, write_price, write_reasons},
};
use crate::{
    features::{
        capacity::{FlightCapacity, FlightStatus, Space},
        embargoes::{Embargoes, JudgedLeg, Verdict},
        flights::{Flight, FlightBody},
        pricing::{Estimate, PricedLeg},
        reference::Reference,
    },
    kernel::FlightId,
};

/// Estimated memory of a flight or a route besides its text, in bytes.
const OVERHEAD: usize = 160;

/// All routes of one day between two airports, in every sort order, and serialized except for values that change with
/// each booking. Flights shared by several routes are stored once.
#[derive(Debug)]
pub(super) struct Prepared {
    flights: Vec<PreparedFlight>,
    ways: Vec<PreparedRoute>,
    /// Direct flights by departure.
    direct: Vec<usize>,
    /// Connections by arrival.
    transit: Vec<usize>,
    /// All routes, by each sort key.
    ranked: [Vec<usize>; Sort::WORDS.len()],
    /// Approximate length of an answer with all routes, in bytes.
    length: usize,
}

#[derive(Debug)]
struct PreparedFlight {
    version: i32,
    leg: JudgedLeg,
    text: Halves,
}

#[derive(Debug)]
struct PreparedRoute {
    /// Indices of its flights.
    legs: Vec<usize>,
    departure: DateTime<Utc>,
    arrival: DateTime<Utc>,
    text: Halves,
}

/// The capacity of each flight of a [`Prepared`], in its order.
pub(super) type Capacities = Vec<FlightCapacity>;

/// A route judged as of now.
struct Judged {
    reasons: Vec<Reason>,
    available: Space,
}

impl Prepared {
    /// Returns `None` only if a value cannot be serialized, which is impossible.
    pub fn new(ways: RouteSet, reference: &Reference) -> Option<Self> {
        // With an empty request and the earliest time all routes can be booked, so only the order by times remains.
        let judge = Judge::of(&Request::default(), &Embargoes::default(), DateTime::<Utc>::MIN_UTC);
        let all = ways.direct.into_iter().map(|flight| vec![flight]).chain(ways.transit);
        let all: Vec<Itinerary> = all.filter_map(|legs| Itinerary::judge(legs, &judge)).collect();
        let by = |sort: Sort, which: fn(&Itinerary) -> bool| {
            let mut places: Vec<usize> = (0..all.len()).filter(|place| which(&all[*place])).collect();
            places.sort_by(|a, b| sort.compare(&all[*a], &all[*b]));
            places
        };
        let (mut places, mut flights) = (HashMap::new(), Vec::new());
        let mut prepared = Vec::with_capacity(all.len());
        for itinerary in &all {
            let mut legs = Vec::with_capacity(itinerary.legs().len());
            for flight in itinerary.legs() {
                let place = if let Some(place) = places.get(&flight.id) {
                    *place
                } else {
                    flights.push(PreparedFlight::new(flight, reference)?);
                    places.insert(flight.id, flights.len() - 1);
                    flights.len() - 1
                };
                legs.push(place);
            }
            let text = Halves::of_option(&RouteOption::frame(itinerary))?;
            let (departure, arrival) = (itinerary.departure(), itinerary.arrival());
            prepared.push(PreparedRoute { legs, departure, arrival, text });
        }
        let text = |way: &PreparedRoute| -> usize {
            let flights: usize = way.legs.iter().map(|leg| flights[*leg].text.len() + OVERHEAD).sum();
            way.text.len() + OVERHEAD + flights
        };
        Some(Self {
            length: prepared.iter().map(text).sum::<usize>() + OVERHEAD,
            flights,
            ways: prepared,
            direct: by(Sort::Departure, Itinerary::is_direct),
            transit: by(Sort::Arrival, |itinerary| !itinerary.is_direct()),
            ranked: Sort::WORDS.iter().map(|(_, sort)| by(*sort, |_| true)).collect::<Vec<_>>().try_into().ok()?,
        })
    }

    /// Returns the approximate memory it takes, in bytes.
    pub fn weight(&self) -> usize {
        let flights: usize = self.flights.iter().map(|flight| flight.text.len() + OVERHEAD).sum();
        let ways: usize = self.ways.iter().map(|way| way.text.len() + OVERHEAD).sum();
        flights + ways + OVERHEAD
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
        let mut out = Vec::with_capacity(self.length);
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
        let mut out = Vec::with_capacity(self.length);
        out.push(b'[');
        let judged = self.judged(rooms, judge);
        let mut all = self.within(&self.ranked[sort as usize], search);
        if let (Sort::Price, Some(pricer)) = (sort, judge.pricer()) {
            all.to_mut().sort_by_cached_key(|place| price_order(self.price(*place, pricer)));
        }
        write(&mut out, shown(&all, &judged, search), |out, place| {
            self.write_option(out, place, &judged[place], rooms, judge);
        });
        out.push(b']');
        out
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
        let verdicts = self.verdicts(judge);
        let ranked = self.ranked[Sort::Arrival as usize].iter().map(|place| (*place, &self.ways[*place]));
        let judged = ranked.filter(|(_, way)| way.is_within(search)).map(|(place, way)| {
            let judged = self.judge(way, rooms, judge, &verdicts);
            (place, judged)
        });
        let bookable = judged.filter(|(_, judged)| judged.reasons.is_empty()).take(search.limit);
        let text = |(place, judged): (usize, Judged)| {
            let mut out = Vec::new();
            self.write_option(&mut out, place, &judged, rooms, judge);
            out
        };
        bookable.map(text).collect()
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
        let text = &self.flights[leg].text;
        out.extend_from_slice(&text.before);
        write_live(out, &rooms[leg]);
        out.extend_from_slice(&text.after);
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
        out.extend_from_slice(&way.text.before);
        for (number, leg) in way.legs.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            self.write_flight(out, *leg, rooms);
            out.push(b'}');
        }
        out.extend_from_slice(&way.text.after);
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

impl PreparedRoute {
    fn has_at_most(&self, stops: u8) -> bool {
        self.legs.len() <= usize::from(stops) + 1
    }

    /// Returns whether it has no more stops than the search allows, and leaves no earlier.
    fn is_within(&self, search: &Search) -> bool {
        self.has_at_most(search.max_stops) && search.earliest.is_none_or(|earliest| self.departure >= earliest)
    }
}

impl PreparedFlight {
    fn priced(&self) -> PricedLeg {
        let JudgedLeg { flight_id, number, origin, destination, date, .. } = &self.leg;
        PricedLeg {
            flight_id: *flight_id,
            flight_number: number.clone(),
            origin: *origin,
            destination: *destination,
            date: *date,
        }
    }

    fn new(flight: &Flight, reference: &Reference) -> Option<Self> {
        Some(Self {
            version: flight.room.version,
            leg: JudgedLeg::of(flight, reference),
            text: Halves::of_flight(&FlightBody::new(flight, reference))?,
        })
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

    /// Returns a result that weighs as much as one with this number of routes without text.
    pub fn with_routes(routes: usize) -> Self {
        let ways = (0..routes)
            .map(|_| PreparedRoute {
                legs: vec![],
                departure: DateTime::UNIX_EPOCH,
                arrival: DateTime::UNIX_EPOCH,
                text: Halves { before: Box::default(), after: Box::default() },
            })
            .collect();
        Self { flights: vec![], ways, direct: vec![], transit: vec![], ranked: Default::default(), length: 0 }
    }
}
