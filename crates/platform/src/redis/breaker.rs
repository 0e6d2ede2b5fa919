use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

/// Number of consecutive failures that open the breaker.
const FAILURES: u32 = 3;

/// A circuit breaker that avoids waits for a silent Redis: after some failures it blocks all calls until a probe
/// succeeds.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<State>);

#[derive(Debug, Default)]
struct State {
    failures: AtomicU32,
    is_open: AtomicBool,
}

impl Breaker {
    /// Returns whether calls are blocked.
    pub fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Relaxed)
    }

    /// Records the outcome of a call. Returns true when this failure opened the breaker: the caller must then probe.
    #[must_use = "whoever opens it has to probe"]
    pub fn note(&self, is_answered: bool) -> bool {
        if is_answered {
            self.0.failures.store(0, Ordering::Relaxed);
            if self.0.is_open.swap(false, Ordering::Relaxed) {
                tracing::info!("Redis answers again");
            }
        } else if self.0.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES
            && !self.0.is_open.swap(true, Ordering::Relaxed)
        {
            tracing::warn!("Redis does not answer; continuing without it");
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_some_failures_in_a_row_and_closes_with_an_answer() {
        let breaker = Breaker::default();
        assert!(!breaker.note(false));
        assert!(!breaker.note(false));
        assert!(!breaker.note(true));
        assert!(!breaker.note(false));
        assert!(!breaker.note(false) && !breaker.is_open());
        assert!(breaker.note(false) && breaker.is_open());
        assert!(!breaker.note(false) && breaker.is_open(), "one probes");
        assert!(!breaker.note(true) && !breaker.is_open());
        assert!(!breaker.note(false) && !breaker.is_open());
    }
}
