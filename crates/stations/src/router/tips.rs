use axum::{extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Customer, Operator, Principal};
use loadmaster_kernel::{AirportCode, StationTipId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    telemetry::{Traced, span},
    web::{
        CursorKey, PRIVATE, PageFields, PageParams, PageRequest, PathText, Precondition, Problem, Query, ReadRecency,
        bulk::BulkResult, linked, private, problem_responses, unless_missing,
    },
    work::{BatchRequest, ChangeRequest},
};
use loadmaster_reference::Reference;
use uuid::Uuid;

use super::HandlerState;

use crate::{
    error::code,
    moderate::{Decide, Report, Write},
    service::StationService,
    tip::{Tip, TipDecision},
    tip_dto::{AcceptedTip, BulkTips, CreateStationTip, DecideTip, PublicTip, TipBody, TipFilter},
};

pub(super) fn operations() -> ApiRouter<HandlerState> {
    ApiRouter::new()
        .routes(routes!(of_station, write))
        .routes(routes!(list))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(report))
}

pub(super) fn bulk() -> ApiRouter<HandlerState> {
    ApiRouter::new().routes(routes!(decide_many))
}

fn answer(tip: &Tip) -> Answer {
    Answer::new(StatusCode::OK, &TipBody::from(tip), PRIVATE).with_tag(tip.version.to_string())
}

problem_responses!(ShownProblems: [LIST, CALLER], NOT_FOUND);

/// List the tips about a station, newest first.
///
/// Those that staff has approved, of the last 24 months, without their authors. Links are shown as they were given; nobody has
/// followed them.
#[utoipa::path(get, path = "/stations/{code}/tips", tag = "stations", operation_id = "listTipsOfStation",
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored"), PageParams),
    responses((status = 200, body = Vec<PublicTip<'_>>, headers(("Link" = String))), ShownProblems))]
async fn of_station(
    State(stations): State<StationService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    PathText(code): PathText<AirportCode>,
    query: Query,
) -> Result<Response, Problem> {
    let known = std::future::ready(stations.airport(code).map(drop));
    let page = unless_missing(query.read(|fields| Some(PageFields::read(fields))), known).await?;
    stations.airport(code)?;
    let page: PageRequest<Uuid> = page.open(&key, &query, "")?;
    let mut found = stations.shown_tips(code, &page, recency).in_span(span("stations.shown_tips")).await?;
    let last = page.cut(&mut found).map(|tip| tip.id.uuid());
    let tips: Vec<_> = found.iter().map(PublicTip::from).collect();
    Ok(private(linked(tips, last, &key, &query, "")))
}

problem_responses!(WriteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, LIMIT_REACHED);

/// Write a tip about a station.
///
/// It is shown, without its author, once staff approves it. The link is never fetched. At most ten tips of a user wait for a decision
/// (`limit_reached`).
#[utoipa::path(post, path = "/stations/{code}/tips", tag = "stations", operation_id = "createStationTip",
    request_body = CreateStationTip,
    params(("code" = AirportCode, Path, description = "IATA code of the airport; case is ignored"), KeyHeader),
    responses((status = 202, body = AcceptedTip, headers(("Idempotency-Replayed" = Option<bool>))), WriteProblems))]
async fn write(
    Customer(caller): Customer,
    State(stations): State<StationService>,
    PathText(code): PathText<AirportCode>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read(CreateStationTip::read);
    let see = || std::future::ready(stations.airport(code));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, see)).await?;
    let command = |new, _| Write { stations: stations.clone(), author: caller.user_id, station: code, new };
    // What was asked for is to queue it for the staff.
    let written = |tip: &Tip| {
        let body = AcceptedTip { id: tip.id, status: tip.status };
        Answer::new(StatusCode::ACCEPTED, &body, PRIVATE).settled()
    };
    Box::pin(judged.run(command, written)).await
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List tips, newest first.
///
/// The filters combine with AND: `status=PENDING` has those that wait for a decision.
#[utoipa::path(get, path = "/tips", tag = "stations", operation_id = "listTips", params(TipFilter, PageParams),
    responses((status = 200, body = Vec<TipBody<'_>>, headers(("Link" = String))), ListProblems))]
async fn list(
    Operator(caller): Operator,
    State(stations): State<StationService>,
    State(reference): State<Reference>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((TipFilter::read(fields, &reference)?, PageFields::read(fields))))?;
    let reader = caller.role.as_str();
    let page: PageRequest<Uuid> = page.open(&key, &query, reader)?;
    let mut found = stations.tips(&filter, &page, recency).in_span(span("stations.list_tips")).await?;
    let last = page.cut(&mut found).map(|tip| tip.id.uuid());
    let tips: Vec<_> = found.iter().map(TipBody::from).collect();
    Ok(private(linked(tips, last, &key, &query, reader)))
}

problem_responses!(DecideProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, VERSION_MISMATCH);

/// Approve a tip.
///
/// From now on anyone reads it. Not one's own (`forbidden`). Reports are counted anew.
#[utoipa::path(post, path = "/tips/{id}/approve", tag = "stations", operation_id = "approveTip",
    request_body = Option<DecideTip>,
    params(("id" = StationTipId, Path, description = "Id of the tip"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the tip still has the version of this ETag")),
    responses((status = 200, body = TipBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), DecideProblems))]
async fn approve(
    Operator(caller): Operator,
    State(stations): State<StationService>,
    PathText(id): PathText<StationTipId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    decide(caller, stations, (id, TipDecision::Approve), request).await
}

/// Reject a tip.
///
/// Nobody but staff reads it, also one that was approved. Not one's own (`forbidden`).
#[utoipa::path(post, path = "/tips/{id}/reject", tag = "stations", operation_id = "rejectTip",
    request_body = Option<DecideTip>,
    params(("id" = StationTipId, Path, description = "Id of the tip"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the tip still has the version of this ETag")),
    responses((status = 200, body = TipBody<'_>, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), DecideProblems))]
async fn reject(
    Operator(caller): Operator,
    State(stations): State<StationService>,
    PathText(id): PathText<StationTipId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    decide(caller, stations, (id, TipDecision::Reject), request).await
}

async fn decide(
    caller: Principal,
    stations: StationService,
    (id, decision): (StationTipId, TipDecision),
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(DecideTip::read);
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || stations.tip(id))).await?;
    let command = |DecideTip { reason }, precondition| Decide {
        stations: stations.clone(),
        caller,
        id,
        precondition,
        decision,
        reason,
    };
    Box::pin(judged.run(command, answer)).await
}

problem_responses!(ReportProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND);

/// Report a tip to the staff.
///
/// Once for each user: a second report by the same user changes nothing. Not one's own (`forbidden`). The third report
/// hides the tip until staff decides again.
#[utoipa::path(post, path = "/tips/{id}/report", tag = "stations", operation_id = "reportTip",
    params(("id" = StationTipId, Path, description = "Id of the tip"), KeyHeader),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), ReportProblems))]
async fn report(
    Customer(caller): Customer,
    State(stations): State<StationService>,
    PathText(id): PathText<StationTipId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let (reader, input) = (caller.user_id, request.body().read_optional(|_| Some(())));
    let judged = Box::pin(request.judge(reader.uuid(), input, || stations.shown_tip(id, reader))).await?;
    let command = |(), _| Report { stations: stations.clone(), reader, id };
    Box::pin(judged.run(command, |()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE))).await
}

problem_responses!(BulkProblems: [INPUT, ROLE, BODY]);

/// Approve or reject many tips.
///
/// Each row is a transaction of its own and is judged as the single decision would be. A row that is refused has its `problem`, and
/// the others go on. With an `Idempotency-Key` each row has the key `<key>/<id>`: a repetition does what is left and nothing twice.
#[utoipa::path(post, path = "/tips/bulk", tag = "stations", operation_id = "bulkTips",
    request_body = BulkTips, params(KeyHeader),
    responses((status = 200, body = BulkResult), BulkProblems))]
async fn decide_many(
    Operator(caller): Operator,
    State(stations): State<StationService>,
    request: BatchRequest,
) -> Result<Response, Problem> {
    let input = request.body().read(BulkTips::read);
    let input = input.map(|BulkTips { action, ids }| (action.as_str().to_owned(), ids, action));
    let path = |id: &str| format!("/api/v1/tips/{id}");
    let command = move |id, decision| {
        let (stations, precondition) = (stations.clone(), Precondition::default());
        Decide { stations, caller, id, precondition, decision, reason: None }
    };
    request.run_each(caller.user_id.uuid(), input, path, command, answer).await
}
