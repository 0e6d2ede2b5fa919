use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::super::error::code;
use crate::{
    features::accounts::{
        caller::Customer,
        dto::{
            ChangeMe, GuestBody, LoginRequest, PasswordChange, RefreshRequest, RegisterRequest, SessionBody, TokenBody,
            TokenErrorBody, TokenRequest,
        },
        model::User,
        oauth::{self, Grant, TokenRefusal, UNCACHED},
        service::AccountService,
    },
    platform::{
        tasks::Tasks,
        telemetry::{Traced, span},
        web::{Body, Form, NO_STORE, Problem, Query, both, private, problem_responses},
    },
};

problem_responses!(RegisterProblems: [INPUT, BODY], ALREADY_EXISTS, FORBIDDEN);
problem_responses!(LoginProblems: [INPUT, BODY], INVALID_CREDENTIALS, ACCOUNT_DISABLED, FORBIDDEN);
problem_responses!(TokenProblems: [], PAYLOAD_TOO_LARGE);
problem_responses!(RefreshProblems: [INPUT, BODY], UNAUTHENTICATED, ACCOUNT_DISABLED);

/// Get a new access token, and a new refresh token, for a refresh token.
///
/// A refresh token is good for one use. Within 30 seconds it is taken once more, in case the answer was lost, and gives
/// another token of the same session; later it is taken for stolen, and the whole session ends. Of several tokens that
/// were given for one, use the latest: the first use of one spends the others, with the same 30 seconds.
#[utoipa::path(post, path = "/auth/refresh", operation_id = "refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, description = "The session goes on.", body = SessionBody), RefreshProblems))]
pub(super) async fn refresh(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(RefreshRequest::read))?;
    let session = tasks
        .to_the_end(async move { accounts.refresh(request.refresh_token).in_span(span("accounts.refresh")).await })
        .await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(SessionBody::from(session))).into_response())
}

problem_responses!(LogoutProblems: [INPUT, BODY]);

/// End a session.
///
/// Its refresh tokens are worth nothing any more, its access tokens within 60 seconds. An unknown token is answered alike.
#[utoipa::path(post, path = "/auth/logout", operation_id = "logout", tag = "auth", request_body = RefreshRequest,
    responses((status = 204, description = "Ended."), LogoutProblems))]
pub(super) async fn log_out(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(RefreshRequest::read))?;
    tasks
        .to_the_end(async move { accounts.log_out(request.refresh_token).in_span(span("accounts.log_out")).await })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

problem_responses!(GuestProblems: [INPUT]);

/// Get a guest's token.
///
/// It stands for no account and may do what anyone may.
#[utoipa::path(post, path = "/auth/guest", operation_id = "guest", tag = "auth",
    responses((status = 200, description = "A guest's token.", body = GuestBody), GuestProblems))]
pub(super) async fn guest(
    State(accounts): State<AccountService>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    both(query.refuse_all(), body.read_optional(|_| Some(())))?;
    let pass = accounts.guest().await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(GuestBody::from(pass))).into_response())
}

problem_responses!(MeProblems: [INPUT, ROLE]);

/// Register as a customer.
///
/// Makes an account with the role `customer` and an organization of its own, and logs it in. An installation that takes no
/// passwords (`auth.password_grant`) answers 403.
#[utoipa::path(post, path = "/auth/register", operation_id = "register", tag = "auth", request_body = RegisterRequest,
    responses((status = 201, description = "Registered and logged in.", body = SessionBody), RegisterProblems))]
pub(super) async fn register(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    accounts.take_passwords()?;
    let ((), request) = both(query.refuse_all(), body.read(RegisterRequest::read))?;
    let session =
        tasks.to_the_end(async move { accounts.register(request).in_span(span("accounts.register")).await }).await?;
    let headers = [(header::CACHE_CONTROL, NO_STORE)];
    Ok((StatusCode::CREATED, headers, Json(SessionBody::from(session))).into_response())
}

/// Log in with e-mail and password.
///
/// An unknown address and a wrong password are answered alike. An installation that takes no passwords
/// (`auth.password_grant`) answers 403.
#[utoipa::path(post, path = "/auth/login", operation_id = "login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, description = "Logged in.", body = SessionBody), LoginProblems))]
pub(super) async fn log_in(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    accounts.take_passwords()?;
    let ((), request) = both(query.refuse_all(), body.read(LoginRequest::read))?;
    let session =
        tasks.to_the_end(async move { accounts.log_in(request).in_span(span("accounts.log_in")).await }).await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(SessionBody::from(session))).into_response())
}

/// Get a token by an OAuth 2 grant: `password` or `refresh_token`.
///
/// The same as logging in and as refreshing, for clients that speak RFC 6749, such as *Authorize* in this page. Client
/// credentials are ignored. An installation that takes no passwords (`auth.password_grant`) answers the grant `password`
/// with `unsupported_grant_type`.
#[utoipa::path(post, path = "/auth/token", operation_id = "token", tag = "auth",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Logged in.", body = TokenBody),
              (status = 400, description = "No token, by RFC 6749, section 5.2.", body = TokenErrorBody),
              TokenProblems))]
pub(super) async fn token(
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    form: Result<Form, Problem>,
) -> Result<Response, TokenRefusal> {
    query.refuse_all()?;
    let grant = oauth::grant(&form?, accounts.password_grant)?;
    let work = async move {
        match grant {
            Grant::Password(request) => accounts.log_in(request).await,
            Grant::Refresh(request) => accounts.refresh(request.refresh_token).await,
        }
    };
    let session = tasks.to_the_end(work).await?;
    Ok((UNCACHED, Json(TokenBody::from(session))).into_response())
}

/// The user who is calling.
#[utoipa::path(get, path = "/auth/me", operation_id = "me", tag = "auth", security(("bearer" = []), ("password" = [])),
    responses((status = 200, description = "The caller's own account.", body = User), MeProblems))]
pub(super) async fn me(
    Customer(principal): Customer,
    State(accounts): State<AccountService>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let user = accounts.user(principal).await?;
    Ok(private(Json(user)))
}

problem_responses!(ChangeMeProblems: [INPUT, ROLE, BODY]);

/// Change your name.
///
/// A JSON merge patch. What you may do and where you belong is an administrator's to change.
#[utoipa::path(patch, path = "/auth/me", operation_id = "changeMe", tag = "auth",
    security(("bearer" = []), ("password" = [])),
    request_body(content((ChangeMe = "application/json"), (ChangeMe = "application/merge-patch+json"))),
    responses((status = 200, description = "Changed.", body = User), ChangeMeProblems))]
pub(super) async fn change_me(
    Customer(caller): Customer,
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), change) = both(query.refuse_all(), body.read_patch(|fields| Some(ChangeMe::read(fields))))?;
    let user = tasks
        .to_the_end(async move { accounts.rename(caller, change.name).in_span(span("accounts.rename")).await })
        .await?;
    Ok(private(Json(user)))
}

problem_responses!(PasswordProblems: [INPUT, ROLE, BODY], INVALID_CREDENTIALS);

/// Change your password.
///
/// All other sessions end. Needs a log-in: an API key may not do it. An installation that takes no passwords
/// (`auth.password_grant`) answers 403.
#[utoipa::path(post, path = "/auth/password", operation_id = "changePassword", tag = "auth",
    security(("bearer" = []), ("password" = [])), request_body = PasswordChange,
    responses((status = 204, description = "Changed."), PasswordProblems))]
pub(super) async fn change_password(
    Customer(caller): Customer,
    State(accounts): State<AccountService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    caller.session()?;
    accounts.take_passwords()?;
    let email = accounts.user(caller).await?.email;
    let read = body.read(|fields| PasswordChange::read(fields, &email));
    let ((), change) = both(query.refuse_all(), read)?;
    tasks
        .to_the_end(
            async move { accounts.change_password(caller, change).in_span(span("accounts.change_password")).await },
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
