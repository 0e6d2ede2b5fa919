//! An answer from the space on the first flights is the one from the space on all.
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_capacity::Space;
use loadmaster_embargoes::Embargoes;
use loadmaster_flights::NewFlight;
use loadmaster_kernel::{HandlingCode, Weight};
use uuid::Uuid;

use super::{super::dice::Dice, *};

use crate::model::Request;

const FLIGHTS: u64 = 500;

fn at(minutes: u64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(i64::try_from(minutes).unwrap())
}

fn flight(number: u64, dice: &mut Dice) -> Flight {
    let departure = at(dice.below(100));
    let new = NewFlight {
        number: "AI101".parse().unwrap(),
        origin: "DEL".parse().unwrap(),
        destination: "LHR".parse().unwrap(),
        departure,
        arrival: departure + TimeDelta::minutes(1 + i64::try_from(dice.below(40)).unwrap()),
        aircraft: None,
        is_freighter: dice.below(2) == 0,
        capacity: Space::default(),
        cutoff_minutes: 60,
        also_sold_as: None,
    };
    new.as_flight(Uuid::from_u128(number.into()).into(), NaiveDate::MIN, at(0))
}

/// Routes of one to three legs, which share flights.
fn prepared(routes: usize, dice: &mut Dice) -> Prepared {
    let flights: Vec<Flight> = (0..FLIGHTS).map(|number| flight(number, dice)).collect();
    let legs = |dice: &mut Dice| match dice.below(20) {
        0 => 1,
        1 => 3,
        _ => 2,
    };
    let route = |dice: &mut Dice| {
        let legs = legs(dice);
        (0..legs).map(|_| usize::try_from(dice.below(FLIGHTS)).unwrap()).collect()
    };
    let routes = (0..routes).map(|_| route(dice)).collect();
    let flights = flights.into_iter().map(|flight| (Brief::from(&flight), Some(flight))).collect();
    Prepared::new(Ways { flights, routes }, &Reference::default())
}

/// Space on all flights, of which this share in percent is large enough.
fn spaces(prepared: &Prepared, percent: u64, dice: &mut Dice) -> Capacities {
    let space = |(flight, _)| {
        let weight = if dice.below(100) < percent { 1_000 } else { 10 };
        let capacity = Space::from_columns(weight, 1_000, 10);
        FlightCapacity::opened(flight, capacity, at(1_000))
    };
    prepared.versions(usize::MAX).map(space).collect()
}

fn search(request: Request, max_stops: u8, limit: usize) -> Search {
    let (origin, destination) = ("DEL".parse().unwrap(), "LHR".parse().unwrap());
    Search { origin, destination, date: NaiveDate::MIN, request, max_stops, limit, earliest: None }
}

#[test]
fn an_answer_needs_the_space_on_the_first_flights_or_says_that_it_needs_more() {
    let (mut dice, mut seen) = (Dice(20_261_126), [0; 3]);
    let is_long = std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty());
    for number in 0..400 {
        // Each size and share in all combinations some times, and each case often enough; with time, more.
        if number >= 120 && !is_long && seen.iter().all(|seen| *seen > 50) {
            break;
        }
        let prepared = prepared([50, 400, 3_000][number % 3], &mut dice);
        let percent = [100, 60, 20, 2, 0][number % 5];
        let all = spaces(&prepared, percent, &mut dice);
        let special_handling_codes = if number % 2 == 0 { vec![] } else { vec![HandlingCode::CARGO_AIRCRAFT_ONLY] };
        let weight = Some(Weight::from_hectograms(500));
        let request = Request { weight, special_handling_codes, ..Request::default() };
        let judge = Judge::of(&request, &Embargoes::default(), &Reference::default(), at(0));
        let max_stops = u8::try_from(dice.below(3)).unwrap();
        let search = search(request, max_stops, usize::try_from(1 + dice.below(60)).unwrap());
        let forms = [Form::Lists].into_iter().chain(Sort::WORDS.iter().map(|(_, sort)| Form::Ranking(*sort)));
        for what in forms.map(Shown::As).chain([Shown::Bookable]) {
            let body = |spaces: &Capacities| match what {
                Shown::As(Form::Ranking(sort)) => vec![prepared.ranking(&search, sort, spaces, &judge)],
                Shown::As(Form::Lists) => vec![prepared.search_result(&search, spaces, &judge)],
                _ => prepared.bookable(&search, spaces, &judge),
            };
            let first: Capacities = all[..prepared.first_look(&search, what, judge.aircraft())].to_vec();
            let is_enough = prepared.to_read(&search, what, &first, &judge).is_some();
            seen[usize::from(is_enough) + usize::from(first.len() == all.len())] += 1;
            if is_enough {
                assert_eq!(body(&first), body(&all), "result {number}: {what:?}");
                assert_eq!(
                    prepared.is_bookable(&search, &first, &judge),
                    prepared.is_bookable(&search, &all, &judge),
                    "result {number}: {what:?}"
                );
            }
        }
    }
    assert!(seen.iter().all(|seen| *seen > 50), "more is needed, the first suffice, all are looked at: {seen:?}");
}

#[test]
fn routes_with_unsuitable_aircraft_do_not_count_for_the_first_look() {
    let mut dice = Dice(3);
    let prepared = prepared(3_000, &mut dice);
    let request = Request { special_handling_codes: vec![HandlingCode::CARGO_AIRCRAFT_ONLY], ..Request::default() };
    let judge = Judge::of(&request, &Embargoes::default(), &Reference::default(), at(0));
    let search = search(request, 2, 50);
    let (all, what) = (spaces(&prepared, 100, &mut dice), Shown::As(Form::Ranking(Sort::Arrival)));
    let first = all[..prepared.first_look(&search, what, judge.aircraft())].to_vec();
    assert!(first.len() < all.len() && prepared.to_read(&search, what, &first, &judge).is_some(), "{}", first.len());
}

#[test]
fn the_first_look_is_the_same_after_searches_with_other_limits_and_freight() {
    let mut dice = Dice(4);
    for routes in [0, 3, 400] {
        let prepared = prepared(routes, &mut dice);
        for limit in [50, 0, 51, 1, 100] {
            for code in [None, Some(HandlingCode::CARGO_AIRCRAFT_ONLY)] {
                let request = Request { special_handling_codes: code.into_iter().collect(), ..Request::default() };
                let aircraft = SuitableAircraft::of(&request, &Reference::default());
                let all = prepared.flights_of(FEWEST_LOOKED_AT.max(2 * limit), limit, &aircraft);
                let looked_at = prepared.first_look(&search(request, 2, limit), Shown::As(Form::Lists), &aircraft);
                assert_eq!(looked_at, all, "{routes} routes, limit {limit}");
            }
        }
    }
}

#[test]
fn routes_are_in_order_and_their_flights_as_they_need_them() {
    let mut dice = Dice(1);
    let prepared = prepared(300, &mut dice);
    assert!(prepared.ways.is_sorted_by_key(|way| (way.arrival, way.legs.len(), way.duration)));
    let mut next = prepared.ways.iter().filter(|way| way.is_direct()).flat_map(|way| &way.legs).max().unwrap() + 1;
    for leg in prepared.ways.iter().flat_map(|way| &way.legs) {
        assert!(*leg <= next);
        next = next.max(leg + 1);
    }
    assert_eq!(prepared.flights.len(), next, "no others are there");
}
