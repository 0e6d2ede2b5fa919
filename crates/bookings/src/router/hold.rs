//! What changes holds: it takes the same space as what changes bookings, in one order of arrival.
use axum::{Extension, extract::State};
use loadmaster_accounts::{Customer, Guest, Principal};
use loadmaster_holds::{AmendHold, CreateHold, CreateReservation, EndReason, ExtendHold, HoldBody, HoldKind, HoldVerb};
use loadmaster_kernel::{FlightId, HoldId};
use loadmaster_platform::{
    idempotency::{Answer, Key, KeyHeader},
    web::{ClientAddress, PathText, PathTexts, Problem, problem_responses},
    work::{ChangeRequest, CreateRequest},
};
use loadmaster_reference::Reference;

use crate::{desk::Desk, error::code};

type Address = Option<Extension<ClientAddress>>;

/// Makes a hold. A repeated answer is given only if the caller may still see the hold.
async fn make(
    desk: &Desk,
    caller: Principal,
    address: Address,
    (kind, new): (HoldKind, CreateHold),
    key: Key,
) -> Result<Answer, Problem> {
    let holds = desk.holds();
    let counted = holds.caller(caller, address.map(|Extension(address)| address));
    let answer = desk.make_hold(counted, kind, new, key).await?;
    if let Some(made) = answer.made_before() {
        holds.visible(caller, made).await?;
    }
    Ok(answer)
}

problem_responses!(CreateProblems: [INPUT, SIGNED_IN, BODY, KEY], FORBIDDEN, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, NO_BOOKABLE_ITINERARY, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, PRICE_CHANGED, QUOTE_EXPIRED, NO_RATE, DISCOUNT_NOT_APPLICABLE);

/// Hold room.
///
/// Keeps room on every flight of an itinerary, or on none, until `expires_at`. Flights are named, or chosen as for a
/// booking. A guest's hold keeps at most 20 % of a flight or one position, and guests have at most three holds at once,
/// five at one network address, and 30 % of a flight together; an organization has at most 100, together with its entries
/// of the waitlist.
#[utoipa::path(post, path = "/holds", tag = "holds", operation_id = "createHold",
    request_body = CreateHold, params(KeyHeader),
    responses((status = 201, body = HoldBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
pub(super) async fn create(
    Guest(caller): Guest,
    State(desk): State<Desk>,
    State(reference): State<Reference>,
    address: Address,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(|fields| CreateHold::read(fields, &reference));
    let (key, new) = request.judge(caller.user_id.uuid(), input)?;
    make(&desk, caller, address, (HoldKind::Itinerary, new), key).await
}

/// A request to change a hold.
struct Step {
    caller: Principal,
    address: Address,
    desk: Desk,
    id: HoldId,
    /// It must be a reservation on this flight.
    on: Option<FlightId>,
    request: ChangeRequest,
}

impl Step {
    async fn take<T>(self, input: Result<T, Problem>, verb: impl FnOnce(T) -> HoldVerb) -> Result<Answer, Problem> {
        let Self { caller, address, desk, id, on, request } = self;
        let holds = desk.holds();
        let see = || async {
            match on {
                Some(flight) => holds.visible_reservation(caller, flight, id).await,
                None => holds.visible(caller, id).await,
            }
        };
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
        if on.is_some() {
            // The desk checks the hold, not its flight.
            see().await?;
        }
        let counted = holds.caller(caller, address.map(|Extension(address)| address));
        let step =
            async |input, precondition, key| desk.change_hold(counted, (id, precondition), verb(input), key).await;
        judged.carry_out(step).await
    }

    async fn release(self) -> Result<Answer, Problem> {
        let input = self.request.body().read_optional(|_| Some(()));
        self.take(input, |()| HoldVerb::Release(EndReason::Caller)).await
    }
}

problem_responses!(AmendProblems: [INPUT, SIGNED_IN, BODY, KEY], FORBIDDEN, NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, DISCOUNT_NOT_APPLICABLE, NO_RATE, HOLD_EXPIRED, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, VERSION_MISMATCH);

/// Amend a hold.
///
/// A JSON merge patch (RFC 7396), in any steps while the hold is `ACTIVE`. Changed freight or flights take room anew: on
/// every flight, or nothing is changed. The time of expiry stays.
#[utoipa::path(patch, path = "/holds/{id}", tag = "holds", operation_id = "amendHold",
    request_body(content((AmendHold = "application/json"), (AmendHold = "application/merge-patch+json"))),
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), AmendProblems))]
pub(super) async fn amend(
    Guest(caller): Guest,
    State(desk): State<Desk>,
    State(known): State<Reference>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| AmendHold::read(fields, &known));
    let verb = |patch| HoldVerb::Amend(Box::new(patch));
    Step { caller, address, desk, id, on: None, request }.take(input, verb).await
}

problem_responses!(ExtendProblems: [INPUT, SIGNED_IN, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, HOLD_EXPIRED, HOLD_LIMIT_EXCEEDED, VERSION_MISMATCH);

/// Extend a hold.
///
/// It then expires `ttl_seconds` from now, but at `latest_expires_at` at the latest: 60 minutes after it was made, or at
/// the earliest cut-off of its flights.
#[utoipa::path(post, path = "/holds/{id}/extend", tag = "holds", operation_id = "extendHold",
    request_body = Option<ExtendHold>,
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ExtendProblems))]
pub(super) async fn extend(
    Guest(caller): Guest,
    State(desk): State<Desk>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(ExtendHold::read);
    let verb = |extension: ExtendHold| HoldVerb::Extend(extension.ttl_seconds);
    Step { caller, address, desk, id, on: None, request }.take(input, verb).await
}

problem_responses!(ReleaseProblems: [INPUT, SIGNED_IN, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, HOLD_EXPIRED, VERSION_MISMATCH);

/// Release a hold.
///
/// Its room is free at once, or set aside for those on the waitlist.
#[utoipa::path(post, path = "/holds/{id}/release", tag = "holds", operation_id = "releaseHold",
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ReleaseProblems))]
pub(super) async fn release(
    Guest(caller): Guest,
    State(desk): State<Desk>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    Step { caller, address, desk, id, on: None, request }.release().await
}

/// Release a hold with DELETE.
///
/// The same as `POST …/release`: the hold remains, with status `RELEASED`.
#[utoipa::path(delete, path = "/holds/{id}", tag = "holds", operation_id = "deleteHold",
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ReleaseProblems))]
pub(super) async fn delete(
    Guest(caller): Guest,
    State(desk): State<Desk>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    Step { caller, address, desk, id, on: None, request }.release().await
}

problem_responses!(ReserveProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, CAPACITY_EXCEEDED, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, HOLD_LIMIT_EXCEEDED);

/// Reserve room on a flight.
///
/// A hold of one flight; it can be amended, extended and committed like every hold, at its `Location`.
#[utoipa::path(post, path = "/flights/{id}/reservations", tag = "holds", operation_id = "createReservation",
    request_body = CreateReservation,
    params(("id" = FlightId, Path, description = "Id of the flight"), KeyHeader),
    responses((status = 201, body = HoldBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), ReserveProblems))]
pub(super) async fn reserve(
    Customer(caller): Customer,
    State(desk): State<Desk>,
    PathText(flight): PathText<FlightId>,
    address: Address,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(CreateReservation::read);
    let judged = request.judge(caller.user_id.uuid(), input);
    desk.holds().check_flight(flight).await?;
    let (key, new) = judged?;
    let new = CreateHold::on_one_flight(flight, &new);
    make(&desk, caller, address, (HoldKind::Reservation, new), key).await
}

problem_responses!(WithdrawProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, HOLD_EXPIRED, VERSION_MISMATCH);

/// Release a reservation.
///
/// The same as releasing the hold.
#[utoipa::path(delete, path = "/flights/{id}/reservations/{hold_id}", tag = "holds", operation_id = "deleteReservation",
    params(("id" = FlightId, Path, description = "Id of the flight"),
           ("hold_id" = HoldId, Path, description = "Id of the reservation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), WithdrawProblems))]
pub(super) async fn release_reservation(
    Customer(caller): Customer,
    State(desk): State<Desk>,
    PathTexts(flight, id): PathTexts<FlightId, HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    Step { caller, address, desk, id, on: Some(flight), request }.release().await
}
