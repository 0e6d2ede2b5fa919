use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Operator};
use loadmaster_kernel::TariffId;
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
    dto::{ChangeTariff, CreateTariff, DefaultTariffBody, Shape, TariffBody},
    error::code,
    model::{Rule, RuleAnchor, Tariff},
};

pub(super) fn routes() -> OpenApiRouter<HandlerState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show_default)).routes(routes!(show, change, end))
}

problem_responses!(ListTariffProblems: [LIST, ROLE]);

/// List the tariffs in force, oldest first.
///
/// Those that were ended are left out.
#[utoipa::path(get, path = "/tariffs", tag = "prices", operation_id = "listTariffs",
    params(PageParams),
    responses((status = 200, body = Vec<TariffBody<'_>>, headers(("Link" = String))), ListTariffProblems))]
async fn list(
    Operator(caller): Operator,
    State(prices): State<PricingService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.role.as_str();
    let page = query.read(|fields| Some(PageFields::read(fields)))?.open::<RuleAnchor>(&key, &query, reader)?;
    let found: Vec<Rule<Tariff>> = prices.list(&page, recency).in_span(span("pricing.list_tariffs")).await?;
    let bodies: Vec<_> = found.iter().map(TariffBody::from).collect();
    Ok(private(page.answer(bodies, |body| RuleAnchor(body.id.uuid()), &key, &query, reader)))
}

problem_responses!(DefaultTariffProblems: [INPUT, ROLE]);

/// Show the tariff of the settings, which rates what no tariff in force rates, the surcharges that go with it, and the sales
/// of the settings.
///
/// If `is_in_force`, it rates the whole route of a shipment where a leg has no tariff. The sales lower the weight charge of
/// every tariff, beside those of `GET /sales`.
#[utoipa::path(get, path = "/tariffs/default", tag = "prices", operation_id = "getDefaultTariff",
    responses((status = 200, body = DefaultTariffBody), DefaultTariffProblems))]
async fn show_default(
    Operator(_caller): Operator,
    State(prices): State<PricingService>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let (defaults, is_in_force) = prices.default_tariff();
    Ok(private(Json(DefaultTariffBody::new(defaults, prices.default_sales(), is_in_force))))
}

problem_responses!(ShowTariffProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a tariff in force.
///
/// One that was ended is 404.
#[utoipa::path(get, path = "/tariffs/{id}", tag = "prices", operation_id = "getTariff",
    params(("id" = TariffId, Path, description = "Id of the tariff"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = TariffBody<'_>, headers(("ETag" = String))), (status = 304), ShowTariffProblems))]
async fn show(
    Operator(_caller): Operator,
    State(prices): State<PricingService>,
    PathText(id): PathText<TariffId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let id = id.uuid();
    unless_missing(query.refuse_all(), async { prices.rule::<Tariff>(id).await.map(drop) }).await?;
    let rule = prices.rule::<Tariff>(id).in_span(span("pricing.find_tariff")).await?;
    let tag = rule.version.to_string();
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(TariffBody::from(&rule))))
}

problem_responses!(CreateTariffProblems: [INPUT, ROLE, BODY, KEY], ALREADY_EXISTS);

/// Put a tariff into force.
///
/// It rates what is quoted from now on here and within a second on every server. Of the tariffs that match, the first of this
/// order applies: one for the organization before others; for the product before `GENERAL`; with a handling code, an airline, a
/// flight number before without; the narrower origin, then the narrower destination (airport, city, country, region, `*`); the
/// later `valid_from`; the newer one. One from the shipment's origin to its destination precedes tariffs of its legs.
#[utoipa::path(post, path = "/tariffs", tag = "prices", operation_id = "createTariff",
    request_body = CreateTariff, params(KeyHeader),
    responses((status = 201, body = TariffBody<'_>, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateTariffProblems))]
async fn create(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let new = body.read(|fields| CreateTariff::read(fields, &reference, Shape::Members));
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let ((), (key, new)) = both(query.refuse_all(), both(key, new))?;
    let terms = Tariff::from(new);
    let answer =
        |rule: &Rule<Tariff>| answer(StatusCode::CREATED, rule).with_location(format!("/api/v1/tariffs/{}", rule.id));
    let command = Create { prices, actor: caller.user_id, terms };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}

problem_responses!(ChangeTariffProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Change a tariff in force: a new version of it.
///
/// A JSON merge patch (RFC 7396). What was quoted before keeps its price.
#[utoipa::path(patch, path = "/tariffs/{id}", tag = "prices", operation_id = "changeTariff",
    request_body(content((ChangeTariff = "application/json"), (ChangeTariff = "application/merge-patch+json"))),
    params(("id" = TariffId, Path, description = "Id of the tariff"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the tariff still has the version of this ETag")),
    responses((status = 200, body = TariffBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeTariffProblems))]
async fn change(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    PathText(id): PathText<TariffId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (actor, id) = (caller.user_id, id.uuid());
    let input = request.body().read_patch(|fields| ChangeTariff::read(fields, &reference));
    // An ended one too: its last change may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || prices.existing::<Tariff>(id))).await?;
    let command = |wanted, precondition| Change::<Tariff, ChangeTariff> {
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

/// End a tariff.
///
/// It is not shown any more; the response is the last to show it, with `ended_at`. What was quoted before keeps its price.
#[utoipa::path(delete, path = "/tariffs/{id}", tag = "prices", operation_id = "deleteTariff",
    params(("id" = TariffId, Path, description = "Id of the tariff"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "End it only if the tariff still has the version of this ETag")),
    responses((status = 200, body = TariffBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeTariffProblems))]
async fn end(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    PathText(id): PathText<TariffId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (actor, id) = (caller.user_id, id.uuid());
    let input = request.body().read_optional(|_| Some(()));
    // An ended one too: its end may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || prices.existing::<Tariff>(id))).await?;
    let command = |(), precondition| End::<Tariff> {
        prices: prices.clone(),
        actor,
        id,
        precondition,
        of: std::marker::PhantomData,
    };
    judged.run(command, |rule| answer(StatusCode::OK, rule)).await
}

fn answer(status: StatusCode, rule: &Rule<Tariff>) -> Answer {
    Answer::new(status, &TariffBody::from(rule), PRIVATE).with_tag(rule.version.to_string())
}
