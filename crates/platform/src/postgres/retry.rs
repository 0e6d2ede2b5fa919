//! Bounded retries of what the database refused for the sake of others.
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use super::error::Transient;
use crate::telemetry::metric;

/// Number of retries of a transaction that the database chose as the victim of a conflict.
pub const MAX_RETRIES: u32 = 5;

/// Runs a whole unit of work, and repeats it when the database chose it as a victim: everything is rebuilt each time.
pub async fn retrying<T, E, F>(mut work: impl FnMut() -> F) -> Result<T, E>
where
    E: Transient,
    F: Future<Output = Result<T, E>>,
{
    for attempt in 1..=MAX_RETRIES {
        match work().await {
            Err(error) if error.is_transient() => {
                metric::TRANSACTION_RETRIES.increment(1);
                tokio::time::sleep(pause_before_retry(attempt)).await;
            }
            outcome => return outcome,
        }
    }
    work().await
}

/// Returns a random pause, so that two victims of one conflict do not collide again.
pub fn pause_before_retry(attempt: u32) -> Duration {
    let jitter = RandomState::new().hash_one(attempt) % 10;
    Duration::from_millis(u64::from(attempt) * 5 + jitter)
}
