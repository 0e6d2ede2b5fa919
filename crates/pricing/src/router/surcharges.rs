use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Operator};
use loadmaster_kernel::SurchargeId;
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, KeyHeader},
    telemetry::{Traced, span},
    web::{
        Body, CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, both,
        conditional, private, problem_responses, unless_missing,
    },
    work::{ChangeRequest, Keyed, UnitOfWork},
};
use loadmaster_reference::Reference;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::HandlerState;

use crate::{
    PricingService,
    change::{Change, Create, End},
    dto::{ChangeSurcharge, CreateSurcharge, SurchargeBody},
    error::code,
    model::{Rule, RuleAnchor, Surcharge},
};

pub(super) fn routes() -> OpenApiRouter<HandlerState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end))
}

problem_responses!(ListSurchargeProblems: [LIST, ROLE]);

/// List the surcharges in force, oldest first.
///
/// Those that were ended are left out.
#[utoipa::path(get, path = "/surcharges", tag = "prices", operation_id = "listSurcharges",
    params(PageParams),
    responses((status = 200, body = Vec<SurchargeBody<'_>>, headers(("Link" = String))), ListSurchargeProblems))]
async fn list(
    Operator(caller): Operator,
    State(prices): State<PricingService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.role.as_str();
    let page = query.read(|fields| Some(PageFields::read(fields)))?.open::<RuleAnchor>(&key, &query, reader)?;
    let found: Vec<Rule<Surcharge>> = prices.list(&page, recency).in_span(span("pricing.list_surcharges")).await?;
    let bodies: Vec<_> = found.iter().map(SurchargeBody::from).collect();
    Ok(private(page.answer(bodies, |body| RuleAnchor(body.id.uuid()), &key, &query, reader)))
}

problem_responses!(ShowSurchargeProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a surcharge in force.
///
/// One that was ended is 404.
#[utoipa::path(get, path = "/surcharges/{id}", tag = "prices", operation_id = "getSurcharge",
    params(("id" = SurchargeId, Path, description = "Id of the surcharge"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = SurchargeBody<'_>, headers(("ETag" = String))), (status = 304), ShowSurchargeProblems))]
async fn show(
    Operator(_caller): Operator,
    State(prices): State<PricingService>,
    PathText(id): PathText<SurchargeId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let id = id.uuid();
    unless_missing(query.refuse_all(), async { prices.rule::<Surcharge>(id).await.map(drop) }).await?;
    let rule = prices.rule::<Surcharge>(id).in_span(span("pricing.find_surcharge")).await?;
    let tag = rule.version.to_string();
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(SurchargeBody::from(&rule))))
}

problem_responses!(CreateSurchargeProblems: [INPUT, ROLE, BODY, KEY]);

/// Put a surcharge into force.
///
/// It applies to what is quoted from now on here and within a second on every server. All surcharges that match are charged;
/// of those with one code only the first, in the order of tariffs.
#[utoipa::path(post, path = "/surcharges", tag = "prices", operation_id = "createSurcharge",
    request_body = CreateSurcharge, params(KeyHeader),
    responses((status = 201, body = SurchargeBody<'_>, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateSurchargeProblems))]
async fn create(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let new = body.read(|fields| CreateSurcharge::read(fields, &reference));
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let ((), (key, new)) = both(query.refuse_all(), both(key, new))?;
    let terms = Surcharge::from(new);
    let answer = |rule: &Rule<Surcharge>| {
        answer(StatusCode::CREATED, rule).with_location(format!("/api/v1/surcharges/{}", rule.id))
    };
    let command = Create { prices, actor: caller.user_id, terms };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}

problem_responses!(ChangeSurchargeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Change a surcharge in force: a new version of it.
///
/// A JSON merge patch (RFC 7396). What was quoted before keeps its price.
#[utoipa::path(patch, path = "/surcharges/{id}", tag = "prices", operation_id = "changeSurcharge",
    request_body(content((ChangeSurcharge = "application/json"), (ChangeSurcharge = "application/merge-patch+json"))),
    params(("id" = SurchargeId, Path, description = "Id of the surcharge"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the surcharge still has the version of this ETag")),
    responses((status = 200, body = SurchargeBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeSurchargeProblems))]
async fn change(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    PathText(id): PathText<SurchargeId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (actor, id) = (caller.user_id, id.uuid());
    let input = request.body().read_patch(|fields| ChangeSurcharge::read(fields, &reference));
    // An ended one too: its last change may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || prices.existing::<Surcharge>(id))).await?;
    let command = |wanted, precondition| Change::<Surcharge, ChangeSurcharge> {
        prices: prices.clone(),
        actor,
        id,
        precondition,
        wanted,
        has_changed: false,
        of: std::marker::PhantomData,
    };
    judged.run(command, |rule| answer(StatusCode::OK, rule)).await
}

/// End a surcharge.
///
/// It is not shown any more; the response is the last to show it, with `ended_at`. What was quoted before keeps its price.
#[utoipa::path(delete, path = "/surcharges/{id}", tag = "prices", operation_id = "deleteSurcharge",
    params(("id" = SurchargeId, Path, description = "Id of the surcharge"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "End it only if the surcharge still has the version of this ETag")),
    responses((status = 200, body = SurchargeBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeSurchargeProblems))]
async fn end(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    PathText(id): PathText<SurchargeId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (actor, id) = (caller.user_id, id.uuid());
    let input = request.body().read_optional(|_| Some(()));
    // An ended one too: its end may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || prices.existing::<Surcharge>(id))).await?;
    let command = |(), precondition| End::<Surcharge> {
        prices: prices.clone(),
        actor,
        id,
        precondition,
        of: std::marker::PhantomData,
    };
    judged.run(command, |rule| answer(StatusCode::OK, rule)).await
}

fn answer(status: StatusCode, rule: &Rule<Surcharge>) -> Answer {
    Answer::new(status, &SurchargeBody::from(rule), PRIVATE).with_tag(rule.version.to_string())
}
