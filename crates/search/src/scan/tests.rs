//! What the search finds in random networks is what an enumeration of all routes gives.
use std::collections::BTreeSet;

use chrono::Days;
use loadmaster_kernel::FlightNumber;
use uuid::Uuid;

use super::{super::dice::Dice, far::Figures, *};

type Route = Vec<Leg>;

/// Far above what a small network takes.
const ENOUGH: usize = 1_000_000;

/// Airports in different zones, with minimum connection times of their own.
struct Rules(Vec<(AirportCode, TimeDelta, TimeDelta)>);

impl Rules {
    fn of(&self, airport: AirportCode) -> (TimeDelta, TimeDelta) {
        let (_, minimum, offset) = self.0.iter().find(|(code, ..)| *code == airport).unwrap();
        (*minimum, *offset)
    }
}

impl Connections for Rules {
    fn minimum_connection(&self, airport: AirportCode) -> TimeDelta {
        self.of(airport).0
    }

    fn connection_window_end(&self, airport: AirportCode, departure_date: NaiveDate) -> Option<DateTime<Utc>> {
        Some(midnight(departure_date + Days::new(2)) - self.of(airport).1)
    }
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn airport(number: u64) -> AirportCode {
    format!("AA{}", char::from(b'A' + u8::try_from(number).unwrap())).parse().unwrap()
}

/// A small network, around one day.
struct Network {
    rules: Rules,
    legs: Vec<Leg>,
    wanted: Wanted,
}

impl Network {
    fn random(dice: &mut Dice) -> Self {
        let airports = 4 + dice.below(5);
        let rules = (0..airports).map(|number| {
            let offset = TimeDelta::hours(-11) + dice.minutes(49);
            (airport(number), TimeDelta::minutes(30) + dice.minutes(5), offset)
        });
        let rules = Rules(rules.collect());
        let date = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        // To the destination, or out of the origin too, there is only one way.
        let (is_remote, is_single) = (dice.below(2) == 0, dice.below(2) == 0);
        let mut legs = Vec::new();
        for id in 0..30 + dice.below(60) {
            let (origin, step) = (dice.below(airports), 1 + dice.below(airports - 1));
            let destination = (origin + step) % airports;
            if (is_remote && destination == 1 && origin != 2) || (is_single && origin == 0 && destination != 3) {
                continue;
            }
            let departure = midnight(date) - TimeDelta::hours(14) + dice.minutes(130);
            let arrival = departure + TimeDelta::minutes(30) + dice.minutes(10);
            let number: FlightNumber = format!("AI{}", 1 + dice.below(8)).parse().unwrap();
            legs.push(Leg {
                lane: (airport(origin), airport(destination)),
                flight: Departure::new(Uuid::from_u128(id.into()).into(), number, departure, arrival),
            });
        }
        let from = midnight(date) - rules.of(airport(0)).1;
        let to = from + TimeDelta::days(1);
        let max_stops = u8::try_from(dice.below(6)).unwrap().min(3);
        let wanted = Wanted { origin: airport(0), destination: airport(1), from, to, date, max_stops };
        Self { rules, legs, wanted }
    }

    fn departures(&self) -> Departures {
        let mut departures = Departures::default();
        for leg in &self.legs {
            departures.add(leg.lane, leg.flight);
        }
        departures
    }

    /// Adds all routes that go on from this one.
    fn enumerate(&self, route: &Route, found: &mut Vec<Route>) {
        let here = route.last().map_or(self.wanted.origin, |leg| leg.lane.1);
        if here == self.wanted.destination {
            found.push(route.clone());
        } else if route.len() <= usize::from(self.wanted.max_stops) {
            for leg in self.legs.iter().filter(|leg| leg.lane.0 == here && self.may_follow(leg, route)) {
                self.enumerate(&[route.as_slice(), &[*leg]].concat(), found);
            }
        }
    }

    fn may_follow(&self, leg: &Leg, route: &Route) -> bool {
        let Some(inbound) = route.last() else {
            return (self.wanted.from..self.wanted.to).contains(&leg.flight.departure);
        };
        let (origin, destination) = leg.lane;
        let needed =
            if inbound.flight.has_number_of(&leg.flight) { TimeDelta::zero() } else { self.rules.of(origin).0 };
        leg.flight.departure >= inbound.flight.arrival + needed
            && leg.flight.departure < self.rules.connection_window_end(origin, self.wanted.date).unwrap()
            && route.iter().all(|before| before.lane.0 != destination)
    }
}

/// The routes, each with its legs.
fn spelled_out(found: &ScanResult) -> Vec<Route> {
    found.routes.iter().map(|places| places.iter().map(|place| found.legs[*place]).collect()).collect()
}

/// The flights of each route.
fn names(routes: &[Route]) -> BTreeSet<Vec<u128>> {
    let id = |leg: &Leg| leg.flight.flight_id.uuid().as_u128();
    routes.iter().map(|route| route.iter().map(id).collect()).collect()
}

fn figures_of(route: &Route) -> Figures {
    Figures::between(&route[0].flight, &route[route.len() - 1].flight, route.len())
}

fn figures(routes: &[Route]) -> BTreeSet<(usize, DateTime<Utc>, i64)> {
    let figures = routes.iter().map(figures_of);
    figures.map(|figures| (figures.legs, figures.arrival, figures.duration.num_minutes())).collect()
}

#[test]
fn near_routes_are_all_and_far_ones_the_best_that_there_are() {
    let is_long = std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty());
    let (mut dice, mut seen) = (Dice(20_261_126), 0);
    for number in 0..if is_long { 100_000 } else { 3000 } {
        let network = Network::random(&mut dice);
        let mut all = Vec::new();
        network.enumerate(&Vec::new(), &mut all);
        let (near, far): (Vec<_>, Vec<_>) = all.into_iter().partition(|route| route.len() <= 2);
        let best: Vec<Route> = far
            .iter()
            .filter(|route| {
                let own = figures_of(route);
                let mut others = near.iter().chain(&far).map(figures_of);
                !others.any(|other| other != own && other.is_as_good_as(&own))
            })
            .filter(|route| near.iter().all(|other| figures_of(other) != figures_of(route)))
            .cloned()
            .collect();
        let found = routes(&network.departures(), &network.wanted, &network.rules, ENOUGH);
        assert!(!found.is_cut);
        let (found_near, found_far): (Vec<_>, Vec<_>) =
            spelled_out(&found).into_iter().partition(|route| route.len() <= 2);
        let flights: BTreeSet<_> = found.legs.iter().map(|leg| leg.flight.flight_id).collect();
        assert_eq!(flights.len(), found.legs.len(), "network {number}: each flight once");
        assert_eq!(names(&found_near), names(&near), "network {number}");
        assert_eq!(figures(&found_far), figures(&best), "network {number}");
        assert_eq!(found_far.len(), figures(&best).len(), "network {number}: one of each");
        assert!(names(&found_far).is_subset(&names(&far)), "network {number}");
        seen += best.len();
    }
    assert!(seen > 200, "the networks are dense enough to prove something: {seen}");
}

#[test]
fn a_search_that_has_worked_enough_ends_with_what_it_has() {
    let (mut dice, mut seen) = (Dice(1), [0; 2]);
    for number in 0..300 {
        let mut network = Network::random(&mut dice);
        network.wanted.max_stops = 3;
        let departures = network.departures();
        let mut all = Vec::new();
        network.enumerate(&Vec::new(), &mut all);
        let near = |routes: &[Route]| routes.iter().filter(|route| route.len() <= 2).count();
        for most_work in [0, 5, 20, 80] {
            let with_stops = |max_stops| {
                let wanted = Wanted { max_stops, ..network.wanted };
                routes(&departures, &wanted, &network.rules, most_work)
            };
            let found = with_stops(3);
            assert_eq!(found, with_stops(3), "network {number}: the same each time");
            let found_routes = spelled_out(&found);
            assert_eq!(near(&found_routes), near(&all), "network {number}: near routes are always all");
            assert!(names(&found_routes).is_subset(&names(&all)), "network {number}");
            let fewer = with_stops(2);
            let up_to_two: Vec<Route> = found_routes.iter().filter(|route| route.len() <= 3).cloned().collect();
            assert_eq!(
                names(&up_to_two),
                names(&spelled_out(&fewer)),
                "network {number}: three stops take none with two away"
            );
            let whole = routes(&departures, &network.wanted, &network.rules, ENOUGH);
            let is_whole = figures(&found_routes) == figures(&spelled_out(&whole));
            assert!(is_whole || found.is_cut, "network {number}: what is missing is known");
            seen[usize::from(found.is_cut)] += 1;
        }
    }
    assert!(seen.iter().all(|seen| *seen > 50), "some are cut, others are not: {seen:?}");
}
