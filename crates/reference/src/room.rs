use std::sync::Arc;

use loadmaster_accounts::KnownAirports;
use loadmaster_platform::{
    follower::Follower,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room},
};

use super::{
    Reference,
    error::code,
    factors::ClassFactors,
    follower::ReferenceFollower,
    keep::Keeper,
    model::{REFERENCE, ReferenceEventType, ReferenceMessage},
    punctuality::Punctuality,
    router::{self, HandlerState},
};

pub const ROOM: Room = Room {
    tags: &[("reference data", "Airports, cities, airlines, aircraft, special handling codes and regions")],
    features: &["reference_data"],
    codes: code::CODES,
    tables: Tables { fixed: &["handling_codes", "cities", "place_names"], ..Tables::NONE },
    messages: &[Messages {
        aggregate: REFERENCE,
        event_types: ReferenceEventType::NAMES,
        about: &ReferenceEventType::ABOUT,
        subject: "the id of the change",
        data: Data::of::<ReferenceMessage>,
    }],
    describe: || router::routes().describe(),
    open: |opening| Box::pin(open(opening)),
    ..Room::named("reference")
};

async fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, .. } = opening;
    let reference = Reference::load(db, ClassFactors::of(&settings.emissions)).await?;
    let airports = reference.clone();
    opening.service::<KnownAirports>()?.are(move |code| airports.airport(code).is_some());
    let keeper = Keeper::new(db.clone(), reference.clone(), clock.clone(), ids.clone(), opening.service()?);
    let routes = router::routes().with_state(&HandlerState::of(opening, reference.clone(), keeper.clone()));
    let punctuality = Punctuality(keeper.for_background());
    let follower = Some(Arc::new(ReferenceFollower(keeper.for_background())) as Arc<dyn Follower>);
    Ok(Opened { routes, follower, ..Opened::default() }.with(reference).with(punctuality))
}
