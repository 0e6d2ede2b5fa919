use axum::{Json, extract::State, http::StatusCode, response::Response};

use super::super::error::code;
use crate::{
    features::accounts::{
        acts::Actor,
        caller::Admin,
        dto::{self, UserBody, read_user_filter},
        model::{ManagedUser, Role},
        service::AccountService,
        users::{ChangeUser, UserAnchor},
    },
    kernel::UserId,
    platform::{
        idempotency::{Answer, KeyHeader},
        web::{
            CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, conditional, private,
            problem_responses, unless_missing,
        },
        work::ChangeRequest,
    },
};

problem_responses!(ListProblems: [LIST, ROLE]);

/// All users, newest first.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "listUsers",
    security(("bearer" = []), ("password" = [])),
    params(("q" = Option<String>, Query, description = "Part of the e-mail address or name, in any case"),
           ("role" = Option<Role>, Query), ("organization_id" = Option<uuid::Uuid>, Query),
           ("disabled" = Option<bool>, Query), PageParams),
    responses((status = 200, body = Vec<UserBody>, headers(("Link" = String))), ListProblems))]
pub(super) async fn list(
    Admin(caller): Admin,
    State(accounts): State<AccountService>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((read_user_filter(fields), PageFields::read(fields))))?;
    let reader = caller.role.as_str();
    let page = page.open::<UserAnchor>(&key, &query, reader)?;
    let found = accounts.users(&filter, &page).await?;
    let bodies: Vec<_> = found.iter().map(UserBody::from).collect();
    Ok(private(page.answer(bodies, |body| UserAnchor(body.id), &key, &query, reader)))
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// One user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", operation_id = "getUser",
    security(("bearer" = []), ("password" = [])),
    params(("id" = UserId, Path, description = "The user's id"),
           ("If-None-Match" = Option<String>, Header, description = "Answer 304 if the ETag is still this")),
    responses((status = 200, body = UserBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
pub(super) async fn show(
    _caller: Admin,
    State(accounts): State<AccountService>,
    PathText(id): PathText<UserId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { accounts.managed_user(id).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let user = accounts.managed_user(id).await?;
    Ok(conditional(&user.version.to_string(), &if_none_match, PRIVATE, Json(UserBody::from(&user))))
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Change what a user may do, where it belongs, or whether it may come in.
///
/// A JSON merge patch. It counts at once for new tokens and within 60 seconds for those in use: a token that says
/// otherwise is answered with `token_expired`, and refreshing it gives one that is right. Disabling ends all sessions. The
/// last administrator can be neither demoted nor disabled: 409 `invalid_transition`.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", operation_id = "changeUser",
    security(("bearer" = []), ("password" = [])),
    request_body(content((dto::ChangeUser = "application/json"), (dto::ChangeUser = "application/merge-patch+json"))),
    params(("id" = UserId, Path, description = "The user's id"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Only if the ETag is still this")),
    responses((status = 200, body = UserBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))),
              ChangeProblems))]
pub(super) async fn change(
    Admin(caller): Admin,
    State(accounts): State<AccountService>,
    PathText(id): PathText<UserId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| Some(dto::ChangeUser::read(fields)));
    let answer = |user: &ManagedUser| {
        Answer::new(StatusCode::OK, &UserBody::from(user), PRIVATE).with_tag(user.version.to_string())
    };
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || accounts.managed_user(id))).await?;
    let command = |change, precondition| {
        let (accounts, actor) = (accounts.clone(), Actor::Caller(caller.user_id));
        ChangeUser { accounts, actor, id, change, precondition: Some(precondition) }
    };
    judged.run(command, answer).await
}
