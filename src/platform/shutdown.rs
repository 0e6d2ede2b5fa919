use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Waits for this time, or until it is time to stop: then it is true.
pub async fn stopped_within(stop: &CancellationToken, time: Duration) -> bool {
    tokio::time::timeout(time, stop.cancelled()).await.is_ok()
}
