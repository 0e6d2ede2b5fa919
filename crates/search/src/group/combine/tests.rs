//! What is combined is what a look at all combinations finds.
use chrono::TimeDelta;
use loadmaster_kernel::AirportCode;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn flight(number: u8) -> FlightId {
    FlightId::from(Uuid::from_u128(number.into()))
}

fn space(kilograms: i64) -> Space {
    Space::from_columns(kilograms * 10, 0, 0)
}

fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, currency.parse().unwrap())
}

/// A route by these flights, which arrives that many hours after the epoch.
fn route(flights: &[u8], arrival: i64, price: Option<Money>) -> MasterRoute {
    MasterRoute {
        flights: flights.iter().map(|number| (flight(*number), 1)).collect(),
        hub: "DXB".parse::<AirportCode>().unwrap(),
        cutoff: DateTime::UNIX_EPOCH,
        arrival: DateTime::UNIX_EPOCH + TimeDelta::hours(arrival),
        last_available: Space::default(),
        is_bookable: true,
        price,
    }
}

#[allow(clippy::unnecessary_wraps, reason = "a route may have no price")]
fn dollars(amount: i64) -> Option<Money> {
    Some(money(amount, "USD"))
}

fn master(kilograms: i64, routes: Vec<MasterRoute>) -> Master {
    Master { space: space(kilograms), routes }
}

fn places(combinations: &[Combination]) -> Vec<Vec<usize>> {
    combinations.iter().map(|combination| combination.places.clone()).collect()
}

/// The order of combinations.
type Key = (bool, bool, bool, Option<(Currency, i64)>, DateTime<Utc>);

fn key(combination: &Combination) -> Key {
    let price = combination.price.map(|price| (price.currency(), price.minor()));
    let is_apart = combination.common_flight.is_none();
    (!combination.is_bookable, is_apart, price.is_none(), price, combination.last_arrival)
}

/// One of all combinations, as the rules are written.
fn described(masters: &[Master], places: &[usize], available: impl Fn(FlightId) -> Space) -> Combination {
    let routes: Vec<&MasterRoute> = masters.iter().zip(places).map(|(master, place)| &master.routes[*place]).collect();
    let mut sums = HashMap::<FlightId, Space>::new();
    for (master, route) in masters.iter().zip(&routes) {
        for (flight, _) in &route.flights {
            let sum = sums.entry(*flight).or_default();
            *sum = *sum + master.space;
        }
    }
    let fits = sums.iter().all(|(flight, sum)| sum.weight <= available(*flight).weight);
    let lasts: BTreeSet<FlightId> = routes.iter().filter_map(|route| route.last_flight()).collect();
    let currencies: BTreeSet<Option<Currency>> = routes.iter().map(|route| route.price.map(Money::currency)).collect();
    let total = routes.iter().filter_map(|route| route.price).map(Money::minor).sum();
    let price = match currencies.first() {
        Some(Some(currency)) if currencies.len() == 1 => Some(Money::new(total, *currency)),
        _ => None,
    };
    Combination {
        places: places.to_vec(),
        is_bookable: fits && routes.iter().all(|route| route.is_bookable),
        common_flight: lasts.first().copied().filter(|_| lasts.len() == 1),
        price,
        last_arrival: routes.iter().map(|route| route.arrival).max().unwrap(),
    }
}

/// All combinations.
fn all(masters: &[Master], available: impl Fn(FlightId) -> Space) -> Vec<Combination> {
    let mut places = vec![vec![]];
    for master in masters {
        let longer = |places: Vec<usize>| {
            (0..master.routes.len()).map(move |place| places.iter().copied().chain([place]).collect::<Vec<usize>>())
        };
        places = places.into_iter().flat_map(longer).collect();
    }
    places.iter().map(|places| described(masters, places, &available)).collect()
}

#[test]
fn freight_that_fits_alone_and_not_together_travels_apart() {
    let routes = || vec![route(&[1], 5, dollars(10)), route(&[2], 6, dollars(12))];
    let masters = [master(60, routes()), master(60, routes())];
    let found = combine(&masters, |_| space(100));
    assert_eq!(places(&found), [[0, 1], [1, 0], [0, 0], [1, 1]]);
    let is_bookable: Vec<bool> = found.iter().map(|it| it.is_bookable).collect();
    assert_eq!(is_bookable, [true, true, false, false], "the sum fits on neither flight");
    let roomy = combine(&masters, |_| space(120));
    assert_eq!(places(&roomy)[0], [0, 0]);
    assert_eq!(roomy[0].common_flight, Some(flight(1)));
    assert!(roomy.iter().all(|it| it.is_bookable));
}

#[test]
fn one_last_flight_comes_before_a_lower_price_and_a_price_before_an_earlier_arrival() {
    let first = vec![route(&[1, 9], 8, dollars(30)), route(&[2], 5, dollars(10))];
    let second = vec![route(&[3, 9], 8, dollars(45)), route(&[4], 6, dollars(20)), route(&[5], 4, None)];
    let found = combine(&[master(1, first), master(1, second)], |_| space(100));
    assert_eq!(places(&found), [[0, 0], [1, 1], [0, 1], [1, 0], [1, 2], [0, 2]]);
    assert_eq!(found[0].price, dollars(75));
    assert_eq!(found[4].price, None);
}

#[test]
fn prices_of_different_currencies_have_no_sum() {
    let yen = vec![route(&[1], 5, Some(money(10, "JPY"))), route(&[2], 6, dollars(10))];
    let found = combine(&[master(1, yen), master(1, vec![route(&[3], 5, dollars(5))])], |_| space(100));
    assert_eq!(found.iter().map(|it| it.price).collect::<Vec<_>>(), [dollars(15), None]);
    assert_eq!(sum(std::iter::empty()), None);
    assert_eq!(sum([dollars(1), None].into_iter()), None);
}

#[test]
fn ten_masters_with_five_routes_each_have_their_best_combinations() {
    let routes =
        |number: u8| (0..5).map(move |at: u8| route(&[10 * number + at, 200 + at], 9, dollars(100 + i64::from(at))));
    let masters: Vec<Master> = (0..10).map(|number| master(10, routes(number).collect())).collect();
    let found = combine(&masters, |_| space(1000));
    assert_eq!(found.len(), MOST_COMBINATIONS);
    let common: Vec<Option<Money>> = found[..5].iter().map(|it| it.price).collect();
    assert_eq!(common, [1000, 1010, 1020, 1030, 1040].map(dollars));
    assert!(found[5..].iter().all(|it| it.common_flight.is_none()));
    assert!(found[5..15].iter().all(|it| it.price == dollars(1001)));
    assert!(found[15..].iter().all(|it| it.price == dollars(1002)));
    // Only two masters fit on each of the last flights.
    let scarce = combine(&masters, |flight| if flight >= self::flight(200) { space(20) } else { space(1000) });
    assert!(scarce[0].is_bookable);
    assert_eq!(scarce[0].price, dollars(1020));
}

#[test]
fn without_a_route_of_each_master_there_is_no_combination() {
    assert!(combine(&[], |_| space(1)).is_empty());
    assert!(combine(&[master(1, vec![route(&[1], 1, None)]), master(1, vec![])], |_| space(1)).is_empty());
}

/// (by a feeder, last flight, arrival, whether it can be booked, price)
type Draft = (Option<u8>, u8, i64, bool, Option<(i64, bool)>);

fn network() -> impl Strategy<Value = (Vec<(i64, Vec<Draft>)>, Vec<i64>)> {
    let price = proptest::option::weighted(0.9, (1_i64..5, proptest::bool::weighted(0.9)));
    let draft = (proptest::option::of(0_u8..4), 4_u8..9, 0_i64..4, proptest::bool::weighted(0.8), price);
    let master = (1_i64..5, proptest::collection::vec(draft, 1..=5));
    (proptest::collection::vec(master, 1..=4), proptest::collection::vec(0_i64..14, 9))
}

fn built((kilograms, drafts): &(i64, Vec<Draft>)) -> Master {
    let routes = drafts.iter().map(|(feeder, last, arrival, is_bookable, price)| {
        let flights: Vec<u8> = feeder.iter().copied().chain([*last]).collect();
        let price = price.map(|(minor, is_dollars)| money(minor, if is_dollars { "USD" } else { "EUR" }));
        MasterRoute { is_bookable: *is_bookable, ..route(&flights, *arrival, price) }
    });
    master(*kilograms, routes.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn combinations_are_the_best_of_all((masters, available) in network()) {
        let masters: Vec<Master> = masters.iter().map(built).collect();
        let available = |flight: FlightId| {
            let number = (0_u8..9).find(|number| self::flight(*number) == flight).unwrap();
            space(available[usize::from(number)])
        };
        let found = combine(&masters, available);
        let mut expected: Vec<Key> = all(&masters, available).iter().map(key).collect();
        expected.sort();
        expected.truncate(MOST_COMBINATIONS);
        prop_assert_eq!(found.iter().map(key).collect::<Vec<_>>(), expected);
        let places: BTreeSet<&[usize]> = found.iter().map(|it| it.places.as_slice()).collect();
        prop_assert_eq!(places.len(), found.len());
        for combination in &found {
            prop_assert_eq!(combination, &described(&masters, &combination.places, available));
        }
    }
}
