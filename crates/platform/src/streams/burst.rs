use std::time::Duration;

/// Bytes sent without a pause, the least that a piece counts for, and the pause.
const BURST: usize = 64 * 1024;
const SMALLEST: usize = 1024;
const BREATH: Duration = Duration::from_millis(1);
/// Maximum number of pauses in a row for readers that are behind: one that does not read delays the others no longer.
const MOST_BREATHS: usize = 20;

/// Spaces many pieces that are sent at once: a client that reads is no slow reader because much happened at one moment.
#[derive(Debug, Default)]
pub struct Burst(usize);

impl Burst {
    /// Records that a piece of this many bytes was sent. After some of them waits, longer while a reader `is_behind`.
    pub async fn sent(&mut self, bytes: usize, is_behind: impl Fn() -> bool) {
        self.0 += bytes.max(SMALLEST);
        if self.0 < BURST {
            return;
        }
        self.0 = 0;
        for _ in 0..MOST_BREATHS {
            tokio::time::sleep(BREATH).await;
            if !is_behind() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_waits_for_those_who_are_behind_but_not_for_ever() {
        let (asked, behind) = (Cell::new(0), Cell::new(3));
        let is_behind = || {
            asked.set(asked.get() + 1);
            asked.get() < behind.get()
        };
        let mut burst = Burst::default();
        burst.sent(BURST - 1, is_behind).await;
        assert_eq!(asked.get(), 0);
        burst.sent(1, is_behind).await;
        assert_eq!(asked.get(), 3);
        behind.set(usize::MAX);
        burst.sent(BURST, is_behind).await;
        assert_eq!(asked.get(), 3 + MOST_BREATHS);
        for _ in 0..BURST / SMALLEST {
            burst.sent(1, is_behind).await;
        }
        assert_eq!(asked.get(), 3 + 2 * MOST_BREATHS, "small pieces count, too");
    }
}
