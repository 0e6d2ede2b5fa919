//! Group search: the freight of several origins to one destination. The routes of each origin are those of a search for the sum
//! of its parts; a few of each are combined, and judged by the sum of all freight on the flights that they share.
mod answer;
mod choose;
mod combine;
mod dto;
mod query;

use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_capacity::{FlightStatus, OwnSpace};
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    rate_limit::Verdict,
    telemetry::{Traced, span},
    web::{ClientAddress, Problem},
};
use loadmaster_pricing::Product;
use tokio::{task::yield_now, time::Instant};

use super::{
    SearchError, SearchService,
    counter::{Answered, Asker},
    find::Answer,
    judge::Judge,
    master::MasterRoute,
    prepared::Shown,
    pricer::Pricer,
    seen::Seen,
};
use answer::{Flights, Judged, legs};
use choose::choose;
use combine::{Master, combine};
use query::Load;

pub(super) use dto::SearchGroup;
pub use dto::{GroupOption, GroupWay};
pub use query::{GroupFreight, GroupQuery};

impl SearchService {
    /// Counts the origins after the first, whose request is counted already, against the quota of the caller. Returns what is
    /// left of it, if there is a limit.
    pub async fn admit_group(
        &self,
        query: &GroupQuery,
        caller: Option<Principal>,
        address: Option<ClientAddress>,
    ) -> Result<Option<Verdict>, Problem> {
        self.admit(caller, address, query.origins().len(), ["origin", "origins"]).await
    }

    /// Returns the best combinations of routes, one for each origin, at most 20: those that can be booked first, then those in
    /// which all travel on one last flight, by price, then by the last arrival. None if an origin has no route. Each origin
    /// counts as a search of the caller.
    pub async fn group(
        &self,
        query: &GroupQuery,
        caller: Option<Principal>,
        address: Option<ClientAddress>,
    ) -> Result<Vec<GroupOption>, SearchError> {
        let asker = Asker::of(caller.as_ref(), address);
        let (own, payer) = (self.own_space(caller), caller.map(|caller| caller.organization_id));
        let loads = query.loads(&own, payer, self.stops_near());
        // A flight may change meanwhile.
        for is_last in [false, true] {
            let mut masters = Vec::with_capacity(loads.len());
            for load in &loads {
                let routes = self.routes_of(query, load, asker).in_span(span("search.find")).await?;
                masters.push(Master { space: load.search.request.space(), routes });
                // Others get their turn.
                yield_now().await;
            }
            if masters.iter().any(|master| master.routes.is_empty()) {
                break;
            }
            choose(&mut masters);
            let flights = self.flights_of(&masters, &own).await?;
            let is_whole =
                masters.iter().flat_map(|master| &master.routes).all(|route| legs(route, &flights).is_some());
            if is_whole || is_last {
                return self.combined(query, &loads, &masters, &flights).await;
            }
        }
        Ok(Vec::new())
    }

    /// Returns the routes of one master. They are a search of the caller.
    async fn routes_of(
        &self,
        query: &GroupQuery,
        load: &Load<'_>,
        asker: Asker,
    ) -> Result<Vec<MasterRoute>, SearchError> {
        let (began, search) = (Instant::now(), &load.search);
        let (answer, status) = self.find_uncounted(search, Shown::Nothing).await?;
        self.count(status);
        let is_wanted = |route: &MasterRoute| query.allows(load, route);
        let (routes, seen) = match answer {
            Answer::Prepared((prepared, spaces, judge)) => {
                (prepared.master_routes(search, &spaces, &judge, is_wanted), prepared.seen(search, &spaces, &judge))
            }
            Answer::Read(options) => {
                let all = options.direct.iter().chain(&options.transit);
                let routes = all.filter_map(MasterRoute::of).filter(is_wanted).collect();
                (routes, Seen::of(&options, query.price))
            }
        };
        self.count_for(asker, Answered { search, seen, status, took: began.elapsed() });
        Ok(routes)
    }

    /// Returns the flights of these routes that can still be taken, with their space as the caller finds it.
    async fn flights_of(&self, masters: &[Master], own: &OwnSpace) -> Result<Flights, SearchError> {
        let routes = masters.iter().flat_map(|master| &master.routes);
        let ids: BTreeSet<FlightId> = routes.flat_map(|route| &route.flights).map(|(flight, _)| *flight).collect();
        let ids: Vec<FlightId> = ids.into_iter().collect();
        let found = self.0.flights.flights(&ids).await?;
        let spaces = self.0.capacity.spaces(found.iter().map(|flight| (flight.id, flight.space.version))).await?;
        let now = self.now();
        let mut flights = Flights::with_capacity(found.len());
        for (mut flight, space) in found.into_iter().zip(spaces) {
            let is_same = |version| version == flight.space.version;
            let space = space.filter(|space| is_same(space.version) && space.status == FlightStatus::Scheduled);
            if let Some(space) = space {
                flight.space = space;
                own.open(&mut flight.space, now);
                flights.insert(flight.id, flight);
            }
        }
        Ok(flights)
    }

    /// Judges the routes as of now, and combines them.
    async fn combined(
        &self,
        query: &GroupQuery,
        loads: &[Load<'_>],
        masters: &[Master],
        flights: &Flights,
    ) -> Result<Vec<GroupOption>, SearchError> {
        let embargoes = self.0.embargoes.in_force().await?;
        let mut judged = Vec::with_capacity(loads.len());
        for (load, master) in loads.iter().zip(masters) {
            let lead_time = self.lead_time(&load.search).await?;
            let pricer = self.pricer(&load.search.request).await?;
            let judge = Judge::of(&load.search.request, &embargoes, &self.0.reference, self.now());
            let judge = judge.with_lead_time(lead_time).with_prices(pricer);
            let pricers = self.pricers(load).await?;
            judged.push(Judged::of(load, &master.routes, flights, &judge, &pricers));
            yield_now().await;
        }
        let masters: Vec<Master> = judged.iter().map(|judged| judged.master.clone()).collect();
        let space_on =
            |flight: FlightId| flights.get(&flight).map(|flight| flight.space.available()).unwrap_or_default();
        let combinations = combine(&masters, space_on);
        let option = |combination| GroupOption::of(combination, &judged, query.price, &self.0.reference);
        Ok(combinations.iter().map(option).collect())
    }

    /// Returns what rates each part of a master alone, if prices are asked for.
    async fn pricers(&self, load: &Load<'_>) -> Result<Vec<Pricer>, SearchError> {
        let Some(payer) = load.search.request.priced_for else { return Ok(Vec::new()) };
        let (rules, now) = (self.0.prices.in_force().await?, self.now());
        let pricer = |part: &&GroupFreight| {
            Pricer::of(part.space, (&part.special_handling_codes, Product::GENERAL), rules.clone(), payer, now)
        };
        Ok(load.parts.iter().map(pricer).collect())
    }
}
