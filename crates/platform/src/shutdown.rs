use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Waits for this time, or until shutdown; returns true at shutdown.
pub async fn stopped_within(stop: &CancellationToken, time: Duration) -> bool {
    tokio::time::timeout(time, stop.cancelled()).await.is_ok()
}
