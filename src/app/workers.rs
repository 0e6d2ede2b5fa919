use std::time::Duration;

use loadmaster_platform::{
    clock_watch::ClockWatch, follower::OutboxFollower, postgres::Database, room::Worker, shutdown::stopped_within,
    zones::ZoneWatch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::AppState;

const MINUTE: Duration = Duration::from_mins(1);
/// Interval of maintenance; without it, observations would accumulate where the metrics are not scraped.
const UPKEEP: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);

/// Starts the background tasks and `more`; they end when `stop` is cancelled.
pub(super) fn start_workers(
    state: &AppState,
    db: &Database,
    more: Vec<Worker>,
    workers: &TaskTracker,
    stop: &CancellationToken,
) {
    state.background.start(workers, stop);
    workers.spawn(OutboxFollower::new(db, state.clock.clone(), state.followers.clone()).run(stop.clone()));
    for worker in state.take_workers().into_iter().chain(more) {
        workers.spawn(worker(stop.clone()));
    }
    workers.spawn(ClockWatch::new(db, &state.clock, state.settings.clock.warn_ms).run(stop.clone()));
    workers.spawn(ZoneWatch::new(&state.settings.time_zones.directory).run(state.timing.zones, stop.clone()));
    workers.spawn(db.clone().watch_replica(state.timing.replica, stop.clone()));
    workers.spawn(state.health.clone().watch(state.timing.health, stop.clone()));
    let (metrics, stopping) = (state.metrics.clone(), stop.clone());
    workers.spawn(async move {
        while !stopped_within(&stopping, UPKEEP).await {
            metrics.run_upkeep();
        }
    });
    let (summary, stopping) = (state.summary.clone(), stop.clone());
    workers.spawn(async move {
        let mut last = None;
        while !stopped_within(&stopping, SECOND).await {
            summary.share(&mut last).await;
        }
    });
    if let Some(flood) = state.flood.clone() {
        let stopping = stop.clone();
        workers.spawn(async move {
            while !stopped_within(&stopping, MINUTE).await {
                flood.forget();
            }
        });
    }
}
