use std::sync::Arc;

use loadmaster_platform::{
    follower::Follower,
    postgres::Tables,
    room::{Data, Messages, Opened, Opening, Room},
};
use loadmaster_reference::Reference;
use utoipa::{
    ToSchema,
    openapi::{OpenApi, RefOr, Schema},
};

use super::{
    dto::MOST_HANDLING_CODES,
    error::code,
    model::{EMBARGO, Effect, EmbargoEventType, EmbargoMessage},
    router::{self, HandlerState},
    service::EmbargoService,
};

pub const ROOM: Room = Room {
    tags: &[("embargoes", "Rules on which flights carry which freight")],
    features: &["embargoes"],
    codes: code::CODES,
    tables: Tables { kept: &["embargoes"], ..Tables::NONE },
    messages: &[Messages {
        aggregate: EMBARGO,
        event_types: EmbargoEventType::NAMES,
        about: &EmbargoEventType::ABOUT,
        subject: "the embargo's id",
        data: Data::of::<EmbargoMessage>,
    }],
    describe,
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("embargoes")
};

/// Returns the room's operations. The derived schema does not say how many codes an effect has.
fn describe() -> OpenApi {
    let mut document = router::routes().describe();
    let effect = document.components.as_mut().and_then(|components| components.schemas.get_mut(&*Effect::name()));
    if let Some(RefOr::T(Schema::OneOf(effects))) = effect {
        for effect in &mut effects.items {
            if let RefOr::T(Schema::Object(effect)) = effect
                && let Some(RefOr::T(Schema::Array(codes))) = effect.properties.get_mut("require_any")
            {
                (codes.min_items, codes.max_items) = (Some(1), Some(MOST_HANDLING_CODES));
            }
        }
    }
    document
}

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, ids, .. } = opening;
    let reference: Reference = opening.service()?;
    let embargoes = EmbargoService::new(db.clone(), reference.clone(), clock.clone(), ids.clone(), opening.service()?);
    let routes = router::routes().with_state(&HandlerState::of(opening, embargoes.clone(), reference));
    let follower = Some(Arc::new(embargoes.for_background().snapshot) as Arc<dyn Follower>);
    Ok(Opened { routes, follower, ..Opened::default() }.with(embargoes))
}
