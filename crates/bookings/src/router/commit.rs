use axum::{Extension, extract::State};
use loadmaster_accounts::Guest;
use loadmaster_holds::{CommitHold, HoldBody, HoldVerb};
use loadmaster_kernel::HoldId;
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{ClientAddress, PathText, Problem, problem_responses},
    work::ChangeRequest,
};
use loadmaster_reference::Reference;

use super::{change::check_replayed, claim::with_claim};

use crate::{BookingService, desk::Desk, dto::CommittedBooking, error::code};

problem_responses!(CommitProblems: [INPUT, SIGNED_IN, BODY, KEY], FORBIDDEN, NOT_FOUND, INVALID_TRANSITION, HOLD_EXPIRED, HOLD_INCOMPLETE, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, PRICE_CHANGED, QUOTE_REQUIRED, NO_RATE, DISCOUNT_NOT_APPLICABLE, PAYMENT_DECLINED, PAYMENT_IN_PROGRESS, PAYMENT_NOT_POSSIBLE, CREDIT_EXCEEDED, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, ALREADY_EXISTS, VERSION_MISMATCH);

/// Make a booking of a hold.
///
/// The booking gets the room that the hold keeps; everything else is judged anew. The body may hold changes of the hold,
/// which are made at once. `pieces` must be set, and for a guest `contact.email`. What began before the hold expired is in
/// time. A guest gets a `claim`, by which the booking can be moved to an account for 30 days.
///
/// A price can be paid at once: with `payment_token`, for which the provider is asked, or with `payment_method` `ACCOUNT`. A
/// guest pays at once. If the provider has not decided after some seconds, the answer is 202 with the hold, which is
/// `COMMITTING`: read it, or repeat the request with its key. If the provider declines, nothing is booked, and the hold stays
/// for another try.
#[utoipa::path(post, path = "/holds/{id}/commit", tag = "holds", operation_id = "commitHold",
    request_body = Option<CommitHold>,
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 201, body = CommittedBooking, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), (status = 202, body = HoldBody, headers(("ETag" = String), ("Location" = String))), CommitProblems))]
pub(super) async fn commit(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    State(desk): State<Desk>,
    State(known): State<Reference>,
    PathText(id): PathText<HoldId>,
    address: Option<Extension<ClientAddress>>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|fields| CommitHold::read(fields, &known));
    let holds = desk.holds();
    let see = || holds.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let counted = holds.caller(caller, address.map(|Extension(address)| address));
    let step = async |commit, precondition, key| {
        let verb = HoldVerb::commit(commit);
        desk.change_hold(counted, (id, precondition), verb, key).await
    };
    let answer = judged.carry_out(step).await?;
    check_replayed(&bookings, caller, &answer).await?;
    Ok(with_claim(&bookings, caller, answer))
}
