use axum::{Json, extract::State, http::StatusCode, response::Response};
use loadmaster_accounts::Admin;
use loadmaster_kernel::Fault;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    idempotency::{Answer, KeyHeader},
    jobs::{self, Job, Planned},
    outbox,
    room::{Routes, handler_state},
    web::{CursorKey, PRIVATE, PageFields, PageParams, PathText, Problem, Query, code, private, problem_responses},
    work::CreateRequest,
};
use uuid::Uuid;

use super::{
    act::{Backstage, Drop, Retry, Run},
    dto::{JobBody, JobFilter, ScheduleBody, SinkBody},
};

handler_state!(HandlerState { backstage: Backstage });

pub(super) fn routes() -> Routes<HandlerState> {
    ApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(retry))
        .routes(routes!(drop_job))
        .routes(routes!(list_schedules))
        .routes(routes!(run))
        .routes(routes!(list_sinks))
        .into()
}

/// The id of a job in a path.
struct JobId(Uuid);

impl std::str::FromStr for JobId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        text.parse().map(Self).map_err(|_| Fault::format("must be a UUID"))
    }
}

/// The name of a schedule in a path: any text is accepted.
struct ScheduleName(String);

impl std::str::FromStr for ScheduleName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ok(Self(text.to_owned()))
    }
}

problem_responses!(ListProblems: [LIST, ROLE]);
problem_responses!(WholeProblems: [INPUT, ROLE]);
problem_responses!(JobProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, INVALID_TRANSITION);
problem_responses!(RunProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND);

/// List jobs, newest first.
///
/// Work in the background: what waits, what runs, and what has failed for good (`DEAD`). What is done is gone.
#[utoipa::path(get, path = "/admin/jobs", tag = "admin", operation_id = "listJobs", params(JobFilter, PageParams),
    responses((status = 200, body = Vec<JobBody>, headers(("Link" = String))), ListProblems))]
async fn list_jobs(
    Admin(caller): Admin,
    State(backstage): State<Backstage>,
    State(key): State<CursorKey>,
    query: Query,
) -> Result<Response, Problem> {
    let (filter, page) = query.read(|fields| Some((JobFilter::read(fields)?, PageFields::read(fields))))?;
    let reader = caller.role.as_str();
    let page = page.open::<Uuid>(&key, &query, reader)?;
    let chosen = (filter.state, filter.kind.as_deref());
    let found = jobs::page(&backstage.db, chosen, page.after, page.offset, page.fetch()).await?;
    let bodies: Vec<_> = found.iter().map(JobBody::from).collect();
    Ok(private(page.answer(bodies, |body| body.id, &key, &query, reader)))
}

/// Run a dead job again.
///
/// It is due at once, with all its attempts. One that is not dead, or whose work a newer job does, is refused.
#[utoipa::path(post, path = "/admin/jobs/{id}/retry", tag = "admin", operation_id = "retryJob",
    params(("id" = Uuid, Path, description = "Id of the job"), KeyHeader),
    responses((status = 200, body = JobBody, headers(("Idempotency-Replayed" = Option<bool>))), JobProblems))]
async fn retry(
    Admin(caller): Admin,
    State(backstage): State<Backstage>,
    PathText(JobId(id)): PathText<JobId>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let command = |()| Retry { backstage, actor: caller.user_id, id };
    let answer = |job: &Job| Answer::new(StatusCode::OK, &JobBody::from(job), PRIVATE);
    request.run(caller.user_id.uuid(), input, command, answer).await
}

/// Drop a dead job: its work is not done.
///
/// Only a dead job can be dropped: one that has failed at each of its attempts.
#[utoipa::path(delete, path = "/admin/jobs/{id}", tag = "admin", operation_id = "dropJob",
    params(("id" = Uuid, Path, description = "Id of the job"), KeyHeader),
    responses((status = 204, headers(("Idempotency-Replayed" = Option<bool>))), JobProblems))]
async fn drop_job(
    Admin(caller): Admin,
    State(backstage): State<Backstage>,
    PathText(JobId(id)): PathText<JobId>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let command = |()| Drop { backstage, actor: caller.user_id, id };
    let answer = |(): &()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE);
    request.run(caller.user_id.uuid(), input, command, answer).await
}

/// List the schedules by name.
///
/// Each with the time of its next run. It is done by a job, on one instance.
#[utoipa::path(get, path = "/admin/schedules", tag = "admin", operation_id = "listSchedules",
    responses((status = 200, body = Vec<ScheduleBody>), WholeProblems))]
async fn list_schedules(
    Admin(_caller): Admin,
    State(backstage): State<Backstage>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let all = jobs::planned(&backstage.db).await?;
    Ok(private(Json(all.iter().map(ScheduleBody::from).collect::<Vec<_>>())))
}

/// Run the work of a schedule now, in addition to its times.
///
/// One that runs already is not run twice. `GET /admin/jobs?kind=` shows the job until it is done.
#[utoipa::path(post, path = "/admin/schedules/{name}/run", tag = "admin", operation_id = "runSchedule",
    params(("name" = String, Path, description = "Name of the schedule"), KeyHeader),
    responses((status = 202, body = ScheduleBody, headers(("Idempotency-Replayed" = Option<bool>))), RunProblems))]
async fn run(
    Admin(caller): Admin,
    State(backstage): State<Backstage>,
    PathText(ScheduleName(name)): PathText<ScheduleName>,
    request: CreateRequest,
) -> Result<Answer, Problem> {
    let input = request.body().read_optional(|_| Some(()));
    let command = |()| Run { backstage, actor: caller.user_id, name };
    let answer = |planned: &Planned| Answer::new(StatusCode::ACCEPTED, &ScheduleBody::from(planned), PRIVATE).settled();
    request.run(caller.user_id.uuid(), input, command, answer).await
}

/// List the sinks of messages by name.
///
/// How far each is behind what was written.
#[utoipa::path(get, path = "/admin/sinks", tag = "admin", operation_id = "listSinks",
    responses((status = 200, body = Vec<SinkBody>), WholeProblems))]
async fn list_sinks(
    Admin(_caller): Admin,
    State(backstage): State<Backstage>,
    query: Query,
) -> Result<Response, Problem> {
    query.refuse_all()?;
    let all = outbox::lags(&backstage.db).await?;
    Ok(private(Json(all.into_iter().map(SinkBody::from).collect::<Vec<_>>())))
}
