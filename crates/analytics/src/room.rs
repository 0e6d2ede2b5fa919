use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    room::{Opened, Opening, Room},
};
use loadmaster_reference::Reference;

use super::{
    router::{self, HandlerState},
    service::AnalyticsService,
};

pub const ROOM: Room = Room {
    tags: &[("analytics", "Reports about searches, bookings, flights and transit times")],
    features: &["analytics"],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("analytics")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, .. } = opening;
    let reference: Reference = opening.service()?;
    let analytics = AnalyticsService {
        db: db.clone(),
        clock: clock.clone(),
        reference: reference.clone(),
        typical_weight_kg: typical_weight(&settings.rates.weights_kg),
    };
    let background = AnalyticsService { db: db.for_background(), ..analytics.clone() };
    let jobs = Handlers::default()
        .every(TimeDelta::minutes(15), "popular_lanes", background.clone(), |analytics| async move {
            Ok(analytics.renew_popular().await?)
        })
        .every(TimeDelta::days(1), "station_insights", background, |analytics| async move {
            Ok(analytics.renew_stations().await?)
        });
    let routes = router::routes().with_state(&HandlerState::of(opening, analytics, reference));
    Ok(Opened { routes, jobs, ..Opened::default() })
}

/// Returns the weight whose rates are typical: the highest of these not above 300 kg, else the lowest.
fn typical_weight(weights_kg: &[u32]) -> i32 {
    let found = weights_kg.iter().rev().find(|weight| **weight <= 300).or_else(|| weights_kg.first());
    found.and_then(|weight| i32::try_from(*weight).ok()).unwrap_or_default()
}
