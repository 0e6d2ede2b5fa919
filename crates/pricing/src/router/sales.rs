use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Operator};
use loadmaster_kernel::SaleId;
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
    dto::{ChangeSale, CreateSale, SaleBody},
    error::code,
    model::{Rule, RuleAnchor, Sale},
};

pub(super) fn routes() -> OpenApiRouter<HandlerState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, end))
}

problem_responses!(ListSaleProblems: [LIST, ROLE]);

/// List the sales in force, oldest first.
///
/// Those that were ended are left out.
#[utoipa::path(get, path = "/sales", tag = "prices", operation_id = "listSales",
    params(PageParams),
    responses((status = 200, body = Vec<SaleBody<'_>>, headers(("Link" = String))), ListSaleProblems))]
async fn list(
    Operator(caller): Operator,
    State(prices): State<PricingService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.role.as_str();
    let page = query.read(|fields| Some(PageFields::read(fields)))?.open::<RuleAnchor>(&key, &query, reader)?;
    let found: Vec<Rule<Sale>> = prices.list(&page, recency).in_span(span("pricing.list_sales")).await?;
    let bodies: Vec<_> = found.iter().map(SaleBody::from).collect();
    Ok(private(page.answer(bodies, |body| RuleAnchor(body.id.uuid()), &key, &query, reader)))
}

problem_responses!(ShowSaleProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a sale in force.
///
/// One that was ended is 404.
#[utoipa::path(get, path = "/sales/{id}", tag = "prices", operation_id = "getSale",
    params(("id" = SaleId, Path, description = "Id of the sale"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = SaleBody<'_>, headers(("ETag" = String))), (status = 304), ShowSaleProblems))]
async fn show(
    Operator(_caller): Operator,
    State(prices): State<PricingService>,
    PathText(id): PathText<SaleId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let id = id.uuid();
    unless_missing(query.refuse_all(), async { prices.rule::<Sale>(id).await.map(drop) }).await?;
    let rule = prices.rule::<Sale>(id).in_span(span("pricing.find_sale")).await?;
    let tag = rule.version.to_string();
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(SaleBody::from(&rule))))
}

problem_responses!(CreateSaleProblems: [INPUT, ROLE, BODY, KEY], ALREADY_EXISTS);

/// Put a sale into force.
///
/// It applies to what is quoted from now on here and within a second on every server. A quote has one sale: that of its
/// discount code, else the one without a code that lowers its weight charge most.
#[utoipa::path(post, path = "/sales", tag = "prices", operation_id = "createSale",
    request_body = CreateSale, params(KeyHeader),
    responses((status = 201, body = SaleBody<'_>, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateSaleProblems))]
async fn create(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let new = body.read(|fields| CreateSale::read(fields, &reference));
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let ((), (key, new)) = both(query.refuse_all(), both(key, new))?;
    let terms = Sale::from(new);
    let answer =
        |rule: &Rule<Sale>| answer(StatusCode::CREATED, rule).with_location(format!("/api/v1/sales/{}", rule.id));
    let command = Create { prices, actor: caller.user_id, terms };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}

problem_responses!(ChangeSaleProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Change a sale in force: a new version of it.
///
/// A JSON merge patch (RFC 7396). What was quoted before keeps its price.
#[utoipa::path(patch, path = "/sales/{id}", tag = "prices", operation_id = "changeSale",
    request_body(content((ChangeSale = "application/json"), (ChangeSale = "application/merge-patch+json"))),
    params(("id" = SaleId, Path, description = "Id of the sale"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the sale still has the version of this ETag")),
    responses((status = 200, body = SaleBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeSaleProblems))]
async fn change(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    PathText(id): PathText<SaleId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (actor, id) = (caller.user_id, id.uuid());
    let input = request.body().read_patch(|fields| ChangeSale::read(fields, &reference));
    // An ended one too: its last change may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || prices.existing::<Sale>(id))).await?;
    let command = |wanted, precondition| Change::<Sale, ChangeSale> {
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

/// End a sale.
///
/// It is not shown any more; the response is the last to show it, with `ended_at`. What was quoted before keeps its price.
#[utoipa::path(delete, path = "/sales/{id}", tag = "prices", operation_id = "deleteSale",
    params(("id" = SaleId, Path, description = "Id of the sale"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "End it only if the sale still has the version of this ETag")),
    responses((status = 200, body = SaleBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeSaleProblems))]
async fn end(
    Admin(caller): Admin,
    State(prices): State<PricingService>,
    PathText(id): PathText<SaleId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (actor, id) = (caller.user_id, id.uuid());
    let input = request.body().read_optional(|_| Some(()));
    // An ended one too: its end may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || prices.existing::<Sale>(id))).await?;
    let command = |(), precondition| End::<Sale> {
        prices: prices.clone(),
        actor,
        id,
        precondition,
        of: std::marker::PhantomData,
    };
    judged.run(command, |rule| answer(StatusCode::OK, rule)).await
}

fn answer(status: StatusCode, rule: &Rule<Sale>) -> Answer {
    Answer::new(status, &SaleBody::from(rule), PRIVATE).with_tag(rule.version.to_string())
}
