use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Customer;
use loadmaster_kernel::BookingTemplateId;
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
use loadmaster_reference::Reference;

use super::{HandlerState, if_seen};

use crate::{
    dto::{BookingTemplateBody, ChangeBookingTemplate, CreateBookingTemplate, NameFilter},
    error::code,
    model::{Entry, Template},
    service::PartyService,
    write::{Change, Create, Delete},
};

/// The path of a template.
const TEMPLATE: &str = "/api/v1/booking-templates/";

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, delete))
}

fn answer(status: StatusCode, entry: &Entry<Template>) -> Answer {
    Answer::new(status, &BookingTemplateBody::from(entry), PRIVATE).with_tag(entry.version.to_string())
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List the booking templates of your organization, newest first.
///
/// `q` finds a part of the name. Carrier staff see those of their own organization, too.
#[utoipa::path(get, path = "/booking-templates", tag = "booking templates", operation_id = "listBookingTemplates",
    params(NameFilter, PageParams),
    responses((status = 200, body = Vec<BookingTemplateBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((NameFilter::read(fields)?, PageFields::read(fields))))?;
    let reader = caller.reader();
    let page = page.open::<BookingTemplateId>(&key, &query, &reader)?;
    let found =
        parties.list::<Template>(caller, &filter, &page, recency).in_span(span("parties.list_templates")).await?;
    let bodies: Vec<_> = found.iter().map(BookingTemplateBody::from).collect();
    Ok(private(page.answer(bodies, |body| body.id, &key, &query, &reader)))
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a booking template of your organization.
///
/// One of another organization is 404, for carrier staff too.
#[utoipa::path(get, path = "/booking-templates/{id}", tag = "booking templates", operation_id = "getBookingTemplate",
    params(("id" = BookingTemplateId, Path, description = "Id of the booking template"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = BookingTemplateBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    PathText(id): PathText<BookingTemplateId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { parties.entry::<Template>(caller, id).await.map(drop) }).await?;
    let entry = parties.entry::<Template>(caller, id).in_span(span("parties.find_template")).await?;
    Ok(conditional(&entry.version.to_string(), &if_none_match, PRIVATE, Json(BookingTemplateBody::from(&entry))))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, ALREADY_EXISTS, LIMIT_REACHED);

/// Keep a booking template for your organization.
///
/// All members but `name` are optional, and validated as those of a booking. A `name` that another template of the
/// organization has, regardless of case, is 409 `already_exists`. 404 answers a repeated request whose template was deleted. An
/// organization has at most 200 templates. A booking copies what it takes: a later change of the template does not reach it.
#[utoipa::path(post, path = "/booking-templates", tag = "booking templates", operation_id = "createBookingTemplate",
    request_body = CreateBookingTemplate, params(KeyHeader),
    responses((status = 201, body = BookingTemplateBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    State(reference): State<Reference>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let new = request.body().read(|fields| CreateBookingTemplate::read(fields, &reference));
    let answer =
        |entry: &Entry<Template>| answer(StatusCode::CREATED, entry).with_location(format!("{TEMPLATE}{}", entry.id));
    let command = |new| Create { parties: parties.clone(), caller, content: Template::from(new) };
    let answer = request.run(caller.user_id.uuid(), new, command, answer).await?;
    if_seen::<Template>(answer, &parties, caller).await
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, ALREADY_EXISTS, VERSION_MISMATCH);

/// Change a booking template of your organization.
///
/// A JSON merge patch (RFC 7396). A `name` that another template of the organization has, regardless of case, is 409
/// `already_exists`.
#[utoipa::path(patch, path = "/booking-templates/{id}", tag = "booking templates", operation_id = "changeBookingTemplate",
    request_body(content((ChangeBookingTemplate = "application/json"), (ChangeBookingTemplate = "application/merge-patch+json"))),
    params(("id" = BookingTemplateId, Path, description = "Id of the booking template"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the template still has the version of this ETag")),
    responses((status = 200, body = BookingTemplateBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    State(reference): State<Reference>,
    PathText(id): PathText<BookingTemplateId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangeBookingTemplate::read(fields, &reference));
    let judged =
        Box::pin(request.judge(caller.user_id.uuid(), input, || parties.entry::<Template>(caller, id))).await?;
    let command =
        |wanted, precondition| Change::<Template> { parties: parties.clone(), caller, id, precondition, wanted };
    judged.run(command, |entry| answer(StatusCode::OK, entry)).await
}

problem_responses!(DeleteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Delete a booking template of your organization.
///
/// Bookings that were made with it keep what they have.
#[utoipa::path(delete, path = "/booking-templates/{id}", tag = "booking templates", operation_id = "deleteBookingTemplate",
    params(("id" = BookingTemplateId, Path, description = "Id of the booking template"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the template still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
async fn delete(
    Customer(caller): Customer,
    State(parties): State<PartyService>,
    PathText(id): PathText<BookingTemplateId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    // A deleted one too: its deletion may be repeated under the same key.
    let judged =
        Box::pin(request.judge(caller.user_id.uuid(), input, || parties.existing::<Template>(caller, id))).await?;
    let command = |(), precondition| Delete::<Template> { parties: parties.clone(), caller, id, precondition };
    judged.run(command, |()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE)).await
}
