//! What whoever has the claim of a guest's booking may do with it, without an account. The claim is in the body: addresses are
//! logged.
use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use loadmaster_payments::PaymentBody;
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, KeyHeader},
    postgres::Recency,
    web::{Body, PRIVATE, PageRequest, Problem, Query, both, problem_responses},
    work::{ChangeRequest, UnitOfWork},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{change::Step, pay::pay_as};
use crate::{
    BookingError, BookingService, MOST_EVENTS,
    billing::Cancellation,
    cancel::Cancel,
    claim::Opened,
    desk::{Desk, Verb},
    dto::{BookingBody, CancelGuestBooking, ClaimRequest, EventBody, PayGuestBooking, PaymentRequest},
    error::code,
};

/// A guest's booking, as whoever has its claim sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GuestBooking)]
pub(super) struct GuestBookingBody {
    pub booking: BookingBody,
    /// The newest events, oldest first.
    #[schema(max_items = 200)]
    pub timeline: Vec<EventBody>,
    /// Oldest first.
    pub payments: Vec<PaymentBody>,
    pub cancellation: Cancellation,
    /// From then on the claim opens nothing.
    pub claim_expires_at: DateTime<Utc>,
}

problem_responses!(OpenProblems: [INPUT, CALLER, BODY], INVALID_TOKEN);

/// Show a guest's booking by its claim.
///
/// With its history, its payments and what it costs to cancel it. No account is needed: the claim is in the response to the
/// guest's commit and in the letter about the booking. It opens this booking alone, for 30 days, until it moves to an account.
#[utoipa::path(post, path = "/bookings/guest", tag = "bookings", operation_id = "openGuestBooking",
    request_body = ClaimRequest,
    responses((status = 200, body = GuestBookingBody, headers(("ETag" = String))), OpenProblems))]
pub(super) async fn open(State(bookings): State<BookingService>, query: Query, body: Body) -> Result<Answer, Problem> {
    let ((), wanted) = both(query.refuse_all(), body.read(ClaimRequest::read))?;
    let Opened { guest, booking, expires_at } = bookings.opened(&wanted.claim_token).await?;
    let newest = PageRequest::first(MOST_EVENTS);
    let history = bookings.history(guest, &booking.ref_id, &newest, Recency::Primary).await?;
    let payments = bookings.payments_of(guest, &booking.ref_id).await?;
    let body = GuestBookingBody {
        booking: bookings.body(&history.booking),
        timeline: history.events.iter().map(EventBody::from).collect(),
        payments: payments.iter().map(Into::into).collect(),
        cancellation: bookings.cancellation(guest, &booking.ref_id).await?,
        claim_expires_at: expires_at,
    };
    // Shown to whoever has the claim, and whole, whatever a caller prefers: it changes nothing.
    Ok(Answer::new(StatusCode::OK, &body, PRIVATE).with_tag(body.booking.tag()).uncached())
}

problem_responses!(CancelProblems: [INPUT, CALLER, BODY, KEY], INVALID_TOKEN, NOT_FOUND, INVALID_TRANSITION, BOOKING_LOCKED, VERSION_MISMATCH);

/// Cancel a guest's booking by its claim.
///
/// As the guest itself may: only while the booking is `BOOKED`. What was paid goes back but for the fee.
#[utoipa::path(post, path = "/bookings/guest/cancel", tag = "bookings", operation_id = "cancelGuestBooking",
    request_body = CancelGuestBooking,
    params(KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), CancelProblems))]
pub(super) async fn cancel(State(desk): State<Desk>, request: ChangeRequest) -> Result<Answer, Problem> {
    let wanted = match request.body().read(CancelGuestBooking::read) {
        Ok(wanted) => wanted,
        Err(fault) => return Err(with_other_faults(request, fault).await),
    };
    let Opened { guest, booking, .. } = desk.bookings().opened(&wanted.claim_token).await?;
    let cancel = Cancel { reason: wanted.reason, waived_by: None };
    let step = Step { caller: guest, desk, reference: booking.ref_id, request };
    Box::pin(step.take(Ok(cancel), Verb::Cancel)).await
}

/// Returns the faults of a body together with those of the rest of its request.
async fn with_other_faults(request: ChangeRequest, fault: Problem) -> Problem {
    let nothing = || async { Ok::<_, BookingError>(()) };
    let judged = request.judge(Uuid::nil(), Err::<(), _>(fault), nothing).await;
    judged.err().unwrap_or_else(|| BookingError::ClaimInvalid.into())
}

problem_responses!(PayProblems: [INPUT, CALLER, BODY, KEY], INVALID_TOKEN, NOT_FOUND, PAYMENT_DECLINED, PAYMENT_NOT_POSSIBLE, PAYMENT_IN_PROGRESS);

/// Pay for a guest's booking by its claim.
///
/// Pays all that is due. If the provider has not decided after some seconds, the answer is 202 with the payment: read the
/// booking, or repeat the request with its key.
#[utoipa::path(post, path = "/bookings/guest/payments", tag = "payments", operation_id = "payGuestBooking",
    request_body = PayGuestBooking, params(KeyHeader),
    responses((status = 201, body = loadmaster_payments::PaymentBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))),
              (status = 202, body = loadmaster_payments::PaymentBody, headers(("ETag" = String), ("Location" = String))), PayProblems))]
pub(super) async fn pay(
    State(bookings): State<BookingService>,
    State(unit_of_work): State<UnitOfWork>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let ((), wanted) = both(query.refuse_all(), body.read(PayGuestBooking::read))?;
    let Opened { guest, booking, .. } = bookings.opened(&wanted.claim_token).await?;
    let key = idempotent.key(guest.user_id.uuid(), &body)?;
    let wanted = PaymentRequest { payment_token: Some(wanted.payment_token), payment_method: None };
    Box::pin(pay_as(guest, booking.ref_id, wanted, (bookings, unit_of_work, key))).await
}
