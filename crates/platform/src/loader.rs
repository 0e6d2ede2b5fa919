//! Reads of the same kind that are wanted at the same time, done together: one read begins after each of the wishes
//! that it serves was made, so that it is as strong as a read for each. There is no timer: a wish that finds no read
//! under way starts one at once, and those made meanwhile wait for the next.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, time::Instant};

use super::telemetry::{self, Traced};

/// Most wishes that one read serves.
const MOST: usize = 64;
/// A read that takes longer does not hold up those that come after it: another one is started beside it.
const SLOW: Duration = Duration::from_millis(20);
/// The timer's resolution.
const GRAIN: Duration = Duration::from_millis(1);
/// Most reads under way.
const MOST_AT_ONCE: usize = 8;

type Read<W, A> = dyn Fn(Vec<W>) -> BoxFuture<'static, Vec<A>> + Send + Sync;

/// Serves wishes `W` with answers `A`.
pub struct Loader<W, A>(Arc<Inner<W, A>>);

struct Inner<W, A> {
    queue: Mutex<Queue<W, A>>,
    /// Returns an answer for each wish, in their order.
    read: Box<Read<W, A>>,
}

struct Queue<W, A> {
    waiting: Vec<(W, oneshot::Sender<A>)>,
    under_way: usize,
    last_started: Instant,
}

impl<W, A> Clone for Loader<W, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: Send + 'static, A: Send + 'static> Loader<W, A> {
    pub fn new(read: impl Fn(Vec<W>) -> BoxFuture<'static, Vec<A>> + Send + Sync + 'static) -> Self {
        let queue = Queue { waiting: Vec::new(), under_way: 0, last_started: Instant::now() };
        Self(Arc::new(Inner { queue: Mutex::new(queue), read: Box::new(read) }))
    }

    /// Returns the answer; `None` if the read did not come to an end, as when the process stops.
    pub async fn get(&self, wish: W) -> Option<A> {
        let mut answer = {
            let mut queue = self.0.queue();
            let (sender, answer) = oneshot::channel();
            queue.waiting.push((wish, sender));
            self.start_if_due(&mut queue);
            answer
        };
        let waiting = async {
            // A read may begin to be slow after this wish was made.
            if let Ok(answer) = tokio::time::timeout(SLOW + GRAIN, &mut answer).await {
                return answer;
            }
            self.start_if_due(&mut self.0.queue());
            answer.await
        };
        // What others wait for as well belongs to no caller's trace.
        waiting.in_span(telemetry::span("wait for read")).await.ok()
    }

    fn start_if_due(&self, queue: &mut Queue<W, A>) {
        let is_held_up = queue.under_way < MOST_AT_ONCE && queue.last_started.elapsed() > SLOW;
        if !queue.waiting.is_empty() && (queue.under_way == 0 || is_held_up) {
            queue.under_way += 1;
            let place = ReadingTask { loader: self.0.clone(), is_free: false };
            tokio::spawn(place.work());
        }
    }
}

impl<W, A> Inner<W, A> {
    fn queue(&self) -> MutexGuard<'_, Queue<W, A>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the reads under way. If its work panics, or the runtime ends, those that wait are not left waiting.
struct ReadingTask<W, A> {
    loader: Arc<Inner<W, A>>,
    is_free: bool,
}

impl<W, A> ReadingTask<W, A> {
    /// Reads until nobody waits.
    async fn work(mut self) {
        while let Some((wishes, senders)) = self.next() {
            let answers = (self.loader.read)(wishes).await;
            for (sender, answer) in senders.into_iter().zip(answers) {
                _ = sender.send(answer);
            }
        }
    }

    /// Returns what to read next; if there is nothing, the place is given up under the same lock.
    fn next(&mut self) -> Option<(Vec<W>, Vec<oneshot::Sender<A>>)> {
        let mut queue = self.loader.queue();
        // Wishes of callers that have gone are not read.
        queue.waiting.retain(|(_, sender)| !sender.is_closed());
        if queue.waiting.is_empty() {
            queue.under_way -= 1;
            self.is_free = true;
            return None;
        }
        queue.last_started = Instant::now();
        let now = queue.waiting.len().min(MOST);
        Some(queue.waiting.drain(..now).unzip())
    }
}

impl<W, A> Drop for ReadingTask<W, A> {
    fn drop(&mut self) {
        if !self.is_free {
            let mut queue = self.loader.queue();
            queue.under_way -= 1;
            if queue.under_way == 0 {
                queue.waiting.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// Doubles numbers; each read waits for a permit, and records how many it serves.
    fn doubling(permits: &Arc<Semaphore>) -> (Loader<usize, usize>, Arc<Mutex<Vec<usize>>>) {
        let (sizes, permits) = (Arc::<Mutex<Vec<usize>>>::default(), permits.clone());
        let recorded = sizes.clone();
        let loader = Loader::new(move |wishes: Vec<usize>| {
            recorded.lock().unwrap().push(wishes.len());
            let permits = permits.clone();
            Box::pin(async move {
                permits.acquire().await.unwrap().forget();
                assert!(!wishes.contains(&1300), "as if the read panicked");
                wishes.into_iter().map(|wish| wish * 2).collect()
            })
        });
        (loader, sizes)
    }

    #[tokio::test(start_paused = true)]
    async fn wishes_made_during_a_read_share_the_next_one() {
        let permits = Arc::new(Semaphore::new(0));
        let (loader, sizes) = doubling(&permits);
        let first = tokio::spawn({
            let loader = loader.clone();
            async move { loader.get(1).await }
        });
        tokio::task::yield_now().await;
        let others = (2..80).map(|wish| {
            let loader = loader.clone();
            tokio::spawn(async move { loader.get(wish).await })
        });
        let others: Vec<_> = others.collect();
        tokio::task::yield_now().await;
        permits.add_permits(3);
        assert_eq!(first.await.unwrap(), Some(2));
        for (other, wish) in join_all(others).await.into_iter().zip(2..) {
            assert_eq!(other.unwrap(), Some(wish * 2));
        }
        assert_eq!(*sizes.lock().unwrap(), [1, 64, 14]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_read_does_not_hold_up_later_ones() {
        let permits = Arc::new(Semaphore::new(0));
        let (loader, sizes) = doubling(&permits);
        let ask = |wish| {
            let loader = loader.clone();
            tokio::spawn(async move { loader.get(wish).await })
        };
        let slow = ask(1);
        tokio::time::sleep(SLOW / 4).await;
        // Made while it is not known yet that the first is slow.
        let second = ask(2);
        tokio::time::sleep(SLOW * 2).await;
        assert_eq!(*sizes.lock().unwrap(), [1, 1], "the second has begun");
        let third = ask(3);
        tokio::time::sleep(SLOW * 2).await;
        assert_eq!(*sizes.lock().unwrap(), [1, 1, 1]);
        permits.add_permits(3);
        let answers = (slow.await.unwrap(), second.await.unwrap(), third.await.unwrap());
        assert_eq!(answers, (Some(2), Some(4), Some(6)));
    }

    #[tokio::test]
    async fn a_read_that_panics_ends_the_wait_of_its_readers() {
        let permits = Arc::new(Semaphore::new(9));
        let (loader, _) = doubling(&permits);
        let served = Arc::new(AtomicUsize::new(0));
        assert_eq!(loader.get(1300).await, None);
        served.fetch_add(loader.get(4).await.unwrap(), SeqCst);
        assert_eq!(served.load(SeqCst), 8, "the next wish is served");
    }
}
