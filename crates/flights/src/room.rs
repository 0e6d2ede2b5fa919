use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_capacity::{CapacityService, FLIGHT};
use loadmaster_platform::{
    follower::Follower,
    jobs::Handlers,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room, Unfinished},
};
use loadmaster_reference::Punctuality;

use super::{
    ConnectionRules, FlightService,
    audit::AUDIT,
    dto::CreateFlight,
    error::code,
    follower::NetworkFollower,
    metric::METRICS,
    model::{FlightEventType, replay::FlightData},
    past::PAST,
    router::{self, HandlerState},
};

pub const ROOM: Room = Room {
    tags: &[("flights", "The schedule of flights and their availability")],
    features: &["flights", "flights_import"],
    growing: &["FlightStatus"],
    conditions: &[CreateFlight::NEEDS],
    codes: code::CODES,
    metrics: METRICS,
    tables: Tables { history: &["flight_events"], fixed: &["network"], kept: &["flights"] },
    messages: &[Messages {
        aggregate: FLIGHT,
        event_types: FlightEventType::NAMES,
        about: &FlightEventType::ABOUT,
        subject: "the flight's id",
        data: Data::of::<FlightData>,
    }],
    past: Some(PAST),
    audit: AUDIT,
    unfinished: &[Unfinished {
        what: "flights that have neither arrived nor been cancelled",
        count: "select count(*), min(flight_id::text) from flight_capacity where flight_id < $1 and status not in ('ARRIVED', 'CANCELLED')",
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("flights")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, .. } = opening;
    let reference: loadmaster_reference::Reference = opening.service()?;
    let capacity: CapacityService = opening.service()?;
    let flights = FlightService::new(
        db.clone(),
        &capacity,
        reference.clone(),
        clock.clone(),
        ids.clone(),
        opening.service()?,
        ConnectionRules::new(&settings.search, reference.clone()),
    )
    .flying(&settings.ssim.service_types);
    let routes = router::routes().with_state(&HandlerState::of(opening, flights.clone(), reference));
    let follower = Some(Arc::new(NetworkFollower::new(flights.for_background())) as Arc<dyn Follower>);
    let measured = flights.clone();
    let jobs = jobs(&flights.for_background(), opening.service()?);
    Ok(Opened { routes, follower, jobs, ..Opened::default() }.with(flights).measured(move || measured.measure()))
}

fn jobs(flights: &FlightService, punctuality: Punctuality) -> Handlers {
    let counting = (flights.clone(), punctuality);
    Handlers::default()
        .every(TimeDelta::hours(1), "flight_dates", flights.clone(), |flights| async move {
            if let Some(found) = flights.compare_dates().await? {
                let (version, flights) = (&found.version, found.flights);
                tracing::info!(
                    version,
                    flights,
                    "flights that leave on another local date than that in their names were counted"
                );
            }
            Ok(())
        })
        .every(TimeDelta::days(1), "airline_punctuality", counting, |(flights, punctuality)| async move {
            Ok(flights.count_punctuality(&punctuality).await?)
        })
}
