use axum::{
    Json,
    extract::{FromRef, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Customer,
    dto::{LoginRequest, RegisterRequest, SessionBody, TokenBody, TokenErrorBody, TokenRequest},
    model::User,
    oauth::{self, TokenRefusal, UNCACHED},
    service::AccountService,
};
use crate::platform::{
    tasks::Tasks,
    web::{Body, Form, NO_STORE, PRIVATE, Problem, Query, both, problem_responses},
};

/// Paths are relative to `/api/v1`.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AccountService: FromRef<S>,
    Tasks: FromRef<S>,
{
    OpenApiRouter::default()
        .routes(routes!(register))
        .routes(routes!(log_in))
        .routes(routes!(token))
        .routes(routes!(me))
}

problem_responses!(RegisterProblems: MalformedRequest, ValidationFailed, PayloadTooLarge, UnsupportedMediaType, AlreadyExists);
problem_responses!(LoginProblems: MalformedRequest, ValidationFailed, PayloadTooLarge, UnsupportedMediaType,
    InvalidCredentials, AccountDisabled);
problem_responses!(TokenProblems: PayloadTooLarge);
problem_responses!(MeProblems: MalformedRequest, ValidationFailed, Unauthenticated, TokenExpired, Forbidden);

/// Register as a customer.
///
/// Makes an account with the role `customer` and an organization of its own, and logs it in.
#[utoipa::path(post, path = "/auth/register", operation_id = "register", tag = "auth", request_body = RegisterRequest,
    responses((status = 201, description = "Registered and logged in.", body = SessionBody), RegisterProblems))]
async fn register(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(RegisterRequest::read))?;
    let session = tasks.to_the_end(async move { accounts.register(request).await }).await?;
    let headers = [(header::CACHE_CONTROL, NO_STORE)];
    Ok((StatusCode::CREATED, headers, Json(SessionBody::from(session))).into_response())
}

/// Log in with e-mail and password.
///
/// An unknown address and a wrong password are answered alike.
#[utoipa::path(post, path = "/auth/login", operation_id = "login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, description = "Logged in.", body = SessionBody), LoginProblems))]
async fn log_in(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(LoginRequest::read))?;
    let session = tasks.to_the_end(async move { accounts.log_in(request).await }).await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(SessionBody::from(session))).into_response())
}

/// Get a token by the OAuth 2 password grant.
///
/// The same as logging in, for clients that speak RFC 6749, such as *Authorize* in this page. Client credentials are
/// ignored.
#[utoipa::path(post, path = "/auth/token", operation_id = "token", tag = "auth",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Logged in.", body = TokenBody),
              (status = 400, description = "No token, by RFC 6749, section 5.2.", body = TokenErrorBody),
              TokenProblems))]
async fn token(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    form: Result<Form, Problem>,
) -> Result<Response, TokenRefusal> {
    query.refuse_all()?;
    let request = oauth::password_grant(&form?, accounts.password_grant)?;
    let session = tasks.to_the_end(async move { accounts.log_in(request).await }).await?;
    Ok((UNCACHED, Json(TokenBody::from(session))).into_response())
}

/// The user who is calling.
#[utoipa::path(get, path = "/auth/me", operation_id = "me", tag = "auth", security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The caller's own account.", body = User), MeProblems))]
async fn me(
    Customer(principal): Customer,
    State(accounts): State<AccountService>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let user = accounts.user(principal).await?;
    Ok(([(header::CACHE_CONTROL, PRIVATE)], Json(user)).into_response())
}
