use axum::{extract::State, http::StatusCode};
use loadmaster_accounts::Customer;
use loadmaster_kernel::{ConsolidationId, ConsolidationMemberId};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{PRIVATE, PathText, PathTexts, Problem, problem_responses},
    work::{ChangeRequest, CreateRequest},
};
use loadmaster_reference::Reference;
use serde::Deserialize;

use crate::{
    dto::{ConsolidationBody, InviteMember, JoinConsolidation, MemberBody},
    error::code,
    model::Member,
    service::ConsolidationService,
    write::{Answered, Invite, Join, RemoveMember},
};

problem_responses!(InviteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, LIMIT_REACHED, VERSION_MISMATCH);

/// Invite a member to a consolidation.
///
/// For the owner. A letter with a link goes to the address: good once, for 14 days, and only for an account with this address.
/// An address that is invited already gets another letter, and the former link ends. An address is sent at most three such
/// letters in 30 days, and an organization sends at most 50 a day: what is more is not sent. A consolidation has at most 20
/// members, the owner and open invitations included (`limit_reached`).
#[utoipa::path(post, path = "/consolidations/{id}/members", tag = "consolidations", operation_id = "inviteConsolidationMember",
    request_body = InviteMember,
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 202, body = MemberBody, headers(("Idempotency-Replayed" = Option<bool>))), InviteProblems))]
pub(super) async fn invite(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    PathText(id): PathText<ConsolidationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(|fields| InviteMember::read(fields, &reference));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |wanted: InviteMember, precondition| {
        let InviteMember { email, origin } = wanted;
        Invite { consolidations: consolidations.clone(), caller, id, precondition, email, origin }
    };
    // What was asked for is to write a letter.
    let invited =
        |member: &Member| Answer::new(StatusCode::ACCEPTED, &MemberBody::new(member, true), PRIVATE).settled();
    judged.run(command, invited).await
}

problem_responses!(JoinProblems: [INPUT, ROLE, BODY, KEY], INVALID_TOKEN, NOT_FOUND, ALREADY_EXISTS);

/// Answer an invitation to a consolidation.
///
/// The token is in the link of the letter, and is good for an account with the address to which it was sent. `ACCEPT` makes your
/// organization a member, and responds with the consolidation; `DECLINE` responds with 204.
#[utoipa::path(post, path = "/consolidations/join", tag = "consolidations", operation_id = "joinConsolidation",
    request_body = JoinConsolidation, params(KeyHeader),
    responses((status = 200, body = ConsolidationBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), (status = 204, headers(("Idempotency-Replayed" = Option<bool>))), JoinProblems))]
pub(super) async fn join(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(JoinConsolidation::read);
    let command = |wanted: JoinConsolidation| {
        let JoinConsolidation { token, answer } = wanted;
        Join { consolidations: consolidations.clone(), caller, token, answer }
    };
    let answered = move |answered: &Answered| match answered {
        Answered::Accepted(whole) => super::answer(StatusCode::OK, whole, caller),
        Answered::Declined => Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE),
    };
    let answer = request.run(caller.user_id.uuid(), input, command, answered).await?;
    // A member that was removed since then sees the consolidation no more.
    if answer.is_replayed()
        && let Some(Joined { id }) = answer.read()
    {
        consolidations.visible(caller, id).await?;
    }
    Ok(answer)
}

/// The consolidation that an answer shows.
#[derive(Deserialize)]
struct Joined {
    id: ConsolidationId,
}

problem_responses!(RemoveProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Remove a member from a consolidation, or withdraw an invitation.
///
/// For the owner, and for the member itself. The parts of a member are withdrawn; masters that carry them differ then.
#[utoipa::path(delete, path = "/consolidations/{id}/members/{organization_id}", tag = "consolidations", operation_id = "removeConsolidationMember",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("organization_id" = ConsolidationMemberId, Path, description = "Id of the organization, or of the member or invitation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), RemoveProblems))]
pub(super) async fn remove(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathTexts(id, member): PathTexts<ConsolidationId, ConsolidationMemberId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |(), precondition| RemoveMember {
        consolidations: consolidations.clone(),
        caller,
        id,
        member: member.uuid(),
        precondition,
    };
    // A member that has left sees the consolidation no more.
    judged.run(command, |()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE)).await
}
