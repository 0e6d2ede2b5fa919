use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_flights::FlightService;
use loadmaster_platform::{
    jobs::Handlers,
    room::{Opened, Opening, Room},
};
use loadmaster_reference::Reference;
use loadmaster_search::SearchService;

use super::{
    metric::METRICS,
    model::EVERY_MINUTES,
    router::{self, HandlerState},
    service::{Parts, RateService},
    typical::Typical,
};

/// The weight whose rates are typical of a route.
const TYPICAL_WEIGHT_KG: i64 = 300;

pub const ROOM: Room = Room {
    tags: &[("rates", "What lanes cost over time")],
    features: &["rates"],
    metrics: METRICS,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("rates")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, .. } = opening;
    let (flights, search): (FlightService, SearchService) = (opening.service()?, opening.service()?);
    let reference: Reference = opening.service()?;
    let rates = RateService::new(Parts {
        db: db.clone(),
        clock: clock.clone(),
        reference: reference.clone(),
        flights: flights.clone(),
        search,
        settings: settings.rates.clone(),
    });
    let typical = Typical { db: db.clone(), clock: clock.clone(), weight_kg: rates.standard_weight(TYPICAL_WEIGHT_KG) };
    flights.rate_routes_with(Arc::new(typical));
    let background = rates.for_background();
    let jobs = Handlers::default()
        .every(TimeDelta::minutes(EVERY_MINUTES), "rate_samples", background.clone(), |rates| async move {
            let asked = rates.sample().await?;
            tracing::debug!(asked, "lanes asked for their prices");
            Ok(())
        })
        .every(TimeDelta::days(1), "old_rates", background, |rates| async move {
            let deleted = rates.delete_old().await?;
            tracing::info!(deleted, "prices of earlier days deleted");
            Ok(())
        });
    let routes = router::routes().with_state(&HandlerState::of(opening, rates.clone(), reference));
    Ok(Opened { routes, jobs, ..Opened::default() }.with(rates))
}
