use std::sync::Arc;

use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    room::{Opened, Opening, Room},
};

use super::{
    error::code,
    router::{self, HandlerState},
    service::PartyService,
};

pub const ROOM: Room = Room {
    tags: &[
        ("parties", "The address book of your organization"),
        ("booking templates", "What bookings of your organization have in common"),
    ],
    features: &["parties", "booking_templates"],
    codes: code::CODES,
    describe: || router::routes().describe(),
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("parties")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, .. } = opening;
    let repeated_for = TimeDelta::hours(settings.idempotency.retention_hours.into());
    let parties = PartyService { db: db.clone(), clock: clock.clone(), ids: ids.clone(), repeated_for };
    let jobs =
        Handlers::default().every(TimeDelta::days(1), "old_parties", parties.for_background(), |parties| async move {
            let deleted = parties.delete_old().await?;
            tracing::info!(deleted, "ids of parties and booking templates deleted");
            Ok(())
        });
    let routes = router::routes().with_state(&HandlerState::of(opening, parties.clone(), opening.service()?));
    Ok(Opened { routes, jobs, personal: Some(Arc::new(parties) as _), ..Opened::default() })
}
