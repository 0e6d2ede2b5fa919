use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

/// An answer that is read more slowly than this, in bytes a second, is not waited for.
const SLOWEST_READER: u64 = 1024;
/// Shortest time between two looks at a connection.
const GRAIN: Duration = Duration::from_millis(10);

/// How long a connection may take, by what it is doing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// From the first byte of a head to its last one; for the first head, from the connection's begin.
    pub head: Duration,
    /// Without a request under way.
    pub idle: Duration,
    /// Without any byte of an answer being taken.
    pub write: Duration,
}

/// Why the server closes a connection that the client has not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    SlowHead,
    Idle,
    SlowReader,
    /// It was idle and others needed its place.
    Shed,
    /// Its address sends far more requests than it may.
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

/// What one connection is doing. Instants are milliseconds after its begin, and 0 stands for "not at all".
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
    /// When the last request came.
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
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn since(&self, instant: u64) -> Duration {
        Duration::from_millis(self.now().saturating_sub(instant))
    }

    /// A request has come; it is under way until the guard is dropped.
    pub fn ask(self: &Arc<Self>, is_multiplexed: bool) -> UnderWay {
        self.is_multiplexed.store(is_multiplexed, Relaxed);
        self.has_asked.store(true, Relaxed);
        self.asked_at.store(self.now(), Relaxed);
        self.head_since.store(0, Relaxed);
        self.under_way.fetch_add(1, Relaxed);
        UnderWay(self.clone())
    }

    /// Bytes have come.
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

    /// The socket takes no more for now.
    pub fn blocked(&self) {
        if self.blocked_since.load(Relaxed) == 0 {
            let now = self.now();
            self.written_bytes.store(0, Relaxed);
            self.written_at.store(now, Relaxed);
            self.blocked_since.store(now, Relaxed);
        }
    }

    /// The socket has taken all that there was.
    pub fn flushed(&self) {
        self.blocked_since.store(0, Relaxed);
    }

    /// For how long no request has been under way; `None` while one is.
    pub fn idle(&self) -> Option<Duration> {
        (self.under_way.load(Relaxed) == 0).then(|| self.since(self.quiet_since.load(Relaxed)))
    }

    /// Asks the connection to make room.
    pub fn shed(&self) {
        self.is_shed.cancel();
    }

    /// Ends the connection, whatever is under way.
    pub fn flood(&self) {
        self.is_flooding.cancel();
    }

    /// Whether a request has come within this time.
    pub fn has_asked_within(&self, time: Duration) -> bool {
        self.has_asked.load(Relaxed) && self.since(self.asked_at.load(Relaxed)) < time
    }

    /// What is still to be sent is dropped when the connection closes, rather than kept by the system.
    pub fn reset(&self) {
        self.must_reset.store(true, Relaxed);
    }

    pub fn must_reset(&self) -> bool {
        self.must_reset.load(Relaxed)
    }

    /// Waits until the connection has taken too long for something, or must make room. One that was asked to end already
    /// cannot be asked again.
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

    /// How long nothing can be over.
    fn judge(&self, bounds: &Bounds) -> Result<Duration, Ended> {
        // What begins just now is over after that time at the earliest.
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

    /// Why a connection with these bounds is over after a few milliseconds.
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
        // The pings of HTTP/2 are no head.
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
