use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Customer;
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{CursorKey, PRIVATE, PageFields, PageParams, Problem, Query, ReadRecency, private, problem_responses},
    work::CreateRequest,
};

use super::super::{
    dto::{NotificationBody, PreferencesBody, SetPreferencesRequest},
    error::code,
    lists::Wanted,
    model::{NotificationAnchor, Preferences},
    prefer::SetPreferences,
    service::NotificationService,
    words::Language,
};

problem_responses!(ListProblems: [LIST, ROLE]);

/// List what you were told in the last 90 days, newest first.
///
/// Each with the channel, the masked address and what became of it.
#[utoipa::path(get, path = "/notifications", tag = "notifications", operation_id = "listNotifications",
    params(PageParams),
    responses((status = 200, body = Vec<NotificationBody>, headers(("Link" = String))), ListProblems))]
pub(super) async fn list(
    Customer(caller): Customer,
    State(notifications): State<NotificationService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.user_id.to_string();
    let page = query.read(|fields| Some(PageFields::read(fields)))?;
    let page = page.open::<NotificationAnchor>(&key, &query, &reader)?;
    let wanted = Wanted { user: Some(caller.user_id), ..Wanted::default() };
    let found = notifications.list(&wanted, &page, recency).await?;
    let bodies = found.into_iter().map(NotificationBody::from).collect();
    Ok(private(page.answer(bodies, |body| NotificationAnchor(body.id.uuid()), &key, &query, &reader)))
}

problem_responses!(ShowProblems: [INPUT, ROLE]);

/// Show what you are told.
///
/// By type and channel, with the language.
#[utoipa::path(get, path = "/notifications/preferences", tag = "notifications", operation_id = "getNotificationPreferences",
    responses((status = 200, body = PreferencesBody), ShowProblems))]
pub(super) async fn show(
    Customer(caller): Customer,
    State(notifications): State<NotificationService>,
    State(language): State<Language>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let wanted = notifications.preferences(caller.user_id).await?;
    Ok(private(Json(PreferencesBody::new(&wanted, language.as_str()))))
}

problem_responses!(ReplaceProblems: [INPUT, ROLE, BODY, KEY]);

/// Set what you are told.
///
/// By e-mail, and by SMS where you switch it on, at addresses that are verified. Replaces all preferences: what is left out
/// is as by default, which is e-mail for all types but `departed` and `arrived`, and no SMS.
#[utoipa::path(put, path = "/notifications/preferences", tag = "notifications", operation_id = "setNotificationPreferences",
    request_body = SetPreferencesRequest, params(KeyHeader),
    responses((status = 200, body = PreferencesBody, headers(("Idempotency-Replayed" = Option<bool>))), ReplaceProblems))]
pub(super) async fn replace(
    Customer(caller): Customer,
    State(notifications): State<NotificationService>,
    State(language): State<Language>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let (user, input) = (caller.user_id, request.body().read(SetPreferencesRequest::read));
    let command = |wanted: SetPreferencesRequest| SetPreferences { notifications, user, wanted: wanted.into() };
    let answer = move |wanted: &Preferences| {
        Answer::new(StatusCode::OK, &PreferencesBody::new(wanted, language.as_str()), PRIVATE)
    };
    request.run(user.uuid(), input, command, answer).await
}
