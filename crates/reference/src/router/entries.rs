//! What the routes of airports, airlines and aircraft types have in common.
use axum::{Json, http::StatusCode, response::Response};
use loadmaster_accounts::Principal;
use loadmaster_platform::{
    idempotency::Answer,
    tables::{Export, ExportParams},
    web::{IfNoneMatch, PRIVATE, Precondition, Problem, conditional, problem_responses},
    work::{BatchRequest, ChangeRequest, CreateRequest, ForEach},
};
use serde_json::{Value, json};

use super::PUBLIC;

use crate::{
    error::{ReferenceError, code},
    keep::{Change, Create, Delete, Import, Keeper},
    kinds::Kind,
    service::Loaded,
};

problem_responses!(pub CreateProblems: [INPUT, ROLE, BODY, KEY], ALREADY_EXISTS);
problem_responses!(pub ChangeProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH, IN_USE);
problem_responses!(pub DeleteProblems: [INPUT, ROLE, BODY, KEY], NOT_FOUND, VERSION_MISMATCH, IN_USE);
problem_responses!(pub TableProblems: [INPUT, ROLE, BODY, KEY]);
problem_responses!(pub ExportProblems: [INPUT, CALLER]);

pub fn shown<K: Kind>(entry: &K, if_none_match: &IfNoneMatch) -> Response {
    conditional(&tag(entry), if_none_match, PUBLIC, Json(entry.shown()))
}

/// Returns the version, and after a dash, where `If-Match` takes no notice of it, what changes without the version.
fn tag<K: Kind>(entry: &K) -> String {
    let version = entry.state().version;
    entry.computed().map_or_else(|| version.to_string(), |figure| format!("{version}-{}", json!(figure)))
}

fn answer<K: Kind>(status: StatusCode, entry: &K) -> Answer {
    Answer::new(status, &entry.shown(), PRIVATE).with_tag(tag(entry))
}

pub async fn create<K: Kind>(caller: Principal, keeper: Keeper, request: CreateRequest) -> Result<Answer, Problem> {
    let new = request.body().read(K::row);
    let command = |new| Create { keeper, actor: caller.user_id, entry: K::created(new, None) };
    let location = |entry: &K| format!("/api/v1/{}/{}", K::PLURAL, K::text(&entry.code()));
    let answer = move |entry: &K| answer(StatusCode::CREATED, entry).with_location(location(entry));
    request.run(caller.user_id.uuid(), new, command, answer).await
}

pub async fn change<K: Kind>(
    caller: Principal,
    keeper: Keeper,
    code: K::Code,
    input: Result<K::Change, Problem>,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    // A deleted one too: its last change may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || keeper.existing::<K>(code))).await?;
    let command = |wanted, precondition| Change::<K> {
        keeper: keeper.clone(),
        actor,
        code,
        precondition,
        wanted,
        has_changed: false,
    };
    Box::pin(judged.run(command, |entry| answer(StatusCode::OK, entry))).await
}

pub async fn delete<K: Kind>(
    caller: Principal,
    keeper: Keeper,
    code: K::Code,
    request: ChangeRequest,
) -> Result<Answer, Problem> {
    let actor = caller.user_id;
    let input = request.body().read_optional(|_| Some(()));
    // A deleted one too: its deletion may be repeated under the same key.
    let judged = Box::pin(request.judge(actor.uuid(), input, || keeper.existing::<K>(code))).await?;
    let command = |(), precondition| Delete::<K> { keeper: keeper.clone(), actor, code, precondition };
    Box::pin(judged.run(command, |_| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE))).await
}

pub async fn import<K: Kind>(caller: Principal, keeper: Keeper, request: BatchRequest) -> Result<Answer, Problem>
where
    K::Create: Clone,
{
    let actor = caller.user_id;
    let command = |table, dry_run| Import::<K> { keeper, actor, table: Some(table), dry_run, rows: Vec::new() };
    request.import(actor.uuid(), command).await
}

/// Acts on many entries: `input` is the action, their codes, and what it changes of each.
pub async fn act<K: Kind>(
    caller: Principal,
    keeper: Keeper,
    input: Result<ForEach<K::Code, K::Change>, Problem>,
    request: BatchRequest,
) -> Result<Response, Problem>
where
    K::Code: std::fmt::Display,
{
    let actor = caller.user_id;
    let path = |code: &str| format!("/api/v1/{}/{code}", K::PLURAL);
    let command = move |code, wanted| {
        let (keeper, precondition) = (keeper.clone(), Precondition::default());
        Change::<K> { keeper, actor, code, precondition, wanted, has_changed: false }
    };
    request.run_each(actor.uuid(), input, path, command, |entry: &K| answer(StatusCode::OK, entry)).await
}

pub async fn export<'a, K: Kind>(
    columns: &'static [&'static str],
    params: &ExportParams,
    chosen: impl Iterator<Item = &'a K>,
) -> Result<Response, Problem> {
    let row = |entry: &K| {
        let mut row = entry.shown();
        entry.put_into_row(&mut row);
        row
    };
    let rows: Vec<Value> = chosen.map(row).collect();
    Export::new(K::PLURAL, columns, params).whole(rows).await
}

/// Finds an entry among those known to this process.
pub fn known<K: Kind>(loaded: &Loaded, code: K::Code) -> Result<std::sync::Arc<K>, ReferenceError> {
    let entry = K::entries(&loaded.catalogue).get(&code).cloned();
    entry.ok_or_else(|| ReferenceError::unknown(K::KIND, K::text(&code)))
}
