use std::sync::Arc;

use futures_util::future::BoxFuture;
use loadmaster_capacity::FLIGHT;
use loadmaster_platform::{
    follower::Follower,
    outbox::Entry,
    postgres::Tables,
    room::{Opened, Opening, Room},
};
use tokio::sync::Notify;

use super::{
    audit::AUDIT,
    error::code,
    metric::METRICS,
    router::{self, HandlerState},
    service::AllotmentService,
};

pub const ROOM: Room = Room {
    tags: &[("allotments", "Room that organizations have on every flight of a kind")],
    features: &["allotments"],
    growing: &["AllotmentStatus"],
    codes: code::CODES,
    metrics: METRICS,
    tables: Tables { kept: &["allotments", "allotment_flights"], ..Tables::NONE },
    audit: AUDIT,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("allotments")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, ids, .. } = opening;
    let allotments = AllotmentService {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        acts: opening.service()?,
        capacity: opening.service()?,
        holds: opening.service()?,
        news: Arc::default(),
    };
    let routes = router::routes().with_state(&HandlerState::of(opening, allotments.clone(), opening.service()?));
    let follower = Some(Arc::new(FlightFollower(allotments.news.clone())) as Arc<dyn Follower>);
    let working = allotments.for_background();
    Ok(Opened { routes, follower, ..Opened::default() }.working(|stop| working.work(stop)))
}

/// Wakes the keeper when flights are new or change.
struct FlightFollower(Arc<Notify>);

impl Follower for FlightFollower {
    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            if messages.iter().any(|message| message.aggregate == FLIGHT) {
                self.0.notify_one();
            }
            Ok(())
        })
    }
}
