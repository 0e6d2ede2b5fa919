use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Customer, Guest, Principal};
use loadmaster_capacity::Availability;
use loadmaster_kernel::{FlightId, HoldId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::Answer,
    listing::{Anchor, CountParams, ExpiryOrder, add_total},
    room::{Routes, handler_state},
    web::{
        CursorKey, IfNoneMatch, NO_STORE, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency,
        conditional, private, problem_responses, unless_missing,
    },
};
use loadmaster_shipment::Surroundings;

use super::{
    HoldService,
    dto::{HoldBody, HoldFilter, Position},
    error::code,
    model::{Hold, HoldKind},
};

handler_state!(HandlerState { holds: HoldService });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(reservations))
        .routes(routes!(availability))
        .routes(routes!(positions));
    api.into()
}

/// The path of a hold.
const PATH: &str = "/api/v1/holds/";

/// Returns the answer to what made or changed a hold, as the hold is then.
fn answer(status: StatusCode, hold: &Hold, surroundings: &Surroundings) -> Answer {
    // As it was decided: a hold that was changed was open, whatever the clock of a process that changed it before said.
    let body = HoldBody::new(hold, hold.created_at, surroundings);
    Answer::new(status, &body, PRIVATE).with_tag(body.tag(hold))
}

/// Returns the answer to a new hold.
pub fn created(hold: &Hold, surroundings: &Surroundings) -> Answer {
    answer(StatusCode::CREATED, hold, surroundings).with_location(format!("{PATH}{}", hold.id))
}

/// Returns the answer to the commit of a hold whose payment is not decided yet.
pub fn pending(hold: &Hold, surroundings: &Surroundings) -> Answer {
    answer(StatusCode::ACCEPTED, hold, surroundings).with_location(format!("{PATH}{}", hold.id))
}

/// Returns the answer to a changed hold.
pub fn changed(hold: &Hold, surroundings: &Surroundings) -> Answer {
    answer(StatusCode::OK, hold, surroundings)
}

problem_responses!(ReadProblems: [INPUT, SIGNED_IN], NOT_FOUND);

/// Show a hold.
///
/// From `expires_at` on it is `EXPIRED`.
#[utoipa::path(get, path = "/holds/{id}", tag = "holds", operation_id = "getHold",
    params(("id" = HoldId, Path, description = "Id of the hold"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String))), (status = 304), ReadProblems))]
async fn show(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    PathText(id): PathText<HoldId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let hold = holds.visible(caller, id).await?;
    query.refuse_all()?;
    let body = holds.body(&hold, holds.clock.now());
    Ok(conditional(&body.tag(&hold), &if_none_match, PRIVATE, Json(body)))
}

problem_responses!(ListProblems: [LIST, SIGNED_IN]);

/// List holds, newest first or in the order of `sort`: your own, or all for carrier staff.
///
/// Guests see those that were made with their token.
#[utoipa::path(get, path = "/holds", tag = "holds", operation_id = "listHolds",
    params(HoldFilter, ExpiryOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<HoldBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
async fn list(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (HoldFilter::read(fields, caller)?, ExpiryOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.reader();
    let page = page.open::<Anchor>(&key, &query, &reader)?;
    let found = holds.list(&filter, order, &page, count, recency).await?;
    let now = holds.clock.now();
    let bodies: Vec<_> = found.entries.iter().map(|hold| holds.body(hold, now)).collect();
    let anchor = |body: &HoldBody| order.anchor(body.id.uuid(), body.expires_at);
    let mut answer = private(page.answer(bodies, anchor, &key, &query, &reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ReservationProblems: [LIST, ROLE], NOT_FOUND);

/// List the reservations of a flight, newest first: your own, or all for carrier staff.
///
/// A reservation is a hold on one flight.
#[utoipa::path(get, path = "/flights/{id}/reservations", tag = "holds", operation_id = "listReservations",
    params(("id" = FlightId, Path, description = "Id of the flight"), PageParams),
    responses((status = 200, body = Vec<HoldBody>, headers(("Link" = String))), ReservationProblems))]
async fn reservations(
    Customer(caller): Customer,
    State(holds): State<HoldService>,
    State(key): State<CursorKey>,
    PathText(flight): PathText<FlightId>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.reader();
    let page = query.read(|fields| Some(PageFields::read(fields)));
    let page = page.and_then(|page| page.open::<Anchor>(&key, &query, &reader));
    holds.check_flight(flight).await?;
    let page = page?;
    let filter = HoldFilter {
        flight_id: Some(flight),
        kind: Some(HoldKind::Reservation),
        organization_id: caller.sees_only(),
        ..HoldFilter::default()
    };
    let found = holds.list(&filter, ExpiryOrder::default(), &page, CountParams::default(), recency).await?;
    let now = holds.clock.now();
    let bodies: Vec<_> = found.entries.iter().map(|hold| holds.body(hold, now)).collect();
    Ok(private(page.answer(bodies, |body| Anchor::Id(body.id.uuid()), &key, &query, &reader)))
}

problem_responses!(AvailabilityProblems: [INPUT, CALLER], NOT_FOUND);

/// Show the current availability of a flight.
///
/// Read from the database, never from a cache: the capacity that a booking at this moment would find. What allotments
/// keep for your organization is available to you; to others it is held.
#[utoipa::path(get, path = "/flights/{id}/availability", tag = "flights", operation_id = "getFlightAvailability",
    params(("id" = FlightId, Path, description = "Id of the flight")),
    responses((status = 200, body = Availability), AvailabilityProblems))]
async fn availability(
    caller: Option<Extension<Principal>>,
    State(holds): State<HoldService>,
    PathText(id): PathText<FlightId>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    let organization = caller.map(|Extension(caller)| caller.organization_id);
    let exists = async { holds.availability(id, None).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let (found, as_of) = holds.availability(id, organization).await?;
    let answer = Availability::new(&found, holds.capacity.is_critical(&found), as_of);
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(answer)))
}

problem_responses!(PositionProblems: [INPUT, CALLER], NOT_FOUND);

/// Show the positions of a flight by their names.
///
/// A position that is only counted, in a hold or a booking, has no name: fewer may be left than are `FREE`.
#[utoipa::path(get, path = "/flights/{id}/positions", tag = "holds", operation_id = "listPositions",
    params(("id" = FlightId, Path, description = "Id of the flight")),
    responses((status = 200, body = Vec<Position>), PositionProblems))]
async fn positions(
    State(holds): State<HoldService>,
    PathText(flight): PathText<FlightId>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    unless_missing(query.refuse_all(), holds.check_flight(flight)).await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(holds.positions(flight).await?)))
}
