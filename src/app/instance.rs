use std::{sync::Arc, time::Duration};

use loadmaster_platform::{
    clock_watch::ClockWatch,
    outage::OutageLog,
    postgres::{Database, DbError},
    room::Worker,
    settings,
    zones::ZoneWatch,
};
use loadmaster_reference::is_reference_data_loaded;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AppState, Resources, Server, door::Door, start_workers};

/// Interval at which an instance that waits for `loadmaster migrate` checks again.
const MIGRATION_POLL: Duration = Duration::from_secs(1);

/// Timeout of that check: a server that fell silent may never answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Time before the end of the drain at which streams end.
const STREAMS_END_BEFORE: Duration = Duration::from_millis(500);

/// Longest time to give back what was granted of callers' quotas.
const QUOTA_PATIENCE: Duration = Duration::from_millis(100);

/// Deadline of each phase of a shutdown, in percent of the time left after the drain. A phase that ends early leaves
/// its time to the next; the rest is for the private servers. Workers give their jobs back after seven seconds.
const TASKS_BY: u64 = 60;
const WORKERS_BY: u64 = 92;
const CLOSED_BY: u64 = 96;

/// A running server and all its parts.
pub struct Instance {
    server: Server,
    state: AppState,
    db: Database,
    workers: TaskTracker,
    stop_workers: CancellationToken,
    drain: Duration,
    shutdown: Duration,
}

impl Instance {
    /// Builds the rooms behind a server whose address is bound; [`Instance::open`] lets the requests in, and
    /// [`Instance::start_workers`] starts the work beside them. Waits until the database is migrated, as a migration
    /// may be running.
    pub async fn prepare(server: Server, parts: Resources) -> anyhow::Result<Self> {
        wait_for_migrations(&parts.db).await?;
        ClockWatch::new(&parts.db, &parts.clock, parts.settings.clock.warn_ms).compare().await?;
        ZoneWatch::new(&parts.settings.time_zones.directory).compare().await;
        let db = parts.db.clone();
        let (drain, shutdown) = (parts.settings.server.drain(), parts.settings.server.shutdown());
        let state = AppState::assemble(parts).await?;
        let (workers, stop_workers) = (TaskTracker::new(), CancellationToken::new());
        Ok(Self { server, state, db, workers, stop_workers, drain, shutdown })
    }

    /// Serves requests.
    pub fn open(&self) -> anyhow::Result<()> {
        self.server.install(Arc::new(Door::new(&self.state)?));
        Ok(())
    }

    /// Starts the background tasks of the rooms and of the platform, and `more`.
    pub fn start_workers(&self, more: Vec<Worker>) {
        start_workers(&self.state, &self.db, more, &self.workers, &self.stop_workers);
    }

    pub fn state(&self) -> &AppState {
        &self.state
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// Shuts down without losing accepted work: first announces the shutdown so that no new work is sent here, then
    /// accepts none, then finishes the work under way, then stops its dependencies. Takes `server.shutdown_ms` at most.
    pub async fn shutdown(self) {
        let began = Instant::now();
        let rest = u64::try_from(self.shutdown.saturating_sub(self.drain).as_millis()).unwrap_or(u64::MAX);
        let by = |percent: u64| began + self.drain + Duration::from_millis(rest.saturating_mul(percent) / 100);
        self.state.health.begin_shutdown();
        // Their clients come back after a second at the earliest: not to this process.
        let last = self.drain.min(STREAMS_END_BEFORE);
        tokio::time::sleep(self.drain.saturating_sub(last)).await;
        self.state.streams.end();
        tokio::time::sleep(last).await;
        self.server.stop(by(settings::FOR_REQUESTS).saturating_duration_since(Instant::now())).await;
        if tokio::time::timeout_at(by(TASKS_BY), self.state.tasks.drain()).await.is_err() {
            tracing::error!("work was still in progress when the server stopped; uncommitted changes are rolled back");
        }
        _ = tokio::time::timeout(QUOTA_PATIENCE, self.state.limits.give_back()).await;
        self.stop_workers.cancel();
        self.workers.close();
        if tokio::time::timeout_at(by(WORKERS_BY), self.workers.wait()).await.is_err() {
            tracing::error!("background workers were still busy when the server stopped");
        }
        if tokio::time::timeout_at(by(CLOSED_BY), self.db.close()).await.is_err() {
            tracing::error!("database connections were still busy when the server stopped");
        }
        tracing::info!("stopped");
    }
}

async fn wait_for_migrations(db: &Database) -> anyhow::Result<()> {
    let (mut is_logged, mut away) = (false, OutageLog::new("the database is unavailable; waiting for it"));
    loop {
        match is_prepared(db).await {
            Ok(is_prepared) => {
                away.end();
                if is_prepared {
                    return Ok(());
                }
                if !is_logged {
                    tracing::warn!("the database is not migrated to this version; waiting for `loadmaster migrate`");
                }
                is_logged = true;
            }
            Err(error) if error.is_overload() => away.lasts(&error),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(MIGRATION_POLL).await;
    }
}

/// Returns whether `loadmaster migrate` is done. It has three steps: the tables, this role's rights, and the reference
/// data, which is read only once.
async fn is_prepared(db: &Database) -> Result<bool, DbError> {
    let asked = async { Ok(db.is_migrated().await? && is_reference_data_loaded(db).await?) };
    match tokio::time::timeout(ANSWER_PATIENCE, asked).await.unwrap_or(Err(DbError::Sql(sqlx::Error::PoolTimedOut))) {
        Err(error @ DbError::Sql(_)) if error.is_denied() => Ok(false),
        outcome => outcome,
    }
}
