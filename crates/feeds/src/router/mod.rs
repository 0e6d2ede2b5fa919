mod runs;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::{Admin, Operator};
use loadmaster_kernel::FeedId;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    listing::{Anchor, CountParams, CreatedOrder, add_total},
    room::{Routes, handler_state},
    telemetry::{Traced, span},
    web::{
        CursorKey, IfNoneMatch, PRIVATE, PageFields, PageParams, PathText, Problem, Query, ReadRecency, conditional,
        private, problem_responses, unless_missing,
    },
    work::{ChangeRequest, CreateRequest},
};
use loadmaster_reference::Reference;

use super::{
    dto::{ChangeFeed, CreateFeed, FeedBody, FeedFilter, Reading},
    error::code,
    model::Feed,
    service::FeedService,
    write::{Change, Create, Delete, Reset},
};

handler_state!(HandlerState { feeds: FeedService, reference: Reference });

pub(super) fn routes() -> Routes<HandlerState> {
    let api =
        ApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, delete)).routes(routes!(reset));
    Routes { api, ..Routes::default() }.and(runs::routes())
}

/// The path of a feed.
const FEED: &str = "/api/v1/feeds/";

impl FeedService {
    fn reading<'a>(&'a self, reference: &'a Reference) -> Reading<'a> {
        Reading { reference, rules: self.outbound.rules(), has_folder: self.folder.is_some() }
    }
}

fn answer(status: StatusCode, feed: &Feed) -> Answer {
    Answer::new(status, &FeedBody::from(feed), PRIVATE).with_tag(feed.version.to_string())
}

problem_responses!(ListProblems: [LIST, ROLE]);

/// List feeds, newest first or in the order of `sort`.
///
/// For carrier staff. The values of their headers are not shown.
#[utoipa::path(get, path = "/feeds", tag = "feeds", operation_id = "listFeeds",
    params(FeedFilter, CreatedOrder, CountParams, PageParams),
    responses((status = 200, body = Vec<FeedBody>, headers(("Link" = String), ("Total-Count" = Option<String>))), ListProblems))]
async fn list(
    Operator(caller): Operator,
    State(feeds): State<FeedService>,
    State(key): State<CursorKey>,
    ReadRecency(recency): ReadRecency,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, order, count, page) = query.read(|fields| {
        let (filter, order) = (FeedFilter::read(fields)?, CreatedOrder::read(fields)?);
        Some((filter, order, CountParams::read(fields)?, PageFields::read(fields)))
    })?;
    let reader = caller.reader();
    let page = page.open::<Anchor>(&key, &query, &reader)?;
    let found = feeds.list(filter, order, &page, count, recency).in_span(span("feeds.list")).await?;
    let bodies: Vec<_> = found.entries.iter().map(FeedBody::from).collect();
    let mut answer = private(page.answer(bodies, |body| Anchor::Id(body.id.uuid()), &key, &query, &reader));
    add_total(&mut answer, found.total);
    Ok(answer)
}

problem_responses!(ShowProblems: [INPUT, ROLE], NOT_FOUND);

/// Show a feed.
///
/// For carrier staff. The values of its headers are not shown.
#[utoipa::path(get, path = "/feeds/{id}", tag = "feeds", operation_id = "getFeed",
    params(("id" = FeedId, Path, description = "Id of the feed"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = FeedBody, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(
    Operator(_caller): Operator,
    State(feeds): State<FeedService>,
    PathText(id): PathText<FeedId>,
    if_none_match: IfNoneMatch,
    query: Query,
) -> Result<Response, Problem> {
    unless_missing(query.refuse_all(), async { feeds.feed(id).await.map(drop) }).await?;
    let feed = feeds.feed(id).in_span(span("feeds.find")).await?;
    // Runs change what is shown without a change of the feed.
    let shown = |at: Option<chrono::DateTime<chrono::Utc>>| at.map_or(0, |at| at.timestamp_micros());
    let (last, next, failures) = (shown(feed.last_success_at), shown(feed.due_at), feed.failures);
    let waiting = feed.waiting_run.map_or_else(String::new, |run| run.to_string());
    let tag = format!("{}-{last}-{next}-{failures}-{waiting}", feed.version);
    Ok(conditional(&tag, &if_none_match, PRIVATE, Json(FeedBody::from(&feed))))
}

problem_responses!(CreateProblems: [INPUT, ROLE, BODY, KEY], ALREADY_EXISTS, LIMIT_REACHED);

/// Create a feed.
///
/// For administrators. With a `url` its first run begins at once, with a `folder` once there is a file. A run reads the file,
/// compares it with what there is and, with `apply: AUTO`, applies it unless there is something for a person to decide. One feed
/// for each airline and kind (`already_exists`), 200 in all.
#[utoipa::path(post, path = "/feeds", tag = "feeds", operation_id = "createFeed",
    request_body = CreateFeed, params(KeyHeader),
    responses((status = 201, body = FeedBody, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = Option<bool>))), CreateProblems))]
async fn create(
    Admin(caller): Admin,
    State(feeds): State<FeedService>,
    State(reference): State<Reference>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let new = request.body().read(|fields| CreateFeed::read(fields, feeds.reading(&reference)));
    let made = |feed: &Feed| answer(StatusCode::CREATED, feed).with_location(format!("{FEED}{}", feed.id));
    let command = |new: CreateFeed| {
        let (terms, headers) = new.terms();
        Create { feeds: feeds.clone(), caller, terms, headers }
    };
    request.run(caller.user_id.uuid(), new, command, made).await
}

problem_responses!(ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, ALREADY_EXISTS, VERSION_MISMATCH);

/// Change, pause or resume a feed.
///
/// For administrators. A JSON merge patch (RFC 7396); the kind stays. Its own runs act on behalf of the administrator who has
/// changed it last.
#[utoipa::path(patch, path = "/feeds/{id}", tag = "feeds", operation_id = "changeFeed",
    request_body(content((ChangeFeed = "application/json"), (ChangeFeed = "application/merge-patch+json"))),
    params(("id" = FeedId, Path, description = "Id of the feed"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Make the change only if the feed still has the version of this ETag")),
    responses((status = 200, body = FeedBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), ChangeProblems))]
async fn change(
    Admin(caller): Admin,
    State(feeds): State<FeedService>,
    State(reference): State<Reference>,
    PathText(id): PathText<FeedId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_patch(|fields| ChangeFeed::read(fields, feeds.reading(&reference)));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || feeds.feed(id))).await?;
    let command = |wanted, precondition| Change { feeds: feeds.clone(), caller, id, precondition, wanted };
    judged.run(command, |feed| answer(StatusCode::OK, feed)).await
}

problem_responses!(DeleteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH);

/// Delete a feed with its runs.
///
/// For administrators. What it has given stays, and belongs to no feed any more.
#[utoipa::path(delete, path = "/feeds/{id}", tag = "feeds", operation_id = "deleteFeed",
    params(("id" = FeedId, Path, description = "Id of the feed"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Delete it only if the feed still has the version of this ETag")),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
async fn delete(
    Admin(caller): Admin,
    State(feeds): State<FeedService>,
    PathText(id): PathText<FeedId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    // A deleted one too: its deletion may be repeated under the same key.
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || feeds.existing(id))).await?;
    let command = |(), precondition| Delete { feeds: feeds.clone(), caller, id, precondition };
    judged.run(command, |()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE)).await
}

/// Forget the failures of a feed.
///
/// For administrators. One that is `FAILING` is `ACTIVE` again, its file is read again even if it has not changed, and its next run
/// begins at once.
#[utoipa::path(post, path = "/feeds/{id}/reset", tag = "feeds", operation_id = "resetFeed",
    params(("id" = FeedId, Path, description = "Id of the feed"), KeyHeader,
           ("If-Match" = Option<String>, Header, description = "Reset it only if the feed still has the version of this ETag")),
    responses((status = 200, body = FeedBody, headers(("ETag" = String), ("Idempotency-Replayed" = Option<bool>))), DeleteProblems))]
async fn reset(
    Admin(caller): Admin,
    State(feeds): State<FeedService>,
    PathText(id): PathText<FeedId>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let judged = Box::pin(request.judge(caller.user_id.uuid(), input, || feeds.feed(id))).await?;
    let command = |(), precondition| Reset { feeds: feeds.clone(), caller, id, precondition };
    judged.run(command, |feed| answer(StatusCode::OK, feed)).await
}
