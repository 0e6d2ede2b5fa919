use axum::{Json, extract::State, response::Response};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{Routes, handler_state},
    web::{Problem, Query, private, problem_responses},
};

use super::{caller::Customer, model::User, service::UserService};

use crate::error::code;

handler_state!(HandlerState { users: UserService });

pub fn routes() -> Routes<HandlerState> {
    ApiRouter::default().routes(routes!(me)).into()
}

problem_responses!(MeProblems: [INPUT, ROLE]);

/// Show your account.
///
/// With the role and the organization that decide what you may do.
#[utoipa::path(get, path = "/auth/me", operation_id = "me", tag = "auth",
    responses((status = 200, description = "Your account.", body = User), MeProblems))]
async fn me(Customer(caller): Customer, State(users): State<UserService>, query: Query) -> Result<Response, Problem> {
    query.refuse_all()?;
    Ok(private(Json(users.caller(caller).await?)))
}
