use loadmaster_accounts::CallerQuotas;
use loadmaster_platform::room::{Opened, Opening, Room};

use super::{
    cost::Bounds,
    error::code,
    load::Services,
    metric::METRICS,
    router::{self, GraphqlService},
};

pub const ROOM: Room = Room {
    tags: &[("graphql", "The same operations by GraphQL: a board or a shipment in one round trip")],
    codes: code::CODES,
    metrics: METRICS,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("graphql")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, tasks, limiter, .. } = opening;
    let ours = settings.graphql;
    if !ours.enabled {
        return Ok(Opened::default());
    }
    let services =
        Services { flights: opening.service()?, payments: opening.service()?, reference: opening.service()? };
    let quotas = CallerQuotas::new(limiter.clone(), &settings.rate_limit);
    let bounds = Bounds { depth: ours.max_depth.into(), complexity: ours.max_complexity.into() };
    let tasks = tasks.clone();
    let opened = Opened::default().featuring("graphql", true);
    Ok(Opened {
        above: Some(Box::new(move |below| {
            let service = GraphqlService::new(below, services, quotas, tasks, bounds);
            router::routes().with_state(&service).root
        })),
        ..opened
    })
}
