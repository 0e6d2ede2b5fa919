use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_accounts::{Customer, Guest, Principal};
use loadmaster_kernel::{FlightId, HoldId};
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, KeyHeader},
    listing::{Anchor, CountParams, ExpiryOrder, add_total},
    room::{Routes, handler_state},
    web::{
        Body, ClientAddress, CursorKey, IfNoneMatch, NO_STORE, PRIVATE, PageFields, PageParams, PathText, PathTexts,
        Problem, Query, ReadRecency, both, conditional, private, problem_responses, unless_missing,
    },
    work::ChangeRequest,
};
use loadmaster_reference::Reference;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    HoldService,
    ask::HoldVerb,
    counter::HoldRequest,
    dto::{AmendHold, CreateHold, CreateReservation, ExtendHold, HoldBody, HoldFilter, Position},
    error::code,
    model::{EndReason, Hold, HoldKind},
};

handler_state!(HandlerState { holds: HoldService, reference: Reference });

type Address = Option<Extension<ClientAddress>>;

pub(super) fn routes() -> Routes<HandlerState> {
    let api = OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, amend, delete))
        .routes(routes!(extend))
        .routes(routes!(release))
        .routes(routes!(reservations, reserve))
        .routes(routes!(release_reservation))
        .routes(routes!(positions));
    api.into()
}

/// The path of a hold.
const HOLD: &str = "/api/v1/holds/";

/// Returns the answer to what made or changed a hold, as the hold is then.
fn answer(status: StatusCode, hold: &Hold) -> Answer {
    // As it was decided: a hold that was changed was open, whatever the clock of a process that changed it before said.
    Answer::new(status, &HoldBody::new(hold, hold.created_at), PRIVATE).with_tag(hold.version.to_string())
}

/// Returns the answer to a new hold.
pub fn created(hold: &Hold) -> Answer {
    answer(StatusCode::CREATED, hold).with_location(format!("{HOLD}{}", hold.id))
}

/// Returns the answer to the commit of a hold whose payment is not decided yet.
pub fn pending(hold: &Hold) -> Answer {
    answer(StatusCode::ACCEPTED, hold).with_location(format!("{HOLD}{}", hold.id))
}

/// Returns the answer to a changed hold.
pub fn changed(hold: &Hold) -> Answer {
    answer(StatusCode::OK, hold)
}

/// Makes a hold. A repeated answer is given only if the caller may still see the hold.
async fn make(
    holds: &HoldService,
    caller: Principal,
    address: Address,
    request: HoldRequest,
    key: loadmaster_platform::idempotency::Key,
) -> Result<Answer, Problem> {
    let counted = holds.caller(caller, address.map(|Extension(address)| address));
    let answer = holds.carry_out(counted, request, key).await?;
    let made = answer.location().and_then(|location| location.strip_prefix(HOLD)?.parse().ok());
    if let (true, Some(made)) = (answer.is_replayed(), made) {
        holds.visible(caller, made).await?;
    }
    Ok(answer)
}

problem_responses!(CreateProblems: [INPUT, SIGNED_IN, BODY, KEY], CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, NO_BOOKABLE_ITINERARY, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, PRICE_CHANGED, QUOTE_EXPIRED, NO_RATE, DISCOUNT_NOT_APPLICABLE);

/// Hold room.
///
/// Keeps room on every flight of an itinerary, or on none, until `expires_at`. Flights are named, or chosen as for a
/// booking. A guest's hold keeps at most 20 % of a flight or one position, and guests have at most three holds at once,
/// five at one network address, and 30 % of a flight together; an organization has at most 100, together with its entries
/// of the waitlist.
#[utoipa::path(post, path = "/holds", tag = "holds", operation_id = "createHold",
    request_body = CreateHold, params(KeyHeader),
    responses((status = 201, body = HoldBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    State(reference): State<Reference>,
    address: Address,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let input = both(key, body.read(|fields| CreateHold::read(fields, &reference)));
    let ((), (key, new)) = both(query.refuse_all(), input)?;
    make(&holds, caller, address, HoldRequest::New { kind: HoldKind::Itinerary, new: Box::new(new) }, key).await
}

problem_responses!(ReadProblems: [INPUT, SIGNED_IN], NOT_FOUND);

/// Show a hold.
///
/// From `expires_at` on it is `EXPIRED`.
#[utoipa::path(get, path = "/holds/{id}", tag = "holds", operation_id = "getHold",
    params(("id" = HoldId, Path, description = "Id of the hold"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String))), (status = 304), ReadProblems))]
async fn show(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    PathText(id): PathText<HoldId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let hold = holds.visible(caller, id).await?;
    query.refuse_all()?;
    let body = HoldBody::new(&hold, holds.clock.now());
    // Expiry changes what is shown, without a change of the hold.
    let tag = if body.status == hold.status { hold.version.to_string() } else { format!("{}-expired", hold.version) };
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(body)))
}

problem_responses!(ListProblems: [LIST, SIGNED_IN]);

/// List holds, newest first or in the order of `sort`: your own, or all for carrier staff.
///
/// Guests see those that were made with their token.
#[utoipa::path(get, path = "/holds", tag = "holds", operation_id = "listHolds",
    params(HoldFilter, ExpiryOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<HoldBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
async fn list(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (HoldFilter::read(fields, caller)?, ExpiryOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.reader();
    let page = page.open::<Anchor>(&key, &query, &reader)?;
    let found = holds.list(&filter, order, &page, count, recency).await?;
    let now = holds.clock.now();
    let bodies: Vec<_> = found.entries.iter().map(|hold| HoldBody::new(hold, now)).collect();
    let anchor = |body: &HoldBody| order.anchor(body.id.uuid(), body.expires_at);
    let mut answer = private(page.answer(bodies, anchor, &key, &query, &reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

/// A request to change a hold.
struct Step {
    caller: Principal,
    address: Address,
    holds: HoldService,
    id: HoldId,
    /// It must be a reservation on this flight.
    on: Option<FlightId>,
    request: ChangeRequest,
}

impl Step {
    async fn take<T>(self, input: Result<T, Problem>, verb: impl FnOnce(T) -> HoldVerb) -> Result<Answer, Problem> {
        let Self { caller, address, holds, id, on, request } = self;
        let see = || async {
            match on {
                Some(flight) => holds.visible_reservation(caller, flight, id).await,
                None => holds.visible(caller, id).await,
            }
        };
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
        if on.is_some() {
            // Whoever carries it out asks for the hold alone.
            see().await?;
        }
        let counted = holds.caller(caller, address.map(|Extension(address)| address));
        let step = async |input, precondition, key| {
            holds.carry_out(counted, HoldRequest::Step { hold: id, precondition, verb: verb(input) }, key).await
        };
        judged.carry_out(step).await
    }
}

problem_responses!(AmendProblems: [INPUT, SIGNED_IN, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, DISCOUNT_NOT_APPLICABLE, NO_RATE, HOLD_EXPIRED, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, VERSION_MISMATCH);

/// Amend a hold.
///
/// A JSON merge patch (RFC 7396), in any steps while the hold is `ACTIVE`. Changed freight or flights take room anew: on
/// every flight, or nothing is changed. The time of expiry stays.
#[utoipa::path(patch, path = "/holds/{id}", tag = "holds", operation_id = "amendHold",
    request_body(content((AmendHold = "application/json"), (AmendHold = "application/merge-patch+json"))),
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), AmendProblems))]
async fn amend(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    State(known): State<Reference>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| AmendHold::read(fields, &known));
    let verb = |patch| HoldVerb::Amend(Box::new(patch));
    Step { caller, address, holds, id, on: None, request }.take(input, verb).await
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
async fn extend(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(ExtendHold::read);
    let verb = |extension: ExtendHold| HoldVerb::Extend(extension.ttl_seconds);
    Step { caller, address, holds, id, on: None, request }.take(input, verb).await
}

problem_responses!(ReleaseProblems: [INPUT, SIGNED_IN, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, HOLD_EXPIRED, VERSION_MISMATCH);

/// Release a hold.
///
/// Its room is free at once, or set aside for those on the waitlist.
#[utoipa::path(post, path = "/holds/{id}/release", tag = "holds", operation_id = "releaseHold",
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ReleaseProblems))]
async fn release(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    Step { caller, address, holds, id, on: None, request }.take(input, |()| HoldVerb::Release(EndReason::Caller)).await
}

/// Release a hold with DELETE.
///
/// The same as `POST …/release`: the hold remains, with status `RELEASED`.
#[utoipa::path(delete, path = "/holds/{id}", tag = "holds", operation_id = "deleteHold",
    params(("id" = HoldId, Path, description = "Id of the hold"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = HoldBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ReleaseProblems))]
async fn delete(
    Guest(caller): Guest,
    State(holds): State<HoldService>,
    PathText(id): PathText<HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    Step { caller, address, holds, id, on: None, request }.take(input, |()| HoldVerb::Release(EndReason::Caller)).await
}

problem_responses!(ReserveProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, CAPACITY_EXCEEDED, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, HOLD_LIMIT_EXCEEDED);

/// Reserve room on a flight.
///
/// A hold of one flight; it can be amended, extended and committed like every hold, at its `Location`.
#[utoipa::path(post, path = "/flights/{id}/reservations", tag = "holds", operation_id = "createReservation",
    request_body = CreateReservation,
    params(("id" = FlightId, Path, description = "Id of the flight"), KeyHeader),
    responses((status = 201, body = HoldBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), ReserveProblems))]
async fn reserve(
    Customer(caller): Customer,
    State(holds): State<HoldService>,
    PathText(flight): PathText<FlightId>,
    address: Address,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let input = both(query.refuse_all(), both(key, body.read(CreateReservation::read)));
    holds.check_flight(flight).await?;
    let ((), (key, new)) = input?;
    let new = Box::new(CreateHold::on_one_flight(flight, &new));
    make(&holds, caller, address, HoldRequest::New { kind: HoldKind::Reservation, new }, key).await
}

problem_responses!(ReservationProblems: [LIST, ROLE], NOT_FOUND);

/// List the reservations of a flight, newest first: your own, or all for carrier staff.
///
/// A reservation is a hold on one flight.
#[utoipa::path(get, path = "/flights/{id}/reservations", tag = "holds", operation_id = "listReservations",
    params(("id" = FlightId, Path, description = "Id of the flight"), PageParams),
    responses((status = 200, body = Vec<HoldBody>, headers(("Link" = String))), ReservationProblems))]
async fn reservations(
    Customer(caller): Customer,
    State(holds): State<HoldService>,
    State(key): State<CursorKey>,
    PathText(flight): PathText<FlightId>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.reader();
    let page = query.read(|fields| Some(PageFields::read(fields)));
    let page = page.and_then(|page| page.open::<Anchor>(&key, &query, &reader));
    holds.check_flight(flight).await?;
    let page = page?;
    let filter = HoldFilter {
        flight_id: Some(flight),
        kind: Some(HoldKind::Reservation),
        organization_id: caller.sees_only(),
        ..HoldFilter::default()
    };
    let found = holds.list(&filter, ExpiryOrder::default(), &page, CountParams::default(), recency).await?;
    let now = holds.clock.now();
    let bodies: Vec<_> = found.entries.iter().map(|hold| HoldBody::new(hold, now)).collect();
    Ok(private(page.answer(bodies, |body| Anchor::Id(body.id.uuid()), &key, &query, &reader)))
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
async fn release_reservation(
    Customer(caller): Customer,
    State(holds): State<HoldService>,
    PathTexts(flight, id): PathTexts<FlightId, HoldId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    Step { caller, address, holds, id, on: Some(flight), request }
        .take(input, |()| HoldVerb::Release(EndReason::Caller))
        .await
}

problem_responses!(PositionProblems: [INPUT, CALLER], NOT_FOUND);

/// Show the positions of a flight by their names.
///
/// A position that is only counted, in a hold or a booking, has no name: fewer may be left than are `FREE`.
#[utoipa::path(get, path = "/flights/{id}/positions", tag = "holds", operation_id = "listPositions",
    params(("id" = FlightId, Path, description = "Id of the flight")),
    responses((status = 200, body = Vec<Position>), PositionProblems))]
async fn positions(
    State(holds): State<HoldService>,
    PathText(flight): PathText<FlightId>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    unless_missing(query.refuse_all(), holds.check_flight(flight)).await?;
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(holds.positions(flight).await?)))
}
