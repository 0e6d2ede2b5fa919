use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::queue::{Queue, Sender};
use crate::{
    clock::{Moment, SharedClock},
    random::TokenSource,
    settings,
    shutdown::stopped_within,
};

/// Interval at which all streams are looked at: none has a timer of its own.
const LOOK: Duration = Duration::from_millis(500);
/// Streams live from 55 to 60 minutes, so that those that were opened together do not come back together.
const LONGEST_LIFE: Duration = Duration::from_hours(1);
const LIVES_APART: u64 = 300;
/// Milliseconds from which and up to which clients wait when all streams end.
const SHORTEST_RETRY: u16 = 1_000;
const LONGEST_RETRY: u16 = 5_000;

/// By whom streams are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    Principal(Uuid),
    Address(IpAddr),
    /// Tests call the application without a connection.
    Unknown,
}

/// Limits on the open streams of a process.
#[derive(Debug, Clone, Copy)]
struct Limits {
    of_one_caller: usize,
    in_all: usize,
}

/// Reason for a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The caller has as many as it may.
    Caller(usize),
    Full,
}

/// The open streams of this process. Cheap to clone.
#[derive(Clone)]
pub struct Streams(Arc<Registry>);

struct Registry {
    limits: Limits,
    clock: SharedClock,
    tokens: TokenSource,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    queues: HashMap<u64, Arc<Queue>>,
    by_caller: HashMap<Caller, usize>,
    next: u64,
    is_ending: bool,
}

impl Streams {
    pub fn new(settings: &settings::Stream, clock: SharedClock, tokens: TokenSource) -> Self {
        let limits = Limits { of_one_caller: settings.max_per_caller, in_all: settings.max_per_process };
        Self(Arc::new(Registry { limits, clock, tokens, open: Mutex::default() }))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Moment {
        Moment::at(self.0.clock.now())
    }

    /// Returns the time as HTTP writes it.
    pub(super) fn http_date(&self) -> String {
        self.0.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Opens a stream of this kind, unless a limit refuses it. It counts until it is dropped.
    pub fn enter(&self, kind: &'static str, caller: Caller) -> Result<Opened, Refused> {
        let now = self.now();
        let mut open = self.open();
        let mine = open.by_caller.get(&caller).copied().unwrap_or_default();
        if mine >= self.0.limits.of_one_caller {
            return Err(Refused::Caller(self.0.limits.of_one_caller));
        }
        if open.queues.len() >= self.0.limits.in_all {
            return Err(Refused::Full);
        }
        let number = open.next;
        open.next += 1;
        let apart = Duration::from_secs(number.wrapping_mul(7919) % LIVES_APART);
        let queue = Queue::new(number, kind, now, LONGEST_LIFE.saturating_sub(apart));
        open.by_caller.insert(caller, mine + 1);
        open.queues.insert(number, queue.clone());
        if open.is_ending {
            queue.end(Some(self.retry()));
        }
        drop(open);
        Ok(Opened { streams: self.clone(), sender: Sender(queue), caller, keeps: Vec::new() })
    }

    fn leave(&self, number: u64, caller: Caller) {
        let mut open = self.open();
        open.queues.remove(&number);
        if let Some(mine) = open.by_caller.get_mut(&caller) {
            *mine -= 1;
            if *mine == 0 {
                open.by_caller.remove(&caller);
            }
        }
    }

    /// Returns the number of open streams of each kind that there is.
    pub fn count(&self) -> BTreeMap<&'static str, u32> {
        let mut counts = BTreeMap::new();
        for queue in self.open().queues.values() {
            *counts.entry(queue.kind).or_default() += 1;
        }
        counts
    }

    /// Ends all streams, and those that are opened from now on: each informs its client when to come back.
    pub fn end(&self) {
        self.open().is_ending = true;
        self.end_those_open();
    }

    /// Ends all streams that are open, in the same way.
    pub fn end_those_open(&self) {
        for queue in self.all() {
            queue.end(Some(self.retry()));
        }
    }

    fn retry(&self) -> u16 {
        let spread = LONGEST_RETRY - SHORTEST_RETRY;
        let random = self.0.tokens.bytes::<2>().map_or(spread / 2, u16::from_be_bytes);
        SHORTEST_RETRY + random % (spread + 1)
    }

    fn all(&self) -> Vec<Arc<Queue>> {
        self.open().queues.values().cloned().collect()
    }

    /// Sends comments and ends what has lived long enough, until `stop`.
    pub async fn keep(self, stop: CancellationToken) {
        while !stopped_within(&stop, LOOK).await {
            let now = self.0.clock.now();
            let moment = Moment::at(now);
            for queue in self.all() {
                queue.look(now, moment);
            }
        }
    }
}

/// A stream that has its place and does not send yet.
pub struct Opened {
    pub(super) streams: Streams,
    pub(super) sender: Sender,
    caller: Caller,
    keeps: Vec<Box<dyn Any + Send>>,
}

impl Opened {
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Keeps this until the stream is gone.
    pub fn keep(&mut self, guard: impl Any + Send) {
        self.keeps.push(Box::new(guard));
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.streams.leave(self.sender.number(), self.caller);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use axum::body::HttpBody;
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    fn streams(of_one_caller: usize, in_all: usize) -> Streams {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let settings = settings::Stream { max_per_caller: of_one_caller, max_per_process: in_all };
        Streams::new(&settings, clock, TokenSource::default())
    }

    fn caller(number: u8) -> Caller {
        Caller::Address([192, 0, 2, number].into())
    }

    #[tokio::test]
    async fn each_caller_has_its_share_and_all_have_theirs() {
        let streams = streams(2, 3);
        let first = streams.enter("a", caller(1)).unwrap();
        let _second = streams.enter("b", caller(1)).unwrap();
        assert_eq!(streams.enter("a", caller(1)).err(), Some(Refused::Caller(2)));
        let _third = streams.enter("a", caller(2)).unwrap();
        assert_eq!(streams.count(), [("a", 2), ("b", 1)].into());
        assert_eq!(streams.enter("a", caller(3)).err(), Some(Refused::Full));
        drop(first);
        assert_eq!(streams.count(), [("a", 1), ("b", 1)].into());
        let _again = streams.enter("a", caller(1)).unwrap();
    }

    #[tokio::test]
    async fn callers_without_streams_are_forgotten() {
        let streams = streams(2, 3);
        drop((streams.enter("a", caller(1)), streams.enter("a", caller(1)), streams.enter("a", caller(2))));
        assert!(streams.open().by_caller.is_empty() && streams.open().queues.is_empty());
    }

    #[tokio::test]
    async fn at_the_end_each_client_learns_when_to_come_back_and_so_do_late_ones() {
        let streams = streams(100, 100);
        let mut open: Vec<_> = (0..40).map(|_| streams.enter("a", caller(1)).unwrap().start("")).collect();
        streams.end();
        open.push(streams.enter("a", caller(1)).unwrap().start(""));
        let mut retries = std::collections::BTreeSet::new();
        for mut body in open {
            let text = all_of(&mut body);
            let words = text.strip_prefix("retry: 3000\n").unwrap();
            let retry: u16 = words.strip_prefix("retry: ").unwrap().trim_end().parse().unwrap();
            assert!((SHORTEST_RETRY..=LONGEST_RETRY).contains(&retry), "{retry}");
            retries.insert(retry);
        }
        assert!(retries.len() > 10, "they do not come back together: {retries:?}");
    }

    fn all_of(body: &mut (impl HttpBody<Data = bytes::Bytes, Error = super::super::Broken> + Unpin)) -> String {
        let mut context = Context::from_waker(Waker::noop());
        let mut text = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *body).poll_frame(&mut context) {
            text.extend_from_slice(&frame.into_data().unwrap());
        }
        String::from_utf8(text).unwrap()
    }
}
