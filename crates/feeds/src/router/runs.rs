//! Runs of feeds.
use axum::{Json, extract::State, http::StatusCode, response::Response};
use bytes::Bytes;
use loadmaster_accounts::{Admin, Operator, Principal};
use loadmaster_kernel::{FeedId, FeedRunId};
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, Key, KeyHeader},
    listing::{Anchor, CountParams, CreatedOrder, add_total},
    room::Routes,
    tables::{CSV, XLSX},
    telemetry::{Traced, span},
    web::{
        Body, CursorKey, PRIVATE, PageFields, PageParams, PathText, PathTexts, Problem, Query, ReadRecency, both,
        private, problem_responses, unless_missing,
    },
    work::{CreateRequest, Keyed, UnitOfWork},
};
use serde::Serialize;
use serde_json::Value;

use super::HandlerState;
use crate::{
    dto::run::{DifferenceBody, DifferenceFilter, FaultBody, RunBody, RunFilter},
    error::code,
    model::Run,
    runs::{Decide, Start},
    service::FeedService,
};

/// The media type of SSIM.
const TEXT: &str = "text/plain";

pub(super) fn routes() -> Routes<HandlerState> {
    let api = ApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(faults))
        .routes(routes!(differences))
        .routes(routes!(apply))
        .routes(routes!(reject));
    Routes { api, tables: ApiRouter::new().routes(routes!(start)), ..Routes::default() }
}

/// What was asked for is to queue the run.
fn answer(run: &Run) -> Answer {
    Answer::new(StatusCode::ACCEPTED, &RunBody::from(run), PRIVATE).settled()
}

problem_responses!(ListProblems: [LIST, ROLE], NOT_FOUND);

/// List the runs of a feed, newest first or in the order of `sort`.
///
/// For carrier staff. They are kept for 90 days.
#[utoipa::path(get, path = "/feeds/{id}/runs", tag = "feeds", operation_id = "listFeedRuns",
    params(("id" = FeedId, Path, description = "Id of the feed"), RunFilter, CreatedOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<RunBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
async fn list(
    Operator(caller): Operator,
    State(feeds): State<FeedService>,
    State(key): State<CursorKey>,
    PathText(id): PathText<FeedId>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.reader();
    let read = query.read(|fields| {
        let (filter, order) = (RunFilter::read(fields)?, CreatedOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    });
    let read = read.and_then(|(filter, order, count, page)| {
        Ok((filter, order, count, page.open::<Anchor>(&key, &query, &reader)?))
    });
    let (filter, order, count, page) = unless_missing(read, async { feeds.feed(id).await.map(drop) }).await?;
    feeds.feed(id).await?;
    let found = feeds.list_runs(id, filter, order, &page, count, recency).in_span(span("feeds.runs")).await?;
    let bodies: Vec<_> = found.entries.iter().map(RunBody::from).collect();
    let mut answer = private(page.answer(bodies, |body| Anchor::Id(body.id.uuid()), &key, &query, &reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a run of a feed.
///
/// For carrier staff. One whose status is `RUNNING` has not ended; of one that waits, fails or changes nothing, `because` says why.
#[utoipa::path(get, path = "/feeds/{id}/runs/{run_id}", tag = "feeds", operation_id = "getFeedRun",
    params(("id" = FeedId, Path, description = "Id of the feed"), ("run_id" = FeedRunId, Path, description = "Id of the run")),
    responses((status = 200, body = RunBody), ShowProblems))]
async fn show(
    Operator(_caller): Operator,
    State(feeds): State<FeedService>,
    PathTexts(id, run): PathTexts<FeedId, FeedRunId>,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { feeds.run(id, run).await.map(drop) }).await?;
    let run = feeds.run(id, run).in_span(span("feeds.run")).await?;
    Ok(private(Json(RunBody::from(&run))))
}

/// List the first 100 faults of the file of a run.
///
/// For carrier staff. `faults` of the run is the number of all.
#[utoipa::path(get, path = "/feeds/{id}/runs/{run_id}/faults", tag = "feeds", operation_id = "listFeedRunFaults",
    params(("id" = FeedId, Path, description = "Id of the feed"), ("run_id" = FeedRunId, Path, description = "Id of the run")),
    responses((status = 200, body = Vec<FaultBody>), ShowProblems))]
async fn faults(
    Operator(_caller): Operator,
    State(feeds): State<FeedService>,
    PathTexts(id, run): PathTexts<FeedId, FeedRunId>,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { feeds.run(id, run).await.map(drop) }).await?;
    feeds.run(id, run).await?;
    let faults = feeds.faults(run).in_span(span("feeds.faults")).await?;
    Ok(private(Json(faults.into_iter().map(FaultBody::from).collect::<Vec<_>>())))
}

/// A difference as it is kept, and its place among those of its run.
#[derive(Serialize)]
struct Placed {
    #[serde(skip)]
    place: i32,
    #[serde(flatten)]
    difference: Value,
}

/// List what a run of a feed of flights does, or did: by flight number and origin, refused and absent flights first.
///
/// At most 10 000 of a run; the filters combine with AND. Runs of tariffs and of reference rates have only numbers.
#[utoipa::path(get, path = "/feeds/{id}/runs/{run_id}/differences", tag = "feeds", operation_id = "listFeedRunDifferences",
    params(("id" = FeedId, Path, description = "Id of the feed"), ("run_id" = FeedRunId, Path, description = "Id of the run"),
           DifferenceFilter, PageParams),
    responses((status = 200, body = Vec<DifferenceBody>, headers(("Link" = String))), ListProblems))]
async fn differences(
    Operator(caller): Operator,
    State(feeds): State<FeedService>,
    State(key): State<CursorKey>,
    PathTexts(id, run): PathTexts<FeedId, FeedRunId>,
    query: Query,
) -> Result<Response, Problem> {
    let reader = caller.reader();
    let read = query.read(|fields| Some((DifferenceFilter::read(fields)?, PageFields::read(fields))));
    let read = read.and_then(|(filter, page)| Ok((filter, page.open::<i32>(&key, &query, &reader)?)));
    let (filter, page) = unless_missing(read, async { feeds.run(id, run).await.map(drop) }).await?;
    feeds.run(id, run).await?;
    let found = feeds.differences(run, &filter, &page).in_span(span("feeds.differences")).await?;
    let placed = found.into_iter().map(|(place, difference)| Placed { place, difference });
    Ok(private(page.answer(placed.collect(), |placed: &Placed| placed.place, &key, &query, &reader)))
}

problem_responses!(StartProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, FEED_RUNNING);

/// Start a run of a feed.
///
/// For administrators. Without a body the file is that of the feed's `url` or `folder`; with one the body is the file: CSV, a
/// workbook (xlsx), or SSIM as `text/plain`, at most 32 MiB. The run goes on after the response: `GET /feeds/{id}/runs/{run_id}`
/// shows its end. A failure counts as one by schedule does. While a run is under way: 409 `feed_running`.
#[utoipa::path(post, path = "/feeds/{id}/runs", tag = "feeds", operation_id = "startFeedRun",
    params(("id" = FeedId, Path, description = "Id of the feed"), KeyHeader),
    request_body(content((Option<String> = "text/csv"), (Option<String> = "text/plain"),
                         (Option<String> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 202, body = RunBody, headers(("Idempotency-Replayed" = Option<bool>))), StartProblems))]
async fn start(
    Admin(caller): Admin,
    State(feeds): State<FeedService>,
    State(unit_of_work): State<UnitOfWork>,
    PathText(id): PathText<FeedId>,
    idempotent: Idempotent,
    query: Query,
    body: Body,
) -> Result<Answer, Problem> {
    let key = idempotent.key(caller.user_id.uuid(), &body);
    let judged = both(query.refuse_all(), both(key, file_of(body)));
    let ((), (key, file)) = unless_missing(judged, async { feeds.feed(id).await.map(drop) }).await?;
    feeds.feed(id).await?;
    let command = Start { feeds, caller, feed: id, file };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}

/// Returns the file that is the body, if there is one.
fn file_of(body: Body) -> Result<Option<Bytes>, Problem> {
    if body.is_empty() { Ok(None) } else { body.of_one_of(&[CSV, XLSX, TEXT]).map(Some) }
}

problem_responses!(DecideProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION, FEED_RUNNING);

/// Apply a run that waits for a person.
///
/// For administrators. The run goes on after the response: what it does is compared again, and applied if it is what was shown;
/// else the run waits again, with the differences of now. Flights that may not become what the file says stay as they are.
#[utoipa::path(post, path = "/feeds/{id}/runs/{run_id}/apply", tag = "feeds", operation_id = "applyFeedRun",
    params(("id" = FeedId, Path, description = "Id of the feed"), ("run_id" = FeedRunId, Path, description = "Id of the run"),
           KeyHeader),
    responses((status = 202, body = RunBody, headers(("Idempotency-Replayed" = Option<bool>))), DecideProblems))]
async fn apply(
    Admin(caller): Admin,
    State(feeds): State<FeedService>,
    State(unit_of_work): State<UnitOfWork>,
    PathTexts(id, run): PathTexts<FeedId, FeedRunId>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let key = key_of(&feeds, caller, (id, run), request).await?;
    let command = Decide { feeds, caller, feed: id, run, applies: true };
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}

/// Validates a request about a run, which must exist.
async fn key_of(
    feeds: &FeedService,
    caller: Principal,
    (id, run): (FeedId, FeedRunId),
    request: CreateRequest,
) -> Result<Key, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let judged = request.judge(caller.user_id.uuid(), input);
    let (key, ()) = unless_missing(judged, async { feeds.run(id, run).await.map(drop) }).await?;
    feeds.run(id, run).await?;
    Ok(key)
}

problem_responses!(RejectProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION);

/// Reject a run that waits for a person.
///
/// For administrators. Nothing is changed, and the same file does not wait again by schedule.
#[utoipa::path(post, path = "/feeds/{id}/runs/{run_id}/reject", tag = "feeds", operation_id = "rejectFeedRun",
    params(("id" = FeedId, Path, description = "Id of the feed"), ("run_id" = FeedRunId, Path, description = "Id of the run"),
           KeyHeader),
    responses((status = 200, body = RunBody, headers(("Idempotency-Replayed" = Option<bool>))), RejectProblems))]
async fn reject(
    Admin(caller): Admin,
    State(feeds): State<FeedService>,
    State(unit_of_work): State<UnitOfWork>,
    PathTexts(id, run): PathTexts<FeedId, FeedRunId>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let key = key_of(&feeds, caller, (id, run), request).await?;
    let command = Decide { feeds, caller, feed: id, run, applies: false };
    let answer = |run: &Run| Answer::new(StatusCode::OK, &RunBody::from(run), PRIVATE);
    unit_of_work.run(Keyed { command, key, answer: Box::new(answer) }).await
}
