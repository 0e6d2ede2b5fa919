use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    outbound::{Outbound, Rules, read_authorities},
    room::{Data, Messages, Opened, Opening, Room},
};

use super::{
    error::code,
    metric::METRICS,
    model::{ABOUT, Bounds, FEED, FeedEventType, FeedMessage},
    router::{self, HandlerState},
    service::FeedService,
};

pub const ROOM: Room = Room {
    tags: &[("feeds", "Schedules, tariffs and rates that arrive by themselves")],
    features: &["feeds"],
    growing: &["FeedKind", "FeedFormat", "FeedStatus", "RunStatus", "RunTrigger", "DifferenceEffect"],
    codes: code::CODES,
    metrics: METRICS,
    messages: &[Messages {
        aggregate: FEED,
        event_types: FeedEventType::NAMES,
        about: &ABOUT,
        subject: "the feed's id",
        data: Data::of::<FeedMessage>,
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("feeds")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, vault, timing, .. } = opening;
    let webhooks = &settings.webhooks;
    let authorities = webhooks.ca_file.as_deref().map(read_authorities).transpose()?.unwrap_or_default();
    let rules = Rules { ports: webhooks.ports.clone(), trusted: webhooks.trusted_networks.clone() };
    let feeds = FeedService {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        acts: opening.service()?,
        vault: vault.clone(),
        outbound: Outbound::new(rules, timing.calls, opening.network.clone(), authorities),
        operations: opening.service()?,
        pricing: opening.service()?,
        rates: opening.service()?,
        bounds: Bounds { far_minutes: settings.feeds.far_minutes, max_gone_percent: settings.feeds.max_gone_percent },
        folder: settings.feeds.folder.clone().map(Arc::new),
        timing: *timing,
        news: Arc::default(),
    };
    let routes = router::routes().with_state(&HandlerState::of(opening, feeds.clone(), opening.service()?));
    let working = feeds.for_background();
    let jobs = Handlers::default().every(TimeDelta::days(1), "old_feed_runs", working.clone(), |feeds| async move {
        let deleted = feeds.delete_old().await?;
        tracing::info!(deleted, "old runs of feeds deleted");
        Ok(())
    });
    Ok(Opened { routes, jobs, ..Opened::default() }.with(feeds).working(|stop| working.work(stop)))
}
