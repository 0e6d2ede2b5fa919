use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use loadmaster_accounts::{Customer, Guest, Operator, Principal, Role};
use loadmaster_holds::HoldBody;
use loadmaster_kernel::{BookingId, BookingRef};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    web::{PRIVATE, PathText, Problem, problem_responses, request_id},
    work::{ChangeRequest, CreateRequest},
};
use loadmaster_reference::Reference;
use loadmaster_shipment::Surroundings;
use serde::Deserialize;

use super::super::error::code;

use crate::{
    Action, Booking, BookingService,
    amend::Amend,
    cancel::Cancel,
    change::Change,
    correct::Correct,
    courtesy::Target,
    desk::{Desk, Verb},
    dto::{AmendBooking, BookingBody, CancelBooking, CorrectBooking, CreateBooking, RecordMovement},
    movement::Advance,
};

/// Returns the booking with its `ETag`.
pub(super) fn answer(status: StatusCode, booking: &Booking, surroundings: &Surroundings) -> Answer {
    let body = BookingBody::new(booking, surroundings);
    Answer::new(status, &body, PRIVATE).with_tag(body.tag())
}

/// The path of a booking.
const BOOKING: &str = "/api/v1/bookings/";

/// The booking that an answer shows.
#[derive(Deserialize)]
pub(super) struct Shown {
    pub id: BookingId,
    pub ref_id: BookingRef,
    pub created_at: DateTime<Utc>,
}

/// Checks that the caller of a repeated answer may still see its booking.
pub(super) async fn check_replayed(
    bookings: &BookingService,
    caller: Principal,
    answer: &Answer,
) -> Result<(), Problem> {
    if answer.is_replayed()
        && let Some(Shown { ref_id, .. }) = answer.read()
    {
        bookings.visible(caller, &ref_id).await?;
    }
    Ok(())
}

pub(crate) fn created(booking: &Booking, surroundings: &Surroundings) -> Answer {
    answer(StatusCode::CREATED, booking, surroundings).with_location(format!("{BOOKING}{}", booking.ref_id))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY], PRICE_CHANGED, QUOTE_EXPIRED, QUOTE_REQUIRED, DISCOUNT_NOT_APPLICABLE, PAYMENT_DECLINED, PAYMENT_IN_PROGRESS, PAYMENT_NOT_POSSIBLE, CREDIT_EXCEEDED, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, NO_BOOKABLE_ITINERARY, ALREADY_EXISTS);

/// Create a booking.
///
/// With `flight_ids`, the booking is on exactly these flights; they must connect origin and destination with the
/// minimum connection time. Without `flight_ids`, it is on the best option that departs on `departure_date` or, without
/// a date, within 72 hours: the earliest-arriving direct flight or, if there is none, the earliest-arriving connection.
/// Either all legs get capacity or none does. If it is refused because a flight is full, closed or cancelled, or none was
/// found, `alternatives` in the problem has at most three options (`RouteOption`) that can be booked for this freight, that
/// day or one of the next.
///
/// With `quote_id` the booking has the price of that quote, and can be paid at once as by the commit of a hold: if the
/// provider has not decided after some seconds, the answer is 202 with the hold that the booking is made of; if it declines,
/// that hold stays for another try for at least 120 seconds, and the problem names it. The same request of the same user, with
/// another payment, takes that hold over: it takes no room twice, and succeeds on a flight that is full by now.
#[utoipa::path(post, path = "/bookings", tag = "bookings", operation_id = "createBooking",
    request_body = CreateBooking, params(KeyHeader),
    responses((status = 201, body = BookingBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), (status = 202, body = HoldBody, headers(("ETag" = String), ("Location" = String))), CreateProblems))]
pub(super) async fn create(
    Customer(caller): Customer,
    State(desk): State<Desk>,
    State(reference): State<Reference>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(|fields| CreateBooking::read(fields, &reference));
    let (key, new) = request.judge(caller.user_id.uuid(), input)?;
    let answer = desk.book(caller, new, key, created).await?;
    check_replayed(desk.bookings(), caller, &answer).await?;
    Ok(answer)
}

pub(crate) fn changed(booking: &Booking, surroundings: &Surroundings) -> Answer {
    answer(StatusCode::OK, booking, surroundings)
}

/// Returns the same for a unit of work.
pub(crate) fn answer_changed(bookings: &BookingService) -> impl Fn(&Booking) -> Answer + Send + Sync + use<> {
    let surroundings = bookings.surroundings().clone();
    move |booking: &Booking| changed(booking, &surroundings)
}

/// A request to change a booking.
pub(super) struct Step {
    pub caller: Principal,
    pub desk: Desk,
    pub reference: BookingRef,
    pub request: ChangeRequest,
}

impl Step {
    async fn advance(self, known: &Reference, action: Action) -> Result<Answer, Problem> {
        let input = self.request.body().read_optional(|fields| RecordMovement::read(fields, known));
        Box::pin(self.take(input, |movement| Verb::Advance(Advance { action, movement }))).await
    }

    async fn cancel(self) -> Result<Answer, Problem> {
        let input = self.request.body().read_optional(CancelBooking::read);
        let input = input.and_then(|cancel| match cancel.waive_fee {
            Some(true) if self.caller.role < Role::Operator => {
                Err(Problem::new(code::FORBIDDEN, "Only the carrier's staff can waive the fee."))
            }
            _ => Ok(cancel),
        });
        let cancel = |cancel: CancelBooking| {
            Verb::Cancel(Cancel { reason: cancel.reason, waived_by: (cancel.waive_fee == Some(true)).then(request_id) })
        };
        Box::pin(self.take(input, cancel)).await
    }

    pub async fn take<T>(self, input: Result<T, Problem>, verb: impl FnOnce(T) -> Verb) -> Result<Answer, Problem> {
        let Self { caller, desk, reference, request } = self;
        let see = || desk.bookings().visible(caller, &reference);
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
        let step = async |input, precondition, key| {
            let target = Target { caller, reference: reference.clone(), precondition };
            desk.take_step(target, verb(input), key, changed).await
        };
        judged.carry_out(step).await
    }

    async fn amend(self, known: &Reference) -> Result<Answer, Problem> {
        let input = self.request.body().read_patch(|fields| AmendBooking::read(fields, known));
        let Self { caller, desk, reference, request } = self;
        let see = || desk.bookings().visible(caller, &reference);
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
        let bookings = desk.bookings();
        let mut asked = None;
        let command = |amendment: AmendBooking, precondition| {
            asked = Some(amendment.clone());
            let target = Target { caller, reference: reference.clone(), precondition };
            Change::new(bookings.clone(), target, Amend { amendment })
        };
        let outcome = judged.run(command, answer_changed(bookings)).await;
        match asked {
            Some(amendment) => bookings.or_other_routes((caller, &reference), &amendment, outcome).await,
            None => outcome,
        }
    }
}

problem_responses!(DepartProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, LOCATION_MISMATCH, FLIGHT_MISMATCH, FLIGHT_CANCELLED, CAPACITY_BELOW_BOOKED, BOOKING_LOCKED, VERSION_MISMATCH);
problem_responses!(MoveProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, LOCATION_MISMATCH, FLIGHT_MISMATCH, FLIGHT_CANCELLED, BOOKING_LOCKED, VERSION_MISMATCH);

/// Declares a handler that moves a shipment one step on.
macro_rules! movement {
    ($(#[$doc:meta])* $name:ident, $action:expr, $path:literal, $operation:literal, $problems:ident) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "bookings", operation_id = $operation,
            request_body = Option<RecordMovement>,
            params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader,
                   ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
            responses((status = 200, body = BookingBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), $problems))]
        pub(super) async fn $name(
            Operator(caller): Operator,
            State(desk): State<Desk>,
            State(known): State<Reference>,
            PathText(reference): PathText<BookingRef>,
            request: ChangeRequest,
        ) -> Result<Answer, Problem> {
            Step { caller, desk, reference, request }.advance(&known, $action).await
        }
    };
}

movement!(
    /// Record the departure of the current leg.
    ///
    /// For carrier staff. Changes only the leg of this booking, not the flight. An overbooked flight takes along only what it
    /// carries: if more would have departed on it, 409 `capacity_below_booked` names the `shortfalls`.
    depart, Action::Depart, "/bookings/{ref_id}/depart", "departBooking", DepartProblems
);
movement!(
    /// Record the arrival of the departed leg.
    ///
    /// For carrier staff. A `location`, `flight_id` or `flight_number` that is given must be that leg's.
    arrive, Action::Arrive, "/bookings/{ref_id}/arrive", "arriveBooking", MoveProblems
);
movement!(
    /// Record the delivery to the consignee at the destination.
    ///
    /// For carrier staff. The shipment must have arrived there.
    deliver, Action::Deliver, "/bookings/{ref_id}/deliver", "deliverBooking", MoveProblems
);

problem_responses!(CorrectProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, CORRECTION_NOT_POSSIBLE, BOOKING_LOCKED, VERSION_MISMATCH);

/// Take back the last step of a booking.
///
/// For carrier staff: a departure, arrival or delivery that was recorded by mistake. The booking is again as before the
/// step, and its history has the event `CORRECTED` with the reason. Possible for an hour after the step was recorded, and only
/// while nothing has changed since: 409 `correction_not_possible` names the obstacle in `reason`. What a flight has taken along
/// when it departed or landed itself cannot be taken back, nor a cancellation, nor a correction.
#[utoipa::path(post, path = "/bookings/{ref_id}/correct", tag = "bookings", operation_id = "correctBooking",
    request_body = CorrectBooking,
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), CorrectProblems))]
pub(super) async fn correct(
    Operator(caller): Operator,
    State(bookings): State<BookingService>,
    PathText(reference): PathText<BookingRef>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(CorrectBooking::read);
    let see = || bookings.visible(caller, &reference);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |correction: CorrectBooking, precondition| {
        let target = Target { caller, reference: reference.clone(), precondition };
        Change::new(bookings.clone(), target, Correct { reason: correction.reason })
    };
    judged.run(command, answer_changed(&bookings)).await
}

problem_responses!(AmendProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, FLIGHT_CLOSED, FLIGHT_CANCELLED, ITINERARY_INVALID, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, ALREADY_EXISTS, CAPACITY_EXCEEDED, NO_RATE, BOOKING_LOCKED, VERSION_MISMATCH);

/// Amend or reroute a booking.
///
/// A JSON merge patch (RFC 7396). Descriptive members can be changed until `DELIVERED` or `CANCELLED`; pieces, weight,
/// volume, positions and air waybill only while `BOOKED`, and either all legs get the changed capacity or none does.
/// `flight_ids` names the new legs only, and replaces all legs that have not departed; this is possible until arrival
/// at the destination, and after the first departure only for carrier staff. Customers can amend until the cut-off of
/// the flights concerned, staff until their departure. If it is refused for lack of capacity, `alternatives` in the problem
/// has at most three options (`RouteOption`) for the amended freight, from where the cargo is or will land.
///
/// A booking with a price is rated again: for weight and volume by the rules of its quote, for special handling codes also by
/// those of today that the change brings in. A change never lowers the cancellation fee: see `GET …/cancellation`.
#[utoipa::path(patch, path = "/bookings/{ref_id}", tag = "bookings", operation_id = "amendBooking",
    request_body(content((AmendBooking = "application/json"), (AmendBooking = "application/merge-patch+json"))),
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), AmendProblems))]
pub(super) async fn amend(
    Customer(caller): Customer,
    State(desk): State<Desk>,
    State(known): State<Reference>,
    PathText(reference): PathText<BookingRef>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    Box::pin(Step { caller, desk, reference, request }.amend(&known)).await
}

problem_responses!(CancelProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, BOOKING_LOCKED, VERSION_MISMATCH);

/// Cancel a booking.
///
/// Releases the capacity of every leg that has not departed. What was paid goes back but for a fee, which depends on the
/// time left to the first departure: see `GET …/cancellation`. Not possible after any leg has arrived; for customers and
/// guests only while `BOOKED`.
#[utoipa::path(post, path = "/bookings/{ref_id}/cancel", tag = "bookings", operation_id = "cancelBooking",
    request_body = Option<CancelBooking>,
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), CancelProblems))]
pub(super) async fn cancel(
    Guest(caller): Guest,
    State(desk): State<Desk>,
    PathText(reference): PathText<BookingRef>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    Box::pin(Step { caller, desk, reference, request }.cancel()).await
}

/// Cancel a booking with DELETE.
///
/// The same as `POST …/cancel`: the booking remains, with status `CANCELLED`.
#[utoipa::path(delete, path = "/bookings/{ref_id}", tag = "bookings", operation_id = "deleteBooking",
    request_body = Option<CancelBooking>,
    params(("ref_id" = String, Path, description = "Booking reference, in upper or lower case"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = BookingBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), CancelProblems))]
pub(super) async fn delete(
    Guest(caller): Guest,
    State(desk): State<Desk>,
    PathText(reference): PathText<BookingRef>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    Box::pin(Step { caller, desk, reference, request }.cancel()).await
}
