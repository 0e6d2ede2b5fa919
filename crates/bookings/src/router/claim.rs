use axum::extract::State;
use loadmaster_accounts::{Customer, Principal, Role};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{Problem, problem_responses},
    work::CreateRequest,
};

use super::change::{Shown, answer_changed, check_replayed};

use crate::{
    BookingService,
    claim::ClaimBooking,
    claim_token::Claim,
    dto::{BookingBody, ClaimBody, ClaimRequest},
    error::code,
};

problem_responses!(ClaimProblems: [INPUT, ROLE, BODY, KEY], INVALID_TOKEN);

/// Claim a booking that was made as a guest.
///
/// Moves the booking to your organization; the guest does not see it any more. The claim is in the response to the
/// guest's commit; it is valid once, for 30 days. The e-mail address of a booking gives no right to it.
#[utoipa::path(post, path = "/bookings/claim", tag = "bookings", operation_id = "claimBooking",
    request_body = ClaimRequest, params(KeyHeader),
    responses((status = 200, body = BookingBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ClaimProblems))]
pub(super) async fn claim(
    Customer(caller): Customer,
    State(bookings): State<BookingService>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(ClaimRequest::read);
    let command = |wanted: ClaimRequest| ClaimBooking { bookings: bookings.clone(), caller, token: wanted.claim_token };
    let answer = request.run(caller.user_id.uuid(), input, command, answer_changed(&bookings)).await?;
    check_replayed(&bookings, caller, &answer).await?;
    Ok(answer)
}

/// Adds the claim to the answer of a guest that made a booking, first or repeated.
pub(super) fn with_claim(bookings: &BookingService, caller: Principal, answer: Answer) -> Answer {
    let shown = answer.read().filter(|_| caller.role == Role::Guest);
    let Some(Shown { id, created_at, .. }) = shown else { return answer };
    let claim = Claim::new(id, caller.organization_id, created_at);
    let body = ClaimBody { token: bookings.claims.token(claim), expires_at: claim.expires_at };
    answer.with_member("claim", &body).uncached()
}
