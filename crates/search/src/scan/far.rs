use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_flights::{Connections, Departure, Departures};
use loadmaster_kernel::AirportCode;
use rustc_hash::FxHashMap;

use super::{DayRules, Leg, Wanted};

/// With fewer legs, all routes are found.
pub(super) const FEWEST_LEGS: usize = 3;

/// Returns the routes with two stops and more that no other route is at least as good as, by arrival, duration and
/// number of stops, and whether some may be missing; `near` are the figures of all routes with fewer stops. Of several with the same figures, the first found. Looks for
/// those with two stops first, then for those with three, so that these never stand in the way of those; for each with
/// `most_work` looks at a lane, a flight or another way at most.
///
/// Works leg by leg. A way to an airport is followed unless another one that departs as late or later, with as few legs,
/// makes every connection that it makes, or a route is known that is as good as any to which it may lead.
pub(super) fn routes(
    departures: &Departures,
    wanted: &Wanted,
    rules: &DayRules<'_, impl Connections>,
    near: impl Iterator<Item = Figures>,
    most_work: usize,
) -> (Vec<Vec<Leg>>, bool) {
    let most_legs = usize::from(wanted.max_stops) + 1;
    let mut front = Front::default();
    for figures in near {
        front.add(figures);
    }
    let rests = rests(departures, wanted.destination, most_legs - 1);
    let (mut found, mut is_cut) = (Vec::new(), false);
    for most_legs in FEWEST_LEGS..=most_legs {
        let (ways, at) = (Vec::new(), FxHashMap::default());
        let work_left = most_work;
        let mut scan = Scan { departures, wanted, rules, rests: &rests, most_legs, ways, at, front, found, work_left };
        scan.run();
        is_cut |= scan.work_left == 0;
        (front, found) = (scan.front, scan.found);
    }
    (found.into_iter().map(|(_, route)| route).collect(), is_cut)
}

/// Returns, for each maximum number of legs, the airports from which the destination can be reached; each with a lower
/// bound of the time that it takes.
fn rests(
    departures: &Departures,
    destination: AirportCode,
    most_legs: usize,
) -> Vec<FxHashMap<AirportCode, TimeDelta>> {
    let mut rests = vec![FxHashMap::default(), departures.origins_of(destination).collect::<FxHashMap<_, _>>()];
    for legs in 1..most_legs {
        let shorter = &rests[legs];
        let mut longer = shorter.clone();
        for (airport, rest) in shorter {
            for (before, leg) in departures.origins_of(*airport).filter(|(before, _)| *before != destination) {
                let known = longer.entry(before).or_insert(leg + *rest);
                *known = (leg + *rest).min(*known);
            }
        }
        rests.push(longer);
    }
    rests
}

/// What routes are compared by: less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub arrival: DateTime<Utc>,
    pub duration: TimeDelta,
    pub legs: usize,
}

impl Figures {
    /// Those of a route with this number of legs, from the first one to the last one.
    pub fn between(first: &Departure, last: &Departure, legs: usize) -> Self {
        Self { arrival: last.arrival, duration: last.arrival - first.departure, legs }
    }

    /// Returns whether this is as good as the other in everything.
    pub fn is_as_good_as(&self, other: &Self) -> bool {
        self.arrival <= other.arrival && self.duration <= other.duration && self.legs <= other.legs
    }
}

/// The figures of all routes that none is better than.
#[derive(Debug, Default)]
struct Front(Vec<Figures>);

impl Front {
    /// Returns whether a route is at least as good as this.
    fn reaches(&self, figures: &Figures) -> bool {
        self.0.iter().any(|best| best.is_as_good_as(figures))
    }

    fn add(&mut self, figures: Figures) {
        if !self.reaches(&figures) {
            self.0.retain(|other| !figures.is_as_good_as(other));
            self.0.push(figures);
        }
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

impl Way {
    /// Returns figures that no route falls below that goes on from here, arrives no earlier and has as many legs or more.
    fn least(&self, arrival: DateTime<Utc>, legs: usize) -> Figures {
        Figures { arrival, duration: arrival - self.start, legs }
    }
}

struct Scan<'a, R> {
    departures: &'a Departures,
    wanted: &'a Wanted,
    rules: &'a DayRules<'a, R>,
    rests: &'a [FxHashMap<AirportCode, TimeDelta>],
    /// Of the routes that are looked for.
    most_legs: usize,
    ways: Vec<Way>,
    /// The ways to each airport that are not outdone, by their places.
    at: FxHashMap<AirportCode, Vec<usize>>,
    front: Front,
    found: Vec<(Figures, Vec<Leg>)>,
    work_left: usize,
}

impl<R: Connections> Scan<'_, R> {
    fn run(&mut self) {
        let mut ends = self.set_out();
        for legs in 2..self.most_legs {
            ends = self.go_on(&ends, legs);
        }
    }

    /// Returns the ways of one leg.
    fn set_out(&mut self) -> Vec<usize> {
        let Wanted { origin, destination, from, to, .. } = *self.wanted;
        let mut ends = Vec::new();
        for (via, _, lane) in self.departures.out_of(origin).filter(|(via, ..)| *via != destination) {
            self.work(1);
            for flight in super::between(lane, from, to) {
                let leg = Leg { lane: (origin, via), flight: *flight };
                ends.extend(self.reach(leg, None, flight.departure, 1));
            }
        }
        ends
    }

    /// Returns the ways with this number of legs that go on from these.
    fn go_on(&mut self, ends: &[usize], legs: usize) -> Vec<usize> {
        let mut longer = Vec::new();
        for place in self.in_order(ends) {
            let way = self.ways[place];
            let end = way.leg.lane.1;
            // What was found meanwhile may be better than all that it leads to.
            if self
                .rest(end, legs - 1)
                .is_none_or(|rest| self.is_hopeless(&way, way.leg.flight.arrival + rest, legs + 1))
            {
                continue;
            }
            for (next, shortest, lane) in self.departures.out_of(end) {
                if self.work_left == 0 {
                    return longer;
                }
                self.work(1);
                let Some(rest) = self.rest(next, legs) else { continue };
                let arrival = way.leg.flight.arrival + shortest + rest;
                if !self.is_hopeless(&way, arrival, legs + 1) && !self.passes(place, next) {
                    self.follow(place, next, lane, &mut longer);
                }
            }
        }
        longer
    }

    /// Returns the ways that are not outdone, the most promising first.
    fn in_order(&self, ends: &[usize]) -> Vec<usize> {
        let mut order: Vec<usize> = ends.iter().copied().filter(|place| !self.ways[*place].is_outdone).collect();
        order.sort_by_cached_key(|place| {
            let way = &self.ways[*place];
            let rest = self.rest(way.leg.lane.1, way.legs).unwrap_or_default();
            (way.leg.flight.arrival + rest, std::cmp::Reverse(way.start), way.leg.flight.flight_id)
        });
        order
    }

    fn work(&mut self, steps: usize) {
        self.work_left = self.work_left.saturating_sub(steps);
    }

    /// Returns a time that no way from this airport to the destination falls below; `None` if there is none with the legs
    /// that are left after these.
    fn rest(&self, airport: AirportCode, legs: usize) -> Option<TimeDelta> {
        self.rests.get(self.most_legs - legs)?.get(&airport).copied()
    }

    /// Returns whether a route is known that is as good as any that goes on from this way, arrives no earlier, and has as
    /// many legs or more.
    fn is_hopeless(&self, way: &Way, arrival: DateTime<Utc>, legs: usize) -> bool {
        self.front.reaches(&way.least(arrival, legs))
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
    fn follow(&mut self, place: usize, next: AirportCode, lane: &[Departure], longer: &mut Vec<usize>) {
        let way = self.ways[place];
        let (ground, beyond) = (self.rules.at(way.leg.lane.1), self.rules.at(next).minimum);
        let mut earliest: Option<DateTime<Utc>> = None;
        for flight in super::between(lane, way.leg.flight.arrival, ground.end) {
            // Off the earliest, freight makes every connection that it makes off this one.
            if self.work_left == 0 || earliest.is_some_and(|earliest| earliest + beyond <= flight.departure) {
                break;
            }
            self.work(1);
            if ground.connects(&way.leg.flight, flight) {
                earliest = Some(earliest.map_or(flight.arrival, |earliest| earliest.min(flight.arrival)));
                let leg = Leg { lane: (way.leg.lane.1, next), flight: *flight };
                longer.extend(self.reach(leg, Some(place), way.start, way.legs + 1));
            }
        }
    }

    /// Takes the flights on which this way ends at the destination.
    fn arrive(&mut self, place: usize) {
        let (way, destination) = (self.ways[place], self.wanted.destination);
        let end = way.leg.lane.1;
        let ground = self.rules.at(end);
        let mut earliest: Option<DateTime<Utc>> = None;
        for flight in super::between(self.departures.on((end, destination)), way.leg.flight.arrival, ground.end) {
            if earliest.is_some_and(|earliest| earliest <= flight.departure) {
                break;
            }
            self.work(1);
            if !ground.connects(&way.leg.flight, flight) {
                continue;
            }
            earliest = Some(earliest.map_or(flight.arrival, |earliest| earliest.min(flight.arrival)));
            let figures = way.least(flight.arrival, way.legs + 1);
            if self.front.reaches(&figures) {
                continue;
            }
            let mut route: Vec<Leg> = self.stations(place).map(|way| way.leg).collect();
            route.reverse();
            route.push(Leg { lane: (end, destination), flight: *flight });
            self.front.add(figures);
            self.found.retain(|(found, _)| !figures.is_as_good_as(found));
            self.found.push((figures, route));
        }
    }

    /// Adds a way, and returns its place, unless another one makes all its connections, or it leads to nothing. All that
    /// arrive from here are found at once: the earlier they are known, the less is to be looked at.
    fn reach(&mut self, leg: Leg, before: Option<usize>, start: DateTime<Utc>, legs: usize) -> Option<usize> {
        let airport = leg.lane.1;
        let goes_on = self.departures.has_number(airport, &leg.flight);
        let way = Way { leg, before, start, legs, goes_on, is_outdone: false };
        let rest = self.rest(airport, legs)?;
        if self.is_hopeless(&way, leg.flight.arrival + rest, legs.max(2) + 1) {
            return None;
        }
        let place = self.ways.len();
        self.ways.push(way);
        let others = self.at.remove(&airport).unwrap_or_default();
        self.work(others.len());
        if others.iter().any(|other| self.outdoes(*other, place)) {
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
        // All routes with one stop are known.
        if legs > 1 {
            self.arrive(place);
        }
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
