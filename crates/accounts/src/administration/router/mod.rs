mod organizations;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_kernel::UserId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    listing::{Anchor, CountParams, add_total},
    room::{Routes, handler_state},
    tables::{Export, ExportParams},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PageRequest, PathText, Problem, Query,
        bulk::BulkResult, conditional, private, problem_responses, unless_missing,
    },
    work::{BatchRequest, ChangeRequest},
};

use super::{
    dto::{self, ActBody, BulkUserAction, BulkUsers, UserBody, UserOrder, UserParams, read_act_filter},
    manage::{ChangeUser, UserChange},
    service::AdministrationService,
};

use crate::{
    error::code,
    people::{Act, ActAnchor, Actor, Admin, ManagedUser, UserService, UserSort},
};

handler_state!(HandlerState { users: UserService, administration: AdministrationService });

pub fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::default().routes(routes!(list)).routes(routes!(show, change)).routes(routes!(list_acts));
    let api = api.merge(organizations::routes());
    let tables = ApiRouter::default().routes(routes!(export_users)).routes(routes!(export_acts));
    Routes { api, tables, bulk: ApiRouter::default().routes(routes!(act)), ..Routes::default() }
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List users, newest first or in the order of `sort`.
///
/// The filters combine with AND.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "listUsers",
    params(UserParams, UserOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<UserBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
async fn list(
    Admin(caller): Admin,
    State(users): State<UserService>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (UserParams::read(fields)?.into(), UserOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.role.as_str();
    let page = page.open::<Anchor>(&key, &query, reader)?;
    let sort = order.sort.unwrap_or(UserSort::Newest);
    let found = users.list(&filter, sort, &page, count).await?;
    let bodies: Vec<_> = found.entries.iter().map(UserBody::from).collect();
    let place = |body: &UserBody| sort.order().anchor(&body.email, body.id.uuid());
    let mut answer = private(page.answer(bodies, place, &key, &query, reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a user.
///
/// As administrators see one: with organization, role and whether it is disabled.
#[utoipa::path(get, path = "/users/{id}", tag = "users", operation_id = "getUser",
    params(("id" = UserId, Path, description = "Id of the user"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = UserBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    _caller: Admin,
    State(users): State<UserService>,
    PathText(id): PathText<UserId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { users.find(id).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let user = users.find(id).await?;
    let body = UserBody::from(&user);
    // A log-in is no change of the account.
    let tag = match body.last_login_at {
        Some(date) => format!("{}-{}", user.version, date.format("%Y%m%d")),
        None => user.version.to_string(),
    };
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(body)))
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Change the role or organization of a user; disable or enable the user.
///
/// A JSON merge patch (RFC 7396). It takes effect immediately for new tokens and within 60 seconds for tokens in use: a
/// token with the former role or organization is refused with `token_expired`, and a refresh gives a current one.
/// Disabling ends all sessions. The last administrator can be neither demoted nor disabled: 409 `invalid_transition`.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", operation_id = "changeUser",
    request_body(content((dto::ChangeUser = "application/json"), (dto::ChangeUser = "application/merge-patch+json"))),
    params(("id" = UserId, Path, description = "Id of the user"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = UserBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))),
              ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(users): State<UserService>,
    State(administration): State<AdministrationService>,
    PathText(id): PathText<UserId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| Some(dto::ChangeUser::read(fields)));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || users.find(id))).await?;
    let command = |change, precondition| {
        let (administration, actor) = (administration.clone(), Actor::Caller(caller.user_id));
        ChangeUser { administration, actor, id, change, precondition: Some(precondition) }
    };
    judged.run(command, changed).await
}

fn changed(user: &ManagedUser) -> Answer {
    Answer::new(StatusCode::OK, &UserBody::from(user), PRIVATE).with_tag(user.version.to_string())
}

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Enable or disable many users.
///
/// Each row is a transaction of its own and is judged as the single change would be. A row that is refused has its
/// `problem`, and the others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what is
/// left and nothing twice.
#[utoipa::path(post, path = "/users/bulk", tag = "users", operation_id = "bulkUsers",
    request_body = BulkUsers, params(KeyHeader),
    responses((status = 200, body = BulkResult), BulkProblems))]
async fn act(
    Admin(caller): Admin,
    State(administration): State<AdministrationService>,
    request: BatchRequest,
) -> Result<Response, Problem> {
    let input = request.body().read(BulkUsers::read).map(|BulkUsers { action, ids }| {
        let disabled = Some(matches!(action, BulkUserAction::Disable));
        (action.as_str().to_owned(), ids, UserChange { disabled, ..UserChange::default() })
    });
    let actor = Actor::Caller(caller.user_id);
    let command = move |id, change| {
        let administration = administration.clone();
        ChangeUser { administration, actor, id, change, precondition: None }
    };
    request.run_each(caller.user_id.uuid(), input, |id| format!("/api/v1/users/{id}"), command, changed).await
}

problem_responses!(ActProblems: [LIST, ROLE]);

/// List administrative acts, newest first.
///
/// Changes of users, of API keys with a role above customer or of another user, of signing keys and of flights, over
/// HTTP and on the command line.
#[utoipa::path(get, path = "/admin/audit", tag = "users", operation_id = "listAdminActs",
    params(("actor_id" = Option<uuid::Uuid>, Query, description = "The user who acted"),
           ("subject_id" = Option<String>, Query, description = "Id of the user, key or flight that was changed"),
           ("act" = Option<String>, Query, description = "Name of the act, such as `user.changed`"), PageParams),
    responses((status = 200, body = Vec<ActBody>, headers(("Link" = String))), ActProblems))]
async fn list_acts(
    Admin(caller): Admin,
    State(administration): State<AdministrationService>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((read_act_filter(fields), PageFields::read(fields))))?;
    let reader = caller.role.as_str();
    let page = page.open::<ActAnchor>(&key, &query, reader)?;
    let found = administration.list_acts(&filter, &page).await?;
    let bodies: Vec<_> = found.into_iter().map(ActBody::from).collect();
    Ok(private(page.answer(bodies, |body| ActAnchor(body.id), &key, &query, reader)))
}

/// The columns of an export of users, and of acts: their members.
const USER_COLUMNS: &[&str] = &[
    "id",
    "email",
    "email_verified",
    "name",
    "phone",
    "phone_verified",
    "role",
    "organization_id",
    "disabled",
    "last_login_at",
    "version",
    "created_at",
    "updated_at",
];
const ACT_COLUMNS: &[&str] = &["id", "act", "actor_id", "subject_kind", "subject_id", "data", "request_id", "acted_at"];

problem_responses!(ExportProblems: [INPUT, ROLE], EXPORT_TOO_LARGE);

/// Export users, newest first.
///
/// A table with the members of each user. The export is recorded in `/admin/audit`. In CSV every text is quoted, and one that
/// a spreadsheet could take for a formula gets a leading `'`.
#[utoipa::path(get, path = "/users/export", tag = "users", operation_id = "exportUsers",
    params(UserParams, ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
async fn export_users(
    Admin(caller): Admin,
    State(users): State<UserService>,
    State(administration): State<AdministrationService>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, params) =
        query.read(|fields| Some((UserParams::read(fields)?.into(), ExportParams::read(fields)?)))?;
    let export = Export::new("users", USER_COLUMNS, &params);
    let rows = users.count(&filter).await?;
    export.check(rows)?;
    administration.record_export(caller.user_id, "users", rows).await?;
    let read = move |page: PageRequest<Anchor>| {
        let (users, filter) = (users.clone(), filter.clone());
        async move { Ok(users.list(&filter, UserSort::Newest, &page, CountParams::default()).await?.entries) }
    };
    let row = |user: &ManagedUser| serde_json::to_value(UserBody::from(user)).ok();
    export.paged(read, |user| Anchor::Id(user.user.id.uuid()), row).await
}

/// Export administrative acts, newest first.
///
/// A table with the members of each act. In CSV every text is quoted, and one that a spreadsheet could take for a formula gets
/// a leading `'`.
#[utoipa::path(get, path = "/admin/audit/export", tag = "users", operation_id = "exportAdminActs",
    params(("actor_id" = Option<uuid::Uuid>, Query, description = "The user who acted"),
           ("subject_id" = Option<String>, Query, description = "Id of the user, key or flight that was changed"),
           ("act" = Option<String>, Query, description = "Name of the act, such as `user.changed`"), ExportParams),
    responses((status = 200, content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
               headers(("Content-Disposition" = String))), ExportProblems))]
async fn export_acts(
    Admin(_caller): Admin,
    State(administration): State<AdministrationService>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, params) = query.read(|fields| Some((read_act_filter(fields), ExportParams::read(fields)?)))?;
    let export = Export::new("acts", ACT_COLUMNS, &params);
    export.check(administration.count_acts(&filter).await?)?;
    let read = move |page: PageRequest<ActAnchor>| {
        let (administration, filter) = (administration.clone(), filter.clone());
        async move { Ok(administration.list_acts(&filter, &page).await?) }
    };
    let row = |act: &Act| serde_json::to_value(ActBody::from(act.clone())).ok();
    export.paged(read, |act| ActAnchor(act.id), row).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::PartialSchema;

    use super::*;

    fn members<T: PartialSchema>() -> BTreeSet<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn tables_have_a_column_for_each_member() {
        let columns = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(columns(USER_COLUMNS), members::<UserBody>());
        assert_eq!(columns(ACT_COLUMNS), members::<ActBody>());
    }
}
