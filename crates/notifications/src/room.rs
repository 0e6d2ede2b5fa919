use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_bookings::BookingService;
use loadmaster_platform::{
    in_own_tx,
    jobs::Handlers,
    outbox,
    postgres::retrying,
    room::{Opened, Opening, Room},
};

use super::{
    ask::ASKED_AGAIN_AFTER,
    compose::{self, News},
    error::code,
    lists::KEPT,
    post::{self, PostService},
    repository,
    router::{self, HandlerState},
    service::{NotificationService, NotificationTerms},
    sink::Notifications,
    tokens::Tokens,
    words::Language,
};

pub const ROOM: Room = Room {
    tags: &[("notifications", "Notifications by e-mail and SMS, and who receives which")],
    features: &["notifications"],
    growing: &["NotificationChannel", "NotificationStatus", "ContactRole", "ContactTopic"],
    codes: code::CODES,
    metrics: post::METRICS,
    describe: || {
        let mut document = post::describe();
        document.merge(router::routes().describe());
        document
    },
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("notifications")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, secrets, timing, process, .. } = opening;
    let tokens = Tokens::new(secrets);
    let bookings: BookingService = opening.service()?;
    let surroundings = bookings.surroundings().clone();
    let news = News { surroundings, clock: clock.clone(), tokens: tokens.clone() };
    let (post, opened) = post::open(opening, compose::composers(&news, bookings, opening.service()?))?;
    let notifications = service(opening, post, tokens)?;
    let language = Language::new(&opening.settings.notifications.language);
    let routes = router::routes().with_state(&HandlerState::of(opening, notifications.clone(), language));
    let background = notifications.for_background();
    let jobs =
        Handlers::default().every(TimeDelta::days(1), "old_contacts", background.clone(), |notifications| async move {
            notifications.delete_old().await
        });
    let (reminding, timing, process) = (background.clone(), *timing, process.to_string());
    let (sink, outbox_of) = (Notifications::new(background.clone()), db.for_background());
    let readings = opening.readings.clone();
    let mine = Opened { routes, jobs, personal: Some(Arc::new(notifications.clone()) as _), ..Opened::default() };
    let mine = mine
        .working(move |stop| outbox::relay(outbox_of, readings, sink, process, timing, stop))
        .working(move |stop| reminding.remind(stop));
    Ok(joined(opened, mine))
}

fn service(opening: &Opening, post: PostService, tokens: Tokens) -> anyhow::Result<NotificationService> {
    let Opening { db, clock, ids, .. } = opening;
    let settings = &opening.settings.notifications;
    Ok(NotificationService {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        acts: opening.service()?,
        bookings: opening.service()?,
        post,
        tokens,
        terms: NotificationTerms {
            collect: TimeDelta::seconds(settings.collect_seconds.into()),
            reminder_hours: settings.cutoff_reminder_hours.cast_signed(),
            has_console: opening.settings.console.enabled,
        },
    })
}

/// Returns what the post office and the rest of the room have opened, as one.
fn joined(post: Opened, mut mine: Opened) -> Opened {
    mine.routes = post.routes.and(mine.routes);
    mine.jobs = post.jobs.and(mine.jobs);
    mine.features.extend(post.features);
    mine.workers.extend(post.workers);
    mine.gauges.extend(post.gauges);
    mine.services.extend(post.services);
    mine
}

impl NotificationService {
    /// Deletes what is no longer kept.
    async fn delete_old(&self) -> anyhow::Result<()> {
        let now = self.now();
        let contacts = retrying(|| async {
            in_own_tx!(self.db, |tx| repository::lists::delete_useless(&mut tx, now - KEPT, now - ASKED_AGAIN_AFTER))
        });
        self.post.discard(Vec::new(), contacts.await?).await
    }
}
