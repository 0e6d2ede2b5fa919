use std::collections::BTreeSet;

use axum::{extract::State, http::StatusCode};
use loadmaster_accounts::Customer;
use loadmaster_kernel::{AirportCode, ConsolidationId};
use loadmaster_platform::{
    idempotency::{Answer, Key, KeyHeader},
    tasks::Tasks,
    web::{PRIVATE, PathText, PathTexts, Precondition, Problem, problem_responses},
    work::ChangeRequest,
};
use loadmaster_reference::Reference;

use super::answer;

use crate::{
    amend::Amend,
    dto::{BookMasters, BookedMasters, ConsolidationBody, HoldMasters},
    error::code,
    hold::Hold,
    model::Whole,
    release::Release,
    service::ConsolidationService,
};

problem_responses!(HoldProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, HOLD_EXPIRED, HOLD_INCOMPLETE, HOLD_LIMIT_EXCEEDED, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, FLIGHT_CANCELLED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, VERSION_MISMATCH);

/// Hold the masters of a consolidation.
///
/// For the owner: a hold for each origin, of the sum of its parts that are ready, or none. They are taken one by one under
/// `<key>/<origin>`. If one is refused, those before it are given back, and its problem names the `origin`. Without a part that
/// is ready the answer is `hold_incomplete`.
#[utoipa::path(post, path = "/consolidations/{id}/hold", tag = "consolidations", operation_id = "holdConsolidation",
    request_body = HoldMasters,
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 200, body = ConsolidationBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), HoldProblems))]
pub(super) async fn hold(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    PathText(id): PathText<ConsolidationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(|fields| HoldMasters::read(fields, &reference));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |wanted: HoldMasters, precondition| {
        let ways = wanted.ways.0;
        Hold {
            consolidations: consolidations.clone(),
            caller,
            id,
            precondition,
            ways,
            made: Vec::new(),
            destination: None,
        }
    };
    judged.run(command, move |whole: &Whole| answer(StatusCode::OK, whole, caller)).await
}

problem_responses!(ReleaseProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, PAYMENT_IN_PROGRESS, VERSION_MISMATCH);

/// Release the masters that are held.
///
/// For the owner. Masters that are booked stay.
#[utoipa::path(post, path = "/consolidations/{id}/release", tag = "consolidations", operation_id = "releaseConsolidation",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 200, body = ConsolidationBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ReleaseProblems))]
pub(super) async fn release(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathText(id): PathText<ConsolidationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |(), precondition| Release {
        consolidations: consolidations.clone(),
        caller,
        id,
        precondition,
        released: BTreeSet::new(),
    };
    judged.run(command, move |whole: &Whole| answer(StatusCode::OK, whole, caller)).await
}

problem_responses!(BookProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, HOLD_INCOMPLETE, VERSION_MISMATCH);

/// Book the masters of a consolidation.
///
/// For the owner. Each hold is committed by itself, with its own result: what fails stays held. A hold that is not the sum of
/// its parts is brought to it at once. With an `Idempotency-Key` each master has the key `<key>/<origin>`: a repetition does what
/// is left and nothing twice. Without a part that is ready, or a master that is held, the answer is `hold_incomplete`.
#[utoipa::path(post, path = "/consolidations/{id}/book", tag = "consolidations", operation_id = "bookConsolidation",
    request_body = Option<BookMasters>,
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 200, body = BookedMasters), BookProblems))]
pub(super) async fn book(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    State(tasks): State<Tasks>,
    PathText(id): PathText<ConsolidationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|fields| BookMasters::read(fields, &reference));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let work = async |wanted: BookMasters, precondition: Precondition, key: Key| {
        let consolidations = consolidations.clone();
        let booking = async move { consolidations.book(caller, id, (wanted, precondition), &key).await };
        let booked = tasks.to_the_end(Box::pin(booking)).await;
        booked.map(|booked| Answer::new(StatusCode::OK, &booked, PRIVATE))
    };
    judged.carry_out(work).await
}

problem_responses!(AmendProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, HOLD_INCOMPLETE, CAPACITY_EXCEEDED, ITINERARY_INVALID, FLIGHT_CLOSED, EMBARGOED, HANDLING_REQUIRED, PIECE_TOO_LARGE, NO_RATE, BOOKING_LOCKED, PAYMENT_IN_PROGRESS, VERSION_MISMATCH);

/// Amend a master to the sum of its parts.
///
/// For the owner: the ordinary amendment of the hold or booking, with its rules and problems. The parts that are ready then are
/// those that it carries. A master that does not differ, and carries them already, stays as it is.
#[utoipa::path(post, path = "/consolidations/{id}/masters/{origin}/amend", tag = "consolidations", operation_id = "amendConsolidationMaster",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("origin" = AirportCode, Path, description = "Origin of the master"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the consolidation still has the version of this ETag")),
    responses((status = 200, body = ConsolidationBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), AmendProblems))]
pub(super) async fn amend(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathTexts(id, origin): PathTexts<ConsolidationId, AirportCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |(), precondition| {
        let consolidations = consolidations.clone();
        Amend { consolidations, caller, id, origin, precondition, amended: None }
    };
    judged.run(command, move |whole: &Whole| answer(StatusCode::OK, whole, caller)).await
}
