use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AppState, follower::Follower};
use crate::{
    features::accounts,
    platform::{postgres::Database, tasks::stopped_within, trouble::Trouble},
};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);
/// Where nobody reads the metrics, what was observed would pile up.
const UPKEEP: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);

/// Starts what runs beside the requests; it ends when `stop` is cancelled.
pub(super) fn start_workers(
    state: &AppState,
    db: &Database,
    extend_demo: bool,
    workers: &TaskTracker,
    stop: &CancellationToken,
) {
    state.duties.start(workers, stop);
    workers.spawn(Follower::new(state, db).run(stop.clone()));
    workers.spawn(state.capacity.clone().settle_doubts(stop.clone()));
    workers.spawn(state.health.clone().watch(stop.clone()));
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
    let (accounts, stopping) = (state.accounts.clone(), stop.clone());
    workers.spawn(async move {
        let mut trouble = Trouble::new("cannot see whose access has changed; after a minute each request asks");
        while !stopped_within(&stopping, accounts::LOOK_EVERY).await {
            _ = trouble.note(accounts.learn_changes().await);
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
    if extend_demo {
        let (flights, daily) = (state.flights.clone(), stop.clone());
        workers.spawn(async move {
            // The start itself has put the first 30 days on the schedule.
            while !stopped_within(&daily, DAY).await {
                if let Err(error) = flights.extend_demo().await {
                    tracing::error!(%error, "the demo timetable could not be extended");
                }
            }
        });
    }
    workers.close();
}
