use loadmaster_platform::room::{Opened, Opening, Room};

use super::router::{self, HandlerState};

pub const ROOM: Room = Room {
    tags: &[("tracking", "Tracking a booking without logging in")],
    features: &["tracking"],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("tracking")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let routes = router::routes().with_state(&HandlerState::of(opening, opening.service()?));
    Ok(Opened { routes, ..Opened::default() })
}
