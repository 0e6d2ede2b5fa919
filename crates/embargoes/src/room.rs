use std::sync::Arc;

use loadmaster_platform::{
    follower::Follower,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room},
};
use loadmaster_reference::Reference;

use super::{
    error::code,
    follower::EmbargoFollower,
    model::{EMBARGO, EmbargoEventType, EmbargoMessage},
    router::{self, HandlerState},
    service::EmbargoService,
};

pub const ROOM: Room = Room {
    tags: &[("embargoes", "Rules on which flights carry which freight")],
    codes: code::CODES,
    tables: Tables { kept: &["embargoes"], ..Tables::NONE },
    messages: &[Messages {
        aggregate: EMBARGO,
        event_types: EmbargoEventType::NAMES,
        about: &EmbargoEventType::ABOUT,
        subject: "the embargo's id",
        data: Data::of::<EmbargoMessage>,
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("embargoes")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, ids, .. } = opening;
    let reference: Reference = opening.service()?;
    let embargoes = EmbargoService::new(db.clone(), reference.clone(), clock.clone(), ids.clone(), opening.service()?);
    let routes = router::routes().with_state(&HandlerState::of(opening, embargoes.clone(), reference));
    let follower = Some(Arc::new(EmbargoFollower(embargoes.for_background())) as Arc<dyn Follower>);
    Ok(Opened { routes, follower, ..Opened::default() }.with(embargoes))
}
