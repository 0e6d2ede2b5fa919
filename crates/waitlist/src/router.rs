use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Customer, Operator, Principal};
use loadmaster_bookings::{BookingBody, Desk};
use loadmaster_holds::{CommitHold, EndReason, HoldVerb};
use loadmaster_kernel::{HoldId, WaitlistEntryId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, Key, KeyHeader},
    room::{Routes, handler_state},
    web::{
        ClientAddress, CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Precondition, Problem, Query,
        ReadRecency, conditional, private, problem_responses, unless_missing,
    },
    work::{ChangeRequest, CreateRequest, Keyed, UnitOfWork},
};
use loadmaster_reference::Reference;

use super::{
    dto::{ChangeEntry, JoinWaitlist, MoveEntry, WaitlistEntryBody, WaitlistFilter},
    error::{WaitlistError, code},
    join::Join,
    model::{Waiting, WaitlistAnchor, WaitlistStatus},
    order::{Change, Verb},
    service::{Placed, WaitlistService},
};

handler_state!(HandlerState { waitlist: WaitlistService, desk: Desk, reference: Reference });

type Address = Option<Extension<ClientAddress>>;

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(list, join))
        .routes(routes!(show, change, delete))
        .routes(routes!(cancel))
        .routes(routes!(move_entry))
        .routes(routes!(book))
        .routes(routes!(decline));
    api.into()
}

/// The path of an entry.
const ENTRY: &str = "/api/v1/waitlist/";

/// Returns the answer to what made or changed an entry.
fn answer(status: StatusCode, Placed { entry, place }: &Placed) -> Answer {
    let body = WaitlistEntryBody::new(entry, *place, None, entry.updated_at);
    Answer::new(status, &body, PRIVATE).with_tag(entry.version.to_string())
}

problem_responses!(JoinProblems: [INPUT, ROLE, BODY, KEY], CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, NO_BOOKABLE_ITINERARY, NOT_FULL, HOLD_LIMIT_EXCEEDED);

/// Wait for room.
///
/// On one to four flights, or on any way on a date. When room becomes free, the first in order that fits is offered it
/// as a hold for 24 hours, or for half of the time to the cut-off if that is less.
///
/// Freight that is larger than a flight is refused (`capacity_exceeded`), and so is freight that can be held there now, on all of the
/// named flights or on one way of the date (`not_full`): the problem has `next_action`, `hold`, and `flight_ids`, the
/// flights to hold. Entries that wait or have an offer count together with the organization's holds (`hold_limit_exceeded`).
/// After two offers on a flight that an organization let lapse, its entries are behind all others there.
#[utoipa::path(post, path = "/waitlist", tag = "waitlist", operation_id = "joinWaitlist",
    request_body = JoinWaitlist, params(KeyHeader),
    responses((status = 201, body = WaitlistEntryBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), JoinProblems))]
async fn join(
    Customer(caller): Customer,
    State(waitlist): State<WaitlistService>,
    State(reference): State<Reference>,
    State(unit_of_work): State<UnitOfWork>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(|fields| JoinWaitlist::read(fields, &reference));
    let (key, wanted) = request.judge(caller.user_id.uuid(), input)?;
    let command = Join { waitlist: waitlist.clone(), caller, wanted: wanted.clone(), ways: Vec::new() };
    let made = |made: &Placed| answer(StatusCode::CREATED, made).with_location(format!("{ENTRY}{}", made.entry.id));
    let outcome = unit_of_work.run(Keyed { command, key, answer: Box::new(made) }).await;
    let answer = waitlist.or_alternatives(&wanted, outcome).await?;
    if let Some(made) = answer.made_before() {
        waitlist.visible(caller, made).await?;
    }
    Ok(answer)
}

problem_responses!(ReadProblems: [INPUT, ROLE], NOT_FOUND);

/// Show an entry of the waitlist.
///
/// Your own, or any for carrier staff. One with an offer names the hold that keeps its room.
#[utoipa::path(get, path = "/waitlist/{id}", tag = "waitlist", operation_id = "getWaitlistEntry",
    params(("id" = WaitlistEntryId, Path, description = "Id of the entry"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = WaitlistEntryBody, headers(("ETag" = String))), (status = 304), ReadProblems))]
async fn show(
    Customer(caller): Customer,
    State(waitlist): State<WaitlistService>,
    PathText(id): PathText<WaitlistEntryId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    let exists = async { waitlist.visible(caller, id).await.map(drop) };
    unless_missing(query.refuse_all(), exists).await?;
    let (entry, body) = waitlist.described(caller, id).await?;
    // Place, offer and number of times change without a change of the entry.
    let offered = body.offer.as_ref().map_or(0, |offer| offer.version);
    let (place, passed_over) = (body.place.unwrap_or(0), body.passed_over);
    let tag = format!("{}-{place}-{passed_over}-{offered}-{}", entry.version, body.status.as_str());
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(body)))
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List entries of the waitlist, newest first: your own, or all for carrier staff.
///
/// The filters combine with AND.
#[utoipa::path(get, path = "/waitlist", tag = "waitlist", operation_id = "listWaitlist",
    params(WaitlistFilter, PageParams),
    responses((status = 200, body = Vec<WaitlistEntryBody>, headers(("Link" = String))), ListProblems))]
async fn list(
    Customer(caller): Customer,
    State(waitlist): State<WaitlistService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) =
        query.read(|fields| Some((WaitlistFilter::read(fields, caller)?, PageFields::read(fields))))?;
    let reader = caller.reader();
    let page = page.open::<WaitlistAnchor>(&key, &query, &reader)?;
    let found = waitlist.list(&filter, &page, recency).await?;
    let bodies = waitlist.describe(&found).await?;
    Ok(private(page.answer(bodies, |body| WaitlistAnchor(body.id), &key, &query, &reader)))
}

/// A request to change an entry.
struct Step {
    caller: Principal,
    waitlist: WaitlistService,
    id: WaitlistEntryId,
    request: ChangeRequest,
}

impl Step {
    async fn take<T>(self, input: Result<T, Problem>, verb: impl FnOnce(T) -> Verb) -> Result<Answer, Problem> {
        let Self { caller, waitlist, id, request } = self;
        let see = || waitlist.visible(caller, id);
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
        let command = |input, precondition| {
            let verb = verb(input);
            Change { waitlist: waitlist.clone(), caller, id, precondition, verb }
        };
        Box::pin(judged.run(command, |entry| answer(StatusCode::OK, entry))).await
    }

    /// Has the offer booked or declined, and answers with the booking or the hold: what becomes of the offer is what becomes
    /// of the entry.
    async fn take_offer<T>(
        self,
        desk: &Desk,
        address: Address,
        input: Result<T, Problem>,
        action: &'static str,
        verb: impl FnOnce(T) -> HoldVerb,
    ) -> Result<Answer, Problem> {
        let Self { caller, waitlist, id, request } = self;
        let see = || waitlist.visible(caller, id);
        let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
        let counted = desk.holds().caller(caller, address.map(|Extension(address)| address));
        let work = async |input, precondition: Precondition, key: Key| {
            let hold = waitlist.offered(caller, id, &precondition, &key, action).await?;
            desk.change_hold(counted, (hold, Precondition::default()), verb(input), key).await
        };
        let answer = Box::pin(judged.carry_out(work)).await?;
        waitlist.news.notify_one();
        Ok(answer)
    }
}

impl WaitlistService {
    /// Returns the hold that is offered to an entry. A request that was carried out before is repeated by its key, whatever
    /// became of the offer.
    async fn offered(
        &self,
        caller: Principal,
        id: WaitlistEntryId,
        precondition: &Precondition,
        key: &Key,
        action: &'static str,
    ) -> Result<HoldId, Problem> {
        let entry = self.visible(caller, id).await?;
        if let Some(offer) = &entry.offer
            && key.look_before_waiting().await.is_err()
        {
            return Ok(offer.hold_id);
        }
        precondition.check(entry.version).map_err(WaitlistError::VersionMismatch)?;
        match (entry.status_at(self.clock.now()), &entry.offer) {
            (WaitlistStatus::Offered, Some(offer)) => Ok(offer.hold_id),
            // The same request may have booked it, once its payment was decided.
            (WaitlistStatus::Booked, Some(offer)) if action == "book" && key.name().is_some() => Ok(offer.hold_id),
            (WaitlistStatus::Expired, Some(_)) => Err(loadmaster_holds::HoldError::Expired.into()),
            (from, _) => {
                let allowed = if from == WaitlistStatus::Waiting { vec!["cancel"] } else { Vec::new() };
                Err(WaitlistError::InvalidTransition { from, action, allowed }.into())
            }
        }
    }

    /// Returns an entry that the caller may see, as it is shown.
    async fn described(
        &self,
        caller: Principal,
        id: WaitlistEntryId,
    ) -> Result<(Waiting, WaitlistEntryBody), WaitlistError> {
        let entry = self.visible(caller, id).await?;
        let body = self.describe(std::slice::from_ref(&entry)).await?.pop().ok_or(WaitlistError::Unknown)?;
        Ok((entry, body))
    }

    /// Returns the answer with an entry whose offer was declined.
    async fn declined(&self, caller: Principal, id: WaitlistEntryId) -> Result<Answer, Problem> {
        // Its version is that of the entry from now on. If this fails, the matcher does it.
        if let Err(error) = self.settle_offer(id).await {
            tracing::warn!(%error, entry_id = %id, "a declined offer is not recorded yet; the matcher records it");
        }
        let (entry, body) = self.described(caller, id).await?;
        Ok(Answer::new(StatusCode::OK, &body, PRIVATE).with_tag(entry.version.to_string()))
    }
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Change the priority of an entry.
///
/// 1 is served first, 9 last: for carrier staff.
#[utoipa::path(patch, path = "/waitlist/{id}", tag = "waitlist", operation_id = "changeWaitlistEntry",
    request_body(content((ChangeEntry = "application/json"), (ChangeEntry = "application/merge-patch+json"))),
    params(("id" = WaitlistEntryId, Path, description = "Id of the entry"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = WaitlistEntryBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Operator(caller): Operator,
    State(waitlist): State<WaitlistService>,
    PathText(id): PathText<WaitlistEntryId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(ChangeEntry::read);
    Step { caller, waitlist, id, request }.take(input, |wanted| Verb::SetPriority(wanted.priority)).await
}

/// Place an entry directly before another.
///
/// It takes over that entry's priority: for carrier staff.
#[utoipa::path(post, path = "/waitlist/{id}/move", tag = "waitlist", operation_id = "moveWaitlistEntry",
    request_body = MoveEntry,
    params(("id" = WaitlistEntryId, Path, description = "Id of the entry"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = WaitlistEntryBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn move_entry(
    Operator(caller): Operator,
    State(waitlist): State<WaitlistService>,
    PathText(id): PathText<WaitlistEntryId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(MoveEntry::read);
    Step { caller, waitlist, id, request }.take(input, |wanted| Verb::MoveBefore(wanted.before)).await
}

/// Leave the waitlist.
///
/// The entry remains, with status `CANCELLED`.
#[utoipa::path(post, path = "/waitlist/{id}/cancel", tag = "waitlist", operation_id = "cancelWaitlistEntry",
    params(("id" = WaitlistEntryId, Path, description = "Id of the entry"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = WaitlistEntryBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn cancel(
    Customer(caller): Customer,
    State(waitlist): State<WaitlistService>,
    PathText(id): PathText<WaitlistEntryId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    Step { caller, waitlist, id, request }.take(input, |()| Verb::Cancel).await
}

/// Leave the waitlist with DELETE.
///
/// The same as `POST …/cancel`: the entry remains, with status `CANCELLED`.
#[utoipa::path(delete, path = "/waitlist/{id}", tag = "waitlist", operation_id = "deleteWaitlistEntry",
    params(("id" = WaitlistEntryId, Path, description = "Id of the entry"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = WaitlistEntryBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn delete(
    Customer(caller): Customer,
    State(waitlist): State<WaitlistService>,
    PathText(id): PathText<WaitlistEntryId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    Step { caller, waitlist, id, request }.take(input, |()| Verb::Cancel).await
}

problem_responses!(BookProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, HOLD_EXPIRED, HOLD_INCOMPLETE, HOLD_LIMIT_EXCEEDED, POSITION_TAKEN, PRICE_CHANGED, QUOTE_REQUIRED, NO_RATE, DISCOUNT_NOT_APPLICABLE, PAYMENT_DECLINED, PAYMENT_IN_PROGRESS, PAYMENT_NOT_POSSIBLE, CREDIT_EXCEEDED, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, ALREADY_EXISTS, VERSION_MISMATCH);

/// Book the offer of an entry.
///
/// The same as committing the hold that is offered.
#[utoipa::path(post, path = "/waitlist/{id}/book", tag = "waitlist", operation_id = "bookWaitlistOffer",
    request_body = Option<CommitHold>,
    params(("id" = WaitlistEntryId, Path, description = "Id of the entry"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 201, body = BookingBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), (status = 202, body = loadmaster_holds::HoldBody, headers(("ETag" = String), ("Location" = String))), BookProblems))]
async fn book(
    Customer(caller): Customer,
    State(waitlist): State<WaitlistService>,
    State(desk): State<Desk>,
    State(known): State<Reference>,
    PathText(id): PathText<WaitlistEntryId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|fields| CommitHold::read(fields, &known));
    let verb = HoldVerb::commit;
    Step { caller, waitlist, id, request }.take_offer(&desk, address, input, "book", verb).await
}

problem_responses!(DeclineProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, HOLD_EXPIRED, VERSION_MISMATCH);

/// Decline the offer of an entry.
///
/// The hold is released, and the next in order gets its room. Responds with the entry, with status `DECLINED`.
#[utoipa::path(post, path = "/waitlist/{id}/decline", tag = "waitlist", operation_id = "declineWaitlistOffer",
    params(("id" = WaitlistEntryId, Path, description = "Id of the entry"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the resource still has this ETag")),
    responses((status = 200, body = WaitlistEntryBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), DeclineProblems))]
async fn decline(
    Customer(caller): Customer,
    State(waitlist): State<WaitlistService>,
    State(desk): State<Desk>,
    PathText(id): PathText<WaitlistEntryId>,
    address: Address,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let verb = |()| HoldVerb::Release(EndReason::Declined);
    let step = Step { caller, waitlist: waitlist.clone(), id, request };
    let released = step.take_offer(&desk, address, input, "decline", verb).await?;
    Ok(released.replaced_by(waitlist.declined(caller, id).await?))
}
