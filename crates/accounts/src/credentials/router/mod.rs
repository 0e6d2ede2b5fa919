mod cookie;

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{Routes, handler_state},
    tasks::Tasks,
    telemetry::{Traced, span},
    web::{Body, ClientAddress, Form, NO_STORE, Problem, Query, add_quota_headers, both, problem_responses},
};
use secrecy::{ExposeSecret, SecretString};

use cookie::CookieRequest;

use super::{
    dto::{
        GuestBody, JwkSet, LoginRequest, PasswordChange, RefreshRequest, RegisterRequest, SessionBody, SessionKind,
        TokenBody, TokenErrorBody, TokenRequest,
    },
    model::Session,
    oauth::{self, Grant, TokenRefusal, UNCACHED},
    service::SessionService,
    tokens::TokenService,
};

use crate::{
    error::{AccountError, code},
    people::{Customer, UserService},
};

/// Time for which the public keys may be cached. A new key is published minutes before it signs.
const KEYS_CACHE: &str = "public, max-age=60";

handler_state!(HandlerState { users: UserService, sessions: SessionService, tokens: TokenService });

pub fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::default()
        .routes(routes!(register))
        .routes(routes!(log_in))
        .routes(routes!(token))
        .routes(routes!(refresh))
        .routes(routes!(log_out))
        .routes(routes!(guest))
        .routes(routes!(change_password));
    Routes { api, root: ApiRouter::new().routes(routes!(jwks)), ..Routes::default() }
}

problem_responses!(RegisterProblems: [INPUT, BODY], INVALID_TOKEN, ALREADY_EXISTS, FORBIDDEN);
problem_responses!(LoginProblems: [INPUT, BODY], INVALID_CREDENTIALS, ACCOUNT_DISABLED, FORBIDDEN);
problem_responses!(TokenProblems: [], PAYLOAD_TOO_LARGE);
problem_responses!(RefreshProblems: [INPUT, BODY], UNAUTHENTICATED, ACCOUNT_DISABLED, FORBIDDEN);

/// Answers a session, with its refresh token in the body or in a cookie.
fn opened(
    sessions: &SessionService,
    status: StatusCode,
    session: &Session,
    (kind, cookies): (Option<SessionKind>, &CookieRequest),
) -> Response {
    let body = (status, [(header::CACHE_CONTROL, NO_STORE)], Json(SessionBody::new(session, kind)));
    let mut response = body.into_response();
    if kind.is_some()
        && let Some(cookie) = cookies.keep(&session.refresh_token, sessions.refresh_seconds())
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Refuses a session by cookie to pages of other sites.
fn require_own_origin(
    sessions: &SessionService,
    kind: Option<SessionKind>,
    cookies: &CookieRequest,
) -> Result<(), AccountError> {
    if kind.is_none() { Ok(()) } else { cookies.require_own_origin(sessions.public_url()) }
}

/// Returns the refresh token of the body, or of the cookie if the request comes from a page of this server.
fn presented(
    sessions: &SessionService,
    request: RefreshRequest,
    cookies: &CookieRequest,
) -> Result<SecretString, AccountError> {
    require_own_origin(sessions, request.session, cookies)?;
    match request.refresh_token {
        Some(token) => Ok(token),
        None => cookies.token(),
    }
}

/// Exchange a refresh token for a new access token and a new refresh token.
///
/// A refresh token is valid for one use. Within 30 seconds of that use it is accepted again, in case the response was
/// lost, and gives another token of the same session. Later use counts as theft and ends the session. If you received
/// several tokens for one, use the latest: the first use of any of them spends the others, with the same 30 seconds.
///
/// A session has a quota of its own (`rate_limit.session_refreshes_per_minute`), whatever address its requests come from.
/// Requests without a token that was issued count by their address.
///
/// With `"session": "cookie"` the token is that of the cookie `loadmaster_session`, which gets the new one; the request's
/// `Origin` must then be this server (403).
#[utoipa::path(post, path = "/auth/refresh", operation_id = "refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, description = "The session continues with new tokens.", body = SessionBody), RefreshProblems))]
async fn refresh(
    State(sessions): State<SessionService>,
    State(tasks): State<Tasks>,
    address: Option<Extension<ClientAddress>>,
    cookies: CookieRequest,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(RefreshRequest::read))?;
    let (kind, token) = (request.session, presented(&sessions, request, &cookies)?);
    let presented = sessions.present(&token, address.map(|Extension(address)| address)).await?;
    let (quota, refreshing) = (presented.quota, sessions.clone());
    let session = tasks
        .to_the_end(async move { refreshing.refresh(presented, kind).in_span(span("accounts.refresh")).await })
        .await;
    let mut response =
        opened(&sessions, StatusCode::OK, &session.map_err(|it| it.with_quota(quota))?, (kind, &cookies));
    if let Some(quota) = quota {
        add_quota_headers(quota, response.headers_mut());
    }
    Ok(response)
}

problem_responses!(LogoutProblems: [INPUT, BODY], FORBIDDEN);

/// End a session.
///
/// The refresh tokens of the session are refused immediately, its access tokens within 60 seconds. An unknown token
/// gets the same response. With `"session": "cookie"` the token is that of the cookie, which the browser forgets; the
/// request's `Origin` must then be this server (403).
#[utoipa::path(post, path = "/auth/logout", operation_id = "logout", tag = "auth", request_body = RefreshRequest,
    responses((status = 204, description = "The session has ended."), LogoutProblems))]
async fn log_out(
    State(sessions): State<SessionService>,
    State(tasks): State<Tasks>,
    cookies: CookieRequest,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), request) = both(query.refuse_all(), body.read(RefreshRequest::read))?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if request.session.is_some()
        && let Some(cookie) = cookies.forget()
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    match presented(&sessions, request, &cookies) {
        Ok(token) => {
            tasks.to_the_end(async move { sessions.log_out(token).in_span(span("accounts.log_out")).await }).await?;
        }
        // Without a cookie there is no session to end.
        Err(AccountError::RefreshInvalid) => {}
        Err(refusal) => return Err(refusal.into()),
    }
    Ok(response)
}

problem_responses!(GuestProblems: [INPUT]);

/// Get an access token for a guest.
///
/// The token belongs to no account. A guest can hold room, commit its holds, and read and cancel the bookings made of
/// them, for as long as the token is valid; the commit's `claim` gives a booking to an account.
#[utoipa::path(post, path = "/auth/guest", operation_id = "guest", tag = "auth",
    responses((status = 200, description = "The access token of a guest.", body = GuestBody), GuestProblems))]
async fn guest(State(tokens): State<TokenService>, query: Query, body: Body) -> Result<Response, Problem> {
    both(query.refuse_all(), body.read_optional(|_| Some(())))?;
    let (token, expires_in) = tokens.issue_to_guest().await?;
    let body = GuestBody { access_token: token.expose_secret().to_owned(), token_type: "bearer", expires_in };
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

/// Register as a customer.
///
/// Creates an account with the role `customer` and an organization of its own, and logs in. With `claim_token`, the
/// booking that was made as a guest moves to the new organization; if the claim is not valid, no account is created. An
/// installation that does not accept passwords (`auth.password_grant`) responds with 403.
///
/// With `"session": "cookie"`, for pages of this server alone (403 for another `Origin`), the refresh token comes in the
/// cookie `loadmaster_session` in place of the body.
#[utoipa::path(post, path = "/auth/register", operation_id = "register", tag = "auth", request_body = RegisterRequest,
    responses((status = 201, description = "Registered and logged in.", body = SessionBody), RegisterProblems))]
async fn register(
    State(sessions): State<SessionService>,
    State(tasks): State<Tasks>,
    cookies: CookieRequest,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    sessions.require_password_grant()?;
    let ((), request) = both(query.refuse_all(), body.read(RegisterRequest::read))?;
    let kind = request.session;
    require_own_origin(&sessions, kind, &cookies)?;
    let registering = sessions.clone();
    let session =
        tasks.to_the_end(async move { registering.register(request).in_span(span("accounts.register")).await }).await?;
    Ok(opened(&sessions, StatusCode::CREATED, &session, (kind, &cookies)))
}

/// Log in with an e-mail address and a password.
///
/// An unknown address and a wrong password get the same response. An installation that does not accept passwords
/// (`auth.password_grant`) responds with 403.
///
/// With `"session": "cookie"`, for pages of this server alone (403 for another `Origin`), the refresh token comes in the
/// cookie `loadmaster_session` in place of the body.
#[utoipa::path(post, path = "/auth/login", operation_id = "login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, description = "Logged in.", body = SessionBody), LoginProblems))]
async fn log_in(
    State(sessions): State<SessionService>,
    State(tasks): State<Tasks>,
    cookies: CookieRequest,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    sessions.require_password_grant()?;
    let ((), request) = both(query.refuse_all(), body.read(LoginRequest::read))?;
    let kind = request.session;
    require_own_origin(&sessions, kind, &cookies)?;
    let entering = sessions.clone();
    let session =
        tasks.to_the_end(async move { entering.log_in(request).in_span(span("accounts.log_in")).await }).await?;
    Ok(opened(&sessions, StatusCode::OK, &session, (kind, &cookies)))
}

/// Get a token by an OAuth 2 grant: `password` or `refresh_token`.
///
/// The equivalent of `/auth/login` and `/auth/refresh` for clients that implement RFC 6749, such as *Authorize* on this
/// page. Client credentials are ignored. An installation that does not accept passwords (`auth.password_grant`) refuses
/// the grant `password` with `unsupported_grant_type`.
#[utoipa::path(post, path = "/auth/token", operation_id = "token", tag = "auth",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Logged in.", body = TokenBody),
              (status = 400, description = "No token is issued (RFC 6749, section 5.2).", body = TokenErrorBody),
              TokenProblems))]
async fn token(
    State(sessions): State<SessionService>,
    State(tasks): State<Tasks>,
    address: Option<Extension<ClientAddress>>,
    query: Query,
    form: Result<Form, Problem>,
) -> Result<Response, TokenRefusal> {
    query.refuse_all()?;
    let grant = oauth::grant(&form?, sessions.takes_passwords())?;
    let address = address.map(|Extension(address)| address);
    let work = async move {
        match grant {
            Grant::Password(request) => sessions.log_in(request).await,
            Grant::Refresh(token) => sessions.refresh(sessions.present(&token, address).await?, None).await,
        }
    };
    let session = tasks.to_the_end(work).await?;
    Ok((UNCACHED, Json(TokenBody::from(session))).into_response())
}

problem_responses!(PasswordProblems: [INPUT, ROLE, BODY], INVALID_CREDENTIALS);

/// Change your password.
///
/// All other sessions end. Requires a session: an API key cannot change the password. An installation that does not
/// accept passwords (`auth.password_grant`) responds with 403.
#[utoipa::path(post, path = "/auth/password", operation_id = "changePassword", tag = "auth",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed."), PasswordProblems))]
async fn change_password(
    Customer(caller): Customer,
    State(users): State<UserService>,
    State(sessions): State<SessionService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<StatusCode, Problem> {
    caller.session()?;
    sessions.require_password_grant()?;
    let email = users.caller(caller).await?.email;
    let read = body.read(|fields| PasswordChange::read(fields, &email));
    let ((), change) = both(query.refuse_all(), read)?;
    tasks
        .to_the_end(
            async move { sessions.change_password(caller, change).in_span(span("accounts.change_password")).await },
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the public keys that verify access tokens (RFC 7517).
///
/// Empty if tokens are signed with a shared secret. A new key is published 5 minutes before it signs, and a former key
/// remains until the last token that it signed has expired. After a compromise a new key replaces all others
/// immediately.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", operation_id = "jwks",
    responses((status = 200, description = "The keys.", body = JwkSet)))]
async fn jwks(State(tokens): State<TokenService>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, KEYS_CACHE)], Json(JwkSet::from(tokens.public_keys())))
}
