use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Acts, Admin, Operator};
use loadmaster_kernel::LetterId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    room::{Routes, handler_state},
    web::{CursorKey, NO_STORE, PRIVATE, PageFields, PageParams, PathText, Problem, Query, code, problem_responses},
    work::CreateRequest,
};
use utoipa::openapi::OpenApi;

use super::{
    dto::{KeptBody, KeptLetterBody, SuppressedAddress},
    service::PostService,
    suppress::Suppress,
};

/// Its part of the description of the API.
pub fn describe() -> OpenApi {
    routes().describe()
}

handler_state!(HandlerState { post: PostService, acts: Acts });

pub(super) fn routes() -> Routes<HandlerState> {
    ApiRouter::new().routes(routes!(suppress, allow)).routes(routes!(list)).routes(routes!(show)).into()
}

problem_responses!(SuppressProblems: [INPUT, ROLE, BODY, KEY]);

/// Send nothing to an e-mail address from now on.
///
/// For addresses whose mail comes back. An address that the relay refuses is suppressed without this. Only a keyed digest of
/// the address is kept, also when its owner is erased.
#[utoipa::path(post, path = "/admin/suppressions", tag = "notifications", operation_id = "suppressAddress",
    request_body = SuppressedAddress, params(KeyHeader),
    responses((status = 204, description = "Suppressed.", headers(("Idempotency-Replayed" = Option<bool>))), SuppressProblems))]
async fn suppress(
    Operator(caller): Operator,
    State(post): State<PostService>,
    State(acts): State<Acts>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let (actor, input) = (caller.user_id, request.body().read(SuppressedAddress::read));
    let command = |SuppressedAddress { email }| Suppress { post, acts, actor, email, is_on: true };
    request.run(actor.uuid(), input, command, nothing).await
}

problem_responses!(AllowProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND);

/// Send messages to an e-mail address again.
///
/// If the owner of the address has answered that nobody may write to it, that still holds.
#[utoipa::path(delete, path = "/admin/suppressions", tag = "notifications", operation_id = "allowAddress",
    request_body = SuppressedAddress, params(KeyHeader),
    responses((status = 204, description = "Not suppressed any more.", headers(("Idempotency-Replayed" = Option<bool>))), AllowProblems))]
async fn allow(
    Operator(caller): Operator,
    State(post): State<PostService>,
    State(acts): State<Acts>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let (actor, input) = (caller.user_id, request.body().read(SuppressedAddress::read));
    let command = |SuppressedAddress { email }| Suppress { post, acts, actor, email, is_on: false };
    request.run(actor.uuid(), input, command, nothing).await
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "an answer is made from a reference to what was done")]
fn nothing((): &()) -> Answer {
    Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE)
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List the letters in the mailbox, newest first.
///
/// With the transport `mailbox`, which is the default on a private database, letters are files in place of being sent; the
/// newest 1 000 are kept. With other transports the list is empty.
#[utoipa::path(get, path = "/admin/mailbox", tag = "notifications", operation_id = "listMailbox",
    params(PageParams),
    responses((status = 200, body = Vec<KeptBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Admin(caller): Admin,
    State(post): State<PostService>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.role.as_str();
    let page = query.read(|fields| Some(PageFields::read(fields)))?.open::<LetterId>(&key, &query, reader)?;
    let bodies: Vec<KeptBody> = post.kept(&page).await?.iter().map(KeptBody::from).collect();
    Ok(([(header::CACHE_CONTROL, NO_STORE)], page.answer(bodies, |body| body.id, &key, &query, reader)).into_response())
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a letter in the mailbox.
///
/// The mailbox keeps what would be sent, while `mail.transport` is `mailbox`. Letters have links that work once: they are not
/// stored on the way.
#[utoipa::path(get, path = "/admin/mailbox/{id}", tag = "notifications", operation_id = "getMailboxLetter",
    params(("id" = LetterId, Path, description = "Id of the letter")),
    responses((status = 200, body = KeptLetterBody), ShowProblems))]
async fn show(
    _caller: Admin,
    State(post): State<PostService>,
    PathText(id): PathText<LetterId>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let letter = KeptLetterBody::from(&post.kept_letter(id).await?);
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(letter)).into_response())
}
