//! Counts of the window in Redis, taken in advance: a process is granted some requests of a busy caller at once, which
//! count when they are granted. Most requests then ask nobody, and those that must ask share one call. What is granted
//! and not used within a quarter of a second goes back. A process that crashes has used what it was granted, so that
//! all processes together never admit more than the quota.
use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use super::{
    RedisKeys,
    window::{LENGTH, Verdict, Window},
};
use crate::{
    clock::SharedClock,
    random::TokenSource,
    redis::{Granted, Redis, Wanted},
    telemetry::{self, Traced},
};

/// Quotas up to this many requests per minute are counted one by one.
const SMALL: u32 = 100;
/// Most callers in one call.
const MOST_ASKED: usize = 256;
/// What is not used within this time goes back; what is expected to be used within it is granted in advance.
const SOON: Duration = Duration::from_millis(250);
const SOON_MS: i64 = 250;
/// Time after a grant in advance within which another process gives back what it does not use.
const BACK_MS: i64 = 3 * SOON_MS;

pub(super) struct Grants {
    redis: Redis,
    keys: RedisKeys,
    clock: SharedClock,
    /// Distinguishes this process from the others that are granted requests.
    process: u64,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    callers: HashMap<Arc<str>, Caller>,
    /// The callers to ask for, each once.
    queue: Vec<Arc<str>>,
    is_asking: bool,
    is_watching: bool,
}

/// What this process knows of a caller.
#[derive(Debug)]
struct Caller {
    limit: u32,
    /// The window as last reported, with all that was granted.
    window: Window,
    /// Granted and not used.
    left: u32,
    /// What was left after the last grant.
    granted: u32,
    /// When another process was last granted requests in advance.
    lent_elsewhere: i64,
    /// Unused grants of an earlier window, and its number.
    stale: Option<(u32, i64)>,
    demand: Demand,
    waiting: VecDeque<oneshot::Sender<Verdict>>,
    is_queued: bool,
    /// How many of those that wait are being asked for; `None` while nothing is asked.
    asked: Option<usize>,
    used_at: Instant,
}

/// The requests of a caller in this quarter of a second and in the last one.
#[derive(Debug, Default)]
struct Demand {
    number: i64,
    current: u32,
    previous: u32,
}

impl Demand {
    fn count(&mut self, now: i64) {
        let number = now.div_euclid(SOON_MS);
        if number != self.number {
            self.previous = if number == self.number + 1 { self.current } else { 0 };
            (self.number, self.current) = (number, 0);
        }
        self.current = self.current.saturating_add(1);
    }

    fn expected(&self) -> u32 {
        self.current.max(self.previous)
    }
}

impl Caller {
    fn new(limit: u32) -> Self {
        Self {
            limit,
            window: Window::default(),
            left: 0,
            granted: 0,
            lent_elsewhere: 0,
            stale: None,
            demand: Demand::default(),
            waiting: VecDeque::new(),
            is_queued: false,
            asked: None,
            used_at: Instant::now(),
        }
    }

    /// Sets aside what is left of an earlier window, or was granted for another quota.
    fn turn(&mut self, now: i64, limit: u32) {
        if self.left > 0 && (self.window.at(now) != self.window || self.limit != limit) {
            self.put_back();
        }
        self.limit = limit;
    }

    fn put_back(&mut self) {
        let left = mem::take(&mut self.left);
        let of_same_window = self.stale.filter(|(_, number)| *number == self.window.number);
        self.stale = Some((of_same_window.map_or(0, |(stale, _)| stale).saturating_add(left), self.window.number));
    }

    /// Uses one of the granted requests.
    fn use_one(&mut self, now: i64) -> Option<Verdict> {
        self.left = self.left.checked_sub(1)?;
        self.used_at = Instant::now();
        Some(self.verdict(now, true))
    }

    /// This process's own unused grants are still the caller's.
    fn verdict(&self, now: i64, is_admitted: bool) -> Verdict {
        let window = Window { current: self.window.current.saturating_sub(self.left), ..self.window };
        window.verdict(now, self.limit, is_admitted)
    }

    /// Returns the refusal. Where another process was just granted requests in advance, it may give some back within a
    /// second: the caller need not wait until the window has moved on.
    fn refusal(&self, now: i64) -> Verdict {
        let verdict = self.verdict(now, false);
        let may_come_back = (now - self.lent_elsewhere).abs() <= BACK_MS;
        Verdict { reset: if may_come_back { 1 } else { verdict.reset }, ..verdict }
    }

    /// Returns whether to ask before the caller has to wait.
    fn is_running_out(&self) -> bool {
        self.limit > SMALL && self.left.saturating_mul(3) <= self.granted
    }

    /// `key` names the caller's count in Redis.
    fn wanted(&mut self, key: String) -> Wanted {
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        self.is_queued = false;
        self.asked = Some(self.waiting.len());
        let expected = self.demand.expected().saturating_sub(waiting).saturating_sub(self.left);
        let back = self.stale.take();
        // A caller whose unused requests go back needs none in advance.
        let ahead = if self.limit > SMALL && back.is_none() { expected } else { 0 };
        Wanted { key, limit: self.limit, waiting, ahead, back }
    }

    /// Hands out what was granted; those that were asked for and get nothing are refused.
    fn settle(&mut self, granted: Granted, now: i64) {
        let asked = self.asked.take().unwrap_or_default();
        let window = Window { number: granted.number, current: granted.current, previous: granted.previous };
        if window.at(now) != window {
            // The window of a very different time is not a valid count.
            self.forget(asked);
            return;
        }
        if self.window.number != window.number && self.left > 0 {
            self.put_back();
        }
        self.window = window;
        self.lent_elsewhere = granted.lent_elsewhere;
        self.left = self.left.saturating_add(granted.requests);
        for _ in 0..asked {
            let Some(waiting) = self.waiting.pop_front() else { break };
            let verdict = self.use_one(now).unwrap_or_else(|| self.refusal(now));
            if waiting.send(verdict).is_err() && verdict.is_admitted {
                self.left += 1;
            }
        }
        self.granted = self.left;
    }

    /// Lets these requests be counted elsewhere.
    fn forget(&mut self, asked: usize) {
        self.waiting.drain(..asked.min(self.waiting.len()));
    }

    fn is_idle(&self) -> bool {
        self.left == 0 && self.stale.is_none() && self.waiting.is_empty() && !self.is_queued && self.asked.is_none()
    }
}

impl Book {
    fn enqueue(&mut self, key: &Arc<str>) {
        if let Some(caller) = self.callers.get_mut(key)
            && !mem::replace(&mut caller.is_queued, true)
        {
            self.queue.push(key.clone());
        }
    }
}

impl Grants {
    pub fn new(redis: Redis, keys: RedisKeys, clock: SharedClock) -> Arc<Self> {
        let process = u64::from_le_bytes(TokenSource::default().bytes().unwrap_or_default());
        Arc::new(Self { redis, keys, clock, process, book: Mutex::default() })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request; `None` when Redis cannot.
    pub async fn count(self: &Arc<Self>, who: &str, now: i64, limit: u32) -> Option<Verdict> {
        match self.take(who, now, limit) {
            Ok(verdict) => Some(verdict),
            Err(waiting) => waiting.in_span(telemetry::span("wait for quota")).await.ok(),
        }
    }

    fn take(self: &Arc<Self>, who: &str, now: i64, limit: u32) -> Result<Verdict, oneshot::Receiver<Verdict>> {
        let mut book = self.book();
        let known = book.callers.get_key_value(who).map(|(key, _)| key.clone());
        let key = known.unwrap_or_else(|| who.into());
        let caller = book.callers.entry(key.clone()).or_insert_with(|| Caller::new(limit));
        caller.demand.count(now);
        caller.turn(now, limit);
        // Those that wait come first.
        let used = if caller.waiting.is_empty() { caller.use_one(now) } else { None };
        // After the answer under way, another question follows for those that came meanwhile.
        let is_asked = caller.asked.is_some();
        let (outcome, must_ask) = if let Some(verdict) = used {
            (Ok(verdict), caller.is_running_out() && !is_asked)
        } else {
            let (sender, receiver) = oneshot::channel();
            caller.waiting.push_back(sender);
            (Err(receiver), !is_asked)
        };
        if must_ask {
            book.enqueue(&key);
            self.start(&mut book);
        }
        outcome
    }

    /// Starts the tasks that ask and that watch, unless they run.
    fn start(self: &Arc<Self>, book: &mut Book) {
        if !mem::replace(&mut book.is_asking, true) {
            tokio::spawn(Asking { grants: self.clone(), is_done: false }.run());
        }
        if !mem::replace(&mut book.is_watching, true) {
            tokio::spawn(self.clone().watch());
        }
    }

    /// Gives back what nobody uses, and forgets callers that do not come any more.
    async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SOON).await;
            let now = self.clock.now().timestamp_millis();
            let mut book = self.book();
            book.callers.retain(|_, caller| !caller.is_idle() || caller.used_at.elapsed() < SOON);
            if book.callers.is_empty() {
                book.is_watching = false;
                return;
            }
            self.give_back_where(&mut book, |caller| {
                caller.used_at.elapsed() >= SOON || caller.window.at(now) != caller.window
            });
        }
    }

    fn give_back_where(self: &Arc<Self>, book: &mut Book, is_unused: impl Fn(&Caller) -> bool) {
        let mut keys = Vec::new();
        for (key, caller) in &mut book.callers {
            if caller.left > 0 && is_unused(caller) {
                caller.put_back();
            }
            if caller.stale.is_some() && caller.asked.is_none() {
                keys.push(key.clone());
            }
        }
        for key in &keys {
            book.enqueue(key);
        }
        if !keys.is_empty() {
            self.start(book);
        }
    }

    /// Gives back everything, when the process ends and nobody asks any more.
    pub async fn give_back(self: &Arc<Self>) {
        let is_left = |caller: &Caller| caller.left > 0 || caller.stale.is_some() || caller.asked.is_some();
        while self.book().callers.values().any(is_left) {
            self.give_back_where(&mut self.book(), |caller| caller.asked.is_none());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// The task that asks for all callers that wait, until none does. However it ends, nobody waits for it for ever.
struct Asking {
    grants: Arc<Grants>,
    is_done: bool,
}

impl Asking {
    async fn run(mut self) {
        loop {
            let (callers, wanted): (Vec<_>, Vec<_>) = {
                let mut book = self.grants.book();
                let mut queue = mem::take(&mut book.queue);
                if queue.is_empty() {
                    book.is_asking = false;
                    self.is_done = true;
                    return;
                }
                // A script keeps Redis from all other work.
                book.queue = queue.split_off(queue.len().min(MOST_ASKED));
                let wanted = |who: Arc<str>| {
                    let wanted = book.callers.get_mut(&who)?.wanted(self.grants.keys.of(&who));
                    Some((who, wanted))
                };
                queue.into_iter().filter_map(wanted).unzip()
            };
            let now = self.grants.clock.now().timestamp_millis();
            let granted = self.grants.redis.grant(self.grants.process, &wanted, (now, LENGTH)).await.ok();
            let now = self.grants.clock.now().timestamp_millis();
            let mut book = self.grants.book();
            for (at, key) in callers.iter().enumerate() {
                let Some(caller) = book.callers.get_mut(key) else { continue };
                if let Some(granted) = granted.as_ref().and_then(|granted| granted.get(at)) {
                    caller.settle(*granted, now);
                } else {
                    // Those that came meanwhile do not wait for another failure.
                    caller.asked = None;
                    caller.waiting.clear();
                }
                if !caller.waiting.is_empty() {
                    book.enqueue(key);
                }
            }
        }
    }
}

impl Drop for Asking {
    /// A panic, or the end of the runtime.
    fn drop(&mut self) {
        if !self.is_done {
            let mut book = self.grants.book();
            book.is_asking = false;
            book.queue.clear();
            for caller in book.callers.values_mut() {
                (caller.is_queued, caller.asked) = (false, None);
                caller.waiting.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A caller of whom a request waits, and is refused at this moment.
    fn refused(now: i64, lent_elsewhere: i64) -> Verdict {
        let mut caller = Caller::new(200);
        let (sender, mut receiver) = oneshot::channel();
        caller.waiting.push_back(sender);
        caller.asked = Some(1);
        let number = now.div_euclid(LENGTH);
        caller.settle(Granted { requests: 0, number, current: 200, previous: 0, lent_elsewhere }, now);
        receiver.try_recv().unwrap()
    }

    #[test]
    fn a_refusal_names_the_time_at_which_another_process_gives_back_what_it_does_not_use() {
        let now = 10 * LENGTH + 30_000;
        let after = |lent_elsewhere| {
            let verdict = refused(now, lent_elsewhere);
            assert!(!verdict.is_admitted);
            verdict.reset
        };
        assert_eq!(after(now - 100), 1);
        assert_eq!(after(now + 100), 1, "by a clock that is a little ahead");
        assert_eq!(after(now - 5_000), 31, "it is used or has gone back");
        assert_eq!(after(0), 31);
    }
}
