use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use chrono::TimeDelta;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::{Handlers, Job, JobState, queue};
use crate::{
    leases::{LeaseMonitor, held},
    outage::OutageLog,
    postgres::{Database, DbError},
    queue::{UnderWay, keep_recording, pause_after},
    shutdown::stopped_within,
    telemetry::{self, Traced, metric},
    timing::Timing,
};

/// Interval at which an idle process polls for jobs.
const POLL: Duration = Duration::from_millis(500);
/// A job that takes longer fails: it must not hold its slot for ever.
const LONGEST_RUN: Duration = Duration::from_mins(10);
/// Number of jobs that a process runs at once, and of one kind: kinds that hang must not take all slots.
const AT_ONCE: usize = 16;
const OF_ONE_KIND: usize = 2;
/// Longest wait for running jobs at shutdown; afterwards they return to the queue.
const END_PATIENCE: Duration = Duration::from_secs(7);
/// Longest time for recording a job's outcome: the lease lasts longer.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// Longest stored error text of a failed job.
const LONGEST_ERROR: usize = 500;
/// Pauses after the first, second … failure, before their jitter.
const PAUSES: [TimeDelta; 6] = [
    TimeDelta::seconds(30),
    TimeDelta::minutes(2),
    TimeDelta::minutes(8),
    TimeDelta::minutes(32),
    TimeDelta::minutes(128),
    TimeDelta::hours(6),
];

/// Runs jobs as they come due.
#[derive(Clone)]
pub struct Runner {
    db: Database,
    handlers: Handlers,
    process: String,
    timing: Timing,
}

/// The outcome of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    Done,
    Failed(String),
    /// It was absent, went to another process, or returned to the queue for a later run.
    Gone,
}

impl Runner {
    pub fn new(db: Database, handlers: Handlers, process: String, timing: Timing) -> Self {
        Self { db, handlers, process, timing }
    }

    /// Runs jobs until `stop`; then waits for running ones, and returns those that take too long to the queue.
    pub async fn run(self, stop: CancellationToken) {
        let (mut running, give_back) = (UnderWay::<String, Ran>::default(), CancellationToken::new());
        let mut outage = OutageLog::new("jobs cannot be read; trying again");
        self.announce();
        let keeper = tokio::spawn(self.clone().look_after(stop.clone()));
        while !stop.is_cancelled() {
            while running.ended_already().is_some() {}
            let has_place = running.places(AT_ONCE) > 0;
            let claimed = if has_place { outage.note(self.claim(&self.open(&running), None).await) } else { Ok(None) };
            match claimed {
                Ok(Some(job)) => {
                    let (runner, kind, give_back) = (self.clone(), job.0.kind.clone(), give_back.clone());
                    running.start(kind, async move { runner.work(job, &give_back).await });
                }
                Ok(None) => _ = running.woken(&stop, None, POLL).await,
                Err(_) => _ = stopped_within(&stop, POLL * 4).await,
            }
        }
        running.finish(END_PATIENCE).await;
        give_back.cancel();
        running.finish(Duration::MAX).await;
        _ = keeper.await;
    }

    /// Runs this job now, if it is due and not running.
    pub async fn run_one(&self, id: Uuid) -> Result<Ran, DbError> {
        match self.claim(&self.handlers.kinds(), Some(id)).await? {
            Some(job) => Ok(self.work(job, &CancellationToken::new()).await),
            None => Ok(Ran::Gone),
        }
    }

    /// Registers the counters, so that a kind that has not run yet shows 0.
    fn announce(&self) {
        for kind in self.handlers.kinds() {
            for outcome in metric::JOB_OUTCOMES {
                metric::JOBS_RUN.with([kind.clone(), outcome.to_owned()]).increment(0);
            }
        }
    }

    /// Returns the kinds of which another job may run.
    fn open(&self, running: &UnderWay<String, Ran>) -> Vec<String> {
        let mut kinds = self.handlers.kinds();
        kinds.retain(|kind| running.all().filter(|busy| *busy == kind).count() < OF_ONE_KIND);
        kinds
    }

    async fn claim(&self, kinds: &[String], only: Option<Uuid>) -> Result<Option<(Job, Instant)>, DbError> {
        let asked = Instant::now();
        Ok(queue::claim(&self.db, &self.process, kinds, only).await?.map(|job| (job, asked)))
    }

    /// Recovers the jobs of processes that went away, and those delayed by a clock that was set back.
    async fn look_after(self, stop: CancellationToken) {
        let (mut monitor, mut outage) = (
            LeaseMonitor::new(self.timing.leases),
            OutageLog::new("jobs of stopped processes cannot be looked for; trying again"),
        );
        loop {
            _ = outage.note(self.take_from_the_silent(&mut monitor).await);
            if stopped_within(&stop, self.timing.lost_jobs).await {
                break;
            }
        }
    }

    async fn take_from_the_silent(&self, monitor: &mut LeaseMonitor<Uuid>) -> Result<(), DbError> {
        queue::follow_the_clock(&self.db).await?;
        let asked = Instant::now();
        let beats = queue::beats(&self.db).await?;
        let silent = monitor.silent(asked, beats.iter().filter_map(|(id, beat)| Some((*id, (*beat)?))));
        for (id, beat) in beats.into_iter().filter(|(id, beat)| beat.is_none() || silent.contains(id)) {
            match queue::take_away(&self.db, id, beat).await? {
                Some(JobState::Dead) => {
                    tracing::error!(job = %id, "a job's process stopped during too many attempts; the job has failed for good");
                }
                Some(_) => tracing::warn!(job = %id, "a job's process stopped; the job is run again"),
                None => {}
            }
        }
        Ok(())
    }

    async fn work(&self, (job, since): (Job, Instant), give_back: &CancellationToken) -> Ran {
        let part = telemetry::job(&job.kind, job.traceparent.as_deref());
        let span = part.log_span();
        self.work_on((job, since), give_back).in_span(part).instrument(span).await
    }

    async fn work_on(&self, (job, since): (Job, Instant), give_back: &CancellationToken) -> Ran {
        let Some(handler) = self.handlers.of(&job.kind) else { return Ran::Gone };
        // A separate task: a panic is a failure like others. Dropping it ends the work at its next await point.
        let (mut work, payload) = (JoinSet::new(), job.payload.clone());
        let began = Instant::now();
        work.spawn(async move { handler(payload).await }.in_same_trace().in_current_span());
        let beat = || queue::beat(&self.db, &self.process, &job);
        let outcome = tokio::select! {
            outcome = held(self.timing.leases, since, beat, timeout(LONGEST_RUN, work.join_next())) => outcome,
            () = give_back.cancelled() => {
                work.shutdown().await;
                self.give_back(&job).await;
                return Ran::Gone;
            }
        };
        let outcome = match outcome {
            Some(Ok(Some(Ok(Ok(()))) | None)) => Ok(()),
            Some(Ok(Some(Ok(Err(error))))) => Err(("failed", format!("{error:#}"))),
            Some(Ok(Some(Err(_)))) => Err(("panic", "the job panicked".to_owned())),
            Some(Err(_)) => Err(("timeout", "the job exceeded its time limit".to_owned())),
            None => {
                tracing::warn!(job = %job.id, kind = %job.kind, "the lease of a job was lost; another process runs it");
                return Ran::Gone;
            }
        };
        work.shutdown().await;
        metric::JOB_DURATION.with([job.kind.clone()]).record(began.elapsed().as_secs_f64());
        self.conclude(&job, outcome).await
    }

    /// Records the outcome. A failure comes with an error type for its trace.
    async fn conclude(&self, job: &Job, outcome: Result<(), (&'static str, String)>) -> Ran {
        let label = if outcome.is_ok() { "done" } else { "failed" };
        metric::JOBS_RUN.with([job.kind.clone(), label.to_owned()]).increment(1);
        let ran = match outcome {
            Ok(()) => Ran::Done,
            Err((word, error)) => {
                telemetry::fail(word);
                let error: String = error.chars().filter(|c| !c.is_control()).take(LONGEST_ERROR).collect();
                tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempts, %error, "a job failed");
                Ran::Failed(error)
            }
        };
        let pause = varied(pause_after(&PAUSES, job.attempts));
        let kept =
            keep_recording("the outcome of a job cannot be saved; trying again", Some(WRITE_PATIENCE), || async {
                match &ran {
                    Ran::Failed(error) => queue::fail(&self.db, &self.process, job, error, pause).await,
                    _ => queue::finish(&self.db, &self.process, job).await,
                }
            });
        if let Err(error) = kept.await {
            // The job's lease falls silent, and the job runs again.
            tracing::warn!(job = %job.id, %error, "the outcome of a job could not be saved");
        }
        ran
    }

    async fn give_back(&self, job: &Job) {
        match queue::give_back(&self.db, &self.process, job).await {
            Ok(()) => tracing::info!(job = %job.id, kind = %job.kind, "a job was returned to the queue at shutdown"),
            Err(error) => tracing::warn!(job = %job.id, %error, "a job could not be returned to the queue"),
        }
    }
}

/// Lengthens a pause by up to a tenth, so that jobs that failed together do not run together again.
fn varied(pause: TimeDelta) -> TimeDelta {
    let jitter = i32::try_from(RandomState::new().hash_one(pause.num_seconds()) % 100).unwrap_or_default();
    pause + pause * jitter / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_six_hours_and_a_tenth() {
        let seconds: Vec<i64> = (1..=8).map(|attempts| pause_after(&PAUSES, attempts).num_seconds()).collect();
        assert_eq!(seconds, [30, 120, 480, 1920, 7680, 21600, 21600, 21600]);
        for pause in PAUSES {
            assert!((pause..pause + pause / 10).contains(&varied(pause)), "{pause}");
        }
    }
}
