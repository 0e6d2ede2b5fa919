//! Which routes of each master are combined: a few, so that the work has a bound.
use std::{cmp::Ordering, collections::HashMap};

use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{Currency, FlightId};

use super::{
    super::master::MasterRoute,
    combine::{Master, sum},
};

/// Most routes of a master that are combined.
const MOST_ROUTES: usize = 5;

/// Most flights on which all masters could meet last whose routes are kept first.
const MOST_MEETINGS: usize = 3;

/// Leaves each master its best routes: first those of the flights on which all could meet last, then one for each other last
/// flight, then the rest. The better route can be booked, has the lower price, arrives earlier, has fewer flights.
pub(super) fn choose(masters: &mut [Master]) {
    for master in masters.iter_mut() {
        master.routes.sort_by(compare);
    }
    let meetings = meetings(masters);
    for master in masters {
        keep_best(&mut master.routes, &meetings);
    }
}

fn compare(a: &MasterRoute, b: &MasterRoute) -> Ordering {
    let price = |route: &MasterRoute| {
        let price = route.price.map(|price| (price.currency(), price.minor()));
        (price.is_none(), price)
    };
    b.is_bookable
        .cmp(&a.is_bookable)
        .then_with(|| price(a).cmp(&price(b)))
        .then_with(|| a.arrival.cmp(&b.arrival))
        .then_with(|| a.flights.len().cmp(&b.flights.len()))
        .then_with(|| a.flights.cmp(&b.flights))
}

/// The best route for each last flight.
type ByLastFlight<'a> = HashMap<FlightId, &'a MasterRoute>;

fn by_last_flight(routes: &[MasterRoute]) -> ByLastFlight<'_> {
    let mut best = HashMap::new();
    for route in routes {
        if let Some(flight) = route.last_flight() {
            best.entry(flight).or_insert(route);
        }
    }
    best
}

/// Returns the best flights on which all masters could meet last, by their best routes there.
fn meetings(masters: &[Master]) -> Vec<FlightId> {
    let all: Vec<ByLastFlight<'_>> = masters.iter().map(|master| by_last_flight(&master.routes)).collect();
    let Some(first) = all.first() else { return Vec::new() };
    let freight = masters.iter().fold(Space::default(), |sum, master| sum + master.space);
    let mut meetings: Vec<(Merit, FlightId)> = Vec::new();
    for flight in first.keys() {
        let routes: Option<Vec<&MasterRoute>> = all.iter().map(|best| best.get(flight).copied()).collect();
        meetings.extend(routes.map(|routes| (merit(&routes, freight), *flight)));
    }
    meetings.sort_unstable();
    meetings.into_iter().take(MOST_MEETINGS).map(|(_, flight)| flight).collect()
}

/// The better meeting has the lower one: room for all freight, a price, the lower price, the earlier arrival.
type Merit = (bool, bool, Option<(Currency, i64)>, DateTime<Utc>);

fn merit(routes: &[&MasterRoute], freight: Space) -> Merit {
    let fits = |route: &MasterRoute| route.is_bookable && freight.exceeds(route.last_available).next().is_none();
    let price = sum(routes.iter().map(|route| route.price)).map(|price| (price.currency(), price.minor()));
    let arrival = routes.iter().map(|route| route.arrival).max().unwrap_or_default();
    (!routes.iter().copied().all(fits), price.is_none(), price, arrival)
}

/// `routes` are in order.
fn keep_best(routes: &mut Vec<MasterRoute>, meetings: &[FlightId]) {
    if routes.len() <= MOST_ROUTES {
        return;
    }
    let place = |flight: &FlightId| routes.iter().position(|route| route.last_flight() == Some(*flight));
    let mut kept: Vec<usize> = meetings.iter().filter_map(place).collect();
    for may_share in [false, true] {
        for (place, route) in routes.iter().enumerate() {
            let is_shared = kept.iter().any(|other| routes[*other].last_flight() == route.last_flight());
            if kept.len() < MOST_ROUTES && !kept.contains(&place) && (may_share || !is_shared) {
                kept.push(place);
            }
        }
    }
    let mut place = 0;
    routes.retain(|_| {
        place += 1;
        kept.contains(&(place - 1))
    });
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use loadmaster_kernel::Money;
    use uuid::Uuid;

    use super::*;

    fn flight(number: u8) -> FlightId {
        FlightId::from(Uuid::from_u128(number.into()))
    }

    fn route(flights: &[u8], dollars: i64) -> MasterRoute {
        MasterRoute {
            flights: flights.iter().map(|number| (flight(*number), 1)).collect(),
            hub: "DXB".parse().unwrap(),
            cutoff: DateTime::UNIX_EPOCH,
            arrival: DateTime::UNIX_EPOCH + TimeDelta::hours(dollars),
            last_available: Space::from_columns(1000, 1000, 0),
            is_bookable: true,
            price: Some(Money::new(dollars, "USD".parse().unwrap())),
        }
    }

    fn master(routes: Vec<MasterRoute>) -> Master {
        Master { space: Space::from_columns(100, 100, 0), routes }
    }

    /// The first flight of each route that is left.
    fn left(master: &Master) -> Vec<FlightId> {
        master.routes.iter().map(|route| route.flights[0].0).collect()
    }

    #[test]
    fn the_routes_to_a_common_last_flight_are_kept_however_dear() {
        let own = |from: u8| (from..from + 7).map(|number| route(&[number], number.into()));
        let mut masters = [
            master(own(10).chain([route(&[1, 90], 99)]).collect()),
            master(own(20).chain([route(&[2, 90], 99), route(&[3, 90], 98)]).collect()),
        ];
        choose(&mut masters);
        assert_eq!(left(&masters[0]), [10, 11, 12, 13, 1].map(flight));
        assert_eq!(left(&masters[1]), [20, 21, 22, 23, 3].map(flight));
    }

    #[test]
    fn a_common_flight_without_room_for_all_comes_after_others() {
        let full = MasterRoute { last_available: Space::from_columns(150, 1000, 0), ..route(&[1], 1) };
        let others = || (2..=4).map(|number| route(&[number], number.into()));
        let all = || std::iter::once(full.clone()).chain(others()).chain((50..53).map(|it| route(&[it, 60], 0)));
        assert_eq!(meetings(&[master(all().collect()), master(all().collect())]), [60, 2, 3].map(flight));
    }

    #[test]
    fn routes_by_other_last_flights_come_before_better_ones_by_the_same() {
        let by_one = (1..=9).map(|number| route(&[number, 80], number.into()));
        let mut masters = [master(by_one.chain([route(&[70], 50), route(&[71], 60)]).collect()), master(vec![])];
        choose(&mut masters);
        assert_eq!(left(&masters[0]), [1, 2, 3, 70, 71].map(flight));
        let mut few = [master(vec![route(&[2], 2), route(&[1], 1)])];
        choose(&mut few);
        assert_eq!(left(&few[0]), [1, 2].map(flight));
    }

    #[test]
    fn routes_that_can_be_booked_and_have_a_price_come_first() {
        let full = MasterRoute { is_bookable: false, ..route(&[1], 1) };
        let unrated = MasterRoute { price: None, ..route(&[2], 1) };
        let mut masters = [master(vec![full, unrated, route(&[3], 9)])];
        choose(&mut masters);
        assert_eq!(left(&masters[0]), [3, 2, 1].map(flight));
    }
}
