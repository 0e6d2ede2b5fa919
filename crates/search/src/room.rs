use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_accounts::CallerQuotas;
use loadmaster_capacity::CapacityService;
use loadmaster_embargoes::EmbargoService;
use loadmaster_flights::FlightService;
use loadmaster_platform::{
    follower::Follower,
    jobs::Handlers,
    postgres::Database,
    room::{Opened, Opening, Room},
};
use loadmaster_pricing::PricingService;
use loadmaster_reference::Reference;
use loadmaster_stations::StationService;

use super::{
    SearchService,
    counter::Counter,
    dto::SearchRoutes,
    follower::ReferenceFollower,
    legs::SearchLegs,
    metric::METRICS,
    router::{self, HandlerState, ParsedSearches},
};

pub const ROOM: Room = Room {
    tags: &[("search", "Routes from one airport to another")],
    conditions: &[SearchRoutes::NEEDS, SearchLegs::NEEDS],
    features: &["search"],
    metrics: METRICS,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("search")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, ids, redis, secrets, clock, tally, timing, .. } = opening;
    let (flights, capacity): (FlightService, CapacityService) = (opening.service()?, opening.service()?);
    let (reference, embargoes): (Reference, EmbargoService) = (opening.service()?, opening.service()?);
    let (stations, prices): (StationService, PricingService) = (opening.service()?, opening.service()?);
    let shared = redis.clone().map(|redis| (redis, &**secrets));
    let search = SearchService::new(
        &flights,
        &capacity,
        &embargoes,
        &stations,
        &prices,
        &reference,
        clock,
        &settings.search,
        tally,
        timing.alternatives,
        shared,
        Counter::new(db, ids),
        CallerQuotas::new(opening.limiter.clone(), &settings.rate_limit),
    );
    let routes = router::routes().with_state(&HandlerState::of(
        opening,
        search.clone(),
        reference.clone(),
        ParsedSearches::new(reference),
    ));
    prices.find_ways_with(search.way_finder());
    let (measured, counting, interval) = (search.clone(), search.clone(), timing.search_counts);
    let jobs = jobs(&search, db.for_background(), settings.analytics.search_days);
    let follower = Some(Arc::new(ReferenceFollower(search.clone())) as Arc<dyn Follower>);
    let opened = Opened { routes, follower, jobs, ..Opened::default() }.with(search);
    let opened = opened.working(move |stop| counting.keep_counts(interval, stop));
    Ok(opened.measured(move || measured.measure()))
}

fn jobs(search: &SearchService, db: Database, days: u32) -> Handlers {
    Handlers::default().every(
        TimeDelta::days(1),
        "old_searches",
        (search.clone(), db),
        move |(search, db)| async move {
            let summed = search.sum_up(&db, days).await?;
            tracing::info!(summed, "counts of searches added to the sums of their days");
            Ok(())
        },
    )
}
