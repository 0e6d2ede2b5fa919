use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;
use utoipa::ToSchema;

use crate::platform::{postgres::Database, redis::Redis};

/// A database that takes longer to answer a ping is as good as away.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// How this instance is.
#[derive(Clone)]
pub struct Health {
    db: Database,
    redis: Option<Redis>,
    stopping: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    Healthy,
    /// Works, but slower or with less comfort: Redis is away.
    Degraded,
    /// Cannot do its work: the database is away.
    Unhealthy,
}

/// How the instance is, in one word.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    pub status: HealthStatus,
}

/// How the instance is, dependency by dependency.
#[derive(Debug, Serialize, ToSchema)]
pub struct DetailedHealth {
    pub status: HealthStatus,
    pub database: DatabaseHealth,
    pub redis: RedisHealth,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DatabaseHealth {
    /// `up` or `down`.
    pub state: &'static str,
    pub latency_ms: f64,
    #[schema(required = true)]
    pub migration_version: Option<i64>,
    pub pool_connections: u32,
    pub pool_idle: usize,
    pub pool_max: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RedisHealth {
    /// `up`, `down`, or `none` when none is used.
    pub state: &'static str,
    #[schema(required = true)]
    pub latency_ms: Option<f64>,
    /// `open`: after failures in a row requests go on without it, until it answers again. `closed`: it is asked.
    #[schema(required = true)]
    pub breaker: Option<&'static str>,
}

impl Health {
    pub fn new(db: Database, redis: Option<Redis>) -> Self {
        Self { db, redis, stopping: Arc::default() }
    }

    /// From now on no new work should be sent here.
    pub fn begin_shutdown(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Migrated, the database answers, and shutdown has not begun.
    pub async fn is_ready(&self) -> bool {
        let migrated = tokio::time::timeout(DATABASE_PATIENCE, self.db.is_migrated());
        !self.stopping.load(Ordering::Relaxed) && matches!(migrated.await, Ok(Ok(true)))
    }

    pub async fn status(&self) -> HealthStatus {
        self.detailed().await.status
    }

    pub async fn detailed(&self) -> DetailedHealth {
        let (database, redis) = tokio::join!(self.database(), self.redis());
        let status = match (database.state, redis.state) {
            ("down", _) => HealthStatus::Unhealthy,
            (_, "down") => HealthStatus::Degraded,
            _ => HealthStatus::Healthy,
        };
        DetailedHealth { status, database, redis }
    }

    async fn database(&self) -> DatabaseHealth {
        let began = Instant::now();
        let version = tokio::time::timeout(DATABASE_PATIENCE, self.db.migration_version()).await;
        let version = version.ok().and_then(Result::ok);
        let pool = self.db.pool();
        DatabaseHealth {
            state: if version.is_some() { "up" } else { "down" },
            latency_ms: milliseconds(began),
            migration_version: version,
            pool_connections: pool.size(),
            pool_idle: pool.num_idle(),
            pool_max: pool.options().get_max_connections(),
        }
    }

    async fn redis(&self) -> RedisHealth {
        let Some(redis) = &self.redis else {
            return RedisHealth { state: "none", latency_ms: None, breaker: None };
        };
        let began = Instant::now();
        let state = match redis.check().await {
            Ok(()) => "up",
            Err(error) => {
                tracing::warn!(%error, "Redis is away");
                "down"
            }
        };
        let breaker = if redis.is_given_up() { "open" } else { "closed" };
        RedisHealth { state, latency_ms: Some(milliseconds(began)), breaker: Some(breaker) }
    }

    /// Tells the pool's use and the breaker's state to the metrics.
    pub fn measure(&self) {
        if let Some(redis) = &self.redis {
            metrics::gauge!("loadmaster_redis_breaker_open").set(f64::from(u8::from(redis.is_given_up())));
        }
        let pool = self.db.pool();
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        metrics::gauge!("loadmaster_db_pool_connections", "state" => "idle").set(idle);
        metrics::gauge!("loadmaster_db_pool_connections", "state" => "used").set(pool.size().saturating_sub(idle));
        metrics::gauge!("loadmaster_db_pool_max_connections").set(pool.options().get_max_connections());
    }
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1_000_000.0).round() / 1000.0
}
