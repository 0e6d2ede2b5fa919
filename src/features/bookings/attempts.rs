use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use super::BookingError;

/// How often flights are read, and how often a transaction on them is tried, for one request.
const MOST: u32 = 20;

/// What one request may still try. All ways to book share it, however they are nested: once it is used up, or when less time
/// is left than an attempt has taken, the next attempt is not made and the answer is [`BookingError::Unsettled`].
#[derive(Debug)]
pub(super) struct Attempts {
    readings: AtomicU32,
    transactions: AtomicU32,
    /// When the request has to be answered.
    pub until: Instant,
    /// How long an attempt took at most, in microseconds.
    longest: AtomicU64,
}

impl Attempts {
    pub const fn until(until: Instant) -> Self {
        Self { readings: AtomicU32::new(MOST), transactions: AtomicU32::new(MOST), until, longest: AtomicU64::new(0) }
    }

    /// Reads flights.
    pub async fn read<T, E>(&self, reading: impl Future<Output = Result<T, E>>) -> Result<T, BookingError>
    where
        BookingError: From<E>,
    {
        self.make(&self.readings, reading).await
    }

    /// Tries a transaction.
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
