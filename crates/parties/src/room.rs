use std::sync::Arc;

use loadmaster_platform::room::{Opened, Opening, Room};

use super::{
    error::code,
    router::{self, HandlerState},
    service::PartyService,
};

pub const ROOM: Room = Room {
    tags: &[("parties", "The address book of your organization")],
    codes: code::CODES,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { Ok(open(opening)) }),
    ..Room::named("parties")
};

fn open(opening: &Opening) -> Opened {
    let Opening { db, clock, ids, .. } = opening;
    let parties = PartyService { db: db.clone(), clock: clock.clone(), ids: ids.clone() };
    let routes = router::routes().with_state(&HandlerState::of(opening, parties.clone()));
    Opened { routes, personal: Some(Arc::new(parties) as _), ..Opened::default() }
}
