//! The routes of a prepared result for the freight of one origin that is combined with that of others.
use super::{super::master::MasterRoute, Capacities, Judge, Prepared, Search};

impl Prepared {
    /// Returns the routes that the search allows and that are wanted, by arrival. Only of these prices are computed, if they are
    /// asked for: what is wanted must not depend on them.
    pub fn master_routes(
        &self,
        search: &Search,
        spaces: &Capacities,
        judge: &Judge,
        is_wanted: impl Fn(&MasterRoute) -> bool,
    ) -> Vec<MasterRoute> {
        let judging = self.judging(spaces, judge);
        let places = self.within(search, |_| true);
        let route = |place: usize| {
            let way = &self.ways[place];
            let judged = judging.judge(way)?;
            let (first, last) = (*way.legs.first()?, *way.legs.last()?);
            Some(MasterRoute {
                flights: self.legs(place).into_iter().collect(),
                hub: self.flights[last].leg.origin,
                cutoff: spaces[first].cutoff,
                arrival: way.arrival,
                last_available: spaces[last].available(),
                is_bookable: judged.reasons.is_empty(),
                price: None,
            })
        };
        let priced = |(place, route): (usize, MasterRoute)| {
            let estimate = judge.pricer().and_then(|pricer| self.price(place, pricer));
            MasterRoute { price: estimate.map(|estimate| estimate.sums.total()), ..route }
        };
        let routes = places.into_iter().filter_map(|place| Some((place, route(place)?)));
        routes.filter(|(_, route)| is_wanted(route)).map(priced).collect()
    }
}
