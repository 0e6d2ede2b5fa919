//! One action on many resources. Each is acted on by itself, as by the single call, and has a result of its own.
use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    fmt::Display,
    future::Future,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use loadmaster_kernel::{Fault, FaultCode};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{
    code,
    fields::{Fields, Raw, Reader},
    problem::{Problem, ProblemBody},
};

/// The most resources of one request.
pub const MOST_IDS: usize = 200;
/// Longest time of a request. No row is begun in its last part.
pub const LONGEST: Duration = Duration::from_mins(1);
const LAST_PART: Duration = Duration::from_secs(10);
/// Rows acted on at the same time.
const AT_ONCE: usize = 4;

/// The resources of a request: 1 to 200, each once.
#[derive(Debug, Clone)]
pub struct Ids<T>(pub Vec<T>);

pub struct ReadIds<F>(F);

/// Reads the member `ids`.
pub const fn ids<T: Display, F: Fn(Raw<'_>) -> Result<T, Fault>>(read: F) -> ReadIds<F> {
    ReadIds(read)
}

impl<'a, T: Display, F: Fn(Raw<'_>) -> Result<T, Fault>> Reader<'a, Ids<T>> for ReadIds<F> {
    fn read(self, fields: &mut Fields<'a>, name: &'static str) -> Option<Ids<T>> {
        let (seen, count) = (RefCell::new(HashSet::new()), Cell::new(0_usize));
        let read = |raw: Raw<'_>| {
            count.set(count.get() + 1);
            let id = (self.0)(raw)?;
            let is_new = seen.borrow_mut().insert(id.to_string());
            is_new.then_some(id).ok_or_else(|| Fault::format("names what an earlier entry names"))
        };
        let ids: Vec<T> = fields.list(name, MOST_IDS, read)?;
        if count.get() == 0 {
            fields.fault(name, &Fault::new(FaultCode::Required, "must have at least one entry"));
            return None;
        }
        Some(Ids(ids))
    }
}

/// The results of an action on many resources.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// Number that succeeded.
    pub succeeded: usize,
    /// Number that failed.
    pub failed: usize,
    /// One for each of `ids`, in their order.
    #[schema(max_items = 200)]
    pub results: Vec<RowResult>,
}

/// The result for one resource.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BulkRow)]
pub struct RowResult {
    /// Id of the resource, as in `ids`.
    pub id: String,
    /// Whether the action succeeded.
    pub ok: bool,
    /// Why nothing was done: the problem of the single call.
    #[schema(required)]
    pub problem: Option<ProblemBody>,
}

/// What became of one resource: what its action returned, or the problem of the single call.
#[derive(Debug)]
pub struct RowOutcome<D> {
    pub id: String,
    pub outcome: Result<D, ProblemBody>,
}

impl From<Vec<RowOutcome<()>>> for BulkResult {
    fn from(rows: Vec<RowOutcome<()>>) -> Self {
        let succeeded = rows.iter().filter(|row| row.outcome.is_ok()).count();
        let failed = rows.len() - succeeded;
        let row = |RowOutcome { id, outcome }| RowResult { id, ok: outcome.is_ok(), problem: outcome.err() };
        Self { succeeded, failed, results: rows.into_iter().map(row).collect() }
    }
}

/// Acts on each of the resources, some at the same time, and returns the outcomes in order. When time runs out, the rest is
/// not begun, and says so: a repetition with the same key does it.
pub async fn each<T, D, F>(ids: Vec<T>, act: impl Fn(T) -> F) -> Vec<RowOutcome<D>>
where
    T: Display,
    F: Future<Output = Result<D, Problem>>,
{
    some_at_once(AT_ONCE, ids, act).await
}

/// The same one after the other, for rows that compete: each finds what the rows before it left.
pub async fn each_in_turn<T, D, F>(ids: Vec<T>, act: impl Fn(T) -> F) -> Vec<RowOutcome<D>>
where
    T: Display,
    F: Future<Output = Result<D, Problem>>,
{
    some_at_once(1, ids, act).await
}

async fn some_at_once<T, D, F>(at_once: usize, ids: Vec<T>, act: impl Fn(T) -> F) -> Vec<RowOutcome<D>>
where
    T: Display,
    F: Future<Output = Result<D, Problem>>,
{
    let until = Instant::now() + LONGEST.saturating_sub(LAST_PART);
    let rows = stream::iter(ids).map(|id| {
        let (name, act) = (id.to_string(), &act);
        async move {
            let outcome = if Instant::now() < until { act(id).await } else { Err(not_begun()) };
            RowOutcome { id: name, outcome: outcome.map_err(Problem::into_body) }
        }
    });
    rows.buffered(at_once).collect().await
}

fn not_begun() -> Problem {
    let detail = "Time ran out before this row was begun; repeat the request with the same Idempotency-Key.";
    Problem::new(code::TIMEOUT, detail)
}
