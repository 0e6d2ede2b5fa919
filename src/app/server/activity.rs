use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

/// Minimum read rate of an answer, in bytes per second; the connection of a slower reader is closed.
const SLOWEST_READER: u64 = 1024;
/// Minimum time between two checks of a connection.
const GRAIN: Duration = Duration::from_millis(10);

/// Time limits of a connection, by its activity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// From the first to the last byte of a head; for the first head, from the start of the connection.
    pub head: Duration,
    /// Time without a request under way.
    pub idle: Duration,
    /// Time in which the client takes no byte of an answer.
    pub write: Duration,
}

/// Reason for which the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    SlowHead,
    Idle,
    SlowReader,
    /// It was idle and its place was needed.
    Shed,
    /// Its address exceeds the limit on requests by far.
    Flood,
}

impl Ended {
    /// The label of `loadmaster_connections_closed_total`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SlowHead => "slow_head",
            Self::Idle => "idle",
            Self::SlowReader => "slow_reader",
            Self::Shed => "shed",
            Self::Flood => "flood",
        }
    }
}

/// Activity of one connection. Instants are microseconds after its start; 0 means "not set".
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    under_way: AtomicUsize,
    has_asked: AtomicBool,
    is_multiplexed: AtomicBool,
    quiet_since: AtomicU64,
    head_since: AtomicU64,
    blocked_since: AtomicU64,
    written_at: AtomicU64,
    written_bytes: AtomicU64,
    must_reset: AtomicBool,
    /// Arrival of the last request.
    asked_at: AtomicU64,
    is_shed: CancellationToken,
    is_flooding: CancellationToken,
}

impl Activity {
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            under_way: AtomicUsize::new(0),
            has_asked: AtomicBool::new(false),
            is_multiplexed: AtomicBool::new(false),
            quiet_since: AtomicU64::new(1),
            head_since: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            written_at: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            must_reset: AtomicBool::new(false),
            asked_at: AtomicU64::new(0),
            is_shed: CancellationToken::new(),
            is_flooding: CancellationToken::new(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX - 1) + 1
    }

    fn since(&self, instant: u64) -> Duration {
        Duration::from_micros(self.now().saturating_sub(instant))
    }

    /// Records an arrived request, which is under way until the guard is dropped.
    pub fn ask(self: &Arc<Self>, is_multiplexed: bool) -> UnderWay {
        self.is_multiplexed.store(is_multiplexed, Relaxed);
        self.has_asked.store(true, Relaxed);
        self.asked_at.store(self.now(), Relaxed);
        self.head_since.store(0, Relaxed);
        self.under_way.fetch_add(1, Relaxed);
        UnderWay(self.clone())
    }

    /// Records received bytes.
    pub fn read(&self) {
        if self.under_way.load(Relaxed) == 0 && self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    /// Counts bytes that the socket has taken.
    pub fn wrote(&self, bytes: usize) {
        if self.blocked_since.load(Relaxed) != 0 {
            self.written_bytes.fetch_add(bytes as u64, Relaxed);
            self.written_at.store(self.now(), Relaxed);
        }
    }

    /// Records that the socket accepts no more for now.
    pub fn blocked(&self) {
        if self.blocked_since.load(Relaxed) == 0 {
            let now = self.now();
            self.written_bytes.store(0, Relaxed);
            self.written_at.store(now, Relaxed);
            self.blocked_since.store(now, Relaxed);
        }
    }

    /// Records that the socket has accepted all data.
    pub fn flushed(&self) {
        self.blocked_since.store(0, Relaxed);
    }

    /// Returns for how long no request has been under way; `None` while one is.
    pub fn idle(&self) -> Option<Duration> {
        (self.under_way.load(Relaxed) == 0).then(|| self.since(self.quiet_since.load(Relaxed)))
    }

    /// Asks the connection to close and make space.
    pub fn shed(&self) {
        self.is_shed.cancel();
    }

    /// Ends the connection, even with requests under way.
    pub fn flood(&self) {
        self.is_flooding.cancel();
    }

    /// Returns whether a request has arrived within this time.
    pub fn has_asked_within(&self, time: Duration) -> bool {
        self.has_asked.load(Relaxed) && self.since(self.asked_at.load(Relaxed)) < time
    }

    /// Makes the system drop unsent data when the connection closes, instead of keeping it.
    pub fn reset(&self) {
        self.must_reset.store(true, Relaxed);
    }

    pub fn must_reset(&self) -> bool {
        self.must_reset.load(Relaxed)
    }

    /// Waits until the connection exceeds a time limit or must make space. With `is_ending` it was already asked to end,
    /// and is not asked again.
    pub async fn over(&self, bounds: &Bounds, is_ending: bool) -> Ended {
        loop {
            let wait = match self.judge(bounds) {
                Err(Ended::Idle) if is_ending => bounds.idle,
                Err(ended) => return ended,
                Ok(wait) => wait,
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.is_flooding.cancelled() => return Ended::Flood,
                () = self.is_shed.cancelled(), if !is_ending => return Ended::Shed,
            }
        }
    }

    /// Returns the time until the next check, or the reason to end the connection.
    fn judge(&self, bounds: &Bounds) -> Result<Duration, Ended> {
        // An activity that starts now reaches its limit after this time at the earliest.
        let mut wait = bounds.head.min(bounds.write).min(bounds.idle);
        let mut check = |since: u64, bound: Duration, ended: Ended| {
            let left = bound.saturating_sub(self.since(since));
            wait = wait.min(left.max(GRAIN));
            if left.is_zero() { Err(ended) } else { Ok(()) }
        };
        let (blocked, head) = (self.blocked_since.load(Relaxed), self.head_since.load(Relaxed));
        if blocked != 0 {
            check(self.written_at.load(Relaxed), bounds.write, Ended::SlowReader)?;
            let (time, bytes) = (self.since(blocked), self.written_bytes.load(Relaxed));
            if time >= bounds.write && bytes < SLOWEST_READER.saturating_mul(time.as_secs()) {
                return Err(Ended::SlowReader);
            }
        }
        if self.under_way.load(Relaxed) > 0 {
            return Ok(wait);
        }
        if !self.has_asked.load(Relaxed) {
            check(1, bounds.head, Ended::SlowHead)?;
        } else if head != 0 && !self.is_multiplexed.load(Relaxed) {
            check(head, bounds.head, Ended::SlowHead)?;
        } else {
            check(self.quiet_since.load(Relaxed), bounds.idle, Ended::Idle)?;
        }
        Ok(wait)
    }
}

/// A request that is being read, handled or answered.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let activity = &self.0;
        activity.quiet_since.store(activity.now(), Relaxed);
        activity.under_way.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_hours(1);

    fn bounds(head: Duration, idle: Duration, write: Duration) -> Bounds {
        Bounds { head, idle, write }
    }

    /// Returns why a connection with these bounds ends within a few milliseconds.
    fn over(activity: &Activity, bounds: &Bounds) -> Option<Ended> {
        std::thread::sleep(SHORT * 3);
        activity.judge(bounds).err()
    }

    #[test]
    fn a_connection_without_a_request_is_a_head_that_does_not_come() {
        let activity = Arc::new(Activity::new());
        assert_eq!(over(&activity, &bounds(SHORT, LONG, LONG)), Some(Ended::SlowHead));
        drop(activity.ask(false));
        assert_eq!(over(&activity, &bounds(SHORT, LONG, LONG)), None);
        activity.read();
        assert_eq!(over(&activity, &bounds(SHORT, LONG, LONG)), Some(Ended::SlowHead));
    }

    #[test]
    fn only_a_connection_without_a_request_under_way_is_idle() {
        let activity = Arc::new(Activity::new());
        let request = activity.ask(true);
        assert!(activity.idle().is_none());
        assert_eq!(over(&activity, &bounds(LONG, SHORT, LONG)), None);
        drop(request);
        assert_eq!(over(&activity, &bounds(LONG, SHORT, LONG)), Some(Ended::Idle));
        // HTTP/2 pings do not count as a head.
        activity.read();
        assert_eq!(over(&activity, &bounds(SHORT, LONG, LONG)), None);
    }

    #[test]
    fn an_answer_must_be_read_and_not_too_slowly() {
        let activity = Arc::new(Activity::new());
        let _request = activity.ask(false);
        let write = bounds(LONG, LONG, SHORT);
        assert_eq!(over(&activity, &write), None);
        activity.blocked();
        assert_eq!(over(&activity, &write), Some(Ended::SlowReader));
        activity.flushed();
        assert_eq!(over(&activity, &write), None);
    }
}
