use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use super::BookingError;

/// Bound on the searches for flights of one request.
const MOST: u32 = 20;

/// The remaining searches of one request: once they are used up, or less time is left than the longest one took, there
/// is no further one and the result is [`BookingError::Unsettled`].
#[derive(Debug)]
pub(super) struct Attempts {
    left: AtomicU32,
    /// The deadline of the request.
    until: Instant,
    /// Duration of the longest attempt, in microseconds.
    longest: AtomicU64,
}

impl Attempts {
    pub const fn until(until: Instant) -> Self {
        Self { left: AtomicU32::new(MOST), until, longest: AtomicU64::new(0) }
    }

    /// Counts and runs a search.
    pub async fn read<T, E>(&self, search: impl Future<Output = Result<T, E>>) -> Result<T, BookingError>
    where
        BookingError: From<E>,
    {
        let (began, longest) = (Instant::now(), Duration::from_micros(self.longest.load(Relaxed)));
        let is_left = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if !is_left || began + longest > self.until {
            return Err(BookingError::Unsettled);
        }
        let outcome = search.await;
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.longest.fetch_max(took, Relaxed);
        Ok(outcome?)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    async fn take(time: u64) -> Result<(), BookingError> {
        sleep(Duration::from_millis(time)).await;
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_after_twenty() {
        let attempts = Attempts::until(Instant::now() + Duration::from_mins(1));
        for _ in 0..MOST {
            attempts.read(take(1)).await.unwrap();
        }
        assert!(matches!(attempts.read(take(1)).await, Err(BookingError::Unsettled)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_begins_that_would_end_too_late() {
        let attempts = Attempts::until(Instant::now() + Duration::from_secs(1));
        for _ in 0..3 {
            attempts.read(take(300)).await.unwrap();
        }
        assert!(matches!(attempts.read(take(300)).await, Err(BookingError::Unsettled)));
    }
}
