use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_platform::{
    follower::Follower,
    jobs::Handlers,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room},
};
use loadmaster_reference::Reference;

use super::{
    error::code,
    input::NewStationContact,
    model::{STATION, StationEventType, StationMessage},
    router::{self, HandlerState},
    service::StationService,
};

pub const ROOM: Room = Room {
    tags: &[("stations", "What stations say about acceptance and delivery of freight")],
    features: &["stations"],
    growing: &["StationCapability"],
    conditions: &[NewStationContact::NEEDS],
    codes: code::CODES,
    tables: Tables { kept: &["station_tags", "station_collections"], ..Tables::NONE },
    messages: &[Messages {
        aggregate: STATION,
        event_types: StationEventType::NAMES,
        about: &StationEventType::ABOUT,
        subject: "the id of the change",
        data: Data::of::<StationMessage>,
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(open(opening)),
    ..Room::named("stations")
};

async fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, ids, .. } = opening;
    let reference: Reference = opening.service()?;
    let stations = StationService::new(db.clone(), reference.clone(), clock.clone(), ids.clone(), opening.service()?);
    // What is known without reading is known from the first request on.
    stations.snapshot.changed().await;
    let routes = router::routes().with_state(&HandlerState::of(opening, stations.clone(), reference));
    let follower = Some(Arc::new(stations.snapshot.for_background()) as Arc<dyn Follower>);
    let jobs =
        Handlers::default().every(TimeDelta::days(1), "old_tips", stations.for_background(), |stations| async move {
            let deleted = stations.delete_old_tips().await?;
            tracing::info!(deleted, "old tips about stations deleted");
            Ok(())
        });
    let personal = Some(Arc::new(stations.clone()) as _);
    Ok(Opened { routes, follower, jobs, personal, ..Opened::default() }.with(stations))
}
