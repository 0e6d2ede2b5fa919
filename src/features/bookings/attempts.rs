use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use super::BookingError;

/// Bound on the reads of flights, and on the transactions on them, for one request.
const MOST: u32 = 20;

/// The remaining attempts of one request. All ways to book share them, however they are nested: once they are used up,
/// or less time is left than the longest attempt took, no further attempt is made and the result is
/// [`BookingError::Unsettled`].
#[derive(Debug)]
pub(super) struct Attempts {
    readings: AtomicU32,
    transactions: AtomicU32,
    /// The deadline of the request.
    pub until: Instant,
    /// Duration of the longest attempt, in microseconds.
    longest: AtomicU64,
}

impl Attempts {
    pub const fn until(until: Instant) -> Self {
        Self { readings: AtomicU32::new(MOST), transactions: AtomicU32::new(MOST), until, longest: AtomicU64::new(0) }
    }

    /// Counts and runs a read of flights.
    pub async fn read<T, E>(&self, reading: impl Future<Output = Result<T, E>>) -> Result<T, BookingError>
    where
        BookingError: From<E>,
    {
        self.make(&self.readings, reading).await
    }

    /// Counts and runs a transaction.
    pub async fn book<T>(&self, transaction: impl Future<Output = Result<T, BookingError>>) -> Result<T, BookingError> {
        self.make(&self.transactions, transaction).await
    }

    async fn make<T, E>(&self, left: &AtomicU32, attempt: impl Future<Output = Result<T, E>>) -> Result<T, BookingError>
    where
        BookingError: From<E>,
    {
        let (began, longest) = (Instant::now(), Duration::from_micros(self.longest.load(Relaxed)));
        let is_left = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if !is_left || began + longest > self.until {
            return Err(BookingError::Unsettled);
        }
        let outcome = attempt.await;
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
    async fn attempts_end_after_twenty_of_a_kind() {
        let attempts = Attempts::until(Instant::now() + Duration::from_mins(1));
        for _ in 0..MOST {
            attempts.read(take(1)).await.unwrap();
            attempts.book(take(1)).await.unwrap();
        }
        assert!(matches!(attempts.read(take(1)).await, Err(BookingError::Unsettled)));
        assert!(matches!(attempts.book(take(1)).await, Err(BookingError::Unsettled)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_begins_that_would_end_too_late() {
        let attempts = Attempts::until(Instant::now() + Duration::from_secs(1));
        for _ in 0..3 {
            attempts.book(take(300)).await.unwrap();
        }
        assert!(matches!(attempts.book(take(300)).await, Err(BookingError::Unsettled)));
    }
}
