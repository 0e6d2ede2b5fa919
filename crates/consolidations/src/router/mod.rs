//! The room's routes: consolidations and their histories here, a file for members, parts and masters each.
mod manifest;
mod masters;
mod members;
mod parts;
mod search;

use std::collections::BTreeSet;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Customer, Principal};
use loadmaster_kernel::ConsolidationId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, conditional,
        digest_of, private, problem_responses, unless_missing,
    },
    work::{ChangeRequest, CreateRequest},
};
use loadmaster_reference::Reference;

use super::{
    cancel::Cancel,
    dto::{
        ChangeConsolidation, ConsolidationBody, ConsolidationFilter, ConsolidationSummary, CreateConsolidation,
        EventBody,
    },
    error::code,
    model::{Terms, Whole},
    service::ConsolidationService,
    write::{Change, Create},
};

handler_state!(HandlerState { consolidations: ConsolidationService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(events))
        .routes(routes!(members::invite))
        .routes(routes!(members::join))
        .routes(routes!(members::remove))
        .routes(routes!(parts::list, parts::add))
        .routes(routes!(parts::show, parts::change, parts::withdraw))
        .routes(routes!(masters::release))
        .routes(routes!(masters::amend))
        .routes(routes!(search::search))
        .routes(routes!(manifest::manifest))
        .routes(routes!(manifest::export))
        .routes(routes!(manifest::split));
    // Each acts on up to ten masters, one after the other.
    let bulk = ApiRouter::default().routes(routes!(masters::hold)).routes(routes!(masters::book));
    Routes { api, bulk, ..Routes::default() }
}

/// The path of a consolidation.
const CONSOLIDATION: &str = "/api/v1/consolidations/";

/// Returns the consolidation, as the caller sees it, with its `ETag`.
fn answer(status: StatusCode, whole: &Whole, caller: Principal) -> Answer {
    let body = ConsolidationBody::new(whole, caller);
    Answer::new(status, &body, PRIVATE).with_tag(tag(whole))
}

/// Its version, and what the states of its masters are: they change without it.
fn tag(whole: &Whole) -> String {
    let masters: Vec<String> = whole.masters.iter().map(|master| format!("{master:?}")).collect();
    let masters: Vec<&str> = masters.iter().map(String::as_str).collect();
    let short = digest_of(&masters).iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{}-{short:x}", whole.consolidation.version)
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List consolidations, newest first.
///
/// Those of which your organization is the owner or a member; all of them for carrier staff.
#[utoipa::path(get, path = "/consolidations", tag = "consolidations", operation_id = "listConsolidations",
    params(ConsolidationFilter, PageParams),
    responses((status = 200, body = Vec<ConsolidationSummary>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) =
        query.read(|fields| Some((ConsolidationFilter::read(fields, caller)?, PageFields::read(fields))))?;
    let reader = caller.reader();
    let page = page.open::<ConsolidationId>(&key, &query, &reader)?;
    let found = consolidations.list(&filter, &page, recency).in_span(span("consolidations.list")).await?;
    let bodies: Vec<_> = found.iter().map(ConsolidationSummary::from).collect();
    Ok(private(page.answer(bodies, |body| body.id, &key, &query, &reader)))
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a consolidation with its members, parts and masters.
///
/// The owner and carrier staff read all. Members read names, origins, freight and status, and the house numbers, descriptions
/// and parties of their own parts alone. Masters show what their holds and bookings are now: one that has expired or was
/// cancelled can be held again.
#[utoipa::path(get, path = "/consolidations/{id}", tag = "consolidations", operation_id = "getConsolidation",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = ConsolidationBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathText(id): PathText<ConsolidationId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { consolidations.visible(caller, id).await.map(drop) }).await?;
    let whole = consolidations.visible(caller, id).in_span(span("consolidations.find")).await?;
    let body = ConsolidationBody::new(&whole, caller);
    Ok(conditional(&tag(&whole), &if_none_match, PRIVATE, Json(body)))
}

problem_responses!(EventsProblems: [LIST, ROLE], NOT_FOUND);

/// List what was done in a consolidation, newest first.
///
/// For its members and carrier staff: who did what to which origin, part or member, without what is written in a part.
#[utoipa::path(get, path = "/consolidations/{id}/events", tag = "consolidations", operation_id = "listConsolidationEvents",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), PageParams),
    responses((status = 200, body = Vec<EventBody>, headers(("Link" = String))), EventsProblems))]
async fn events(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    PathText(id): PathText<ConsolidationId>,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.read(|fields| Some(PageFields::read(fields)));
    let page = unless_missing(page, async { consolidations.visible(caller, id).await.map(drop) }).await?;
    consolidations.visible(caller, id).await?;
    let reader = caller.reader();
    let page = page.open::<i32>(&key, &query, &reader)?;
    let found = consolidations.events(id, &page, recency).in_span(span("consolidations.events")).await?;
    let bodies: Vec<_> = found.iter().map(EventBody::from).collect();
    Ok(private(page.answer(bodies, |body| body.sequence, &key, &query, &reader)))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND);

/// Make a consolidation.
///
/// Your organization is its owner: it invites members, holds and books the masters, and pays for them. Parts of one origin
/// travel as one master, an ordinary booking of the owner.
#[utoipa::path(post, path = "/consolidations", tag = "consolidations", operation_id = "createConsolidation",
    request_body = CreateConsolidation, params(KeyHeader),
    responses((status = 201, body = ConsolidationBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let new = request.body().read(|fields| CreateConsolidation::read(fields, &reference));
    let made = move |whole: &Whole| {
        let place = format!("{CONSOLIDATION}{}", whole.consolidation.id);
        answer(StatusCode::CREATED, whole, caller).with_location(place)
    };
    let command = |new: CreateConsolidation| {
        let CreateConsolidation { name, destination, latest_arrival, origin } = new;
        let terms = Terms { name, destination, latest_arrival };
        Create { consolidations: consolidations.clone(), caller, terms, origin }
    };
    let answer = request.run(caller.user_id.uuid(), new, command, made).await?;
    if let Some(made) = answer.made_before() {
        consolidations.visible(caller, made).await?;
    }
    Ok(answer)
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Change a consolidation.
///
/// A JSON merge patch (RFC 7396), for the owner. The destination can be changed only while no master is held or booked.
#[utoipa::path(patch, path = "/consolidations/{id}", tag = "consolidations", operation_id = "changeConsolidation",
    request_body(content((ChangeConsolidation = "application/json"), (ChangeConsolidation = "application/merge-patch+json"))),
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 200, body = ConsolidationBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    PathText(id): PathText<ConsolidationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangeConsolidation::read(fields, &reference));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command =
        |wanted, precondition| Change { consolidations: consolidations.clone(), caller, id, precondition, wanted };
    judged.run(command, move |whole| answer(StatusCode::OK, whole, caller)).await
}

problem_responses!(DeleteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, BOOKING_LOCKED, VERSION_MISMATCH);

/// Cancel a consolidation.
///
/// For the owner. Holds are released, and masters that are booked are cancelled as bookings are, with their fees. If one cannot
/// be cancelled, its problem names the `origin`, the consolidation stays, and so does what was released or cancelled before.
#[utoipa::path(delete, path = "/consolidations/{id}", tag = "consolidations", operation_id = "cancelConsolidation",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 200, body = ConsolidationBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
async fn delete(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathText(id): PathText<ConsolidationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |(), precondition| {
        let consolidations = consolidations.clone();
        Cancel { consolidations, caller, id, precondition, ended: BTreeSet::new() }
    };
    judged.run(command, move |whole| answer(StatusCode::OK, whole, caller)).await
}
