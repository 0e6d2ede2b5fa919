use axum::{
    Json,
    extract::{FromRef, State},
    http::header,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    OperationError, OperationService,
    dto::{
        ArriveFlight, CancelFlight, ChangeFlight, DepartFlight, FlightStep, Manifest, read_arrival, read_change,
        read_departure, read_reason,
    },
    model::Operated,
    service::Order,
};
use crate::{
    features::{
        accounts::{Admin, Operator, Principal},
        flights::{FlightBody, ImportBody, REVALIDATE},
        reference::Reference,
    },
    kernel::FlightId,
    platform::{
        tasks::Tasks,
        web::{
            Body, IfMatch, PRIVATE, PathText, Problem, Query, both, problem_responses, read, tagged, unless_missing,
        },
    },
};

pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    OperationService: FromRef<S>,
    Reference: FromRef<S>,
    Tasks: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(change))
        .routes(routes!(depart))
        .routes(routes!(arrive))
        .routes(routes!(cancel))
        .routes(routes!(manifest))
}

/// Apart from the others: imports are larger and take longer than other requests may.
pub fn import_router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    OperationService: FromRef<S>,
    Tasks: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(import))
}

/// What every step of a flight needs from its request.
struct Step {
    caller: Principal,
    flight: FlightId,
    operations: OperationService,
    if_match: IfMatch,
}

impl Step {
    /// The order, and what its body said, unless the flight does not exist.
    async fn read<T>(self, said: Result<T, Problem>) -> Result<(OperationService, Order, T), Problem> {
        let Self { caller, flight, operations, if_match } = self;
        let read = both(said, if_match.read());
        let exists = async { operations.flight(flight).await.map(drop) };
        let (said, precondition) = unless_missing(read, exists).await?;
        Ok((operations, Order { caller, flight, precondition }, said))
    }
}

fn answer(done: Operated, reference: &Reference) -> Response {
    let tag = done.flight.entity_tag();
    let mut response = Json(FlightStep::new(done, reference)).into_response();
    tagged(&mut response, &tag, PRIVATE);
    response
}

problem_responses!(ChangeProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    NotFound, PayloadTooLarge, UnsupportedMediaType, InvalidTransition, CapacityBelowBooked, FlightMismatch,
    ItineraryInvalid, VersionMismatch);

/// Change a flight.
///
/// A JSON merge patch of times, aircraft, capacity and cut-off; once departed only of the arrival. `offload` takes
/// bookings off the flight first, in the same transaction. Retiming moves the cut-off along and tells the bookings; one
/// whose connection no longer holds needs rerouting. What was scheduled stays and keeps defining the flight's date.
#[utoipa::path(patch, path = "/flights/{id}", tag = "flights", operation_id = "changeFlight",
    security(("bearer" = []), ("password" = [])), request_body(content((ChangeFlight = "application/json"), (ChangeFlight = "application/merge-patch+json"))),
    params(("id" = FlightId, Path, description = "The flight's id"),
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightBody, headers(("ETag" = String))), ChangeProblems))]
#[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
async fn change(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    State(tasks): State<Tasks>,
    PathText(flight): PathText<FlightId>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let said = both(query.refuse_all(), body.read_patch(|fields| Some(read_change(fields, &reference))));
    let step = Step { caller, flight, operations, if_match };
    let (operations, order, (change, offload)) = step.read(said.map(|((), said)| said)).await?;
    let work = async move { operations.change(&order, &change, &offload).await };
    let flight = tasks.to_the_end(work).await?;
    let mut response = Json(FlightBody::new(&flight, &reference)).into_response();
    tagged(&mut response, &flight.entity_tag(), REVALIDATE);
    Ok(response)
}

problem_responses!(DepartProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    NotFound, PayloadTooLarge, UnsupportedMediaType, InvalidTransition, FlightMismatch, VersionMismatch);

/// Depart: the flight leaves with all that is booked on it and there.
///
/// A leg whose inbound has not arrived is left behind as `MISSED_CONNECTION`; `left_behind` names others. They give their
/// room back and need rerouting. Legs that were moved one by one before are skipped.
#[utoipa::path(post, path = "/flights/{id}/depart", tag = "flights", operation_id = "departFlight",
    security(("bearer" = []), ("password" = [])), request_body = Option<DepartFlight>,
    params(("id" = FlightId, Path, description = "The flight's id"),
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightStep, headers(("ETag" = String))), DepartProblems))]
#[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
async fn depart(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    State(tasks): State<Tasks>,
    PathText(flight): PathText<FlightId>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let said = both(query.refuse_all(), body.read_optional(|fields| Some(read_departure(fields))));
    let step = Step { caller, flight, operations, if_match };
    let (operations, order, (occurred_at, left_behind)) = step.read(said.map(|((), said)| said)).await?;
    let work = async move { operations.depart(&order, occurred_at, &left_behind).await };
    Ok(answer(tasks.to_the_end(work).await?, &reference))
}

problem_responses!(StepProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    NotFound, PayloadTooLarge, UnsupportedMediaType, InvalidTransition, VersionMismatch);

/// Arrive: the flight lands, and with it what is in the air on it.
#[utoipa::path(post, path = "/flights/{id}/arrive", tag = "flights", operation_id = "arriveFlight",
    security(("bearer" = []), ("password" = [])), request_body = Option<ArriveFlight>,
    params(("id" = FlightId, Path, description = "The flight's id"),
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightStep, headers(("ETag" = String))), StepProblems))]
#[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
async fn arrive(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    State(tasks): State<Tasks>,
    PathText(flight): PathText<FlightId>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let said = both(query.refuse_all(), body.read_optional(|fields| Some(read_arrival(fields))));
    let step = Step { caller, flight, operations, if_match };
    let (operations, order, occurred_at) = step.read(said.map(|((), said)| said)).await?;
    let work = async move { operations.arrive(&order, occurred_at).await };
    Ok(answer(tasks.to_the_end(work).await?, &reference))
}

/// Cancel: the flight does not go.
///
/// Only while no leg has departed on it. Its bookings keep their status, give their room back and need rerouting.
#[utoipa::path(post, path = "/flights/{id}/cancel", tag = "flights", operation_id = "cancelFlight",
    security(("bearer" = []), ("password" = [])), request_body = Option<CancelFlight>,
    params(("id" = FlightId, Path, description = "The flight's id"),
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightStep, headers(("ETag" = String))), StepProblems))]
#[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
async fn cancel(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    State(tasks): State<Tasks>,
    PathText(flight): PathText<FlightId>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let said = both(query.refuse_all(), body.read_optional(|fields| Some(read_reason(fields))));
    let step = Step { caller, flight, operations, if_match };
    let (operations, order, reason) = step.read(said.map(|((), said)| said)).await?;
    let work = async move { operations.cancel(&order, reason.as_deref()).await };
    Ok(answer(tasks.to_the_end(work).await?, &reference))
}

problem_responses!(ManifestProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden, NotFound);

/// What a flight carries: its bookings and their totals. Before departure, what is booked on it.
#[utoipa::path(get, path = "/flights/{id}/manifest", tag = "flights", operation_id = "getFlightManifest",
    security(("bearer" = []), ("password" = [])),
    params(("id" = FlightId, Path, description = "The flight's id")),
    responses((status = 200, body = Manifest), ManifestProblems))]
async fn manifest(
    _caller: Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    PathText(id): PathText<FlightId>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    unless_missing(query.refuse_all(), async { operations.flight(id).await.map(drop) }).await?;
    let (flight, bookings) = operations.manifest(id).await.map_err(|error: OperationError| Problem::from(error))?;
    Ok(([(header::CACHE_CONTROL, PRIVATE)], Json(Manifest::new(&flight, &bookings, &reference))))
}

problem_responses!(ImportProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden,
    PayloadTooLarge, UnsupportedMediaType);

/// Import a timetable, all or nothing.
///
/// CSV with the header `flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,`
/// `volume_m3,positions,cutoff_minutes`; optional cells may be empty. A row names its flight by number, origin and
/// scheduled local date: one that is there is changed, others are created. Faults carry their `row`, the first data row
/// being 1; the first 100 are told.
#[utoipa::path(post, path = "/flights/import", tag = "flights", operation_id = "importFlights",
    params(("dry_run" = Option<bool>, Query, description = "Check and count, but change nothing")),
    request_body(content = String, content_type = "text/csv"), security(("bearer" = []), ("password" = [])),
    responses((status = 200, body = ImportBody), ImportProblems))]
async fn import(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Json<ImportBody>, Problem> {
    let dry_run = query.read(|fields| Some(fields.optional("dry_run", read::boolean).unwrap_or_default()))?;
    let table = body.of_type("text/csv")?;
    let done = tasks.to_the_end(async move { operations.import(Some(caller.user_id), table, dry_run).await }).await?;
    Ok(Json(ImportBody { created: done.created, updated: done.updated, unchanged: done.unchanged }))
}
