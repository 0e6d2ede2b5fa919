use std::{collections::hash_map::RandomState, hash::BuildHasher, time::Duration};

use chrono::TimeDelta;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Handlers, Job, queue};
use crate::platform::postgres::{Database, DbError};

/// How often a process without work looks for some.
const POLL: Duration = Duration::from_millis(500);
/// Well within the lease.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Without a heartbeat for so long the lease may be another's soon: the work is dropped before.
const LEASE_IS_SURE: Duration = Duration::from_secs(20);
/// A job that takes longer has failed: it must not hold its place for ever.
const LONGEST_RUN: Duration = Duration::from_mins(10);
/// How many jobs a process runs at once.
const AT_ONCE: usize = 4;
/// A failing job's text is kept to this length.
const LONGEST_ERROR: usize = 500;
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(6);

/// Runs jobs as they come due.
#[derive(Clone)]
pub struct Runner {
    db: Database,
    handlers: Handlers,
    process: String,
}

/// How a job went.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    Done,
    Failed(String),
    /// It was not there to be run, or went to another process meanwhile.
    Gone,
}

impl Runner {
    pub fn new(db: Database, handlers: Handlers, process: String) -> Self {
        Self { db, handlers, process }
    }

    /// Runs jobs until `stop`; then waits for those that run. One that takes longer than the caller waits loses its lease
    /// and is run again elsewhere.
    pub async fn run(self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        while !stop.is_cancelled() {
            while running.try_join_next().is_some() {}
            let claimed = if running.len() < AT_ONCE { self.claim(None).await } else { Ok(None) };
            match claimed {
                Ok(Some(job)) => {
                    let runner = self.clone();
                    running.spawn(async move { runner.work(job).await });
                }
                Ok(None) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(POLL) => {}
                        _ = running.join_next(), if running.len() >= AT_ONCE => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "jobs cannot be read; trying again");
                    _ = tokio::time::timeout(POLL * 4, stop.cancelled()).await;
                }
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs this job now, if it is due and nobody runs it.
    pub async fn run_one(&self, id: Uuid) -> Result<Ran, DbError> {
        match self.claim(Some(id)).await? {
            Some(job) => Ok(self.work(job).await),
            None => Ok(Ran::Gone),
        }
    }

    async fn claim(&self, only: Option<Uuid>) -> Result<Option<Job>, DbError> {
        let buried = queue::bury_killers(&self.db).await?;
        if buried > 0 {
            tracing::error!(buried, "jobs took their process with them too often and are dead");
        }
        queue::claim(&self.db, &self.process, &self.handlers.kinds(), only).await
    }

    async fn work(&self, job: Job) -> Ran {
        let Some(handler) = self.handlers.of(&job.kind) else { return Ran::Gone };
        // A task of its own: a panic is a failure like others. Dropped here, it ends at its next wait.
        let (mut work, payload) = (JoinSet::new(), job.payload.clone());
        work.spawn(async move { handler(payload).await });
        let (began, mut renewed) = (Instant::now(), Instant::now());
        let outcome = loop {
            tokio::select! {
                done = work.join_next() => break match done {
                    Some(Ok(Ok(()))) | None => Ok(()),
                    Some(Ok(Err(error))) => Err(format!("{error:#}")),
                    Some(Err(_)) => Err("it panicked".to_owned()),
                },
                () = tokio::time::sleep(HEARTBEAT) => {
                    if began.elapsed() > LONGEST_RUN {
                        break Err("it took too long".to_owned());
                    }
                    let kept = tokio::time::timeout(HEARTBEAT, queue::renew(&self.db, &self.process, &job)).await;
                    match kept {
                        Ok(Ok(true)) => renewed = Instant::now(),
                        // A database that is away may be back before the lease runs out.
                        Ok(Err(_)) | Err(_) if renewed.elapsed() < LEASE_IS_SURE => {}
                        _ => {
                            tracing::warn!(job = %job.id, kind = %job.kind, "a job was lost; another process runs it");
                            return Ran::Gone;
                        }
                    }
                }
            }
        };
        self.conclude(&job, outcome).await
    }

    async fn conclude(&self, job: &Job, outcome: Result<(), String>) -> Ran {
        let label = if outcome.is_ok() { "done" } else { "failed" };
        metrics::counter!("loadmaster_jobs_total", "kind" => job.kind.clone(), "outcome" => label).increment(1);
        let (ran, kept) = match outcome {
            Ok(()) => (Ran::Done, queue::finish(&self.db, &self.process, job).await),
            Err(error) => {
                let error: String = error.chars().filter(|c| !c.is_control()).take(LONGEST_ERROR).collect();
                tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempts, %error, "a job failed");
                let pause = pause_after(job.attempts);
                let kept = queue::fail(&self.db, &self.process, job, &error, pause).await;
                (Ran::Failed(error), kept)
            }
        };
        if let Err(error) = kept {
            // Its lease runs out, and it is run again.
            tracing::warn!(job = %job.id, %error, "how a job went could not be written down");
        }
        ran
    }
}

/// From half a minute on four times as long each time, with a tenth of jitter.
fn pause_after(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(12);
    let pause = TimeDelta::seconds(30) * 4i32.saturating_pow(doublings.min(8));
    let pause = pause.min(LONGEST_PAUSE);
    let tenth = i64::try_from(RandomState::new().hash_one(attempts) % 100).unwrap_or_default();
    pause + pause * i32::try_from(tenth).unwrap_or_default() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_six_hours_and_a_tenth() {
        let mut before = TimeDelta::zero();
        for attempts in 1..=20 {
            let pause = pause_after(attempts);
            assert!(pause >= TimeDelta::seconds(30) && pause <= LONGEST_PAUSE + LONGEST_PAUSE / 10, "{pause}");
            assert!(pause >= before - before / 10);
            before = pause;
        }
        assert!(pause_after(1) < TimeDelta::seconds(34));
        assert!(pause_after(20) >= LONGEST_PAUSE);
    }
}
