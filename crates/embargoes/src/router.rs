use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Admin;
use loadmaster_flights::REVALIDATE;
use loadmaster_kernel::EmbargoId;
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, KeyHeader},
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{
        Body, CursorKey, IfNoneMatch, PageFields, PageParams, PathText, Problem, Query, ReadRecency, both, conditional,
        problem_responses, unless_missing,
    },
    work::{ChangeRequest, Keyed, UnitOfWork},
};
use loadmaster_reference::Reference;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    change::Change,
    create::Create,
    dto::{ChangeEmbargo, CreateEmbargo, EmbargoBody},
    end::End,
    error::code,
    model::Embargo,
    service::EmbargoService,
};

handler_state!(HandlerState { embargoes: EmbargoService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end)).into()
}

problem_responses!(ListProblems: [LIST, CALLER]);

/// List the embargoes in force, oldest first.
///
/// Those that were ended are left out. Everybody may read them.
#[utoipa::path(get, path = "/embargoes", tag = "embargoes", operation_id = "listEmbargoes",
    params(PageParams),
    responses((status = 200, body = Vec<EmbargoBody<'_>>, headers(("Link" = String))), ListProblems))]
async fn list(
    State(embargoes): State<EmbargoService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.read(|fields| Some(PageFields::read(fields)))?.open::<EmbargoId>(&key, &query, "")?;
    let found = embargoes.list(&page, recency).in_span(span("embargoes.list")).await?;
    let bodies: Vec<_> = found.iter().map(EmbargoBody::from).collect();
    Ok(page.answer(bodies, |body| body.id, &key, &query, ""))
}

problem_responses!(ShowProblems: [INPUT, CALLER], NOT_FOUND);

/// Show an embargo in force.
///
/// One that was ended is 404.
#[utoipa::path(get, path = "/embargoes/{id}", tag = "embargoes", operation_id = "getEmbargo",
    params(("id" = EmbargoId, Path, description = "Id of the embargo"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = EmbargoBody<'_>, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    State(embargoes): State<EmbargoService>,
    PathText(id): PathText<EmbargoId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { embargoes.embargo(id).await.map(drop) }).await?;
    let embargo = embargoes.embargo(id).in_span(span("embargoes.find")).await?;
    let tag = embargo.version.to_string();
    Ok(conditional(&tag, &if_none_match, REVALIDATE, Json(EmbargoBody::from(&embargo))))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY]);

/// Put an embargo into force.
///
/// It is judged leg by leg, by the local departure, from now on here and within a second on every server: in search,
/// and when booking, amending and rerouting, for operators too. What is booked stays booked. `FORBID` keeps freight with any
/// of the `handling_codes` off the flights, or all freight if there are none; `{"require_any": […]}` lets it fly only with
/// one of those codes. Scopes are an airport (`LHR`), `city:London,GB`, `country:GB`, `region:EUROPE` (`GET /regions`) or
/// `*`.
#[utoipa::path(post, path = "/embargoes", tag = "embargoes", operation_id = "createEmbargo",
    request_body = CreateEmbargo, params(KeyHeader),
    responses((status = 201, body = EmbargoBody<'_>, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Admin(caller): Admin,
    State(embargoes): State<EmbargoService>,
    State(reference): State<Reference>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let new = body.read(|fields| CreateEmbargo::read(fields, &reference));
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let ((), (key, new)) = both(query.refuse_all(), both(key, new))?;
    let answer = |embargo: &Embargo| {
        answer(StatusCode::CREATED, embargo).with_location(format!("/api/v1/embargoes/{}", embargo.id))
    };
    let command = Create { embargoes, actor: caller.user_id, terms: new.into() };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Change an embargo in force.
///
/// A JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/embargoes/{id}", tag = "embargoes", operation_id = "changeEmbargo",
    request_body(content((ChangeEmbargo = "application/json"), (ChangeEmbargo = "application/merge-patch+json"))),
    params(("id" = EmbargoId, Path, description = "Id of the embargo"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the embargo still has the version of this ETag")),
    responses((status = 200, body = EmbargoBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(embargoes): State<EmbargoService>,
    State(reference): State<Reference>,
    PathText(id): PathText<EmbargoId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    let input = request.body().read_patch(|fields| ChangeEmbargo::read(fields, &reference));
    // An ended one too: its last change may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || embargoes.existing(id))).await?;
    let command = |wanted, precondition| Change {
        embargoes: embargoes.clone(),
        actor,
        id,
        precondition,
        wanted,
        has_changed: false,
    };
    judged.run(command, |embargo| answer(StatusCode::OK, embargo)).await
}

/// End an embargo.
///
/// It is not shown any more; the response is the last to show it, with `ended_at`.
#[utoipa::path(delete, path = "/embargoes/{id}", tag = "embargoes", operation_id = "deleteEmbargo",
    params(("id" = EmbargoId, Path, description = "Id of the embargo"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "End it only if the embargo still has the version of this ETag")),
    responses((status = 200, body = EmbargoBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn end(
    Admin(caller): Admin,
    State(embargoes): State<EmbargoService>,
    PathText(id): PathText<EmbargoId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    let input = request.body().read_optional(|_| Some(()));
    // An ended one too: its end may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || embargoes.existing(id))).await?;
    let command = |(), precondition| End { embargoes: embargoes.clone(), actor, id, precondition };
    judged.run(command, |embargo| answer(StatusCode::OK, embargo)).await
}

fn answer(status: StatusCode, embargo: &Embargo) -> Answer {
    Answer::new(status, &EmbargoBody::from(embargo), REVALIDATE).with_tag(embargo.version.to_string())
}
