use std::sync::{Arc, atomic::Ordering};

use futures_util::future::BoxFuture;
use loadmaster_capacity::FLIGHT;
use loadmaster_platform::{
    follower::Follower,
    outbox::Entry,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room},
};

use super::{
    audit::AUDIT,
    dto::JoinWaitlist,
    error::code,
    metric::METRICS,
    model::{WAITLIST, WaitlistEventType, WaitlistMessage},
    router::{self, HandlerState},
    service::{WaitlistLimits, WaitlistService},
};

pub const ROOM: Room = Room {
    tags: &[("waitlist", "Waiting for room on flights that are full")],
    features: &["waitlist"],
    growing: &["WaitlistStatus"],
    conditions: &[JoinWaitlist::NEEDS],
    codes: code::CODES,
    metrics: METRICS,
    tables: Tables { kept: &["waitlist_entries"], ..Tables::NONE },
    messages: &[Messages {
        aggregate: WAITLIST,
        event_types: WaitlistEventType::NAMES,
        about: &WaitlistEventType::ABOUT,
        subject: "the entry's id",
        data: Data::of::<WaitlistMessage>,
    }],
    audit: AUDIT,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("waitlist")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, .. } = opening;
    let settings = &settings.waitlist;
    let waitlist = WaitlistService {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        acts: opening.service()?,
        capacity: opening.service()?,
        flights: opening.service()?,
        search: opening.service()?,
        embargoes: opening.service()?,
        holds: opening.service()?,
        pricing: opening.service()?,
        reference: opening.service()?,
        limits: WaitlistLimits {
            offer_hours: settings.offer_hours,
            max_passed_over: i32::try_from(settings.max_passed_over).unwrap_or(i32::MAX),
            keep_hours: settings.keep_hours,
        },
        news: Arc::default(),
        asked: Arc::default(),
        flights_left: Arc::default(),
        widened: Arc::default(),
    };
    let state = HandlerState::of(opening, waitlist.clone(), opening.service()?, opening.service()?);
    let routes = router::routes().with_state(&state);
    let follower = Some(Arc::new(WaitlistFollower(waitlist.clone())) as Arc<dyn Follower>);
    let (matching, sweeping) = (waitlist.for_background(), waitlist.for_background());
    let measuring = waitlist.for_background();
    let opened = Opened { routes, follower, ..Opened::default() };
    let opened = opened.working(|stop| matching.work(stop)).working(|stop| sweeping.sweep(stop));
    Ok(opened.working(|stop| measuring.measure(stop)))
}

/// Has entries ended whose flights have left.
struct WaitlistFollower(WaitlistService);

impl Follower for WaitlistFollower {
    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let leaves = |message: &Entry| message.aggregate == FLIGHT && message.event_type != "CREATED";
            if messages.iter().any(leaves) {
                self.0.flights_left.store(true, Ordering::Release);
                self.0.news.notify_one();
            }
            Ok(())
        })
    }
}
