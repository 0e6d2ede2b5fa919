use super::{
    Reference,
    router::{self, HandlerState},
};
use crate::platform::{
    postgres::Tables,
    room::{Opened, Opening, Room},
};

pub const ROOM: Room = Room {
    tags: &[("reference data", "Airports, airlines, aircraft, special handling codes and regions")],
    tables: Tables { fixed: &["airports", "airlines", "aircraft_types", "handling_codes"], ..Tables::NONE },
    describe: || router::routes().describe(),
    open: |opening| Box::pin(open(opening)),
    ..Room::named("reference")
};

async fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let reference = Reference::load(&opening.db).await?;
    let routes = router::routes().with_state(&HandlerState::of(opening, reference.clone()));
    Ok(Opened { routes, ..Opened::default() }.with(reference))
}
