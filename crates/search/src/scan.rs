//! Finds routes in the schedule in memory. Near routes, with one stop at most, are all that the connection rules allow.
//! Far routes, with more stops, are those that are better than every other route by arrival, duration or number of
//! stops.
mod far;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_flights::{Connections, Departure, Departures, Lane, between, is_in_time};
use loadmaster_kernel::{AirportCode, FlightId};
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use super::route_set::Places;
use far::Figures;

/// A flight of a route, and the airports that it connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leg {
    pub lane: Lane,
    pub flight: Departure,
}

/// Which routes are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The first leg departs in `[from, to)`, which is this local date at the origin.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub date: NaiveDate,
    pub max_stops: u8,
}

/// What a search has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ScanResult {
    /// The legs of all routes, of each flight once.
    pub legs: Vec<Leg>,
    /// In no particular order.
    pub routes: Vec<Places>,
    /// The work was at its bound: some far routes may be missing.
    pub is_cut: bool,
}

/// Returns the routes from origin to destination. `most_work` bounds what is done for far routes.
pub(super) fn routes(
    departures: &Departures,
    wanted: &Wanted,
    rules: &impl Connections,
    most_work: usize,
) -> ScanResult {
    let rules = DayRules { rules, date: wanted.date, known: RefCell::default() };
    let mut found = near(departures, wanted, &rules);
    if usize::from(wanted.max_stops) + 1 >= far::FEWEST_LEGS {
        let (far, is_cut) = far::routes(departures, wanted, &rules, found.figures(), most_work);
        found.extend(far);
        found.is_cut = is_cut;
    }
    found
}

impl ScanResult {
    /// Adds a leg that no route has yet; returns its place.
    fn add(&mut self, leg: Leg) -> usize {
        self.legs.push(leg);
        self.legs.len() - 1
    }

    fn extend(&mut self, routes: Vec<Vec<Leg>>) {
        if routes.is_empty() {
            return;
        }
        let known = self.legs.iter().enumerate().map(|(place, leg)| (leg.flight.flight_id, place));
        let mut known: FxHashMap<FlightId, usize> = known.collect();
        for route in routes {
            let place = |leg: Leg| *known.entry(leg.flight.flight_id).or_insert_with(|| self.add(leg));
            let places = route.into_iter().map(place).collect();
            self.routes.push(places);
        }
    }

    fn figures(&self) -> impl Iterator<Item = Figures> {
        let flight = |place: &usize| &self.legs[*place].flight;
        self.routes
            .iter()
            .filter_map(move |route| Some(Figures::between(flight(route.first()?), flight(route.last()?), route.len())))
    }
}

/// The connection rules for freight that sets out on one day.
struct DayRules<'a, R> {
    rules: &'a R,
    date: NaiveDate,
    known: RefCell<FxHashMap<AirportCode, Ground>>,
}

/// What holds for connections at one airport.
#[derive(Debug, Clone, Copy)]
struct Ground {
    minimum: TimeDelta,
    /// The next leg departs before.
    end: DateTime<Utc>,
}

impl Ground {
    /// Returns whether freight off `inbound` makes `onward`, which leaves from there.
    fn connects(&self, inbound: &Departure, onward: &Departure) -> bool {
        let stays_aboard = inbound.has_number_of(onward);
        is_in_time(inbound.arrival, onward.departure, stays_aboard, self.minimum) && onward.departure < self.end
    }
}

impl<R: Connections> DayRules<'_, R> {
    fn at(&self, airport: AirportCode) -> Ground {
        *self.known.borrow_mut().entry(airport).or_insert_with(|| Ground {
            minimum: self.rules.minimum_connection(airport),
            end: self.rules.connection_window_end(airport, self.date).unwrap_or(DateTime::<Utc>::MIN_UTC),
        })
    }
}

/// Returns all direct flights, and all connections with one stop if any stops are wanted.
fn near(departures: &Departures, wanted: &Wanted, rules: &DayRules<'_, impl Connections>) -> ScanResult {
    let Wanted { origin, destination, from, to, .. } = *wanted;
    let mut found = ScanResult::default();
    for flight in between(departures.on((origin, destination)), from, to) {
        let place = found.add(Leg { lane: (origin, destination), flight: *flight });
        found.routes.push(smallvec![place]);
    }
    if wanted.max_stops == 0 {
        return found;
    }
    for (via, _, lane) in departures.out_of(origin).filter(|(via, ..)| *via != destination) {
        let onward = departures.on((via, destination));
        let inbound = if onward.is_empty() { &[] } else { between(lane, from, to) };
        let Some(earliest) = inbound.iter().map(|flight| flight.arrival).min() else { continue };
        let ground = rules.at(via);
        let onward = between(onward, earliest, ground.end);
        // A flight has a place as soon as a route has it.
        let mut places: SmallVec<[Option<usize>; 16]> = smallvec![None; onward.len()];
        for flight in inbound {
            let mut first = None;
            for (next, second) in onward.iter().zip(&mut places).filter(|(next, _)| ground.connects(flight, next)) {
                let first = *first.get_or_insert_with(|| found.add(Leg { lane: (origin, via), flight: *flight }));
                let second = *second.get_or_insert_with(|| found.add(Leg { lane: (via, destination), flight: *next }));
                found.routes.push(smallvec![first, second]);
            }
        }
    }
    found
}
