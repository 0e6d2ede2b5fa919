use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use loadmaster_platform::{
    clock::SharedClock,
    jobs::{self, Depth},
    outbox::{self, Lag},
    postgres::{self, Database, DatabaseStatus, DbError, Refusal, ReplicaStatus},
    redis::Redis,
    shared::Shared,
    shutdown::stopped_within,
    telemetry::{Traced, metric},
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// A database that takes longer to answer a ping counts as unavailable.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);
/// Work that has waited for more seconds than this is late.
const LATE: f64 = 60.0;

/// Reports the health of this instance.
#[derive(Clone)]
pub struct Health {
    db: Database,
    redis: Option<Redis>,
    clock: SharedClock,
    /// Difference between the clocks that is worth a warning.
    warn: TimeDelta,
    stopping: Arc<AtomicBool>,
    /// Concurrent requests share one check of these.
    redis_looks: Shared<RedisHealth>,
    queue_looks: Shared<Option<(JobsHealth, Vec<SinkHealth>)>>,
    database_looks: Shared<Option<DatabaseStatus>>,
}

/// `healthy`; `degraded`: a part that is not essential is unavailable; `unhealthy`: the database is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    Healthy,
    /// Works, but slower or with less comfort: Redis is away, or as good as away.
    Degraded,
    /// Cannot do its work: the database is away or takes no writes, or the clock of its machine is wrong.
    Unhealthy,
}

/// The health of the instance in one word.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    /// State of the instance.
    pub status: HealthStatus,
}

/// The health of the instance, by dependency.
#[derive(Debug, Serialize, ToSchema)]
pub struct DetailedHealth {
    /// State of the instance.
    pub status: HealthStatus,
    /// The database.
    pub database: DatabaseHealth,
    /// Null if none is configured.
    #[schema(required = true)]
    pub replica: Option<ReplicaHealth>,
    /// Redis.
    pub redis: RedisHealth,
    /// The clock of this process's machine.
    pub clock: ClockHealth,
    /// Background jobs of all processes; null while the database is unavailable.
    #[schema(required = true)]
    pub jobs: Option<JobsHealth>,
    /// Delivery of messages by all processes; null while the database is unavailable.
    #[schema(required = true)]
    pub outbox: Option<Vec<SinkHealth>>,
}

/// State of the database.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatabaseHealth {
    /// `up`; `down`: it does not answer; `read_only`: it answers, but is a standby or was set to read-only; `refusing`:
    /// it refused a write in the last 10 seconds, and has accepted none since, because its disk is full or its files
    /// cannot be read or written.
    pub state: &'static str,
    /// Time that the last request took, in milliseconds.
    pub latency_ms: f64,
    /// Number of the newest migration.
    #[schema(required = true)]
    pub migration_version: Option<i64>,
    /// Connections to the database.
    pub pool_connections: u32,
    /// Database connections that are not in use.
    pub pool_idle: usize,
    /// Maximum number of connections to the database.
    pub pool_max: u32,
}

/// The standby that answers reads.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplicaHealth {
    /// `up`: it answers reads. Otherwise the primary answers all: `behind`: the standby is more than
    /// `database.read_max_lag_ms` behind; `down`: it does not answer; `not_a_replica`: it is no standby of this database.
    pub state: &'static str,
    /// Age of its state in milliseconds; null while it is unknown.
    #[schema(required = true)]
    pub lag_ms: Option<f64>,
}

impl From<ReplicaStatus> for ReplicaHealth {
    fn from(seen: ReplicaStatus) -> Self {
        Self { state: seen.state.as_str(), lag_ms: seen.lag.map(|lag| lag.as_secs_f64() * 1000.0) }
    }
}

/// State of Redis.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RedisHealth {
    /// `up`; `down`: it is unavailable, full, read-only or returns errors; `none`: no Redis is used.
    pub state: &'static str,
    /// Time that the last request took, in milliseconds; null if there was no answer.
    #[schema(required = true)]
    pub latency_ms: Option<f64>,
    /// `open`: after consecutive failures, requests do not use Redis until it answers again. `closed`: requests use
    /// Redis.
    #[schema(required = true)]
    pub breaker: Option<&'static str>,
}

/// The clock of this process's machine.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ClockHealth {
    /// `ok`; `off`: it differs from the database's clock by more than `clock.warn_ms`; `wrong`: by more than 30 seconds, so
    /// that this process is not ready, ends no holds, makes no offers and signs no tokens.
    pub state: &'static str,
    /// Milliseconds by which it is ahead of the database's clock.
    pub skew_ms: f64,
}

/// State of the background jobs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobsHealth {
    /// `dead`: jobs have failed for good. `late`: a job has been due for more than 60 seconds. Otherwise `ok`.
    pub state: &'static str,
    /// Number that wait.
    pub queued: i64,
    /// Number in progress.
    pub running: i64,
    /// Jobs that were given up.
    pub dead: i64,
    /// Seconds since the oldest due job became due.
    pub oldest_seconds: f64,
}

/// The backlog of one sink of messages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SinkHealth {
    /// Where messages go.
    pub sink: String,
    /// `unserved`: no process delivers to the sink. `late`: a message has waited for more than 60 seconds. Otherwise
    /// `ok`.
    pub state: &'static str,
    /// Delay behind the newest change, in seconds.
    pub lag_seconds: f64,
    /// Number of messages not yet delivered to the sink, counted up to 10 000.
    pub undelivered: i64,
}

impl From<Depth> for JobsHealth {
    fn from(depth: Depth) -> Self {
        let Depth { queued, running, dead, oldest_seconds } = depth;
        let state = match dead {
            0 if oldest_seconds <= LATE => "ok",
            0 => "late",
            _ => "dead",
        };
        Self { state, queued, running, dead, oldest_seconds }
    }
}

impl From<Lag> for SinkHealth {
    fn from(lag: Lag) -> Self {
        let state = match lag.is_served {
            false => "unserved",
            true if lag.seconds > LATE => "late",
            true => "ok",
        };
        Self { sink: lag.sink, state, lag_seconds: lag.seconds, undelivered: lag.undelivered }
    }
}

impl Health {
    pub fn new(db: Database, redis: Option<Redis>, clock: SharedClock, warn_ms: u32) -> Self {
        Self {
            db,
            redis,
            clock,
            warn: TimeDelta::milliseconds(warn_ms.into()),
            stopping: Arc::default(),
            redis_looks: Shared::default(),
            queue_looks: Shared::default(),
            database_looks: Shared::default(),
        }
    }

    /// Starts the shutdown: no new work should be sent here from now on.
    pub fn begin_shutdown(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Returns why this instance should get no requests, if it should not.
    pub async fn obstacle(&self) -> Option<String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Some("it is shutting down".to_owned());
        }
        if !self.clock.is_trusted() {
            let skew = self.clock.skew();
            let direction = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
            let seconds = skew.abs().as_seconds_f64();
            return Some(format!("the clock of its machine is {seconds:.1} seconds {direction} the database's"));
        }
        let obstacle = match self.database_status().await {
            None => "the database does not answer",
            Some(found) if !postgres::is_current(found.version) => "the database lacks migrations of this version",
            Some(found) if found.is_read_only => "the database accepts no writes",
            Some(_) => return None,
        };
        Some(obstacle.to_owned())
    }

    fn clock(&self) -> ClockHealth {
        let skew = self.clock.skew();
        let state = match self.clock.is_trusted() {
            false => "wrong",
            true if skew.abs() > self.warn => "off",
            true => "ok",
        };
        ClockHealth { state, skew_ms: skew.as_seconds_f64() * 1000.0 }
    }

    /// Returns the database's own status, if it answers in bounded time. No rate limit applies to this check:
    /// concurrent callers share one query, which started after the last of them arrived.
    async fn database_status(&self) -> Option<DatabaseStatus> {
        let db = self.db.clone();
        let look = async move { tokio::time::timeout(DATABASE_PATIENCE, db.status()).await.ok()?.ok() };
        self.database_looks.get(look.in_same_trace()).await.flatten()
    }

    pub async fn status(&self) -> HealthStatus {
        let (database, redis) = tokio::join!(self.database(), self.redis());
        judge(&database, &redis, self.clock())
    }

    pub async fn detailed(&self) -> DetailedHealth {
        let (database, redis) = tokio::join!(self.database(), self.redis());
        let clock = self.clock();
        let status = judge(&database, &redis, clock);
        let queues = if database.state == "down" { None } else { self.queues().await };
        let (jobs, outbox) = queues.unzip();
        let replica = self.db.replica_status().map(ReplicaHealth::from);
        DetailedHealth { status, database, replica, redis, clock, jobs, outbox }
    }

    /// Returns the work waiting in the database; `None` if the database does not answer.
    async fn queues(&self) -> Option<(JobsHealth, Vec<SinkHealth>)> {
        let db = self.db.for_background();
        let look = async move {
            let read = async { Ok::<_, DbError>((jobs::depth(&db).await?, outbox::lags(&db).await?)) };
            let (depth, lags) = tokio::time::timeout(DATABASE_PATIENCE, read).await.ok()?.ok()?;
            Some((depth.into(), lags.into_iter().map(SinkHealth::from).collect()))
        };
        self.queue_looks.get(look).await.flatten()
    }

    async fn database(&self) -> DatabaseHealth {
        let began = Instant::now();
        let found = self.database_status().await;
        let pool = self.db.pool_size();
        let state = match (found, self.db.refusal()) {
            (None, _) => "down",
            (Some(found), _) if found.is_read_only => "read_only",
            // A recent read-only refusal is out of date: the database has just reported that it accepts writes.
            (Some(_), None | Some(Refusal::ReadOnly)) => "up",
            (Some(_), Some(Refusal::Full | Refusal::Failing)) => "refusing",
        };
        DatabaseHealth {
            state,
            latency_ms: milliseconds(began),
            migration_version: found.map(|found| found.version),
            pool_connections: pool.all,
            pool_idle: pool.idle,
            pool_max: pool.most,
        }
    }

    async fn redis(&self) -> RedisHealth {
        let none = RedisHealth { state: "none", latency_ms: None, breaker: None };
        let Some(redis) = self.redis.clone() else { return none };
        let look = async move {
            let began = Instant::now();
            let state = match redis.check().await {
                Ok(()) => "up",
                Err(error) => {
                    tracing::warn!(%error, "Redis is unavailable");
                    "down"
                }
            };
            let breaker = if redis.is_given_up() { "open" } else { "closed" };
            RedisHealth { state, latency_ms: Some(milliseconds(began)), breaker: Some(breaker) }
        };
        self.redis_looks.get(look.in_same_trace()).await.unwrap_or(none)
    }

    /// Records in the metrics, until `stop`, whether the dependencies answer; reading the metrics must not wait for
    /// that.
    pub async fn watch(self, interval: Duration, stop: CancellationToken) {
        loop {
            let (database, redis) = tokio::join!(self.database(), self.redis());
            metric::DEPENDENCY_UP.with(["database"]).set(is_up(database.state));
            if let Some(server) = &self.redis {
                metric::DEPENDENCY_UP.with(["redis"]).set(is_up(redis.state));
                let memory = if redis.state == "up" { server.memory().await.ok() } else { None };
                #[allow(clippy::cast_precision_loss, reason = "below 2^53 bytes")]
                metric::REDIS_MEMORY.set(memory.map_or(f64::NAN, |bytes| bytes as f64));
            }
            if stopped_within(&stop, interval).await {
                break;
            }
        }
    }

    /// Records the pool's use, the breaker's state and the clock's error in the metrics.
    pub fn measure(&self) {
        metric::CLOCK_SKEW.set(self.clock.skew().as_seconds_f64());
        if let Some(redis) = &self.redis {
            metric::REDIS_BREAKER_OPEN.set(f64::from(u8::from(redis.is_given_up())));
        }
        let pool = self.db.pool_size();
        let idle = u32::try_from(pool.idle).unwrap_or(u32::MAX);
        metric::POOL_CONNECTIONS.with(["idle"]).set(idle);
        metric::POOL_CONNECTIONS.with(["used"]).set(pool.all.saturating_sub(idle));
        metric::POOL_MAX_CONNECTIONS.set(pool.most);
    }
}

fn judge(database: &DatabaseHealth, redis: &RedisHealth, clock: ClockHealth) -> HealthStatus {
    match (database.state, redis.state, clock.state) {
        ("down" | "read_only" | "refusing", ..) | (.., "wrong") => HealthStatus::Unhealthy,
        (_, "down", _) => HealthStatus::Degraded,
        _ => HealthStatus::Healthy,
    }
}

fn is_up(state: &str) -> u8 {
    u8::from(state == "up")
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1_000_000.0).round() / 1000.0
}
