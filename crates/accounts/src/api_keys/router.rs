use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_kernel::ApiKeyId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{Routes, handler_state},
    tasks::Tasks,
    telemetry::{Traced, span},
    web::{
        Body, CursorKey, NO_STORE, PageFields, PageParams, PathText, Problem, Query, both, private, problem_responses,
        unless_missing,
    },
};

use super::{
    dto::{ApiKeyBody, ChangeApiKey, CreateApiKey, NewApiKeyBody},
    model::ApiKeyAnchor,
    service::ApiKeyService,
};

use crate::{
    error::code,
    people::{Admin, Customer, Role},
};

handler_state!(HandlerState { api_keys: ApiKeyService });

pub fn routes() -> Routes<HandlerState> {
    ApiRouter::default().routes(routes!(create, list)).routes(routes!(revoke, change)).into()
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY], EMAIL_UNVERIFIED, SIGN_IN_REQUIRED);

/// Create an API key.
///
/// Only this response shows the key; the server stores only its hash. The key acts for you and your present organization, and
/// never has more rights than you have at the time of a request; while you are disabled or belong to another organization it
/// is refused (`asleep`). An API key cannot create another one. Your e-mail address must be verified, and your log-in be no
/// older than ten minutes, unless you send your `password`. You are told of the key by e-mail. `Idempotency-Key` has no
/// effect here.
#[utoipa::path(post, path = "/api-keys", tag = "auth", operation_id = "createApiKey",
    request_body = CreateApiKey,
    responses((status = 201, description = "Created.", body = NewApiKeyBody), CreateProblems))]
async fn create(
    Customer(caller): Customer,
    State(api_keys): State<ApiKeyService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    caller.session()?;
    let ((), new) = both(query.refuse_all(), body.read(CreateApiKey::read))?;
    let (key, secret) = tasks
        .to_the_end(async move { api_keys.create(caller, new).in_span(span("accounts.create_api_key")).await })
        .await?;
    let body = NewApiKeyBody::new(&key, &secret);
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List your API keys, newest first.
///
/// Without their secrets.
#[utoipa::path(get, path = "/api-keys", tag = "auth", operation_id = "listApiKeys",
    params(("user_id" = Option<uuid::Uuid>, Query, description = "List the keys of this user: for callers who are no administrators, only themselves"), PageParams),
    responses((status = 200, body = Vec<ApiKeyBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(api_keys): State<ApiKeyService>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (owner, page) = query.read(|fields| {
        let owner = fields.optional("user_id", |raw| caller.read_own(raw, Role::Admin, &caller.user_id));
        Some((owner.unwrap_or(caller.user_id), PageFields::read(fields)))
    })?;
    let reader = format!("{owner} {}", caller.user_id);
    let page = page.open::<ApiKeyAnchor>(&key, &query, &reader)?;
    let found = api_keys.list(owner, &page).await?;
    let bodies: Vec<_> = found.iter().map(ApiKeyBody::from).collect();
    Ok(private(page.answer(bodies, |body| ApiKeyAnchor(body.id), &key, &query, &reader)))
}

problem_responses!(RevokeProblems: [INPUT, ROLE], NOT_FOUND);

/// Revoke an API key.
///
/// You can revoke your own keys; administrators can revoke any key. All servers refuse the key within 60 seconds, and the
/// webhooks that were made with it end.
/// `Idempotency-Key` has no effect here.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "auth", operation_id = "revokeApiKey",
    params(("id" = ApiKeyId, Path, description = "Id of the API key")),
    responses((status = 204, description = "Revoked."), RevokeProblems))]
async fn revoke(
    Customer(caller): Customer,
    State(api_keys): State<ApiKeyService>,
    State(tasks): State<Tasks>,
    PathText(id): PathText<ApiKeyId>,
    query: Query,
) -> Result<StatusCode, Problem> {
    unless_missing(query.refuse_all(), api_keys.ensure_visible(caller, id)).await?;
    tasks.to_the_end(async move { api_keys.revoke(caller, id).in_span(span("accounts.revoke_api_key")).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY], NOT_FOUND);

/// Set the rate limit of an API key.
///
/// A JSON merge patch (RFC 7396); `null` restores the general limit. It takes effect within 60 seconds.
#[utoipa::path(patch, path = "/api-keys/{id}", tag = "auth", operation_id = "changeApiKey",
    params(("id" = ApiKeyId, Path, description = "Id of the API key")),
    request_body(content((ChangeApiKey = "application/json"), (ChangeApiKey = "application/merge-patch+json"))),
    responses((status = 200, body = ApiKeyBody), ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(api_keys): State<ApiKeyService>,
    State(tasks): State<Tasks>,
    PathText(id): PathText<ApiKeyId>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let input = both(query.refuse_all(), body.read_patch(|fields| Some(ChangeApiKey::read(fields))));
    let ((), change) = unless_missing(input, api_keys.ensure_visible(caller, id)).await?;
    let limit = change.rate_limit_per_minute;
    let key = tasks
        .to_the_end(async move { api_keys.limit(caller, id, limit).in_span(span("accounts.limit_api_key")).await })
        .await?;
    Ok(private(Json(ApiKeyBody::from(&key))))
}
