use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::Handlers,
    room::{Opened, Opening, Room},
};
use loadmaster_reference::Reference;

use super::{
    OperationService,
    described::describe,
    error::code,
    metric::METRICS,
    router::{self, HandlerState},
    unfinished::UNFINISHED,
};

pub const ROOM: Room = Room {
    features: &["flight_operations"],
    codes: code::CODES,
    metrics: METRICS,
    describe,
    open: |opening| Box::pin(async { open(opening) }),
    ..Room::named("operations")
};

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { settings, db, clock, ids, .. } = opening;
    let reference: Reference = opening.service()?;
    let operations = OperationService {
        db: db.clone(),
        flights: opening.service()?,
        bookings: opening.service()?,
        holds: opening.service()?,
        reference: reference.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        acts: opening.service()?,
        operators_change_flights: settings.operations.operators_change_flights,
    };
    let routes =
        router::routes().with_state(&HandlerState::of(opening, operations.clone(), opening.service()?, reference));
    let jobs =
        Handlers::default().every(TimeDelta::minutes(5), UNFINISHED, operations.clone(), |operations| async move {
            Ok(operations.finish_steps().await?)
        });
    let is_on = operations.operators_change_flights;
    let opened = Opened { routes, jobs, ..Opened::default() }.with(operations);
    Ok(opened.featuring("operators_change_flights", is_on))
}
