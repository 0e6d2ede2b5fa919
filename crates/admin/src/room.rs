use loadmaster_platform::room::{Opened, Opening, Room};

use super::{
    act::Backstage,
    router::{self, HandlerState},
};

pub const ROOM: Room = Room {
    tags: &[("admin", "Jobs, schedules and the delivery of messages")],
    features: &["administration"],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("admin")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, ids, .. } = opening;
    let backstage = Backstage { db: db.clone(), clock: clock.clone(), ids: ids.clone(), acts: opening.service()? };
    let routes = router::routes().with_state(&HandlerState::of(opening, backstage));
    Ok(Opened { routes, ..Opened::default() })
}
