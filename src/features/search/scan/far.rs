use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{DayRules, Leg, Route, Wanted};
use crate::{
    features::flights::{Connections, Departure, Departures},
    kernel::AirportCode,
};

/// Returns the routes with two stops and more that no other route is at least as good as, by arrival, duration and
/// number of stops; `near` are all routes with fewer stops. Of several with the same figures, the first found. Looks at
/// `most_work` flights and lanes at most: then some may be missing.
///
/// Works leg by leg. A way to an airport is followed unless another one that departs as late or later, with as few legs,
/// makes every connection that it makes.
pub(super) fn routes(
    departures: &Departures,
    wanted: &Wanted,
    rules: &DayRules<'_, impl Connections>,
    near: &[Route],
    most_work: usize,
) -> Vec<Route> {
    let most_legs = usize::from(wanted.max_stops) + 1;
    if most_legs < 3 {
        return Vec::new();
    }
    let mut scan = Scan {
        departures,
        wanted,
        rules,
        ways: Vec::new(),
        at: HashMap::new(),
        best: near.iter().filter_map(Figures::of).collect(),
        found: Vec::new(),
        work_left: most_work,
    };
    let mut ends = scan.set_out();
    let reaching = reaching(departures, wanted.destination, most_legs - 2);
    for legs in 2..=most_legs {
        // After this leg, the destination can still be reached with those that are left.
        ends = scan.go_on(&ends, legs, reaching.get(most_legs - legs));
    }
    scan.found.into_iter().map(|(_, route)| route).collect()
}

/// Returns the airports from which the destination is reached with one leg, with at most two legs and so on: behind the
/// destination's own set, which is empty.
fn reaching(departures: &Departures, destination: AirportCode, most_legs: usize) -> Vec<HashSet<AirportCode>> {
    let mut sets = vec![HashSet::new()];
    let mut reached: HashSet<AirportCode> = departures.origins_of(destination).collect();
    for _ in 0..most_legs {
        sets.push(reached.clone());
        let before: Vec<AirportCode> = reached.iter().flat_map(|airport| departures.origins_of(*airport)).collect();
        reached.extend(before);
    }
    sets
}

/// What routes are compared by: less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub arrival: DateTime<Utc>,
    pub duration: TimeDelta,
    pub legs: usize,
}

impl Figures {
    pub fn of(route: &Route) -> Option<Self> {
        let (first, last) = (route.first()?.flight, route.last()?.flight);
        Some(Self { arrival: last.arrival, duration: last.arrival - first.departure, legs: route.len() })
    }

    /// Returns whether this is as good as the other in everything.
    pub fn is_as_good_as(&self, other: &Self) -> bool {
        self.arrival <= other.arrival && self.duration <= other.duration && self.legs <= other.legs
    }
}

/// A way from the origin to the end of a leg.
#[derive(Debug, Clone, Copy)]
struct Way {
    leg: Leg,
    /// The way to the leg before, by its place.
    before: Option<usize>,
    /// The departure from the origin.
    start: DateTime<Utc>,
    legs: usize,
    /// Whether freight may stay aboard here.
    goes_on: bool,
    /// A better way to the same airport was found after it.
    is_outdone: bool,
}

struct Scan<'a, R> {
    departures: &'a Departures,
    wanted: &'a Wanted,
    rules: &'a DayRules<'a, R>,
    ways: Vec<Way>,
    /// The ways to each airport that are not outdone, by their places.
    at: HashMap<AirportCode, Vec<usize>>,
    /// The figures of all routes found that are not worse than another.
    best: Vec<Figures>,
    found: Vec<(Figures, Route)>,
    work_left: usize,
}

impl<R: Connections> Scan<'_, R> {
    /// Returns the ways of one leg.
    fn set_out(&mut self) -> Vec<usize> {
        let Wanted { origin, destination, from, to, .. } = *self.wanted;
        let mut ends = Vec::new();
        for (via, lane) in self.departures.out_of(origin).filter(|(via, _)| *via != destination) {
            for flight in super::between(lane, from, to) {
                let leg = Leg { lane: (origin, via), flight: *flight };
                let start = flight.departure;
                ends.extend(self.reach(leg, None, start, 1));
            }
        }
        ends
    }

    /// Returns the ways with one leg more. `reaching`: the airports at which they may end.
    fn go_on(&mut self, ends: &[usize], legs: usize, reaching: Option<&HashSet<AirportCode>>) -> Vec<usize> {
        let mut order: Vec<usize> = ends.iter().copied().filter(|place| !self.ways[*place].is_outdone).collect();
        order.sort_by_key(|place| {
            let way = &self.ways[*place];
            (way.leg.flight.arrival, std::cmp::Reverse(way.start), way.leg.flight.flight_id)
        });
        let (departures, destination) = (self.departures, self.wanted.destination);
        let mut longer = Vec::new();
        for place in order {
            if self.work_left == 0 {
                break;
            }
            let end = self.ways[place].leg.lane.1;
            if self.is_hopeless(&self.ways[place], legs) {
                continue;
            }
            // All connections with one stop are known.
            if legs > 2 {
                self.arrive(place, departures.on((end, destination)), legs);
            }
            let Some(reaching) = reaching.filter(|reaching| !reaching.is_empty()) else { continue };
            for (next, lane) in departures.out_of(end) {
                if next != destination && reaching.contains(&next) && !self.passes(place, next) {
                    self.follow(place, next, lane, legs, &mut longer);
                }
            }
        }
        longer
    }

    /// Returns whether a route is known that is better than any that this way leads to with this number of legs.
    fn is_hopeless(&self, way: &Way, legs: usize) -> bool {
        let arrival = way.leg.flight.arrival;
        let least = Figures { arrival, duration: arrival - way.start, legs };
        self.best.iter().any(|best| best.is_as_good_as(&least))
    }

    /// Returns whether a way has been at this airport.
    fn passes(&self, place: usize, airport: AirportCode) -> bool {
        airport == self.wanted.origin || self.stations(place).any(|way| way.leg.lane.1 == airport)
    }

    /// Returns the ways to the airports of a way, the last first.
    fn stations(&self, place: usize) -> impl Iterator<Item = &Way> {
        std::iter::successors(Some(&self.ways[place]), |way| Some(&self.ways[way.before?]))
    }

    /// Takes the flights of a lane on which this way goes on to another airport.
    fn follow(&mut self, place: usize, next: AirportCode, lane: &[Departure], legs: usize, longer: &mut Vec<usize>) {
        let way = self.ways[place];
        let (ground, beyond) = (self.rules.at(way.leg.lane.1), self.rules.at(next).minimum);
        let mut earliest: Option<DateTime<Utc>> = None;
        self.work_left = self.work_left.saturating_sub(1);
        for flight in super::between(lane, way.leg.flight.arrival, ground.end) {
            // Off the earliest, freight makes every connection that it makes off this one.
            if earliest.is_some_and(|earliest| earliest + beyond <= flight.departure) {
                break;
            }
            self.work_left = self.work_left.saturating_sub(1);
            if ground.connects(&way.leg.flight, flight) {
                earliest = Some(earliest.map_or(flight.arrival, |earliest| earliest.min(flight.arrival)));
                let leg = Leg { lane: (way.leg.lane.1, next), flight: *flight };
                longer.extend(self.reach(leg, Some(place), way.start, legs));
            }
        }
    }

    /// Takes the flights on which this way ends at the destination.
    fn arrive(&mut self, place: usize, lane: &[Departure], legs: usize) {
        let way = self.ways[place];
        let ground = self.rules.at(way.leg.lane.1);
        let mut earliest: Option<DateTime<Utc>> = None;
        self.work_left = self.work_left.saturating_sub(1);
        for flight in super::between(lane, way.leg.flight.arrival, ground.end) {
            if earliest.is_some_and(|earliest| earliest <= flight.departure) {
                break;
            }
            self.work_left = self.work_left.saturating_sub(1);
            if !ground.connects(&way.leg.flight, flight) {
                continue;
            }
            earliest = Some(earliest.map_or(flight.arrival, |earliest| earliest.min(flight.arrival)));
            let figures = Figures { arrival: flight.arrival, duration: flight.arrival - way.start, legs };
            if self.best.iter().any(|best| best.is_as_good_as(&figures)) {
                continue;
            }
            let mut route: Route = self.stations(place).map(|way| way.leg).collect();
            route.reverse();
            route.push(Leg { lane: (way.leg.lane.1, self.wanted.destination), flight: *flight });
            self.best.retain(|best| !figures.is_as_good_as(best));
            self.best.push(figures);
            self.found.retain(|(found, _)| !figures.is_as_good_as(found));
            self.found.push((figures, route));
        }
    }

    /// Adds a way, and returns its place, unless another one makes all its connections.
    fn reach(&mut self, leg: Leg, before: Option<usize>, start: DateTime<Utc>, legs: usize) -> Option<usize> {
        let airport = leg.lane.1;
        let goes_on = self.departures.has_number(airport, &leg.flight);
        let way = Way { leg, before, start, legs, goes_on, is_outdone: false };
        let place = self.ways.len();
        self.ways.push(way);
        let others = self.at.remove(&airport).unwrap_or_default();
        let is_outdone = self.is_hopeless(&way, legs + 1) || others.iter().any(|other| self.outdoes(*other, place));
        if is_outdone {
            self.ways.pop();
            self.at.insert(airport, others);
            return None;
        }
        let mut kept = Vec::with_capacity(others.len() + 1);
        for other in others {
            if self.outdoes(place, other) {
                self.ways[other].is_outdone = true;
            } else {
                kept.push(other);
            }
        }
        kept.push(place);
        self.at.insert(airport, kept);
        Some(place)
    }

    /// Returns whether one way makes every connection that the other makes at the airport where both end, and leads to
    /// routes that are as good.
    fn outdoes(&self, one: usize, other: usize) -> bool {
        let (one_way, other_way) = (&self.ways[one], &self.ways[other]);
        let (arrival, later) = (one_way.leg.flight.arrival, other_way.leg.flight.arrival);
        if one_way.start < other_way.start || one_way.legs > other_way.legs || arrival > later {
            return false;
        }
        let is_as_early = !other_way.goes_on
            || one_way.leg.flight.has_number_of(&other_way.leg.flight)
            || arrival + self.rules.at(one_way.leg.lane.1).minimum <= later;
        // Where the other may still go, and this one has been: freight could have waited for the other's next leg there.
        is_as_early
            && self.stations(one).skip(1).all(|way| {
                let (airport, arrival) = (way.leg.lane.1, way.leg.flight.arrival);
                arrival + self.rules.at(airport).minimum <= later
                    || self.stations(other).any(|way| way.leg.lane.1 == airport)
            })
    }
}
