use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Customer;
use loadmaster_kernel::{ConsolidationId, ConsolidationPartId};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    telemetry::{Traced, span},
    web::{
        IfNoneMatch, PRIVATE, PathText, PathTexts, Problem, Query, conditional, private, problem_responses,
        unless_missing,
    },
    work::ChangeRequest,
};
use loadmaster_reference::Reference;

use super::CONSOLIDATION;

use crate::{
    dto::{AddPart, ChangePart, PartBody},
    error::{ConsolidationError, code},
    model::{Part, PartContent},
    service::ConsolidationService,
    write::{Add, ChangePartOf, Withdraw},
};

/// Returns a part that the caller may change, with its `ETag`.
fn answer(status: StatusCode, part: &Part) -> Answer {
    Answer::new(status, &PartBody::new(part, true), PRIVATE).with_tag(part.version.to_string())
}

problem_responses!(ListProblems: [INPUT, ROLE], NOT_FOUND);

/// List the parts of a consolidation, oldest first.
///
/// Members read the house numbers, descriptions and parties of their own parts alone; the owner and carrier staff read all.
#[utoipa::path(get, path = "/consolidations/{id}/parts", tag = "consolidations", operation_id = "listConsolidationParts",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation")),
    responses((status = 200, body = Vec<PartBody>), ListProblems))]
pub(super) async fn list(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathText(id): PathText<ConsolidationId>,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { consolidations.visible(caller, id).await.map(drop) }).await?;
    let whole = consolidations.visible(caller, id).in_span(span("consolidations.parts")).await?;
    let body = |part: &Part| PartBody::new(part, whole.shows_all_of(part, caller));
    let bodies: Vec<PartBody> = whole.parts.iter().map(body).collect();
    Ok(private(Json(bodies)))
}

/// Show a part of a consolidation.
///
/// House number, description and parties are null for who may not read them: they are for its organization, the owner and carrier
/// staff.
#[utoipa::path(get, path = "/consolidations/{id}/parts/{part_id}", tag = "consolidations", operation_id = "getConsolidationPart",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("part_id" = ConsolidationPartId, Path, description = "Id of the part"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = PartBody, headers(("ETag" = String))), (status = 304), ListProblems))]
pub(super) async fn show(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathTexts(id, part): PathTexts<ConsolidationId, ConsolidationPartId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { consolidations.visible(caller, id).await.map(drop) }).await?;
    let whole = consolidations.visible(caller, id).in_span(span("consolidations.part")).await?;
    let found = whole.parts.iter().find(|found| found.id == part).ok_or(ConsolidationError::UnknownPart)?;
    let body = PartBody::new(found, whole.shows_all_of(found, caller));
    Ok(conditional(&found.version.to_string(), &if_none_match, PRIVATE, Json(body)))
}

problem_responses!(AddProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, LIMIT_REACHED);

/// Add a part to a consolidation.
///
/// For its owner and members. A consolidation has at most 100 parts (`limit_reached`), from at most ten origins.
#[utoipa::path(post, path = "/consolidations/{id}/parts", tag = "consolidations", operation_id = "addConsolidationPart",
    request_body = AddPart,
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"), KeyHeader),
    responses((status = 201, body = PartBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), AddProblems))]
pub(super) async fn add(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    PathText(id): PathText<ConsolidationId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(|fields| AddPart::read(fields, &reference));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |new: AddPart, _| {
        let status = new.status();
        Add { consolidations: consolidations.clone(), caller, id, content: PartContent::from(new), status }
    };
    let made = move |part: &Part| {
        answer(StatusCode::CREATED, part).with_location(format!("{CONSOLIDATION}{id}/parts/{}", part.id))
    };
    judged.run(command, made).await
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, LIMIT_REACHED, VERSION_MISMATCH);

/// Change a part of a consolidation.
///
/// A JSON merge patch (RFC 7396), for its organization and the owner: another's part is 404. What is held or booked does not
/// follow by itself: its master `differs`, and the owner amends it.
#[utoipa::path(patch, path = "/consolidations/{id}/parts/{part_id}", tag = "consolidations", operation_id = "changeConsolidationPart",
    request_body(content((ChangePart = "application/json"), (ChangePart = "application/merge-patch+json"))),
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("part_id" = ConsolidationPartId, Path, description = "Id of the part"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the part still has the version of this ETag")),
    responses((status = 200, body = PartBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
pub(super) async fn change(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    State(reference): State<Reference>,
    PathTexts(id, part): PathTexts<ConsolidationId, ConsolidationPartId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangePart::read(fields, &reference));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |wanted, precondition| ChangePartOf {
        consolidations: consolidations.clone(),
        caller,
        id,
        part,
        precondition,
        wanted,
    };
    judged.run(command, |part| answer(StatusCode::OK, part)).await
}

problem_responses!(WithdrawProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Withdraw a part of a consolidation.
///
/// For its organization and the owner: another's part is 404. The part stays in the list, with status `WITHDRAWN`; the last 100
/// withdrawn parts are kept.
#[utoipa::path(delete, path = "/consolidations/{id}/parts/{part_id}", tag = "consolidations", operation_id = "withdrawConsolidationPart",
    params(("id" = ConsolidationId, Path, description = "Id of the consolidation"),
           ("part_id" = ConsolidationPartId, Path, description = "Id of the part"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the part still has the version of this ETag")),
    responses((status = 200, body = PartBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), WithdrawProblems))]
pub(super) async fn withdraw(
    Customer(caller): Customer,
    State(consolidations): State<ConsolidationService>,
    PathTexts(id, part): PathTexts<ConsolidationId, ConsolidationPartId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let see = || consolidations.visible(caller, id);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command =
        |(), precondition| Withdraw { consolidations: consolidations.clone(), caller, id, part, precondition };
    judged.run(command, |part| answer(StatusCode::OK, part)).await
}
