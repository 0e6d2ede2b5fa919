//! Finds routes in the schedule in memory. Near routes, with one stop at most, are all that the connection rules allow.
//! Far routes, with more stops, are those that are better than every other route by arrival, duration or number of
//! stops.
mod far;
#[cfg(test)]
mod tests;

use std::{cell::RefCell, collections::HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::{
    features::flights::{Connections, Departure, Departures, Lane, between, is_in_time},
    kernel::AirportCode,
};

/// A flight of a route, and the airports that it connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leg {
    pub lane: Lane,
    pub flight: Departure,
}

pub(super) type Route = Vec<Leg>;

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
pub(super) struct Found {
    /// In no particular order.
    pub routes: Vec<Route>,
    /// The work was at its bound: some far routes may be missing.
    pub is_cut: bool,
}

/// Returns the routes from origin to destination. `most_work` bounds what is done for far routes.
pub(super) fn routes(departures: &Departures, wanted: &Wanted, rules: &impl Connections, most_work: usize) -> Found {
    let rules = DayRules { rules, date: wanted.date, known: RefCell::default() };
    let mut routes = near(departures, wanted, &rules);
    let Found { routes: far, is_cut } = far::routes(departures, wanted, &rules, &routes, most_work);
    routes.extend(far);
    Found { routes, is_cut }
}

/// The connection rules for freight that sets out on one day.
struct DayRules<'a, R> {
    rules: &'a R,
    date: NaiveDate,
    known: RefCell<HashMap<AirportCode, Ground>>,
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
fn near(departures: &Departures, wanted: &Wanted, rules: &DayRules<'_, impl Connections>) -> Vec<Route> {
    let Wanted { origin, destination, from, to, .. } = *wanted;
    let leg = |lane, flight: &Departure| Leg { lane, flight: *flight };
    let direct = between(departures.on((origin, destination)), from, to);
    let mut routes: Vec<Route> = direct.iter().map(|flight| vec![leg((origin, destination), flight)]).collect();
    if wanted.max_stops == 0 {
        return routes;
    }
    for (via, _, lane) in departures.out_of(origin).filter(|(via, ..)| *via != destination) {
        let onward = departures.on((via, destination));
        if onward.is_empty() {
            continue;
        }
        let ground = rules.at(via);
        for inbound in between(lane, from, to) {
            let next = between(onward, inbound.arrival, ground.end);
            let next = next.iter().filter(|next| ground.connects(inbound, next));
            routes.extend(next.map(|next| vec![leg((origin, via), inbound), leg((via, destination), next)]));
        }
    }
    routes
}
