use axum::{Extension, extract::State};

use crate::{
    features::{
        accounts::Guest,
        bookings::{dto::BookingBody, error::code},
        holds::{AmendHold, HoldRequest, HoldService, HoldVerb},
        reference::Reference,
    },
    kernel::HoldId,
    platform::{
        idempotency::{Answer, KeyHeader},
        web::{ClientAddress, PathText, Problem, problem_responses},
        work::ChangeRequest,
    },
};

problem_responses!(CommitProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, HOLD_EXPIRED, HOLD_INCOMPLETE, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, ALREADY_EXISTS, VERSION_MISMATCH);

/// Make a booking of a hold.
///
/// The booking gets the room that the hold keeps; everything else is judged anew. The body may hold changes of the hold,
/// which are made at once. `pieces` must be set, and for a guest `contact.email`. What began before the hold expired is in
/// time.
#[utoipa::path(post, path = "/holds/{id}/commit", tag = "holds", operation_id = "commitHold",
    request_body = Option<AmendHold>,
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 201, body = BookingBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CommitProblems))]
pub(super) async fn commit(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    State(known): State<Reference>,
    PathText(id): PathText<HoldId>,
    address: Option<Extension<ClientAddress>>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|fields| AmendHold::read(fields, &known));
    let see = || holds.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let counted = holds.caller(caller, address.map(|Extension(address)| address));
    let step = async |patch, precondition, key| {
        let verb = HoldVerb::Commit(Box::new(patch));
        holds.carry_out(counted, HoldRequest::Step { hold: id, precondition, verb }, key).await
    };
    judged.carry_out(step).await
}
