//! Jobs: work enqueued in a transaction and run after its commit, at least once, by one process at a time, retried
//! after a failure, and kept visible when it fails for good. [`Schedules`] enqueue the same work periodically. All
//! times are the database's, so that the clocks of processes may differ.
mod queue;
mod runner;
mod schedule;
mod time_of_day;

use std::{collections::BTreeMap, marker::PhantomData, pin::Pin, sync::Arc};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::words;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

pub use queue::{
    Depth, depth, drop_dead, drop_dead_in_tx, enqueue_in_tx, hurry_in_tx, list, lock_in_tx, page, retry_dead,
    retry_dead_in_tx,
};
pub use runner::{Ran, Runner};
pub use schedule::{Planned, Schedule, Schedules, planned, run_in_tx};
pub use time_of_day::TimeOfDay;

words! {
    /// Where a job is. One that is done is gone.
    pub enum JobState {
        /// Waits for its time, or for somebody to run it.
        Queued = "QUEUED",
        Running = "RUNNING",
        /// Has failed as often as it may; stays until it is retried by hand.
        Dead = "DEAD",
    }
}

/// A job to enqueue.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub kind: &'static str,
    pub payload: Value,
    /// Smaller comes first; 0 is the default.
    pub priority: i16,
    /// At most one job with a given key waits or runs: enqueuing another has no effect meanwhile.
    pub unique_key: Option<String>,
    /// Shortest delay until it runs.
    pub run_in: TimeDelta,
    pub max_attempts: i32,
}

impl NewJob {
    /// Builds a job that is due now, with the default priority and ten attempts: over about a day and a half.
    pub fn now(kind: &'static str, payload: Value) -> Self {
        Self { kind, payload, priority: 0, unique_key: None, run_in: TimeDelta::zero(), max_attempts: 10 }
    }
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: Uuid,
    pub kind: String,
    pub payload: Value,
    pub priority: i16,
    pub state: JobState,
    pub run_at: DateTime<Utc>,
    pub attempts: i32,
    pub max_attempts: i32,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    /// The trace that enqueued it.
    pub traceparent: Option<String>,
}

/// Why a job failed; shown to operators, so without personal data.
pub type JobError = anyhow::Error;
type Work = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;
type Handler = Arc<dyn Fn(Value) -> Work + Send + Sync>;

/// A kind of job, with the type of its payload.
pub struct JobKind<P> {
    pub name: &'static str,
    payload: PhantomData<fn(P)>,
}

impl<P: Serialize + DeserializeOwned + Send + 'static> JobKind<P> {
    pub const fn named(name: &'static str) -> Self {
        Self { name, payload: PhantomData }
    }

    /// Builds a job of this kind, due now.
    pub fn job(&self, payload: &P) -> serde_json::Result<NewJob> {
        Ok(NewJob::now(self.name, serde_json::to_value(payload)?))
    }
}

/// The handlers of all kinds of jobs, and the schedules that enqueue some of them. A job may run again after it
/// succeeded, so handlers must be idempotent.
#[derive(Clone, Default)]
pub struct Handlers {
    by_kind: BTreeMap<&'static str, Handler>,
    schedules: Vec<Schedule>,
}

impl Handlers {
    #[must_use]
    pub fn with<F>(mut self, kind: &'static str, work: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.by_kind.insert(kind, Arc::new(move |payload| Box::pin(work(payload))));
        self
    }

    /// Adds the handler of a kind of job, which gets a clone of `service` for each job; an unreadable payload fails the job.
    #[must_use]
    pub fn on<S, P, F>(self, kind: &JobKind<P>, service: S, work: impl Fn(S, P) -> F + Send + Sync + 'static) -> Self
    where
        S: Clone + Send + Sync + 'static,
        P: DeserializeOwned,
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let name = kind.name;
        self.with(name, move |payload| {
            let work = serde_json::from_value(payload).map(|payload| work(service.clone(), payload));
            async move { work.with_context(|| format!("reading the payload of {name}"))?.await }
        })
    }

    /// Adds a handler that runs once per period, over all processes, and gets a clone of `service` each time.
    #[must_use]
    pub fn every<S, F>(
        mut self,
        every: TimeDelta,
        name: &'static str,
        service: S,
        work: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.schedules.push(Schedule { name, every });
        self.with(name, move |_| work(service.clone()))
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.by_kind.extend(other.by_kind);
        self.schedules.extend(other.schedules);
        self
    }

    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    fn kinds(&self) -> Vec<String> {
        self.by_kind.keys().map(|kind| (*kind).to_owned()).collect()
    }

    fn of(&self, kind: &str) -> Option<Handler> {
        self.by_kind.get(kind).cloned()
    }
}
