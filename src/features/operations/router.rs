use axum::{Json, extract::State, http::StatusCode, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::error::code;
use super::{
    OperationError, OperationService,
    arrive::Arrive,
    cancel::Cancel,
    change::Change,
    depart::Depart,
    dto::{ArriveFlight, CancelFlight, DepartFlight, FlightStep, Manifest},
    import::Import,
    model::Operated,
    service::Target,
};
use crate::{
    features::{
        accounts::{Admin, Operator, Principal},
        flights::{ChangeFlight, Flight, FlightBody, ImportBody, ImportSummary, REVALIDATE},
        reference::Reference,
    },
    kernel::{BookingRef, FlightId},
    platform::{
        idempotency::{Answer, Idempotent, KeyHeader},
        room::{Routes, handler_state},
        telemetry::{Traced, span},
        web::{
            Body, CursorKey, PRIVATE, PageUpTo, PathText, Problem, Query, both, link, private, problem_responses, read,
            unless_missing,
        },
        work::{ChangeRequest, Command, Keyed, UnitOfWork},
    },
};

handler_state!(HandlerState { operations: OperationService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = OpenApiRouter::new()
        .routes(routes!(change))
        .routes(routes!(depart))
        .routes(routes!(arrive))
        .routes(routes!(cancel))
        .routes(routes!(manifest));
    Routes { api, tables: OpenApiRouter::new().routes(routes!(import)), ..Routes::default() }
}

/// A request to operate a flight.
struct Step {
    caller: Principal,
    flight: FlightId,
    operations: OperationService,
    request: ChangeRequest,
}

impl Step {
    async fn run<T, C>(
        self,
        input: Result<T, Problem>,
        command: impl FnOnce(OperationService, Target, T) -> C,
        answer: impl Fn(&C::Done) -> Answer + Send + Sync + 'static,
    ) -> Result<Answer, Problem>
    where
        C: Command + 'static,
    {
        let Self { caller, flight, operations, request } = self;
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || operations.flight(flight))).await?;
        let command = |input, precondition| command(operations.clone(), Target { caller, flight, precondition }, input);
        judged.run(command, answer).await
    }
}

/// Builds the answer to a step: the flight, and the effect of the step on its bookings.
fn stepped(reference: Reference) -> impl Fn(&Operated) -> Answer + Send + Sync {
    move |done| {
        let tag = done.flight.entity_tag();
        Answer::new(StatusCode::OK, &FlightStep::new(done, &reference), PRIVATE).with_tag(tag)
    }
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, CAPACITY_BELOW_BOOKED, FLIGHT_MISMATCH, ITINERARY_INVALID, VERSION_MISMATCH);

/// Change a flight.
///
/// A JSON merge patch of times, aircraft, capacity and cut-off; once departed only of the arrival. `offload` takes
/// bookings off the flight first, in the same transaction. Retiming moves the cut-off along and tells the bookings; one
/// whose connection no longer holds needs rerouting. What was scheduled stays and keeps defining the flight's date.
#[utoipa::path(patch, path = "/flights/{id}", tag = "flights", operation_id = "changeFlight",
    request_body(content((ChangeFlight = "application/json"), (ChangeFlight = "application/merge-patch+json"))),
    params(("id" = FlightId, Path, description = "The flight's id"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    PathText(flight): PathText<FlightId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangeFlight::read(fields, &reference));
    let answer = move |flight: &Flight| {
        Answer::new(StatusCode::OK, &FlightBody::new(flight, &reference), REVALIDATE).with_tag(flight.entity_tag())
    };
    let command = |operations, target, wanted| Change { operations, target, wanted, has_changed: false };
    Step { caller, flight, operations, request }.run(input, command, answer).await
}

problem_responses!(DepartProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, FLIGHT_MISMATCH, VERSION_MISMATCH);

/// Depart: the flight leaves with all that is booked on it and there.
///
/// A leg whose inbound has not arrived is left behind as `MISSED_CONNECTION`; `left_behind` names others. They give their
/// room back and need rerouting. Legs that were moved one by one before are skipped.
#[utoipa::path(post, path = "/flights/{id}/depart", tag = "flights", operation_id = "departFlight",
    request_body = Option<DepartFlight>,
    params(("id" = FlightId, Path, description = "The flight's id"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightStep, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), DepartProblems))]
async fn depart(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    PathText(flight): PathText<FlightId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(DepartFlight::read);
    let command = |operations, target, DepartFlight { occurred_at, left_behind }| {
        let left_behind = left_behind.into_iter().map(Into::into).collect();
        Depart { operations, target, occurred_at, left_behind }
    };
    Step { caller, flight, operations, request }.run(input, command, stepped(reference)).await
}

problem_responses!(StepProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Arrive: the flight lands, and with it what is in the air on it.
#[utoipa::path(post, path = "/flights/{id}/arrive", tag = "flights", operation_id = "arriveFlight",
    request_body = Option<ArriveFlight>,
    params(("id" = FlightId, Path, description = "The flight's id"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightStep, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), StepProblems))]
async fn arrive(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    PathText(flight): PathText<FlightId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(ArriveFlight::read);
    let command = |operations, target, ArriveFlight { occurred_at }| Arrive { operations, target, occurred_at };
    Step { caller, flight, operations, request }.run(input, command, stepped(reference)).await
}

/// Cancel: the flight does not go.
///
/// Only while no leg has departed on it. Its bookings keep their status, give their room back and need rerouting.
#[utoipa::path(post, path = "/flights/{id}/cancel", tag = "flights", operation_id = "cancelFlight",
    request_body = Option<CancelFlight>,
    params(("id" = FlightId, Path, description = "The flight's id"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Only if the ETag's version is still this")),
    responses((status = 200, body = FlightStep, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), StepProblems))]
async fn cancel(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    PathText(flight): PathText<FlightId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(CancelFlight::read);
    let command = |operations, target, CancelFlight { reason }| Cancel { operations, target, reason };
    Step { caller, flight, operations, request }.run(input, command, stepped(reference)).await
}

problem_responses!(ManifestProblems: [LIST, ROLE], NOT_FOUND);

/// Bookings on a page of a manifest.
const MOST_LINES: u32 = 1000;

/// What a flight carries: its bookings and their totals. Before departure, what is booked on it.
///
/// At most 1000 bookings by reference; `Link` with `rel="next"` leads to the next. The totals are of all of them.
#[utoipa::path(get, path = "/flights/{id}/manifest", tag = "flights", operation_id = "getFlightManifest",
    params(("id" = FlightId, Path, description = "The flight's id"), PageUpTo<MOST_LINES>),
    responses((status = 200, body = Manifest, headers(("Link" = Option<String>))), ManifestProblems))]
async fn manifest(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    PathText(id): PathText<FlightId>,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.role.as_str();
    let page = query.read(PageUpTo::<MOST_LINES>::read).and_then(|page| page.open::<BookingRef>(&key, &query, reader));
    let page = unless_missing(page, async { operations.flight(id).await.map(drop) }).await?;
    let (flight, mut bookings, freight) = operations
        .manifest(id, &page)
        .in_span(span("operations.manifest"))
        .await
        .map_err(|error: OperationError| Problem::from(error))?;
    let last = page.cut(&mut bookings).map(|last| last.ref_id.clone());
    let mut answer = private(Json(Manifest::new(&flight, &bookings, &freight, &reference)));
    if let Some(last) = last {
        link(&mut answer, "next", &last, &key, &query, reader);
    }
    Ok(answer)
}

problem_responses!(ImportProblems: [INPUT, ROLE, BODY, KEY]);

/// Import a timetable, all or nothing.
///
/// CSV with the header `flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,`
/// `volume_m3,positions,cutoff_minutes`; optional cells may be empty. A row names its flight by number, origin and
/// scheduled local date: one that is there is changed, others are created. Faults carry their `row`, the first data row
/// being 1; the first 100 are told.
#[utoipa::path(post, path = "/flights/import", tag = "flights", operation_id = "importFlights",
    params(("dry_run" = Option<bool>, Query, description = "Check and count, but change nothing"), KeyHeader),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportBody, headers(("Idempotency-Replayed" = Option<bool>))), ImportProblems))]
async fn import(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let dry_run = query.read(|fields| Some(fields.optional("dry_run", read::boolean).unwrap_or_default()));
    let (key, dry_run) = both(key, dry_run)?;
    let command = Import::new(operations, Some(caller.user_id), body.of_type("text/csv")?, dry_run);
    let answer = |done: &ImportSummary| {
        let body = ImportBody { created: done.created, updated: done.updated, unchanged: done.unchanged };
        Answer::new(StatusCode::OK, &body, PRIVATE)
    };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}
