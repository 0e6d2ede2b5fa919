use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    room::{Opened, Opening, Room},
};
use loadmaster_reference::Reference;

use super::{
    router::{self, HandlerState},
    service::AnalyticsService,
};

pub const ROOM: Room = Room {
    tags: &[("analytics", "Reports about searches, bookings, flights and transit times")],
    features: &["analytics"],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("analytics")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, .. } = opening;
    let reference: Reference = opening.service()?;
    let analytics = AnalyticsService { db: db.clone(), clock: clock.clone(), reference: reference.clone() };
    let background = AnalyticsService { db: db.for_background(), ..analytics.clone() };
    let jobs = Handlers::default().every(TimeDelta::minutes(15), "popular_lanes", background, |analytics| async move {
        Ok(analytics.renew_popular().await?)
    });
    let routes = router::routes().with_state(&HandlerState::of(opening, analytics, reference));
    Ok(Opened { routes, jobs, ..Opened::default() })
}
