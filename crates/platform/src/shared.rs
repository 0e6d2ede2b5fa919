//! Shares one computation among concurrent callers.
use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

/// The longest pause between two computations.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Shares the results of an expensive read among concurrent callers: at most one computation runs at a time, and each
/// caller gets the result of one that began after its call. Cheap to clone; clones share.
///
/// A computation runs in its own task: a caller that goes away neither cancels it nor delays the others. A caller waits
/// for at most two computations and the pauses before them, so a computation must be bounded in time itself.
#[derive(Debug)]
pub struct Shared<T> {
    last: Arc<Mutex<Option<Last<T>>>>,
    pause: u32,
}

#[derive(Debug)]
struct Last<T> {
    began: Instant,
    /// When the next computation may begin.
    pause_ends: Instant,
    value: T,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { last: self.last.clone(), pause: self.pause }
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::pausing(0)
    }
}

impl<T> Shared<T> {
    /// Limits all callers together: after a computation the next one begins no sooner than `pause` times its duration,
    /// at most a second, later. 9 limits the total cost to a tenth of one processor.
    pub fn pausing(pause: u32) -> Self {
        Self { last: Arc::default(), pause }
    }
}

impl<T: Clone + Send + 'static> Shared<T> {
    /// Returns the result of a computation that begins after this call: of `compute`, or of another caller's. `None`
    /// only when it panics or the runtime shuts down.
    pub async fn get(&self, compute: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let called = Instant::now();
        let mut last = self.last.clone().lock_owned().await;
        if let Some(last) = last.as_ref().filter(|last| last.began >= called) {
            return Some(last.value.clone());
        }
        let pause = self.pause;
        let computing = tokio::spawn(async move {
            if let Some(last) = last.as_ref() {
                tokio::time::sleep_until(last.pause_ends).await;
            }
            let began = Instant::now();
            let value = compute.await;
            let pause_ends = Instant::now() + (began.elapsed() * pause).min(LONGEST_PAUSE);
            *last = Some(Last { began, pause_ends, value: value.clone() });
            value
        });
        computing.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Counts the computations, each of which takes a second.
    #[derive(Debug, Clone, Default)]
    struct Count(Arc<AtomicU32>);

    impl Count {
        fn so_far(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }

        fn compute(&self) -> impl Future<Output = u32> + Send + use<> {
            let this = self.clone();
            async move {
                let number = this.0.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
                number
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_share_a_computation_that_began_after_they_came() {
        let (shared, count) = (Shared::default(), Count::default());
        let ask = || {
            let (shared, compute) = (shared.clone(), count.compute());
            tokio::spawn(async move { shared.get(compute).await })
        };
        let first = ask();
        tokio::time::sleep(Duration::from_millis(500)).await;
        // They come too late for the first one, and share the next.
        let others: Vec<_> = (0..100).map(|_| ask()).collect();
        assert_eq!(first.await.unwrap(), Some(1));
        for other in others {
            assert_eq!(other.await.unwrap(), Some(2));
        }
        assert_eq!(ask().await.unwrap(), Some(3), "nothing that is over is given to who comes later");
        assert_eq!(count.so_far(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_hangs_up_neither_cancels_nor_delays_the_others() {
        let (shared, count) = (Shared::default(), Count::default());
        let began = Instant::now();
        for _ in 0..50 {
            let hasty = tokio::time::timeout(Duration::from_millis(10), shared.get(count.compute()));
            hasty.await.expect_err("it hangs up");
        }
        assert_eq!(shared.get(count.compute()).await, Some(2));
        // Half a second until the disconnect, the rest of the first computation, and the second.
        assert!(began.elapsed() <= Duration::from_millis(2100), "{:?}", began.elapsed());
        assert_eq!(count.so_far(), 2, "who hung up began nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn callers_during_the_pause_after_a_computation_share_the_next_one() {
        let (shared, count) = (Shared::pausing(9), Count::default());
        let began = Instant::now();
        assert_eq!(shared.get(count.compute()).await, Some(1));
        assert_eq!(shared.get(count.compute()).await, Some(2));
        let took = began.elapsed();
        assert!((Duration::from_secs(3)..Duration::from_millis(3100)).contains(&took), "a second's pause: {took:?}");
        tokio::time::sleep(Duration::from_secs(5)).await;
        let began = Instant::now();
        assert_eq!(shared.get(count.compute()).await, Some(3));
        assert!(began.elapsed() < Duration::from_millis(1100), "the pause is over: {:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_computation_that_panics_answers_no_reader_and_the_next_goes_on() {
        let shared = Shared::default();
        let broken = async { if true { panic!("broken") } else { 1 } };
        assert_eq!(shared.get(broken).await, None);
        assert_eq!(shared.get(async { 2 }).await, Some(2));
    }
}
