use chrono::{DateTime, Utc};
use loadmaster_platform::{
    jobs::{Job, JobState, Planned},
    outbox::Lag,
    web::{read, request},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest kind of job that a list is filtered by.
const LONGEST_KIND: usize = 100;

/// A job: work in the background, done after the request that made it. One that is done is gone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(super) struct JobBody {
    /// Permanent identifier.
    pub id: Uuid,
    /// What is done.
    pub kind: String,
    pub state: JobState,
    /// Smaller comes first.
    pub priority: i16,
    /// Number of attempts so far.
    pub attempts: i32,
    /// After so many failures it is dead.
    pub max_attempts: i32,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    /// Why the last attempt failed.
    #[schema(required = true)]
    pub last_error: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl From<&Job> for JobBody {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind.clone(),
            state: job.state,
            priority: job.priority,
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            run_at: job.run_at,
            last_error: job.last_error.clone(),
            created_at: job.created_at,
        }
    }
}

request! {
    /// Which jobs are listed; filters combine with AND.
    #[derive(Default)]
    pub(super) struct JobFilter in query {
        /// Only those in this state.
        state: Option<JobState> = read::word(JobState::WORDS),
        /// What is done.
        #[param(max_length = 100)]
        kind: Option<String> = read::line(LONGEST_KIND),
    }
}

/// Work that is done again and again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(super) struct ScheduleBody {
    /// Also the kind of its jobs.
    #[schema(example = "expired_tokens")]
    pub name: String,
    /// When its next job is made.
    pub next_run_at: DateTime<Utc>,
}

impl From<&Planned> for ScheduleBody {
    fn from(planned: &Planned) -> Self {
        Self { name: planned.name.clone(), next_run_at: planned.next_run_at }
    }
}

/// A place to which messages are delivered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sink)]
pub(super) struct SinkBody {
    /// Its name.
    #[schema(example = "webhooks")]
    pub name: String,
    /// Age of the oldest message that is not delivered to it; 0 if there is none.
    pub behind_seconds: f64,
    /// Messages that are not delivered to it; 10 000 stands for any larger number.
    pub undelivered: i64,
    /// Whether a server delivers to it.
    pub is_served: bool,
}

impl From<Lag> for SinkBody {
    fn from(lag: Lag) -> Self {
        let Lag { sink, seconds, undelivered, is_served } = lag;
        Self { name: sink, behind_seconds: seconds, undelivered, is_served }
    }
}
