use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::{Admin, Customer};
use loadmaster_kernel::AllotmentId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    entries,
    idempotency::{Answer, KeyHeader},
    room::{Routes, handler_state},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, conditional,
        private, problem_responses, unless_missing,
    },
    work::{ChangeRequest, CreateRequest},
};
use loadmaster_reference::Reference;

use super::{
    dto::{AllotmentBody, AllotmentFilter, AllotmentFlight, ChangeAllotment, CreateAllotment},
    error::code,
    model::{Allotment, AllotmentAnchor, FlightAnchor},
    service::AllotmentService,
};

handler_state!(HandlerState { allotments: AllotmentService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api =
        ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, delete)).routes(routes!(flights));
    api.into()
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY]);

/// Give an organization room on every flight of a kind.
///
/// On each matching flight that is scheduled, all of the freight is held for the organization, or nothing if there is not
/// enough room: that is tried again every 5 minutes. New flights get their hold within 60 seconds. `release_hours` before
/// the departure, and at the cut-off at the latest, the room is released.
#[utoipa::path(post, path = "/allotments", tag = "allotments", operation_id = "createAllotment",
    request_body = CreateAllotment, params(KeyHeader),
    responses((status = 201, body = AllotmentBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Admin(caller): Admin,
    State(allotments): State<AllotmentService>,
    State(reference): State<Reference>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let wanted = request.body().read(|fields| CreateAllotment::read(fields, &reference));
    let terms = wanted.map(|wanted| (caller.user_id, wanted));
    entries::create::<Allotment>(allotments, caller.user_id, terms, request).await
}

problem_responses!(ReadProblems: [INPUT, ROLE], NOT_FOUND);

/// Show an allotment.
///
/// Your organization's, or any for carrier staff; others are 404.
#[utoipa::path(get, path = "/allotments/{id}", tag = "allotments", operation_id = "getAllotment",
    params(("id" = AllotmentId, Path, description = "Id of the allotment"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = AllotmentBody, headers(("ETag" = String))), (status = 304), ReadProblems))]
async fn show(
    Customer(caller): Customer,
    State(allotments): State<AllotmentService>,
    PathText(id): PathText<AllotmentId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { allotments.visible(caller, id).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let found = allotments.visible(caller, id).await?;
    Ok(conditional(&found.version.to_string(), &if_none_match, PRIVATE, Json(AllotmentBody::from(&found))))
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List allotments, newest first: your organization's, or all for carrier staff.
///
/// `organization_id` narrows the list for carrier staff.
#[utoipa::path(get, path = "/allotments", tag = "allotments", operation_id = "listAllotments",
    params(AllotmentFilter, PageParams),
    responses((status = 200, body = Vec<AllotmentBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(allotments): State<AllotmentService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) =
        query.read(|fields| Some((AllotmentFilter::read(fields, caller)?, PageFields::read(fields))))?;
    let reader = caller.reader();
    let page = page.open::<AllotmentAnchor>(&key, &query, &reader)?;
    let found = allotments.list(&filter, &page, recency).await?;
    let bodies = found.iter().map(AllotmentBody::from).collect();
    Ok(private(page.answer(bodies, |body: &AllotmentBody| AllotmentAnchor(body.id), &key, &query, &reader)))
}

problem_responses!(FlightProblems: [LIST, ROLE], NOT_FOUND);

/// List the flights of an allotment in order of departure, with what is kept and was drawn on each.
///
/// Flights that are new, or that a change of the allotment concerns, appear within 60 seconds.
#[utoipa::path(get, path = "/allotments/{id}/flights", tag = "allotments", operation_id = "listAllotmentFlights",
    params(("id" = AllotmentId, Path, description = "Id of the allotment"), PageParams),
    responses((status = 200, body = Vec<AllotmentFlight>, headers(("Link" = String))), FlightProblems))]
async fn flights(
    Customer(caller): Customer,
    State(allotments): State<AllotmentService>,
    State(key): State<CursorKey>,
    PathText(id): PathText<AllotmentId>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = format!("{} {id}", caller.reader());
    let page = query.read(|fields| Some(PageFields::read(fields)));
    let page = page.and_then(|page| page.open::<FlightAnchor>(&key, &query, &reader));
    let page = unless_missing(page, async { allotments.visible(caller, id).await.map(drop) }).await?;
    let found = allotments.flights(id, &page, recency).await?;
    let bodies = found.iter().map(AllotmentFlight::from).collect();
    let anchor = |body: &AllotmentFlight| FlightAnchor(body.departure_datetime, body.flight_id);
    allotments.visible(caller, id).await?;
    Ok(private(page.answer(bodies, anchor, &key, &query, &reader)))
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Change an allotment.
///
/// The holds on its flights follow within 60 seconds: they keep more or less, are released where it does not apply any
/// more, and are taken where it does now. What was drawn stays drawn, as far as it is part of the freight.
#[utoipa::path(patch, path = "/allotments/{id}", tag = "allotments", operation_id = "changeAllotment",
    request_body(content((ChangeAllotment = "application/json"), (ChangeAllotment = "application/merge-patch+json"))),
    params(("id" = AllotmentId, Path, description = "Id of the allotment"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = AllotmentBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(allotments): State<AllotmentService>,
    State(reference): State<Reference>,
    PathText(id): PathText<AllotmentId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangeAllotment::read(fields, &reference));
    entries::change::<Allotment>(allotments, caller.user_id, id.uuid(), input, request).await
}

/// End an allotment.
///
/// What it keeps is released within 60 seconds; what was drawn from it stays booked. Responds with the allotment as it was.
#[utoipa::path(delete, path = "/allotments/{id}", tag = "allotments", operation_id = "deleteAllotment",
    params(("id" = AllotmentId, Path, description = "Id of the allotment"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = AllotmentBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn delete(
    Admin(caller): Admin,
    State(allotments): State<AllotmentService>,
    PathText(id): PathText<AllotmentId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    entries::end::<Allotment>(allotments, caller.user_id, id.uuid(), request).await
}
