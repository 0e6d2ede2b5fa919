use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_platform::{
    follower::Follower,
    jobs::Handlers,
    room::{Data, Messages, Opened, Opening, Room},
};

use super::{
    dto::CreateAlert,
    error::code,
    follower::AlertFollower,
    metric::METRICS,
    model::{ABOUT, ALERT, AlertMessage, MET},
    router::{self, HandlerState},
    service::AlertService,
};

pub const ROOM: Room = Room {
    tags: &[("alerts", "Letters once a price falls, or once there is space")],
    features: &["alerts"],
    growing: &["AlertStatus"],
    conditions: &[CreateAlert::NEEDS],
    codes: code::CODES,
    metrics: METRICS,
    messages: &[Messages {
        aggregate: ALERT,
        event_types: &[MET],
        about: &ABOUT,
        subject: "the alert's id",
        data: Data::of::<AlertMessage>,
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("alerts")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, .. } = opening;
    let alerts = AlertService {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        acts: opening.service()?,
        capacity: opening.service()?,
        search: opening.service()?,
        reference: opening.service()?,
        most_active: settings.alerts.max_per_organization,
        changed: Arc::default(),
    };
    let jobs = Handlers::default().every(
        TimeDelta::minutes(10),
        "ended_alerts",
        alerts.for_background(),
        |alerts| async move {
            let (ended, deleted) = alerts.end_and_delete().await?;
            tracing::info!(ended, deleted, "alerts ended, and old ones deleted");
            Ok(())
        },
    );
    let routes = router::routes().with_state(&HandlerState::of(opening, alerts.clone(), opening.service()?));
    let follower = Some(Arc::new(AlertFollower(alerts.clone())) as Arc<dyn Follower>);
    let checking = alerts.for_background();
    let personal = Some(Arc::new(alerts) as _);
    let opened = Opened { routes, jobs, follower, personal, ..Opened::default() };
    Ok(opened.working(|stop| checking.work(stop)))
}
