use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::Context;
use chrono::{TimeDelta, Weekday};
use loadmaster_platform::{
    clock::SharedClock,
    jobs::{self, Depth, Handlers, Job, Ran, Runner, Schedule, Schedules, TimeOfDay},
    outbox::{self, Lag, Readings, RedisStreams, Sink, relay},
    postgres::{Database, commit},
    random::IdSource,
    redis::Redis,
    room::Opening,
    settings,
    shutdown::stopped_within,
    telemetry::metric,
    timing::Timing,
    zones::Zone,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

#[cfg(feature = "kafka")]
use loadmaster_kafka::Kafka;

/// Timeout of a delivery. No request waits for one: waiting for a slow Redis is better than sending it the same again.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(2);

/// Sinks that every process serves.
const OF_ALL: [&str; 2] = ["webhooks", "notifications"];

/// The background work: jobs, schedules, and the delivery of messages.
#[derive(Clone)]
pub struct BackgroundTasks {
    db: Database,
    /// The destination of messages, and this installation's name there.
    redis: Option<(Redis, String)>,
    #[cfg(feature = "kafka")]
    kafka: Option<(settings::Kafka, String)>,
    runner: Runner,
    schedules: Schedules,
    process: String,
    readings: Readings,
    timing: Timing,
    ids: IdSource,
    clock: SharedClock,
}

impl BackgroundTasks {
    pub(super) fn new(opening: &Opening, jobs: Handlers, process: String) -> anyhow::Result<Self> {
        let Opening { db, redis, ids, clock, secrets, readings, timing, .. } = opening;
        let jobs = platform_jobs(opening).and(jobs);
        let redis = redis.as_ref().map(|redis| redis.patient(DELIVERY_PATIENCE)).transpose()?;
        let redis = redis.map(|redis| (redis, secrets.namespace.clone()));
        let db = db.for_background();
        let times = times_of_day(&opening.settings.server, jobs.schedules())?;
        let schedules = Schedules::new(db.clone(), jobs.schedules(), ids.clone(), clock.clone()).at_times(times);
        let runner = Runner::new(db.clone(), jobs, process.clone(), *timing);
        // Without the sink, validation has refused brokers.
        #[cfg(feature = "kafka")]
        let kafka = Some(opening.settings.kafka.clone()).filter(|kafka| !kafka.brokers.is_empty());
        let this = Self {
            db,
            redis,
            #[cfg(feature = "kafka")]
            kafka: kafka.map(|kafka| (kafka, secrets.namespace.clone())),
            runner,
            schedules,
            process,
            readings: readings.clone(),
            timing: *timing,
            ids: ids.clone(),
            clock: clock.clone(),
        };
        #[cfg(feature = "kafka")]
        this.kafka(CancellationToken::new())?;
        Ok(this)
    }

    /// Starts all background work; after `stop` it ends when its current work is done.
    pub fn start(&self, workers: &TaskTracker, stop: &CancellationToken) {
        workers.spawn(self.schedules.clone().run(stop.clone()));
        workers.spawn(self.runner.clone().run(stop.clone()));
        if let Some(streams) = self.streams() {
            workers.spawn(self.relay(streams, stop));
        }
        #[cfg(feature = "kafka")]
        match self.kafka(stop.clone()) {
            Ok(Some(kafka)) => {
                workers.spawn(self.relay(kafka, stop));
            }
            Ok(None) => {}
            // It was opened once before.
            Err(error) => tracing::error!(%error, "messages are not delivered to Kafka"),
        }
        workers.spawn(measure(self.db.clone(), self.timing.measurement, stop.clone()));
    }

    /// Delivers messages to a sink, in this process or as soon as no other does.
    fn relay<S: Sink>(&self, sink: S, stop: &CancellationToken) -> impl Future<Output = ()> + use<S> {
        relay(self.db.clone(), self.readings.clone(), sink, self.process.clone(), self.timing, stop.clone())
    }

    /// Returns the database by which this work is done.
    pub(super) const fn db(&self) -> &Database {
        &self.db
    }

    /// Opens the sink in Redis, where there is one.
    pub(super) fn streams(&self) -> Option<RedisStreams> {
        self.redis.as_ref().map(|(redis, installation)| RedisStreams::new(redis.clone(), installation))
    }

    /// Opens the sink of Kafka, where it is configured. `stop` ends what waits for a broker.
    #[cfg(feature = "kafka")]
    pub(super) fn kafka(&self, stop: CancellationToken) -> anyhow::Result<Option<Kafka>> {
        let open = |(settings, installation): &(settings::Kafka, String)| {
            Kafka::new(settings, installation, self.timing.acknowledgement, stop)
        };
        self.kafka.as_ref().map(open).transpose()
    }

    /// Returns all jobs.
    pub async fn jobs(&self) -> anyhow::Result<Vec<Job>> {
        Ok(jobs::list(&self.db).await?)
    }

    pub fn schedules(&self) -> &[Schedule] {
        self.schedules.all()
    }

    /// Returns the time of day of a schedule, if it has one.
    pub fn time_of(&self, schedule: &Schedule) -> Option<TimeOfDay> {
        self.schedules.time_of(schedule.name)
    }

    /// Runs a scheduled job now, in this process, in addition to its schedule.
    pub async fn run_now(&self, name: &str) -> anyhow::Result<Ran> {
        let known = || self.schedules().iter().map(|schedule| schedule.name).collect::<Vec<_>>().join(", ");
        let schedule = self.schedules().iter().find(|schedule| schedule.name == name);
        let schedule =
            schedule.with_context(|| format!("there is no schedule {name}; the schedules are: {}", known()))?;
        let mut tx = self.db.begin().await?;
        jobs::enqueue_in_tx(&mut tx, self.ids.next(self.clock.now()), &schedule.job()).await?;
        let id = jobs::hurry_in_tx(&mut tx, schedule.name).await?;
        commit(tx).await?;
        match id {
            Some(id) => Ok(self.runner.run_one(id).await?),
            None => Ok(Ran::Gone),
        }
    }

    /// Returns the lag of each sink of the outbox.
    pub async fn lags(&self) -> anyhow::Result<Vec<Lag>> {
        Ok(outbox::lags(&self.db).await?)
    }

    /// Stops keeping messages for a sink. Returns false if there is no sink of this name.
    pub async fn retire_sink(&self, name: &str) -> anyhow::Result<bool> {
        // Its place would be lost, and all that is kept delivered once more.
        anyhow::ensure!(!OF_ALL.contains(&name), "the sink {name} is a part of every Loadmaster and stays");
        Ok(outbox::retire(&self.db, name).await?)
    }

    /// Allows a dead job, or all of them, to run again. Returns the number of jobs.
    pub async fn retry(&self, only: Option<Uuid>) -> anyhow::Result<u64> {
        Ok(jobs::retry_dead(&self.db, only).await?)
    }

    /// Drops a dead job. Returns false if there is no dead job with this id.
    pub async fn drop_job(&self, id: Uuid) -> anyhow::Result<bool> {
        Ok(jobs::drop_dead(&self.db, id).await?)
    }
}

/// Returns the times of day that the settings give to schedules. Fails for a name that no daily schedule has.
fn times_of_day(server: &settings::Server, all: &[Schedule]) -> anyhow::Result<BTreeMap<String, TimeOfDay>> {
    let name = &server.time_zone;
    let zone = Zone::named(name).with_context(|| format!("server.time_zone: there is no time zone `{name}`"))?;
    let each = |(name, wanted): (&String, &settings::ScheduledAt)| -> anyhow::Result<(String, TimeOfDay)> {
        let schedule = all.iter().find(|schedule| schedule.name == name);
        let schedule = schedule.with_context(|| format!("server.schedules: there is no scheduled job `{name}`"))?;
        anyhow::ensure!(
            schedule.every >= TimeDelta::days(1),
            "server.schedules: `{name}` runs more than once a day, and keeps its interval"
        );
        let time = wanted.time().with_context(|| format!("server.schedules: `{}` is no time of day", wanted.at))?;
        let weekday = wanted.weekday.map(|number| Weekday::try_from(number.saturating_sub(1))).transpose()?;
        Ok((name.clone(), TimeOfDay { time, weekday, zone }))
    };
    server.schedules.iter().map(each).collect()
}

/// Returns the jobs of the platform. The rooms register their own.
fn platform_jobs(opening: &Opening) -> Handlers {
    let Opening { settings, db, clock, idempotency, .. } = opening;
    let retention = settings.outbox.retention();
    Handlers::default()
        .every(TimeDelta::days(1), "partitions_ahead", (db.clone(), clock.clone()), |(db, clock)| async move {
            let made = db.ensure_partitions(clock.now()).await?;
            tracing::info!(made, "partitions created ahead");
            Ok(())
        })
        .every(TimeDelta::hours(1), "old_idempotency_keys", idempotency.clone(), |keys| async move {
            let deleted = keys.delete_old().await?;
            tracing::info!(deleted, "old idempotency keys deleted");
            Ok(())
        })
        .every(TimeDelta::hours(1), "old_outbox", db.clone(), move |db| async move {
            let deleted = outbox::delete_delivered(&db, retention).await?;
            tracing::info!(deleted, "delivered messages deleted");
            Ok(())
        })
}

/// Shows the amount of waiting work. Every process shows the same values, which are the database's.
async fn measure(db: Database, interval: Duration, stop: CancellationToken) {
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
        if stopped_within(&stop, interval).await {
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

/// Clears the measurements, as nothing is known: the last state may have changed since, which other processes report.
fn forget(sinks: &BTreeSet<String>) {
    for state in ["queued", "running", "dead"] {
        metric::JOBS.with([state]).set(f64::NAN);
    }
    metric::JOBS_OLDEST.set(f64::NAN);
    for sink in sinks {
        metric::OUTBOX_LAG.with([sink.clone()]).set(f64::NAN);
    }
}

/// Shows the lags; a retired sink no longer has one. Returns the names of the current sinks.
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
