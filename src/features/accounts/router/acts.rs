use axum::{extract::State, response::Response};

use super::super::error::code;
use crate::{
    features::accounts::{
        acts::ActAnchor,
        caller::Admin,
        dto::{ActBody, read_act_filter},
        service::AccountService,
    },
    platform::web::{CursorKey, PageFields, PageParams, Problem, Query, private, problem_responses},
};

problem_responses!(ListProblems: [LIST, ROLE]);

/// Who did which administrative act, newest first.
///
/// What became of users, of API keys that may do more than a customer or are somebody else's, of signing keys, and of
/// flights: made, imported, changed, cancelled. Over HTTP and at the command line.
#[utoipa::path(get, path = "/admin/audit", tag = "users", operation_id = "listAdminActs",
    security(("bearer" = []), ("password" = [])),
    params(("actor_id" = Option<uuid::Uuid>, Query, description = "Who acted"),
           ("subject_id" = Option<String>, Query, description = "What it was about: the id of a user, key or flight"),
           ("act" = Option<String>, Query, description = "Such as `user.changed`"), PageParams),
    responses((status = 200, body = Vec<ActBody>, headers(("Link" = String))), ListProblems))]
pub(super) async fn list(
    Admin(caller): Admin,
    State(accounts): State<AccountService>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((read_act_filter(fields), PageFields::read(fields))))?;
    let reader = caller.role.as_str();
    let page = page.open::<ActAnchor>(&key, &query, reader)?;
    let found = accounts.list_acts(&filter, &page).await?;
    let bodies: Vec<_> = found.into_iter().map(ActBody::from).collect();
    Ok(private(page.answer(bodies, |body| ActAnchor(body.id), &key, &query, reader)))
}
