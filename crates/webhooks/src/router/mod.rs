use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Customer, Principal, SleepReason};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    room::{Routes, handler_state},
    tasks::Tasks,
    telemetry::{Traced, span},
    web::{
        Body, CursorKey, IfMatch, IfNoneMatch, NO_STORE, PRIVATE, PageFields, PageParams, PathText, Problem, Query,
        ReadRecency, both, conditional, private, problem_responses, unless_missing,
    },
    work::ChangeRequest,
};
use loadmaster_reference::Reference;

use super::{
    change::{Change, Delete},
    dto::{
        ChangeWebhook, CreateWebhook, NewSecretBody, NewWebhookBody, Reading, RotateSecret, WebhookBody, WebhookFilter,
    },
    error::code,
    model::{Webhook, WebhookAnchor},
    service::WebhookService,
};

mod deliveries;

handler_state!(HandlerState { webhooks: WebhookService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(rotate))
        .merge(deliveries::routes());
    api.into()
}

/// The path of a webhook.
const WEBHOOK: &str = "/api/v1/webhooks/";

impl WebhookService {
    fn reading<'a>(&'a self, caller: Principal, reference: &'a Reference) -> Reading<'a> {
        Reading { caller, reference, types: &self.types, rules: self.outbound.rules() }
    }
}

fn answer(status: StatusCode, webhook: &Webhook) -> Answer {
    Answer::new(status, &WebhookBody::from(webhook), PRIVATE).with_tag(webhook.version.to_string())
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List webhooks, newest first: those of your organization, or all for carrier staff.
///
/// Their secrets are not shown.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", operation_id = "listWebhooks",
    params(WebhookFilter, PageParams),
    responses((status = 200, body = Vec<WebhookBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((WebhookFilter::read(fields, caller)?, PageFields::read(fields))))?;
    let reader = caller.reader();
    let page = page.open::<WebhookAnchor>(&key, &query, &reader)?;
    let found = webhooks.list(&filter, &page, recency).in_span(span("webhooks.list")).await?;
    let bodies: Vec<_> = found.iter().map(WebhookBody::from).collect();
    Ok(private(page.answer(bodies, |body| WebhookAnchor(body.id), &key, &query, &reader)))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY], EMAIL_UNVERIFIED, LIMIT_REACHED);

/// Create a webhook.
///
/// Each message of its `types` is sent to `url` by `POST`, as [Standard Webhooks](https://www.standardwebhooks.com) describes;
/// what is sent stands under `webhooks` below. Only this response shows the secret. Your e-mail address must be verified, and
/// you are told of the webhook by e-mail. It ends with the API key that makes it, and sleeps while you are disabled or belong to
/// another organization. `Idempotency-Key` has no effect here.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", operation_id = "createWebhook",
    request_body = CreateWebhook,
    responses((status = 201, body = NewWebhookBody, headers(("ETag" = String), ("Location" = String))), CreateProblems))]
async fn create(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    State(reference): State<Reference>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let new = body.read(|fields| CreateWebhook::read(fields, webhooks.reading(caller, &reference)));
    let ((), new) = both(query.refuse_all(), new)?;
    let (webhook, secret) = tasks
        .to_the_end(async move { webhooks.create(caller, new.into()).in_span(span("webhooks.create")).await })
        .await?;
    let NewSecretBody { secret, .. } = NewSecretBody::new(&secret, None);
    let headers = [
        (header::CACHE_CONTROL, NO_STORE.to_owned()),
        (header::ETAG, format!("\"{}\"", webhook.version)),
        (header::LOCATION, format!("{WEBHOOK}{}", webhook.id)),
    ];
    let body = NewWebhookBody { webhook: WebhookBody::from(&webhook), secret };
    Ok((StatusCode::CREATED, headers, Json(body)).into_response())
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a webhook.
///
/// With the state of its deliveries, without its secrets.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks", operation_id = "getWebhook",
    params(("id" = WebhookId, Path, description = "Id of the webhook"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = WebhookBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    PathText(id): PathText<WebhookId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { webhooks.visible(caller, id).await.map(drop) }).await?;
    let webhook = webhooks.visible(caller, id).in_span(span("webhooks.find")).await?;
    // How the sending goes changes without a change of the webhook.
    let success = webhook.last_success_at.map_or(0, |at| at.timestamp_micros());
    let since = webhook.shown_failing_since().map_or(0, |at| at.timestamp_micros());
    let asleep = webhook.asleep_because.map_or("", SleepReason::as_str);
    let status = webhook.status.as_str();
    let tag = format!("{}-{status}-{}-{success}-{since}-{asleep}", webhook.version, webhook.waiting);
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(WebhookBody::from(&webhook))))
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], EMAIL_UNVERIFIED, NOT_FOUND, VERSION_MISMATCH);
problem_responses!(DeleteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Change a webhook.
///
/// A JSON merge patch (RFC 7396). `status` may become `DISABLED`, which ends what waits, or `ACTIVE`. Whoever changes more than
/// that to `DISABLED` takes the webhook over: it acts for this user from then on, who needs a verified e-mail address, and ends
/// with the API key if it was one. A customer may only disable or delete a webhook that an operator changed last, unless it
/// sleeps or has ended with its maker.
#[utoipa::path(patch, path = "/webhooks/{id}", tag = "webhooks", operation_id = "changeWebhook",
    request_body(content((ChangeWebhook = "application/json"), (ChangeWebhook = "application/merge-patch+json"))),
    params(("id" = WebhookId, Path, description = "Id of the webhook"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the webhook still has the version of this ETag")),
    responses((status = 200, body = WebhookBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    State(reference): State<Reference>,
    PathText(id): PathText<WebhookId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangeWebhook::read(fields, webhooks.reading(caller, &reference)));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || webhooks.existing(caller, id))).await?;
    let command = |wanted, precondition| Change { webhooks: webhooks.clone(), caller, id, precondition, wanted };
    Box::pin(judged.run(command, |webhook| answer(StatusCode::OK, webhook))).await
}

/// Delete a webhook.
///
/// Nothing is sent to it any more; what waits is dropped. The response is the last to show it.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", operation_id = "deleteWebhook",
    params(("id" = WebhookId, Path, description = "Id of the webhook"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the webhook still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
async fn delete(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    PathText(id): PathText<WebhookId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || webhooks.existing(caller, id))).await?;
    let command = |(), precondition| Delete { webhooks: webhooks.clone(), caller, id, precondition };
    Box::pin(judged.run(command, |_| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE))).await
}

problem_responses!(RotateProblems: [INPUT, ROLE, BODY], EMAIL_UNVERIFIED, NOT_FOUND, VERSION_MISMATCH);

/// Replace the secret of a webhook.
///
/// For `overlap_hours` messages are signed with both secrets, so that the receiver can change over. Only this response shows
/// the new secret. Your e-mail address must be verified, and the maker of the webhook is told by e-mail. `Idempotency-Key` has no
/// effect here.
#[utoipa::path(post, path = "/webhooks/{id}/secret", tag = "webhooks", operation_id = "rotateWebhookSecret",
    request_body = Option<RotateSecret>,
    params(("id" = WebhookId, Path, description = "Id of the webhook"),
           ("If-Match" = Option<String>, Header, description = "Replace it only if the webhook still has the version of this ETag")),
    responses((status = 200, body = NewSecretBody), RotateProblems))]
async fn rotate(
    Customer(caller): Customer,
    State(webhooks): State<WebhookService>,
    State(tasks): State<Tasks>,
    PathText(id): PathText<WebhookId>,
    if_match: IfMatch,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let input = both(body.read_optional(RotateSecret::read), if_match.read());
    let exists = async { webhooks.visible(caller, id).await.map(drop) };
    let ((), (wanted, precondition)) = unless_missing(both(query.refuse_all(), input), exists).await?;
    let hours = wanted.hours();
    let rotating =
        async move { webhooks.rotate(caller, id, &precondition, hours).in_span(span("webhooks.rotate")).await };
    let (secret, until) = tasks.to_the_end(rotating).await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(NewSecretBody::new(&secret, until))).into_response())
}
