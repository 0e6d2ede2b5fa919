//! How the routes of several masters are combined: without I/O, and with a bound on the work.
//!
//! Combinations that can be booked come first, then those in which all masters travel on one last flight, then the lower price
//! (without prices, or if their currencies differ, last), then the earlier last arrival. They are enumerated kind by kind in this
//! order; within a kind a partial combination is left as soon as its freight does not fit on a flight, or as no completion can
//! be better than what was found.
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{Currency, FlightId, Money};

use super::super::{master::MasterRoute, route_set::Places};

/// Most combinations of an answer.
pub(super) const MOST_COMBINATIONS: usize = 20;

/// Most partial combinations that one walk looks at: of a kind and, if all meet on one last flight, of that flight.
const MOST_LOOKS: usize = 10_000;

/// The freight of one origin, and the routes that it may take.
#[derive(Debug, Clone)]
pub(super) struct Master {
    /// The sum of its parts.
    pub space: Space,
    pub routes: Vec<MasterRoute>,
}

/// One route for each master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Combination {
    /// The place of each master's route among its routes.
    pub places: Vec<usize>,
    /// Whether each master can be booked, and the sums fit on the flights that several share.
    pub is_bookable: bool,
    /// The flight on which all travel last.
    pub common_flight: Option<FlightId>,
    /// The sum; `None` unless each has a price in the same currency.
    pub price: Option<Money>,
    pub last_arrival: DateTime<Utc>,
}

/// What comes first within a kind: the lower price in minor units, then the earlier last arrival.
type Rank = (i64, DateTime<Utc>);

/// Nothing, to which ranks are added.
const NO_RANK: Rank = (0, DateTime::<Utc>::MIN_UTC);

fn join(a: Rank, b: Rank) -> Rank {
    (a.0.saturating_add(b.0), a.1.max(b.1))
}

/// What combinations have in common that are ordered by rank alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    is_bookable: bool,
    is_common: bool,
    /// That of the price; `None` without one.
    currency: Option<Currency>,
}

/// Returns the sum of amounts, if there are some, all in the same currency.
pub(super) fn sum(mut amounts: impl Iterator<Item = Option<Money>>) -> Option<Money> {
    let first = amounts.next()??;
    amounts.try_fold(first, |sum, amount| {
        let amount = amount.filter(|amount| amount.currency() == sum.currency())?;
        Some(sum.with_minor(sum.minor().checked_add(amount.minor())?))
    })
}

/// Returns the best combinations, the best first. `available`: the space on a flight, by which the sum of the masters on it is
/// judged. Of each kind, and of each last flight, 10 000 partial combinations are looked at: with a few masters these are all.
pub(super) fn combine(masters: &[Master], available: impl Fn(FlightId) -> Space) -> Vec<Combination> {
    if masters.is_empty() {
        return Vec::new();
    }
    let shared = Shared::of(masters, available);
    let prices = masters.iter().flat_map(|master| &master.routes).filter_map(|route| route.price);
    let currencies: BTreeSet<Currency> = prices.map(Money::currency).collect();
    let currencies: Vec<Option<Currency>> = currencies.into_iter().map(Some).chain([None]).collect();
    let mut combinations = Vec::new();
    for is_bookable in [true, false] {
        for is_common in [true, false] {
            for &currency in &currencies {
                let most = MOST_COMBINATIONS - combinations.len();
                if most > 0 {
                    combinations.extend(shared.best(Kind { is_bookable, is_common, currency }, most));
                }
            }
        }
    }
    combinations
}

/// The masters, and the flights that their routes share.
struct Shared<'a> {
    masters: &'a [Master],
    /// The space on each flight.
    available: Vec<Space>,
    /// Of each route of each master, the flights by their places in `available`.
    legs: Vec<Vec<Places>>,
}

impl<'a> Shared<'a> {
    fn of(masters: &'a [Master], space_on: impl Fn(FlightId) -> Space) -> Self {
        let (mut available, mut places) = (Vec::new(), HashMap::new());
        let mut place = |flight: FlightId| {
            *places.entry(flight).or_insert_with(|| {
                available.push(space_on(flight));
                available.len() - 1
            })
        };
        let mut legs = Vec::with_capacity(masters.len());
        for master in masters {
            let routes = master.routes.iter();
            legs.push(routes.map(|route| route.flights.iter().map(|(flight, _)| place(*flight)).collect()).collect());
        }
        Self { masters, available, legs }
    }

    /// Returns the last flights that every master can take.
    fn common_flights(&self) -> BTreeSet<FlightId> {
        let of = |master: &Master| master.routes.iter().filter_map(MasterRoute::last_flight).collect::<BTreeSet<_>>();
        let mut all = self.masters.iter().map(of);
        let first = all.next().unwrap_or_default();
        all.fold(first, |common, next| common.intersection(&next).copied().collect())
    }

    /// Returns the best combinations of a kind.
    fn best(&self, kind: Kind, most: usize) -> Vec<Combination> {
        let mut best = Vec::new();
        if kind.is_common {
            for flight in self.common_flights() {
                Walk::new(self, kind, Some(flight), most).add_to(&mut best);
            }
        } else {
            Walk::new(self, kind, None, most).add_to(&mut best);
        }
        best.into_iter().map(|(_, combination)| combination).collect()
    }

    /// Returns whether a sum fits on a flight.
    fn fits(&self, leg: usize, sum: Space) -> bool {
        sum.exceeds(self.available[leg]).next().is_none()
    }

    /// Describes a combination of these routes. `used`: their sums on the flights.
    fn combination(&self, places: &[usize], used: &[Space], last_arrival: DateTime<Utc>) -> Combination {
        let routes = || self.masters.iter().zip(places).map(|(master, place)| &master.routes[*place]);
        let legs = self.legs.iter().zip(places).flat_map(|(legs, place)| &legs[*place]);
        let fits = legs.copied().all(|leg| self.fits(leg, used[leg]));
        let mut last_flights = routes().map(MasterRoute::last_flight);
        let first = last_flights.next().flatten();
        Combination {
            places: places.to_vec(),
            is_bookable: fits && routes().all(|route| route.is_bookable),
            common_flight: first.filter(|_| last_flights.all(|flight| flight == first)),
            price: sum(routes().map(|route| route.price)),
            last_arrival,
        }
    }
}

impl Combination {
    fn kind(&self) -> Kind {
        let (is_bookable, is_common) = (self.is_bookable, self.common_flight.is_some());
        Kind { is_bookable, is_common, currency: self.price.map(Money::currency) }
    }
}

/// A route that a master may take in combinations of a kind.
#[derive(Debug, Clone, Copy)]
struct Choice {
    place: usize,
    rank: Rank,
}

/// A walk through the combinations of a kind, from master to master.
struct Walk<'a> {
    shared: &'a Shared<'a>,
    kind: Kind,
    /// The choices of each master, the best first.
    choices: Vec<Vec<Choice>>,
    /// What the masters from each one on add at least; nothing after the last.
    least: Vec<Rank>,
    most: usize,
}

/// Where a walk is.
#[derive(Debug)]
struct State<'a> {
    /// The places of the routes of the first masters.
    places: Vec<usize>,
    /// What these take of each flight.
    used: Vec<Space>,
    looks: usize,
    best: &'a mut Vec<(Rank, Combination)>,
}

impl<'a> Walk<'a> {
    /// `last`: the flight that every route must end with.
    fn new(shared: &'a Shared<'a>, kind: Kind, last: Option<FlightId>, most: usize) -> Self {
        let choice = |(place, route): (usize, &MasterRoute)| {
            let is_allowed =
                (route.is_bookable || !kind.is_bookable) && (last.is_none() || route.last_flight() == last);
            let price = match kind.currency {
                Some(currency) => route.price.filter(|price| price.currency() == currency)?.minor(),
                None => 0,
            };
            is_allowed.then_some(Choice { place, rank: (price, route.arrival) })
        };
        let of_master = |master: &Master| {
            let mut choices: Vec<Choice> = master.routes.iter().enumerate().filter_map(choice).collect();
            choices.sort_by_key(|choice| (choice.rank, choice.place));
            choices
        };
        let choices: Vec<Vec<Choice>> = shared.masters.iter().map(of_master).collect();
        let mut bounds = vec![NO_RANK];
        for of_master in choices.iter().rev() {
            let price = of_master.iter().map(|choice| choice.rank.0).min().unwrap_or_default();
            let arrival = of_master.iter().map(|choice| choice.rank.1).min().unwrap_or(DateTime::<Utc>::MIN_UTC);
            bounds.push(join(bounds[bounds.len() - 1], (price, arrival)));
        }
        bounds.reverse();
        Self { shared, kind, choices, least: bounds, most }
    }

    /// Adds the best combinations to those of other walks.
    fn add_to(&self, best: &mut Vec<(Rank, Combination)>) {
        if self.choices.iter().any(Vec::is_empty) {
            return;
        }
        let (places, used) =
            (Vec::with_capacity(self.choices.len()), vec![Space::default(); self.shared.available.len()]);
        self.walk(NO_RANK, &mut State { places, used, looks: MOST_LOOKS, best });
    }

    /// Tries each choice of the next master.
    fn walk(&self, so_far: Rank, state: &mut State<'_>) {
        let master = state.places.len();
        let Some(choices) = self.choices.get(master) else {
            self.keep(so_far, state);
            return;
        };
        for choice in choices {
            let reached = join(so_far, choice.rank);
            let bound = join(reached, self.least[master + 1]);
            let is_hopeless = state.best.get(self.most - 1).is_some_and(|(worst, _)| bound >= *worst);
            // Later choices have no lower bound.
            if is_hopeless || state.looks == 0 {
                return;
            }
            state.looks -= 1;
            let (legs, space) = (&self.shared.legs[master][choice.place], self.shared.masters[master].space);
            if self.kind.is_bookable && !legs.iter().all(|leg| self.shared.fits(*leg, state.used[*leg] + space)) {
                continue;
            }
            for leg in legs {
                state.used[*leg] = state.used[*leg] + space;
            }
            state.places.push(choice.place);
            self.walk(reached, state);
            state.places.pop();
            for leg in legs {
                state.used[*leg] = state.used[*leg] - space;
            }
        }
    }

    /// Keeps the combination if it is of the kind: a better kind has it already.
    fn keep(&self, rank: Rank, state: &mut State<'_>) {
        let combination = self.shared.combination(&state.places, &state.used, rank.1);
        if combination.kind() == self.kind {
            let at = state.best.partition_point(|(better, _)| *better <= rank);
            state.best.insert(at, (rank, combination));
            state.best.truncate(self.most);
        }
    }
}
