use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Admin, Guest, Principal};
use loadmaster_holds::CommitTerms;
use loadmaster_kernel::{BookingRef, PaymentId};
use loadmaster_payments::{Payment, PaymentBody, PaymentMethod};
use loadmaster_platform::{
    idempotency::{Answer, Key, KeyHeader},
    web::{Body, PRIVATE, PathText, Problem, Query, private, problem_responses},
    work::{ChangeRequest, CreateRequest, Keyed, UnitOfWork},
};
use loadmaster_shipment::Surroundings;

use super::change::answer;

use crate::{
    BookingService,
    billing::{Administer, Cancellation, PayBooking, Refund, Verdict},
    courtesy::Target,
    dto::{BookingBody, CaptureRequest, NoMembers, PaymentRequest, RefundRequest, ResolveRequest},
    error::code,
    model::Booking,
};

/// The path of a payment.
const PAYMENT: &str = "/api/v1/payments/";

fn payment_answer(status: StatusCode, payment: &Payment) -> Answer {
    let answer = Answer::new(status, &PaymentBody::from(payment), PRIVATE).with_tag(payment.version.to_string());
    if status == StatusCode::OK { answer } else { answer.with_location(format!("{PAYMENT}{}", payment.id)) }
}

/// Of a payment that was made.
pub(crate) fn payment_made(payment: &Payment) -> Answer {
    payment_answer(StatusCode::CREATED, payment)
}

/// Of a payment that is under way.
pub(crate) fn payment_pending(payment: &Payment) -> Answer {
    payment_answer(StatusCode::ACCEPTED, payment)
}

/// Of a payment about which something was decided.
pub(crate) fn payment_decided(payment: &Payment) -> Answer {
    payment_answer(StatusCode::OK, payment)
}

/// Of a refund, which the payments of the booking show.
pub(crate) fn refund_promised(booking: &Booking, surroundings: &Surroundings) -> Answer {
    answer(StatusCode::CREATED, booking, surroundings)
        .with_location(format!("/api/v1/bookings/{}/payments", booking.ref_id))
}

/// Of a payment that was begun; the provider is asked after it.
fn begun(payment: &Payment) -> Answer {
    if payment.method == PaymentMethod::Account { payment_made(payment) } else { payment_pending(payment) }
}

problem_responses!(PayProblems: [INPUT, SIGNED_IN, BODY, KEY], NOT_FOUND, PAYMENT_DECLINED, PAYMENT_NOT_POSSIBLE, PAYMENT_IN_PROGRESS, CREDIT_EXCEEDED);

/// Pay for a booking.
///
/// Pays all that is due, with `payment_token` or with `payment_method` `ACCOUNT`. If the provider has not decided after some
/// seconds, the answer is 202 with the payment: read it, or repeat the request with its key.
#[utoipa::path(post, path = "/bookings/{ref_id}/payments", tag = "payments", operation_id = "payBooking",
    request_body = PaymentRequest,
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader),
    responses((status = 201, body = PaymentBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))),
              (status = 202, body = PaymentBody, headers(("ETag" = String), ("Location" = String))), PayProblems))]
pub(super) async fn pay(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    State(unit_of_work): State<UnitOfWork>,
    PathText(reference): PathText<BookingRef>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(PaymentRequest::read);
    let judged = request.judge(caller.user_id.uuid(), input);
    bookings.visible(caller, &reference).await?;
    let (key, wanted) = judged?;
    Box::pin(pay_as(caller, reference, wanted, (bookings, unit_of_work, key))).await
}

/// Pays all that is due for a booking that the caller may see.
pub(super) async fn pay_as(
    caller: Principal,
    reference: BookingRef,
    wanted: PaymentRequest,
    (bookings, unit_of_work, key): (BookingService, UnitOfWork, Key),
) -> Result<Answer, Problem> {
    let terms = CommitTerms { request: key.name(), ..wanted.terms() };
    if let Some(answer) = bookings.joined_payment(&key, &terms).await? {
        return Ok(answer);
    }
    let command = PayBooking { bookings: bookings.clone(), caller, reference, terms: terms.clone() };
    let keyed = Keyed { command, key: key.clone(), answer: Box::new(begun) };
    let begun = unit_of_work.run_and_show(keyed).await?;
    bookings.finished_payment(begun, &terms, &key).await
}

problem_responses!(ReadProblems: [INPUT, SIGNED_IN], NOT_FOUND);

/// List the payments of a booking, oldest first.
///
/// With what was captured and refunded of each.
#[utoipa::path(get, path = "/bookings/{ref_id}/payments", tag = "payments", operation_id = "listBookingPayments",
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case")),
    responses((status = 200, body = Vec<PaymentBody>), ReadProblems))]
pub(super) async fn list(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    PathText(reference): PathText<BookingRef>,
    query: Query,
) -> Result<Response, Problem> {
    let found = bookings.payments_of(caller, &reference).await?;
    query.refuse_all()?;
    let bodies: Vec<PaymentBody> = found.iter().map(PaymentBody::from).collect();
    Ok(private(Json(bodies)))
}

/// Show what it costs to cancel a booking.
///
/// At this moment, and why; `next_change_at` is when the fee rises next. A change does not lower the fee, and a no-show keeps
/// it: `floor` is what is kept at least, until the carrier fails to carry the freight.
#[utoipa::path(get, path = "/bookings/{ref_id}/cancellation", tag = "bookings", operation_id = "getCancellation",
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case")),
    responses((status = 200, body = Cancellation), ReadProblems))]
pub(super) async fn cancellation(
    Guest(caller): Guest,
    State(bookings): State<BookingService>,
    PathText(reference): PathText<BookingRef>,
    query: Query,
) -> Result<Response, Problem> {
    let found = bookings.cancellation(caller, &reference).await?;
    query.refuse_all()?;
    Ok(private(Json(found)).into_response())
}

problem_responses!(RefundProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, REFUND_EXCEEDS_PAID, PAYMENT_NOT_POSSIBLE, VERSION_MISMATCH);

/// Refund a part of what was paid for a booking.
///
/// All that is left by default; the newest payments first. `refunded` rises when the provider has confirmed it, which may be
/// after the answer.
#[utoipa::path(post, path = "/bookings/{ref_id}/refunds", tag = "payments", operation_id = "refundBooking",
    request_body = Option<RefundRequest>,
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Refund only if the booking still has this ETag")),
    responses((status = 201, body = BookingBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), RefundProblems))]
pub(super) async fn refund(
    Admin(caller): Admin,
    State(bookings): State<BookingService>,
    State(unit_of_work): State<UnitOfWork>,
    PathText(reference): PathText<BookingRef>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(RefundRequest::read);
    let see = || bookings.visible(caller, &reference);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let work = async |wanted, precondition, key: Key| {
        let RefundRequest { amount, reason } = wanted;
        let target = Target { caller, reference: reference.clone(), precondition };
        let command = Refund { bookings: bookings.clone(), target, amount, reason };
        let surroundings = bookings.surroundings().clone();
        let answer = Box::new(move |booking: &Booking| refund_promised(booking, &surroundings));
        let keyed = Keyed { command, key: key.clone(), answer };
        let kept = unit_of_work.run(keyed).await?;
        bookings.refunded(caller, &reference, kept, &key).await
    };
    judged.carry_out(work).await
}

problem_responses!(AdministerProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, PAYMENT_NOT_POSSIBLE, VERSION_MISMATCH);

/// A decision of an administrator about one payment.
struct Decision {
    caller: Principal,
    bookings: BookingService,
    unit_of_work: UnitOfWork,
    payment: PaymentId,
    request: ChangeRequest,
}

impl Decision {
    async fn make<T>(self, input: Result<T, Problem>, verdict: impl FnOnce(T) -> Verdict) -> Result<Answer, Problem> {
        let Self { caller, bookings, unit_of_work, payment, request } = self;
        let see = || bookings.check_payment(caller, payment);
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
        let work = async |input, precondition, key: Key| {
            let verdict = verdict(input);
            let command =
                Administer { bookings: bookings.clone(), caller, payment, precondition, verdict, reference: None };
            let keyed = Keyed { command, key: key.clone(), answer: Box::new(payment_decided) };
            let kept = unit_of_work.run(keyed).await?;
            bookings.administered(payment, kept, &key).await
        };
        judged.carry_out(work).await
    }
}

/// Declares a handler of a decision about a payment.
macro_rules! decision {
    ($(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $body:ty, $read:expr, $verdict:expr) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "payments", operation_id = $operation, request_body = $body,
            params(("id" = PaymentId, Path, description = "Id of the payment"), KeyHeader,
                   ("If-Match" = Option<String>, Header, description = "Decide only if the payment still has this ETag")),
            responses((status = 200, body = PaymentBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), AdministerProblems))]
        pub(super) async fn $name(
            Admin(caller): Admin,
            State(bookings): State<BookingService>,
            State(unit_of_work): State<UnitOfWork>,
            PathText(payment): PathText<PaymentId>,
            request: ChangeRequest,
        ) -> Result<Answer, Problem> {
            let input = ($read)(request.body());
            let decision = Decision { caller, bookings, unit_of_work, payment, request };
            decision.make(input, $verdict).await
        }
    };
}

decision!(
    /// Capture an authorized payment by hand.
    ///
    /// Once; the rest is voided. Default: all that was authorized.
    capture, "/payments/{id}/capture", "capturePayment", Option<CaptureRequest>,
    |body: &Body| body.read_optional(CaptureRequest::read),
    |wanted: CaptureRequest| Verdict::Capture(wanted.amount)
);

decision!(
    /// Void a payment that is not captured.
    ///
    /// What was reserved at the provider is given back.
    void, "/payments/{id}/void", "voidPayment", Option<NoMembers>,
    |body: &Body| body.read_optional(NoMembers::read),
    |_| Verdict::Void
);

decision!(
    /// Record what became of an operation whose outcome the provider does not tell.
    ///
    /// Possible once it was asked for 23 hours. `done` says whether it happened. If there are several such operations,
    /// `operation_id` names one; without it the answer is 409 `payment_not_possible` with the `operations`.
    resolve, "/payments/{id}/resolve", "resolvePayment", ResolveRequest,
    |body: &Body| body.read(ResolveRequest::read),
    |wanted: ResolveRequest| {
        let ResolveRequest { operation_id: operation, done, note } = wanted;
        Verdict::Resolve { operation, done, note }
    }
);
