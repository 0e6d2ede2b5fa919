use loadmaster_platform::room::{Opened, Opening, Room};
use loadmaster_reference::Reference;

use super::{
    router::{self, HandlerState},
    service::AnalyticsService,
};

pub const ROOM: Room = Room {
    tags: &[("analytics", "Reports about bookings, flights and transit times")],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("analytics")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, .. } = opening;
    let reference: Reference = opening.service()?;
    let analytics = AnalyticsService { db: db.clone(), clock: clock.clone(), reference: reference.clone() };
    let routes = router::routes().with_state(&HandlerState::of(opening, analytics, reference));
    Ok(Opened { routes, ..Opened::default() })
}
