use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Guest;
use loadmaster_kernel::QuoteId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    listing::{Anchor, CountParams, ExpiryOrder, add_total},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, conditional,
        private, problem_responses, unless_missing,
    },
    work::CreateRequest,
};
use loadmaster_reference::Reference;

use super::HandlerState;

use crate::{
    PricingService, Quote, QuoteBody,
    dto::{AskQuote, QuoteFilter},
    error::code,
    quoting::{MakeQuote, QuoteRequest},
};

/// A quote never changes: it has one version.
const TAG: &str = "1";

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(list, create)).routes(routes!(show))
}

problem_responses!(ListQuoteProblems: [LIST, SIGNED_IN]);

/// List the quotes that still hold and that no hold and no booking has: your own, or all for carrier staff.
///
/// Newest first or in the order of `sort`. Guests see those that were made with their token.
#[utoipa::path(get, path = "/quotes", tag = "prices", operation_id = "listQuotes",
    params(QuoteFilter, ExpiryOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<QuoteBody>, headers(("Link" = String), ("Total-Count" = Option<String>))),
              ListQuoteProblems))]
async fn list(
    Guest(caller): Guest,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (QuoteFilter::read(fields, caller)?, ExpiryOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.reader();
    let page = page.open::<Anchor>(&key, &query, &reader)?;
    let found = prices.untaken_quotes(filter.organization_id, order, &page, count, recency);
    let found = found.in_span(span("pricing.list_quotes")).await?;
    let bodies: Vec<_> = found.entries.iter().map(|quote| QuoteBody::new(quote, &reference)).collect();
    let anchor = |body: &QuoteBody| order.anchor(body.id.uuid(), body.expires_at);
    let mut answer = private(page.answer(bodies, anchor, &key, &query, &reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(CreateQuoteProblems: [INPUT, SIGNED_IN, BODY, KEY], ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, NO_BOOKABLE_ITINERARY, NO_RATE, DISCOUNT_NOT_APPLICABLE);

/// Ask for a price.
///
/// For named flights, whether they have room or not, or for the cheapest way that can be booked on `departure_date`. The price
/// holds until `expires_at`, whatever tariffs become meanwhile: send the `id` with a hold or a booking. Guests may ask, too.
#[utoipa::path(post, path = "/quotes", tag = "prices", operation_id = "createQuote",
    request_body = AskQuote, params(KeyHeader),
    responses((status = 201, body = QuoteBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateQuoteProblems))]
async fn create(
    Guest(caller): Guest,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let wanted = request.body().read(|fields| AskQuote::read(fields, &reference)).map(QuoteRequest::from);
    let answer = move |quote: &Quote| {
        let answer = Answer::new(StatusCode::CREATED, &QuoteBody::new(quote, &reference), PRIVATE);
        answer.with_tag(TAG.to_owned()).with_location(format!("/api/v1/quotes/{}", quote.id))
    };
    let route = wanted.as_ref().ok().map(|wanted| wanted.route.clone());
    let command = |asked| MakeQuote { prices: prices.clone(), caller, asked, rated: None };
    match (request.run(caller.user_id.uuid(), wanted, command, answer).await, route) {
        (Err(problem), Some(route)) => Err(prices.or_alternatives(&route, problem).await),
        (made, _) => made,
    }
}

problem_responses!(ShowQuoteProblems: [INPUT, SIGNED_IN], NOT_FOUND);

/// Show a quote.
///
/// Quotes that no hold and no booking has are deleted after seven days.
#[utoipa::path(get, path = "/quotes/{id}", tag = "prices", operation_id = "getQuote",
    params(("id" = QuoteId, Path, description = "Id of the quote"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = QuoteBody, headers(("ETag" = String))), (status = 304), ShowQuoteProblems))]
async fn show(
    Guest(caller): Guest,
    State(prices): State<PricingService>,
    State(reference): State<Reference>,
    PathText(id): PathText<QuoteId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { prices.quote(caller, id).await.map(drop) }).await?;
    let quote = prices.quote(caller, id).in_span(span("pricing.find_quote")).await?;
    Ok(conditional(TAG, &if_none_match, PRIVATE, Json(QuoteBody::new(&quote, &reference))))
}
