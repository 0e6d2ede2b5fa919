use axum::{extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Operator;
use loadmaster_kernel::NotificationId;
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{
        CursorKey, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, private, problem_responses,
    },
    work::ChangeRequest,
};

use super::super::{
    dto::{AddressedBody, NotificationFilter},
    error::code,
    lists::Wanted,
    model::NotificationAnchor,
    repository::lists::Listed,
    resend::Resend,
    service::NotificationService,
};

problem_responses!(ListProblems: [LIST, ROLE]);

/// List the notifications of the last 90 days to everybody, newest first.
///
/// Addresses are shown in part. `ref_id` and `status` narrow the list.
#[utoipa::path(get, path = "/admin/notifications", tag = "notifications", operation_id = "listAllNotifications",
    params(NotificationFilter, PageParams),
    responses((status = 200, body = Vec<AddressedBody>, headers(("Link" = String))), ListProblems))]
pub(super) async fn list(
    Operator(_caller): Operator,
    State(notifications): State<NotificationService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((NotificationFilter::read(fields)?, PageFields::read(fields))))?;
    let page = page.open::<NotificationAnchor>(&key, &query, "staff")?;
    let wanted = Wanted { user: None, ref_id: filter.ref_id, status: filter.status };
    let found = notifications.list(&wanted, &page, recency).await?;
    let bodies = found.into_iter().map(AddressedBody::from).collect();
    Ok(private(page.answer(bodies, |body| NotificationAnchor(body.notification.id.uuid()), &key, &query, "staff")))
}

problem_responses!(ResendProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION);

/// Send a notification again.
///
/// Its text is made again from what is true then, and it is a letter of its own. One that waits is left as it is. What is
/// true no longer, and an address to which nothing is sent, stay unsent. A question to a contact that was sent is not sent
/// again.
#[utoipa::path(post, path = "/admin/notifications/{id}/resend", tag = "notifications", operation_id = "resendNotification",
    params(("id" = NotificationId, Path, description = "Id of the notification"), KeyHeader),
    responses((status = 202, body = AddressedBody, headers(("Idempotency-Replayed" = Option<bool>))), ResendProblems))]
pub(super) async fn resend(
    Operator(caller): Operator,
    State(notifications): State<NotificationService>,
    PathText(id): PathText<NotificationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || notifications.exists(id))).await?;
    let command = |(), _| Resend { notifications: notifications.clone(), actor: caller.user_id, id };
    let answer =
        |listed: &Listed| Answer::new(StatusCode::ACCEPTED, &AddressedBody::from(listed.clone()), PRIVATE).settled();
    judged.run(command, answer).await
}
