use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Customer;
use loadmaster_kernel::PartyId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, conditional,
        private, problem_responses, unless_missing,
    },
    work::{ChangeRequest, CreateRequest},
};
use loadmaster_shipment::{AmendParty, Party};

use super::{HandlerState, if_seen};

use crate::{
    dto::{NameFilter, PartyBody},
    error::code,
    model::Entry,
    service::PartyService,
    write::{Change, Create, Delete},
};

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, delete))
}

fn answer(status: StatusCode, entry: &Entry<Party>) -> Answer {
    Answer::new(status, &PartyBody::from(entry), PRIVATE).with_tag(entry.version.to_string())
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List the parties in the address book of your organization, newest first.
///
/// `q` finds a part of the name. Carrier staff see those of their own organization, too.
#[utoipa::path(get, path = "/parties", tag = "parties", operation_id = "listParties",
    params(NameFilter, PageParams),
    responses((status = 200, body = Vec<PartyBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((NameFilter::read(fields)?, PageFields::read(fields))))?;
    let reader = caller.reader();
    let page = page.open::<PartyId>(&key, &query, &reader)?;
    let found = parties.list::<Party>(caller, &filter, &page, recency).in_span(span("parties.list")).await?;
    let bodies: Vec<_> = found.iter().map(PartyBody::from).collect();
    Ok(private(page.answer(bodies, |body| body.id, &key, &query, &reader)))
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a party in the address book of your organization.
///
/// One of another organization is 404, for carrier staff too.
#[utoipa::path(get, path = "/parties/{id}", tag = "parties", operation_id = "getParty",
    params(("id" = PartyId, Path, description = "Id of the party"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = PartyBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    PathText(id): PathText<PartyId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { parties.entry::<Party>(caller, id).await.map(drop) }).await?;
    let entry = parties.entry::<Party>(caller, id).in_span(span("parties.find")).await?;
    Ok(conditional(&entry.version.to_string(), &if_none_match, PRIVATE, Json(PartyBody::from(&entry))))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, LIMIT_REACHED);

/// Enter a party into the address book of your organization.
///
/// With the members of a booking's `shipper` and `consignee`. 404 answers a repeated request whose party was deleted. An address book has at most 1000 parties. A booking copies what it
/// takes: a later change of the party does not reach it.
#[utoipa::path(post, path = "/parties", tag = "parties", operation_id = "createParty",
    request_body = Party, params(KeyHeader),
    responses((status = 201, body = PartyBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let party = request.body().read(Party::read);
    let answer = |entry: &Entry<Party>| {
        answer(StatusCode::CREATED, entry).with_location(format!("/api/v1/parties/{}", entry.id))
    };
    let command = |content| Create { parties: parties.clone(), caller, content };
    let answer = request.run(caller.user_id.uuid(), party, command, answer).await?;
    if_seen::<Party>(answer, &parties, caller).await
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Change a party in the address book of your organization.
///
/// A JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/parties/{id}", tag = "parties", operation_id = "changeParty",
    request_body(content((AmendParty = "application/json"), (AmendParty = "application/merge-patch+json"))),
    params(("id" = PartyId, Path, description = "Id of the party"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the party still has the version of this ETag")),
    responses((status = 200, body = PartyBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    PathText(id): PathText<PartyId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(AmendParty::read);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || parties.entry::<Party>(caller, id))).await?;
    let command = |wanted, precondition| Change::<Party> { parties: parties.clone(), caller, id, precondition, wanted };
    judged.run(command, |entry| answer(StatusCode::OK, entry)).await
}

/// Delete a party from the address book of your organization.
///
/// Bookings that named it keep what they have.
#[utoipa::path(delete, path = "/parties/{id}", tag = "parties", operation_id = "deleteParty",
    params(("id" = PartyId, Path, description = "Id of the party"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the party still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn delete(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    PathText(id): PathText<PartyId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    // A deleted one too: its deletion may be repeated under the same key.
    let judged =
        Box::pin(request.judge(caller.user_id.uuid(), input, || parties.existing::<Party>(caller, id))).await?;
    let command = |(), precondition| Delete::<Party> { parties: parties.clone(), caller, id, precondition };
    judged.run(command, |()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE)).await
}
