mod changer;
mod tables;

use axum::{extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Operator, Principal};
use loadmaster_capacity::CapacityService;
use loadmaster_flights::{ChangeFlight, Flight, FlightBody, REVALIDATE};
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{
        CursorKey, PRIVATE, PageUpTo, PathText, Precondition, Problem, Query, ReadRecency, bulk::BulkResult, linked,
        private, problem_responses, unless_missing,
    },
    work::{BatchRequest, ChangeRequest},
};
use loadmaster_reference::Reference;

use super::error::code;
use super::{
    OperationError, OperationService,
    arrive::Arrive,
    cancel::Cancel,
    change::Change,
    depart::Depart,
    dto::{
        ArriveFlight, BulkFlights, CancelFlight, ChangeAnswer, DepartFlight, DryRun, FlightPreview, FlightStep,
        Manifest, StepAnswer,
    },
    held::Held,
    model::Operated,
    preview::{FlightCommand, Preview},
    service::Target,
};
use changer::{Changer, permitted};

handler_state!(HandlerState { operations: OperationService, capacity: CapacityService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(change))
        .routes(routes!(depart))
        .routes(routes!(arrive))
        .routes(routes!(cancel))
        .routes(routes!(manifest));
    let (tables, bulk) = (
        ApiRouter::new().routes(routes!(tables::import)).routes(routes!(tables::export)),
        ApiRouter::new().routes(routes!(act)),
    );
    Routes { api, tables, bulk, ..Routes::default() }
}

/// A request to operate a flight, or to show what that would do.
struct Step {
    caller: Principal,
    flight: FlightId,
    operations: OperationService,
    reference: Reference,
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
        C: FlightCommand + 'static,
    {
        let Self { caller, flight, operations, reference, request } = self;
        let judging = request.judge_or_rehearse(caller.user_id.uuid(), input, || operations.flight(flight));
        let (is_dry_run, judged) = Box::pin(judging).await?;
        let command = |input, precondition| command(operations.clone(), Target { caller, flight, precondition }, input);
        if !is_dry_run {
            return judged.run(command, answer).await;
        }
        let previewed = judged.rehearse(|input, precondition| Preview(command(input, precondition))).await?;
        let tag = previewed.tag.clone();
        Ok(Answer::new(StatusCode::OK, &FlightPreview::new(previewed, &reference), PRIVATE).with_tag(tag))
    }

    /// Runs a command and answers with the flight and the effect of the step on its bookings.
    async fn take<T, C>(
        self,
        input: Result<T, Problem>,
        command: impl FnOnce(OperationService, Target, T) -> C,
    ) -> Result<Answer, Problem>
    where
        C: FlightCommand<Done = Operated> + 'static,
    {
        let answer = stepped(self.reference.clone());
        Box::pin(self.run(input, command, answer)).await
    }
}

/// Builds the answer to a step: the flight, and the effect of the step on its bookings.
fn stepped(reference: Reference) -> impl Fn(&Operated) -> Answer + Clone + Send + Sync {
    move |done| {
        let tag = done.flight.entity_tag();
        Answer::new(StatusCode::OK, &FlightStep::new(done, &reference), PRIVATE).with_tag(tag)
    }
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, CAPACITY_BELOW_BOOKED, FLIGHT_MISMATCH, ITINERARY_INVALID, PIECE_TOO_LARGE, VERSION_MISMATCH);

/// Change a flight.
///
/// A JSON merge patch (RFC 7396) of times, aircraft, capacity, overbooking and cut-off; after departure, only of the
/// arrival. `capacity` is what the flight carries; what may be sold is that and `overbooking`, rounded down.
/// `offload` first takes bookings off the flight, in the same transaction. With `release_holds` a capacity below what is
/// booked and held ends active holds, newest first, as many as it requires. A change of the departure also moves the
/// cut-off; no hold outlasts an earlier one. An aircraft with no opening for a piece of a booking on the flight is refused (409
/// `piece_too_large` with `ref_ids`), unless that is taken off or `accept_oversize` is set. A change of times adds an event to each booking, and a booking whose connection
/// no longer holds is marked
/// `needs_rerouting`. The scheduled times never change and define the date of the flight.
///
/// A change of times, aircraft, capacity or cut-off keeps the flight from the feed that gives it, until `follow_feed` gives it back.
///
/// For administrators. With the setting `operations.operators_change_flights` operators too change times and aircraft, take
/// bookings off and give `follow_feed`; the other members, and `release_holds`, stay administrators': 403 `forbidden`.
#[utoipa::path(patch, path = "/flights/{id}", tag = "flights", operation_id = "changeFlight",
    request_body(content((ChangeFlight = "application/json"), (ChangeFlight = "application/merge-patch+json"))),
    params(("id" = FlightId, Path, description = "Id of the flight"), DryRun, KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the flight still has the version of this ETag")),
    responses((status = 200, body = ChangeAnswer, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Changer(caller): Changer,
    State(operations): State<OperationService>,
    State(capacity): State<CapacityService>,
    State(reference): State<Reference>,
    PathText(flight): PathText<FlightId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let most_percent = capacity.max_overbooking_percent();
    let input = request.body().read_patch(|fields| ChangeFlight::read(fields, &reference, most_percent));
    let input = input.and_then(|change| permitted(&caller, change));
    let known = reference.clone();
    let answer = move |flight: &Flight| {
        Answer::new(StatusCode::OK, &FlightBody::new(flight, &known), REVALIDATE).with_tag(flight.entity_tag())
    };
    Box::pin(Step { caller, flight, operations, reference, request }.run(input, Change::new, answer)).await
}

problem_responses!(DepartProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, CAPACITY_BELOW_BOOKED, FLIGHT_MISMATCH, VERSION_MISMATCH);

/// Record the departure of a flight with all booked cargo that is at the airport.
///
/// A leg whose inbound leg has not arrived is left behind as `MISSED_CONNECTION`; `left_behind` names further bookings
/// to leave behind. They release their capacity and are marked `needs_rerouting`. Legs that have already departed
/// individually are skipped. The flight's holds are released, on all of their flights. An overbooked flight departs only
/// with what it carries: if more would be on board, 409 `capacity_below_booked` names the `shortfalls`, until `left_behind`
/// suffices.
#[utoipa::path(post, path = "/flights/{id}/depart", tag = "flights", operation_id = "departFlight",
    request_body = Option<DepartFlight>,
    params(("id" = FlightId, Path, description = "Id of the flight"), DryRun, KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the flight still has the version of this ETag")),
    responses((status = 200, body = StepAnswer, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), DepartProblems))]
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
        Depart { operations, target, occurred_at, left_behind, held: Held::default() }
    };
    Step { caller, flight, operations, reference, request }.take(input, command).await
}

problem_responses!(StepProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Record the arrival of a flight and of its departed legs.
///
/// All legs that departed on it arrive, in one transaction, each with an event on its booking: for carrier staff.
#[utoipa::path(post, path = "/flights/{id}/arrive", tag = "flights", operation_id = "arriveFlight",
    request_body = Option<ArriveFlight>,
    params(("id" = FlightId, Path, description = "Id of the flight"), DryRun, KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the flight still has the version of this ETag")),
    responses((status = 200, body = StepAnswer, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), StepProblems))]
async fn arrive(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    PathText(flight): PathText<FlightId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(ArriveFlight::read);
    let command = |operations, target, ArriveFlight { occurred_at }| Arrive { operations, target, occurred_at };
    Step { caller, flight, operations, reference, request }.take(input, command).await
}

/// Cancel a flight.
///
/// Only possible while no leg has departed on the flight. Its bookings keep their status, release their capacity on it
/// and are marked `needs_rerouting`. Its holds are released, on all of their flights.
#[utoipa::path(post, path = "/flights/{id}/cancel", tag = "flights", operation_id = "cancelFlight",
    request_body = Option<CancelFlight>,
    params(("id" = FlightId, Path, description = "Id of the flight"), DryRun, KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the flight still has the version of this ETag")),
    responses((status = 200, body = StepAnswer, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), StepProblems))]
async fn cancel(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    PathText(flight): PathText<FlightId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(CancelFlight::read);
    let command =
        |operations, target, CancelFlight { reason }| Cancel { operations, target, reason, held: Held::default() };
    Step { caller, flight, operations, reference, request }.take(input, command).await
}

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Act on many flights.
///
/// Each row is a transaction of its own and is judged as the single call would be. A row that is refused has its
/// `problem`, and the others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what is
/// left and nothing twice. Takes at most 60 seconds.
#[utoipa::path(post, path = "/flights/bulk", tag = "flights", operation_id = "bulkFlights",
    request_body = BulkFlights, params(KeyHeader),
    responses((status = 200, body = BulkResult), BulkProblems))]
async fn act(
    Admin(caller): Admin,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    request: BatchRequest,
) -> Result<Response, Problem> {
    let input = request.body().read(BulkFlights::read).map(|BulkFlights { action, ids, params }| {
        (format!("{} {params:?}", action.as_str()), ids, params.unwrap_or_default().reason)
    });
    let path = |flight: &str| format!("/api/v1/flights/{flight}/cancel");
    let command = move |flight, reason| {
        let target = Target { caller, flight, precondition: Precondition::default() };
        Cancel { operations: operations.clone(), target, reason, held: Held::default() }
    };
    request.run_each(caller.user_id.uuid(), input, path, command, stepped(reference)).await
}

problem_responses!(ManifestProblems: [LIST, ROLE], NOT_FOUND);

/// Bookings on a page of a manifest.
const MOST_LINES: u32 = 1000;

/// Show the manifest of a flight: its bookings and their totals. Before departure, the bookings planned on it.
///
/// At most 1000 bookings, by reference; `Link` with `rel="next"` leads to the next page. The totals cover all bookings.
#[utoipa::path(get, path = "/flights/{id}/manifest", tag = "flights", operation_id = "getFlightManifest",
    params(("id" = FlightId, Path, description = "Id of the flight"), PageUpTo<MOST_LINES>),
    responses((status = 200, body = Manifest, headers(("Link" = Option<String>))), ManifestProblems))]
async fn manifest(
    Operator(caller): Operator,
    State(operations): State<OperationService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    PathText(id): PathText<FlightId>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.role.as_str();
    let page = query.read(PageUpTo::<MOST_LINES>::read).and_then(|page| page.open::<BookingRef>(&key, &query, reader));
    let page = unless_missing(page, async { operations.flight(id).await.map(drop) }).await?;
    let (flight, mut bookings, freight) = operations
        .manifest(id, &page, recency)
        .in_span(span("operations.manifest"))
        .await
        .map_err(|error: OperationError| Problem::from(error))?;
    let last = page.cut(&mut bookings).map(|last| last.ref_id.clone());
    let manifest = Manifest::new(&flight, &bookings, &freight, &reference);
    Ok(private(linked(manifest, last, &key, &query, reader)))
}
