use std::sync::Arc;

use loadmaster_capacity::CapacityService;
use loadmaster_embargoes::EmbargoService;
use loadmaster_flights::FlightService;
use loadmaster_platform::{
    follower::Follower,
    room::{Opened, Opening, Room},
};
use loadmaster_pricing::PricingService;
use loadmaster_reference::Reference;

use super::{
    SearchService,
    dto::SearchRoutes,
    follower::ReferenceFollower,
    metric::METRICS,
    router::{self, HandlerState},
};

pub const ROOM: Room = Room {
    tags: &[("search", "Routes from one airport to another")],
    conditions: &[SearchRoutes::NEEDS],
    metrics: METRICS,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("search")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, redis, secrets, clock, tally, timing, .. } = opening;
    let (flights, capacity): (FlightService, CapacityService) = (opening.service()?, opening.service()?);
    let (reference, embargoes): (Reference, EmbargoService) = (opening.service()?, opening.service()?);
    let prices: PricingService = opening.service()?;
    let shared = redis.clone().map(|redis| (redis, &**secrets));
    let search = SearchService::new(
        &flights,
        &capacity,
        &embargoes,
        &prices,
        &reference,
        clock,
        &settings.search,
        tally,
        timing.alternatives,
        shared,
    );
    let routes = router::routes().with_state(&HandlerState::of(opening, search.clone(), reference));
    prices.find_ways_with(search.way_finder());
    let measured = search.clone();
    let follower = Some(Arc::new(ReferenceFollower(search.clone())) as Arc<dyn Follower>);
    Ok(Opened { routes, follower, ..Opened::default() }.with(search).measured(move || measured.measure()))
}
