use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::AppState;

const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);

/// Starts what runs beside the requests; it ends when `stop` is cancelled.
pub(super) fn start_workers(state: &AppState, extend_demo: bool, workers: &TaskTracker, stop: &CancellationToken) {
    state.duties.start(workers, stop);
    let (summary, stopping) = (state.summary.clone(), stop.clone());
    workers.spawn(async move {
        let mut last = None;
        while !stopped_within(&stopping, SECOND).await {
            summary.share(&mut last).await;
        }
    });
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

async fn stopped_within(stop: &CancellationToken, time: Duration) -> bool {
    tokio::time::timeout(time, stop.cancelled()).await.is_ok()
}
