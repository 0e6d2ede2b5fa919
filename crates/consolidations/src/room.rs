use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    room::{Data, Messages, Opened, Opening, Room},
};

use super::{
    audit::AUDIT,
    error::code,
    model::{ABOUT, CONSOLIDATION, ConsolidationEventType, ConsolidationMessage},
    router::{self, HandlerState},
    service::ConsolidationService,
};

pub const ROOM: Room = Room {
    tags: &[("consolidations", "Parts of several organizations that travel as one master from each origin")],
    features: &["consolidations"],
    growing: &["MasterStatus", "ConsolidationChange", "ConsolidationEventType", "MemberStatus"],
    codes: code::CODES,
    messages: &[Messages {
        aggregate: CONSOLIDATION,
        event_types: ConsolidationEventType::NAMES,
        about: &ABOUT,
        subject: "the consolidation's id",
        data: Data::of::<ConsolidationMessage>,
    }],
    audit: AUDIT,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("consolidations")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, ids, unit_of_work, .. } = opening;
    let consolidations = ConsolidationService {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        one_time: opening.service()?,
        desk: opening.service()?,
        search: opening.service()?,
        acts: opening.service()?,
        unit_of_work: unit_of_work.clone(),
    };
    let jobs = Handlers::default()
        .every(TimeDelta::days(1), "old_invitations", consolidations.for_background(), |consolidations| async move {
            let deleted = consolidations.delete_old_invitations().await?;
            tracing::info!(deleted, "unanswered invitations to consolidations deleted");
            Ok(())
        })
        .every(TimeDelta::minutes(1), "booked_masters", consolidations.for_background(), |consolidations| async move {
            let noted = consolidations.note_booked().await?;
            if noted > 0 {
                tracing::info!(noted, "bookings of masters noted");
            }
            Ok(())
        });
    let state = HandlerState::of(opening, consolidations.clone(), opening.service()?);
    let routes = router::routes().with_state(&state);
    let personal = Some(Arc::new(consolidations) as _);
    Ok(Opened { routes, jobs, personal, ..Opened::default() })
}
