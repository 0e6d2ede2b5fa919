use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_kernel::OrganizationId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    listing::{Anchor, CountParams, add_total},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, conditional, private,
        problem_responses, unless_missing,
    },
    work::{ChangeRequest, CreateRequest},
};

use super::HandlerState;

use crate::{
    administration::{
        dto::{ChangeOrganization, CreateOrganizationBody, OrganizationBody, OrganizationFilter, OrganizationOrder},
        model::{Organization, OrganizationSort},
        organizations::{CreateOrganization, RenameOrganization},
        service::AdministrationService,
    },
    error::code,
    people::Admin,
};

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::default().routes(routes!(list, create)).routes(routes!(show, change))
}

fn answer(status: StatusCode, organization: &Organization) -> Answer {
    Answer::new(status, &OrganizationBody::from(organization), PRIVATE).with_tag(organization.version.to_string())
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List organizations, newest first or in the order of `sort`.
///
/// `q` finds a part of the name.
#[utoipa::path(get, path = "/organizations", tag = "users", operation_id = "listOrganizations",
    params(OrganizationFilter, OrganizationOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<OrganizationBody>, headers(("Link" = String), ("Total-Count" = Option<String>))),
              ListProblems))]
async fn list(
    Admin(caller): Admin,
    State(administration): State<AdministrationService>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (OrganizationFilter::read(fields)?, OrganizationOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.role.as_str();
    let page = page.open::<Anchor>(&key, &query, reader)?;
    let sort = order.sort.unwrap_or(OrganizationSort::Newest);
    let found = administration.list_organizations(filter.q.as_deref(), sort, &page, count).await?;
    let bodies: Vec<_> = found.entries.iter().map(OrganizationBody::from).collect();
    let place = |body: &OrganizationBody| sort.order().anchor(&body.name, body.id.uuid());
    let mut answer = private(page.answer(bodies, place, &key, &query, reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show an organization.
///
/// Its members see the same bookings.
#[utoipa::path(get, path = "/organizations/{id}", tag = "users", operation_id = "getOrganization",
    params(("id" = OrganizationId, Path, description = "Id of the organization"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = OrganizationBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    Admin(_caller): Admin,
    State(administration): State<AdministrationService>,
    PathText(id): PathText<OrganizationId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { administration.organization(id).await.map(drop) }).await?;
    let found = administration.organization(id).await?;
    Ok(conditional(&found.version.to_string(), &if_none_match, PRIVATE, Json(OrganizationBody::from(&found))))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY]);

/// Create an organization.
///
/// Users are moved to it by `PATCH /users/{id}`.
#[utoipa::path(post, path = "/organizations", tag = "users", operation_id = "createOrganization",
    request_body = CreateOrganizationBody, params(KeyHeader),
    responses((status = 201, body = OrganizationBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Admin(caller): Admin,
    State(administration): State<AdministrationService>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let new = request.body().read(CreateOrganizationBody::read);
    let command =
        |new: CreateOrganizationBody| CreateOrganization { administration, actor: caller.user_id, name: new.name };
    let answer = |organization: &Organization| {
        answer(StatusCode::CREATED, organization).with_location(format!("/api/v1/organizations/{}", organization.id))
    };
    request.run(caller.user_id.uuid(), new, command, answer).await
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Give an organization another name.
///
/// A JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/organizations/{id}", tag = "users", operation_id = "changeOrganization",
    request_body(content((ChangeOrganization = "application/json"), (ChangeOrganization = "application/merge-patch+json"))),
    params(("id" = OrganizationId, Path, description = "Id of the organization"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = OrganizationBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(administration): State<AdministrationService>,
    PathText(id): PathText<OrganizationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    let input = request.body().read_patch(ChangeOrganization::read);
    let judged = Box::pin(request.judge(actor.uuid(), input, || administration.organization(id))).await?;
    let command = |change: ChangeOrganization, precondition| {
        let administration = administration.clone();
        RenameOrganization { administration, actor, id, name: change.name, precondition }
    };
    Box::pin(judged.run(command, |organization| answer(StatusCode::OK, organization))).await
}
