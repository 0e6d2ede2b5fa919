use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use loadmaster_platform::{
    telemetry::{Traced, span},
    web::{Body, PathText, Problem, Query, both, problem_responses},
};

use crate::{dto::ProviderName, error::code, service::PaymentService, signature::Signed};

problem_responses!(ReceiveProblems: [INPUT, CALLER, BODY], INVALID_SIGNATURE, NOT_FOUND);

/// Receive a webhook of the payment provider.
///
/// As Standard Webhooks has it: `webhook-signature` is the HMAC-SHA-256 of `webhook-id`, `webhook-timestamp` and the body,
/// by one of `payments.webhook_secrets`, and not more than five minutes old. The body is `{"type", "timestamp", "data":
/// {"id"}}` with the provider's name of the payment. It is a hint: the payment is looked up at the provider, soon after the
/// answer. Repetitions, and webhooks about other payments, change nothing.
#[utoipa::path(post, path = "/payments/webhooks/{provider}", tag = "payments", operation_id = "receivePaymentWebhook",
    request_body(content = Object, content_type = "application/json"),
    params(("provider" = String, Path, description = "Name of the provider: `http` or `test`"),
           ("webhook-id" = Option<String>, Header, description = "Id of the webhook, the same in each delivery"),
           ("webhook-timestamp" = Option<String>, Header, description = "Seconds since 1970"),
           ("webhook-signature" = Option<String>, Header, description = "`v1,` and the signature in base64; several are separated by blanks")),
    responses((status = 204, description = "Received"), ReceiveProblems))]
pub(super) async fn receive(
    State(payments): State<PaymentService>,
    PathText(provider): PathText<ProviderName>,
    headers: HeaderMap,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    let ((), body) = both(query.refuse_all(), body.of_type("application/json"))?;
    let signed = Signed {
        id: only(&headers, "webhook-id"),
        timestamp: only(&headers, "webhook-timestamp"),
        signature: only(&headers, "webhook-signature"),
        body: &body,
    };
    payments.hear(&provider.0, signed).in_span(span("payments.hear")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the only value of a header; empty if there is none, or several.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next(), values.next()) else { return "" };
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}
