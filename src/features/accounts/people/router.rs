use axum::{Json, extract::State, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Customer, dto::ChangeMe, model::User, service::UserService};
use crate::{
    features::accounts::error::code,
    platform::{
        room::{Routes, handler_state},
        tasks::Tasks,
        telemetry::{Traced, span},
        web::{Body, Problem, Query, both, private, problem_responses},
    },
};

handler_state!(HandlerState { users: UserService });

pub fn routes() -> Routes<HandlerState> {
    OpenApiRouter::default().routes(routes!(me, change_me)).into()
}

problem_responses!(MeProblems: [INPUT, ROLE]);

/// Show your account.
#[utoipa::path(get, path = "/auth/me", operation_id = "me", tag = "auth",
    responses((status = 200, description = "Your account.", body = User), MeProblems))]
async fn me(Customer(caller): Customer, State(users): State<UserService>, query: Query) -> Result<Response, Problem> {
    query.refuse_all()?;
    Ok(private(Json(users.caller(caller).await?)))
}

problem_responses!(ChangeMeProblems: [INPUT, ROLE, BODY]);

/// Change your name.
///
/// A JSON merge patch (RFC 7396). Only an administrator can change your role and organization.
#[utoipa::path(patch, path = "/auth/me", operation_id = "changeMe", tag = "auth",
    request_body(content((ChangeMe = "application/json"), (ChangeMe = "application/merge-patch+json"))),
    responses((status = 200, description = "Changed.", body = User), ChangeMeProblems))]
async fn change_me(
    Customer(caller): Customer,
    State(users): State<UserService>,
    State(tasks): State<Tasks>,
    query: Query,
    body: Body,
) -> Result<Response, Problem> {
    let ((), change) = both(query.refuse_all(), body.read_patch(|fields| Some(ChangeMe::read(fields))))?;
    let user = tasks
        .to_the_end(async move { users.rename(caller, change.name).in_span(span("accounts.rename")).await })
        .await?;
    Ok(private(Json(user)))
}
