use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    features::accounts::AccountService,
    platform::{
        clock::SharedClock,
        jobs::{self, Handlers, Job, Ran, Runner, Schedule, Schedules},
        outbox::{self, RedisStreams, relay},
        postgres::{Database, commit},
        random::IdSource,
        redis::Redis,
    },
};

/// Messages that every sink has had are kept so long, for whoever wants to look.
const OUTBOX_KEPT: TimeDelta = TimeDelta::days(7);
/// How often the depth of the queue is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// What this product does again and again, each once over all processes.
static SCHEDULES: [Schedule; 3] = [
    Schedule { name: "partitions_ahead", every: TimeDelta::days(1) },
    Schedule { name: "expired_tokens", every: TimeDelta::hours(1) },
    Schedule { name: "old_outbox", every: TimeDelta::hours(1) },
];

/// What runs beside the requests: jobs, schedules, and the delivery of what happened.
#[derive(Clone)]
pub struct Duties {
    db: Database,
    redis: Option<Redis>,
    runner: Runner,
    schedules: Schedules,
    process: String,
    ids: IdSource,
    clock: SharedClock,
}

impl Duties {
    pub fn new(
        db: Database,
        redis: Option<Redis>,
        accounts: &AccountService,
        process: String,
        ids: IdSource,
        clock: SharedClock,
    ) -> Self {
        let handlers = handlers(&db, accounts, &clock);
        let runner = Runner::new(db.clone(), handlers, process.clone());
        let schedules = Schedules::new(db.clone(), &SCHEDULES, ids.clone(), clock.clone());
        Self { db, redis, runner, schedules, process, ids, clock }
    }

    /// Starts it all; it ends after `stop`, with what it was doing.
    pub fn start(&self, workers: &TaskTracker, stop: &CancellationToken) {
        workers.spawn(self.schedules.clone().run(stop.clone()));
        workers.spawn(self.runner.clone().run(stop.clone()));
        if let Some(redis) = self.redis.clone() {
            let (process, clock) = (self.process.clone(), self.clock.clone());
            workers.spawn(relay(self.db.clone(), RedisStreams(redis), process, clock, stop.clone()));
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

    /// Lets a dead job, or all of them, be tried again. Answers how many.
    pub async fn retry(&self, only: Option<Uuid>) -> anyhow::Result<u64> {
        Ok(jobs::retry_dead(&self.db, only).await?)
    }
}

fn handlers(db: &Database, accounts: &AccountService, clock: &SharedClock) -> Handlers {
    let (ahead, outboxes, accounts) = (db.clone(), db.clone(), accounts.clone());
    let today = clock.clone();
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
        .with("old_outbox", move |_| {
            let db = outboxes.clone();
            async move {
                let deleted = outbox::delete_delivered(&db, OUTBOX_KEPT).await?;
                tracing::info!(deleted, "delivered messages deleted");
                Ok(())
            }
        })
}

/// Shows how much there is to do.
async fn measure(db: Database, stop: CancellationToken) {
    while tokio::time::timeout(MEASURE, stop.cancelled()).await.is_err() {
        match jobs::depth(&db).await {
            Ok(depth) => {
                for (state, count) in [("queued", depth.queued), ("running", depth.running), ("dead", depth.dead)] {
                    let count = u32::try_from(count).unwrap_or(u32::MAX);
                    metrics::gauge!("loadmaster_jobs", "state" => state).set(f64::from(count));
                }
                metrics::gauge!("loadmaster_jobs_oldest_seconds").set(depth.oldest_seconds);
            }
            Err(error) => tracing::debug!(%error, "the queue cannot be measured"),
        }
    }
}
