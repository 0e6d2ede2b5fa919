use std::{collections::BTreeSet, time::Duration};

use anyhow::Context;
use chrono::TimeDelta;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    features::{
        accounts::AccountService,
        operations::{self, OperationService},
        privacy::{self, PrivacyService},
    },
    platform::{
        clock::SharedClock,
        idempotency::Idempotency,
        jobs::{self, Depth, Handlers, Job, Ran, Runner, Schedule, Schedules},
        leases::Term,
        outbox::{self, Lag, RedisStreams, relay},
        postgres::{Database, commit},
        random::IdSource,
        redis::Redis,
        tasks::stopped_within,
        telemetry::metric,
    },
};

/// Messages that every sink has had are kept so long, for whoever wants to look.
const OUTBOX_KEPT: TimeDelta = TimeDelta::days(7);
/// How often the queue and the outbox are measured.
const MEASURE: Duration = Duration::from_secs(5);
/// Nobody waits for a delivery: a slow Redis is better than one that is given the same again.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(2);

/// What this product does again and again, each once over all processes.
static SCHEDULES: [Schedule; 5] = [
    Schedule { name: "partitions_ahead", every: TimeDelta::days(1) },
    Schedule { name: "expired_tokens", every: TimeDelta::hours(1) },
    Schedule { name: "old_idempotency_keys", every: TimeDelta::hours(1) },
    Schedule { name: "old_outbox", every: TimeDelta::hours(1) },
    Schedule { name: operations::UNFINISHED, every: TimeDelta::minutes(5) },
];

/// What runs beside the requests: jobs, schedules, and the delivery of what happened.
#[derive(Clone)]
pub struct Duties {
    db: Database,
    /// Where messages go, and what tells those of this installation.
    redis: Option<(Redis, String)>,
    runner: Runner,
    schedules: Schedules,
    process: String,
    ids: IdSource,
    clock: SharedClock,
}

impl Duties {
    #[allow(clippy::too_many_arguments, reason = "each is one thing that it stands on")]
    pub fn new(
        db: &Database,
        redis: Option<Redis>,
        installation: &str,
        accounts: &AccountService,
        operations: &OperationService,
        idempotency: &Idempotency,
        privacy: &PrivacyService,
        process: String,
        ids: IdSource,
        clock: SharedClock,
    ) -> anyhow::Result<Self> {
        let handlers = handlers(db, accounts, operations, idempotency, privacy, &clock);
        let redis = redis.map(|redis| redis.patient(DELIVERY_PATIENCE)).transpose()?;
        let redis = redis.map(|redis| (redis, installation.to_owned()));
        let db = db.for_duties();
        let runner = Runner::new(db.clone(), handlers, process.clone());
        let schedules = Schedules::new(db.clone(), &SCHEDULES, ids.clone(), clock.clone());
        Ok(Self { db, redis, runner, schedules, process, ids, clock })
    }

    /// Starts it all; it ends after `stop`, with what it was doing.
    pub fn start(&self, workers: &TaskTracker, stop: &CancellationToken) {
        workers.spawn(self.schedules.clone().run(stop.clone()));
        workers.spawn(self.runner.clone().run(stop.clone()));
        if let Some((redis, installation)) = &self.redis {
            let streams = RedisStreams::new(redis.clone(), installation);
            let process = self.process.clone();
            workers.spawn(relay(self.db.clone(), streams, process, Term::default(), stop.clone()));
        }
        workers.spawn(measure(self.db.clone(), stop.clone()));
    }

    /// The jobs there are.
    pub async fn jobs(&self) -> anyhow::Result<Vec<Job>> {
        Ok(jobs::list(&self.db).await?)
    }

    pub fn schedules(&self) -> &'static [Schedule] {
        self.schedules.all()
    }

    /// Runs a scheduled job now, here, besides its schedule.
    pub async fn run_now(&self, name: &str) -> anyhow::Result<Ran> {
        let known = || self.schedules().iter().map(|schedule| schedule.name).collect::<Vec<_>>().join(", ");
        let schedule = self.schedules().iter().find(|schedule| schedule.name == name);
        let schedule = schedule.with_context(|| format!("there is no schedule {name}; there are: {}", known()))?;
        let mut tx = self.db.begin().await?;
        jobs::enqueue_in_tx(&mut tx, self.ids.next(self.clock.now()), &schedule.job()).await?;
        let id = jobs::hurry_in_tx(&mut tx, schedule.name).await?;
        commit(tx).await?;
        match id {
            Some(id) => Ok(self.runner.run_one(id).await?),
            None => Ok(Ran::Gone),
        }
    }

    /// How far each sink of the outbox is behind.
    pub async fn lags(&self) -> anyhow::Result<Vec<Lag>> {
        Ok(outbox::lags(&self.db).await?)
    }

    /// Keeps no more messages for a sink. False if there is none of this name.
    pub async fn retire_sink(&self, name: &str) -> anyhow::Result<bool> {
        Ok(outbox::retire(&self.db, name).await?)
    }

    /// Lets a dead job, or all of them, be tried again. Answers how many.
    pub async fn retry(&self, only: Option<Uuid>) -> anyhow::Result<u64> {
        Ok(jobs::retry_dead(&self.db, only).await?)
    }

    /// Gives a dead job up. False if there is none of this id that is dead.
    pub async fn drop_job(&self, id: Uuid) -> anyhow::Result<bool> {
        Ok(jobs::drop_dead(&self.db, id).await?)
    }
}

fn handlers(
    db: &Database,
    accounts: &AccountService,
    operations: &OperationService,
    idempotency: &Idempotency,
    privacy: &PrivacyService,
    clock: &SharedClock,
) -> Handlers {
    let (privacy, operations) = (privacy.clone(), operations.clone());
    let (ahead, outboxes, accounts) = (db.clone(), db.clone(), accounts.clone());
    let (today, keys) = (clock.clone(), idempotency.clone());
    Handlers::default()
        .with("partitions_ahead", move |_| {
            let (db, now) = (ahead.clone(), today.now());
            async move {
                let made = db.ensure_partitions(now).await?;
                tracing::info!(made, "partitions made ahead");
                Ok(())
            }
        })
        .with("expired_tokens", move |_| {
            let accounts = accounts.clone();
            async move {
                let deleted = accounts.delete_expired_tokens().await?;
                tracing::info!(deleted, "expired refresh tokens deleted");
                Ok(())
            }
        })
        .with("old_idempotency_keys", move |_| {
            let keys = keys.clone();
            async move {
                let deleted = keys.delete_old().await?;
                tracing::info!(deleted, "old idempotency keys deleted");
                Ok(())
            }
        })
        .with(operations::UNFINISHED, move |_| {
            let operations = operations.clone();
            async move { Ok(operations.finish_steps().await?) }
        })
        .with(privacy::SWEEP, move |payload| {
            let privacy = privacy.clone();
            async move { privacy.sweep_again(payload).await }
        })
        .with("old_outbox", move |_| {
            let db = outboxes.clone();
            async move {
                let deleted = outbox::delete_delivered(&db, OUTBOX_KEPT).await?;
                tracing::info!(deleted, "delivered messages deleted");
                Ok(())
            }
        })
}

/// Shows how much there is to do. Every process shows the same: it is the database's.
async fn measure(db: Database, stop: CancellationToken) {
    let mut sinks = BTreeSet::new();
    loop {
        match (jobs::depth(&db).await, outbox::lags(&db).await) {
            (Ok(depth), Ok(lags)) => {
                show_depth(&depth);
                sinks = show_lags(&lags, &sinks);
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::debug!(%error, "jobs and messages cannot be measured");
                forget(&sinks);
            }
        }
        if stopped_within(&stop, MEASURE).await {
            break;
        }
    }
}

fn show_depth(depth: &Depth) {
    for (state, count) in [("queued", depth.queued), ("running", depth.running), ("dead", depth.dead)] {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        metric::JOBS.with([state]).set(f64::from(count));
    }
    metric::JOBS_OLDEST.set(depth.oldest_seconds);
}

/// Nothing is known: what was true the last time may have been mended since, which the others tell.
fn forget(sinks: &BTreeSet<String>) {
    for state in ["queued", "running", "dead"] {
        metric::JOBS.with([state]).set(f64::NAN);
    }
    metric::JOBS_OLDEST.set(f64::NAN);
    for sink in sinks {
        metric::OUTBOX_LAG.with([sink.clone()]).set(f64::NAN);
    }
}

/// A sink that was given up is not behind any more. Answers those there are.
fn show_lags(lags: &[Lag], before: &BTreeSet<String>) -> BTreeSet<String> {
    let sinks: BTreeSet<String> = lags.iter().map(|lag| lag.sink.clone()).collect();
    for gone in before.difference(&sinks) {
        metric::OUTBOX_LAG.with([gone.clone()]).set(0);
    }
    for lag in lags {
        metric::OUTBOX_LAG.with([lag.sink.clone()]).set(lag.seconds);
    }
    sinks
}
