//! The options of an answer, from combinations of judged routes.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_flights::Flight;
use loadmaster_kernel::{FlightId, Money};
use loadmaster_reference::Reference;

use super::{
    super::{
        dto::RouteOption,
        judge::Judge,
        master::MasterRoute,
        model::{Itinerary, Reason},
        pricer::Pricer,
    },
    combine::{Combination, Master, sum},
    dto::{GroupOption, GroupWay},
    query::Load,
};

/// Flights as they are now.
pub(super) type Flights = HashMap<FlightId, Flight>;

/// The routes of one master, judged by the sum of its parts.
pub(super) struct Judged<'a> {
    load: &'a Load<'a>,
    pub master: Master,
    /// In the order of the master's routes.
    itineraries: Vec<Itinerary>,
    /// What the parts cost on each route, each alone.
    apart: Vec<Option<Money>>,
}

impl<'a> Judged<'a> {
    /// Judges the routes whose flights are still there. `pricers`: one for each part, if prices are asked for.
    pub fn of(
        load: &'a Load<'a>,
        routes: &[MasterRoute],
        flights: &Flights,
        judge: &Judge,
        pricers: &[Pricer],
    ) -> Self {
        let legs = routes.iter().filter_map(|route| legs(route, flights));
        let itineraries: Vec<Itinerary> = legs.filter_map(|legs| judge.itinerary(legs)).collect();
        let apart = |itinerary: &Itinerary| {
            let price = |pricer: &Pricer| Some(pricer.price(itinerary.legs())?.sums.total());
            sum(pricers.iter().map(price))
        };
        Self {
            load,
            master: Master { space: judge.space(), routes: itineraries.iter().filter_map(MasterRoute::of).collect() },
            apart: itineraries.iter().map(apart).collect(),
            itineraries,
        }
    }
}

/// Returns the flights of a route; `None` if one is no longer as it was.
pub(super) fn legs(route: &MasterRoute, flights: &Flights) -> Option<Vec<Flight>> {
    let is_same = |flight: &&Flight, version: i32| flight.space.version == version;
    let leg = |(id, version): &(FlightId, i32)| flights.get(id).filter(|flight| is_same(flight, *version)).cloned();
    route.flights.iter().map(leg).collect()
}

impl GroupOption {
    /// Describes a combination of routes of these masters.
    pub(super) fn of(combination: &Combination, judged: &[Judged<'_>], is_priced: bool, reference: &Reference) -> Self {
        let taken: Vec<(&Judged<'_>, &Itinerary)> = judged
            .iter()
            .zip(&combination.places)
            .map(|(master, place)| (master, &master.itineraries[*place]))
            .collect();
        let mut sums = HashMap::<FlightId, Space>::new();
        for (master, itinerary) in &taken {
            for flight in itinerary.legs() {
                let sum = sums.entry(flight.id).or_default();
                *sum = *sum + master.master.space;
            }
        }
        let way = |(master, itinerary): &(&Judged<'_>, &Itinerary)| {
            let judged = (*itinerary).clone().with_reasons(lacking(itinerary, &sums));
            let search = &master.load.search;
            GroupWay { origin: search.origin, option: RouteOption::new(&judged, search, reference) }
        };
        let apart = || {
            let places = judged.iter().zip(&combination.places);
            sum(places.map(|(master, place)| master.apart[*place]))
        };
        let (price, apart) = (combination.price, if is_priced { apart() } else { None });
        let first_arrival = taken.iter().map(|(_, itinerary)| itinerary.arrival()).min();
        let hubs = || taken.iter().filter_map(|(_, itinerary)| itinerary.legs().last()).map(|flight| flight.origin);
        Self {
            hub: hubs().next().filter(|first| hubs().all(|hub| hub == *first)),
            common_flight: combination.common_flight,
            ways: taken.iter().map(way).collect(),
            last_arrival: combination.last_arrival,
            spread_minutes: first_arrival
                .map_or(0, |first: DateTime<Utc>| (combination.last_arrival - first).num_minutes()),
            price: is_priced.then_some(price),
            apart: is_priced.then_some(apart),
            saving: is_priced.then_some(saving(price, apart)),
            bookable: combination.is_bookable,
        }
    }
}

/// Returns the dimensions in which the sums on its flights exceed their space, as reasons.
fn lacking(itinerary: &Itinerary, sums: &HashMap<FlightId, Space>) -> Vec<Reason> {
    let lacking = |flight: &Flight| {
        let sum = sums.get(&flight.id).copied().unwrap_or_default();
        sum.exceeds(flight.space.available()).map(Reason::of)
    };
    itinerary.legs().iter().flat_map(lacking).collect()
}

fn saving(price: Option<Money>, apart: Option<Money>) -> Option<Money> {
    let (price, apart) = price.zip(apart).filter(|(price, apart)| price.currency() == apart.currency())?;
    apart.minor().checked_sub(price.minor()).map(|minor| apart.with_minor(minor))
}
