use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Customer, Principal};
use loadmaster_kernel::{DeliveryId, WebhookId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    telemetry::{Traced, span},
    web::{
        CursorKey, PRIVATE, PageFields, PageParams, PathText, PathTexts, Problem, Query, private, problem_responses,
        unless_missing,
    },
    work::ChangeRequest,
};

use super::{HandlerState, code};

use crate::{
    dto::{AttemptBody, DeliveryBody, DeliveryDetailsBody, DeliveryFilter, Only, ResendMessages, ResentBody},
    model::DeliveryAnchor,
    resend::{Queued, Resend, ResendScope},
    service::WebhookService,
};

pub(super) fn routes() -> ApiRouter<HandlerState> {
    ApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(resend_one))
        .routes(routes!(resend))
}

problem_responses!(ListProblems: [LIST, ROLE], NOT_FOUND);

/// List what was sent to a webhook in the last 30 days, newest first.
///
/// The filters combine with AND.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "listWebhookDeliveries",
    params(("id" = WebhookId, Path, description = "Id of the webhook"), DeliveryFilter, PageParams),
    responses((status = 200, body = Vec<DeliveryBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    State(key): State<CursorKey>,
    PathText(id): PathText<WebhookId>,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.reader();
    let input = query
        .read(|fields| Some((DeliveryFilter::read(fields, &webhooks.types)?, PageFields::read(fields))))
        .and_then(|(filter, page)| Ok((filter, page.open::<DeliveryAnchor>(&key, &query, &reader)?)));
    let (filter, page) = unless_missing(input, async { webhooks.visible(caller, id).await.map(drop) }).await?;
    webhooks.visible(caller, id).await?;
    let found = webhooks.deliveries(caller, id, &filter, &page).in_span(span("webhooks.deliveries")).await?;
    let bodies: Vec<_> = found.iter().map(DeliveryBody::from).collect();
    Ok(private(page.answer(bodies, |body| DeliveryAnchor(body.id), &key, &query, &reader)))
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a message that was sent to a webhook, with all attempts.
///
/// With the time and the outcome of each.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries/{delivery_id}", tag = "webhooks", operation_id = "getWebhookDelivery",
    params(("id" = WebhookId, Path, description = "Id of the webhook"),
           ("delivery_id" = DeliveryId, Path, description = "Id of the delivery")),
    responses((status = 200, body = DeliveryDetailsBody), ShowProblems))]
async fn show(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    ids: PathTexts<WebhookId, DeliveryId>,
    query: Query,
) -> Result<Response, Problem> {
    let PathTexts(id, delivery) = ids;
    let found = webhooks.delivery(caller, id, delivery).in_span(span("webhooks.delivery")).await?;
    query.refuse_all()?;
    let (delivery, message, attempts) = found;
    let attempts = attempts.into_iter().map(AttemptBody::from).collect();
    Ok(private(Json(DeliveryDetailsBody { delivery: DeliveryBody::from(&delivery), message, attempts })))
}

/// Carries out what the owner of a webhook asks for.
async fn queue(
    caller: Principal,
    webhooks: WebhookService,
    id: WebhookId,
    request: ChangeRequest,
    input: Result<ResendScope, Problem>,
) -> Result<Answer, Problem> {
    let delivery = match &input {
        Ok(ResendScope::One(delivery)) => Some(*delivery),
        _ => None,
    };
    let see = || async {
        match delivery {
            Some(delivery) => webhooks.delivery(caller, id, delivery).await.map(drop),
            None => webhooks.existing(caller, id).await.map(drop),
        }
    };
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |scope, precondition| Resend { webhooks: webhooks.clone(), caller, id, precondition, scope };
    let answer = |queued: &Queued| {
        let answer = match queued {
            Queued::One(delivery) => Answer::new(StatusCode::ACCEPTED, &DeliveryBody::from(&**delivery), PRIVATE),
            Queued::Many(queued) => Answer::new(StatusCode::ACCEPTED, &ResentBody { queued: *queued }, PRIVATE),
        };
        answer.settled()
    };
    Box::pin(judged.run(command, answer)).await
}

problem_responses!(QueueProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Have a message of the type `loadmaster.webhook.test.v1` sent to a webhook.
///
/// It tries a receiver before anything has happened. The attempts can be followed at the delivery that is answered.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", operation_id = "testWebhook",
    params(("id" = WebhookId, Path, description = "Id of the webhook"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Do it only if the webhook still has the version of this ETag")),
    responses((status = 202, body = DeliveryBody, headers(("Idempotency-Replayed" = Option<bool>))), QueueProblems))]
async fn test(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    PathText(id): PathText<WebhookId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(ResendScope::Test));
    queue(caller, webhooks, id, request, input).await
}

/// Have a message sent to a webhook once more, with the same `webhook-id`.
///
/// A receiver that knows the id need not act again.
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{delivery_id}/resend", tag = "webhooks", operation_id = "resendWebhookDelivery",
    params(("id" = WebhookId, Path, description = "Id of the webhook"),
           ("delivery_id" = DeliveryId, Path, description = "Id of the delivery"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Do it only if the webhook still has the version of this ETag")),
    responses((status = 202, body = DeliveryBody, headers(("Idempotency-Replayed" = Option<bool>))), QueueProblems))]
async fn resend_one(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    ids: PathTexts<WebhookId, DeliveryId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let PathTexts(id, delivery) = ids;
    let input = request.body().read_optional(|_| Some(ResendScope::One(delivery)));
    queue(caller, webhooks, id, request, input).await
}

/// Have messages of the last 30 days sent to a webhook once more, with the same `webhook-id`s.
///
/// `failed`: those that were not delivered, also those that came while the webhook was disabled. `all`: also those that were.
/// At most 100 000 wait: of more, the newest are sent.
#[utoipa::path(post, path = "/webhooks/{id}/resend", tag = "webhooks", operation_id = "resendWebhookMessages",
    request_body = ResendMessages,
    params(("id" = WebhookId, Path, description = "Id of the webhook"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Do it only if the webhook still has the version of this ETag")),
    responses((status = 202, body = ResentBody, headers(("Idempotency-Replayed" = Option<bool>))), QueueProblems))]
async fn resend(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    PathText(id): PathText<WebhookId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request
        .body()
        .read(ResendMessages::read)
        .map(|wanted| ResendScope::Since { since: wanted.since, only_failed: wanted.only != Some(Only::All) });
    queue(caller, webhooks, id, request, input).await
}
