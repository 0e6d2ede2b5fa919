use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::Guest;
use loadmaster_kernel::PaymentId;
use loadmaster_platform::{
    listing::{Anchor, CountParams, CreatedOrder, add_total},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, conditional,
        private, problem_responses, unless_missing,
    },
};

use crate::{
    dto::{ListedPaymentBody, PaymentBody, PaymentFilter},
    error::code,
    service::PaymentService,
};

problem_responses!(ListProblems: [LIST, SIGNED_IN]);

/// List payments, newest first unless `sort` reverses it: those of your organization, or all for carrier staff.
///
/// Guests see those that were made with their token.
#[utoipa::path(get, path = "/payments", tag = "payments", operation_id = "listPayments",
    params(PaymentFilter, CreatedOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<ListedPaymentBody>, headers(("Link" = String), ("Total-Count" = Option<String>))),
              ListProblems))]
pub(super) async fn list(
    Guest(caller): Guest,
    State(payments): State<PaymentService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (PaymentFilter::read(fields, caller)?, CreatedOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.reader();
    let page = page.open::<Anchor>(&key, &query, &reader)?;
    let found = payments.list(&filter, order, &page, count, recency).in_span(span("payments.list")).await?;
    let bodies: Vec<_> = found.entries.iter().map(ListedPaymentBody::from).collect();
    let anchor = |body: &ListedPaymentBody| Anchor::Id(body.payment.id.uuid());
    let mut answer = private(page.answer(bodies, anchor, &key, &query, &reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ShowProblems: [INPUT, SIGNED_IN], NOT_FOUND);

/// Show a payment: your organization's, or any for carrier staff.
///
/// Card data never passes through this API.
#[utoipa::path(get, path = "/payments/{id}", tag = "payments", operation_id = "getPayment",
    params(("id" = PaymentId, Path, description = "Id of the payment"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = PaymentBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
pub(super) async fn show(
    Guest(caller): Guest,
    State(payments): State<PaymentService>,
    PathText(id): PathText<PaymentId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { payments.visible(caller, id).await.map(drop) }).await?;
    let found = payments.visible(caller, id).in_span(span("payments.find")).await?;
    Ok(conditional(&found.version.to_string(), &if_none_match, PRIVATE, Json(PaymentBody::from(&found))))
}
