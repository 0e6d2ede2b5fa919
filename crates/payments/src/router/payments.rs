use axum::{Json, extract::State, response::Response};
use loadmaster_accounts::Guest;
use loadmaster_kernel::PaymentId;
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::{IfNoneMatch, PRIVATE, PathText, Problem, Query, conditional, problem_responses, unless_missing},
};

use crate::{dto::PaymentBody, error::code, service::PaymentService};

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
