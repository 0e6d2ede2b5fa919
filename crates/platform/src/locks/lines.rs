use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::oneshot;

/// Queues for things, first come, first served: each thing serves one arrival at a time, and the next is the earliest
/// arrival, regardless of when its wait began.
#[derive(Debug)]
pub struct FifoLock<K: Clone + Eq + Hash> {
    lines: Arc<Mutex<HashMap<K, Waiting<K>>>>,
    arrivals: Arc<AtomicU64>,
}

/// The arrivals that wait for each thing, in order. A thing has an entry while an arrival is served.
type Waiting<K> = BTreeMap<(u64, u64), oneshot::Sender<Ticket<K>>>;

/// The time of an arrival, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival(u64);

/// The place at the head of a line. Dropping it passes the place to the next in line.
#[derive(Debug)]
pub struct Ticket<K: Clone + Eq + Hash> {
    lines: FifoLock<K>,
    of: K,
    /// True when another ticket already has the place.
    is_passed_on: bool,
}

impl<K: Clone + Eq + Hash> Clone for FifoLock<K> {
    fn clone(&self) -> Self {
        Self { lines: self.lines.clone(), arrivals: self.arrivals.clone() }
    }
}

impl<K: Clone + Eq + Hash> Default for FifoLock<K> {
    fn default() -> Self {
        Self { lines: Arc::default(), arrivals: Arc::default() }
    }
}

impl<K: Clone + Eq + Hash> FifoLock<K> {
    /// Draws an arrival number.
    pub fn arrive(&self) -> Arrival {
        Arrival(self.arrivals.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes the place at the head if it is free, without waiting.
    pub fn step_up(&self, of: &K) -> Option<Ticket<K>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.contains_key(of) {
            return None;
        }
        lines.insert(of.clone(), BTreeMap::new());
        drop(lines);
        Some(Ticket { lines: self.clone(), of: of.clone(), is_passed_on: false })
    }

    /// Waits until all earlier arrivals that wait for the same thing are served.
    pub async fn wait(&self, of: K, Arrival(arrival): Arrival) -> Ticket<K> {
        let (turn, waiting) = oneshot::channel();
        {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            match lines.get_mut(&of) {
                None => {
                    lines.insert(of.clone(), BTreeMap::new());
                    return Ticket { lines: self.clone(), of, is_passed_on: false };
                }
                // The second number distinguishes two waits with one arrival.
                Some(line) => line.insert((arrival, self.arrivals.fetch_add(1, Ordering::Relaxed)), turn),
            };
        }
        match waiting.await {
            Ok(place) => place,
            // A served ticket always passes its place on, so this case does not occur.
            Err(_) => Ticket { lines: self.clone(), of, is_passed_on: false },
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for Ticket<K> {
    fn drop(&mut self) {
        // Skips waits that were abandoned.
        while let Some(turn) = self.next() {
            let place = Self { lines: self.lines.clone(), of: self.of.clone(), is_passed_on: false };
            match turn.send(place) {
                Ok(()) => break,
                Err(mut refused) => refused.is_passed_on = true,
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Ticket<K> {
    /// Takes the next in line. Removes the line when it is empty.
    fn next(&self) -> Option<oneshot::Sender<Self>> {
        if self.is_passed_on {
            return None;
        }
        let mut lines = self.lines.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let next = lines.get_mut(&self.of).and_then(BTreeMap::pop_first);
        if next.is_none() {
            lines.remove(&self.of);
        }
        next.map(|(_, turn)| turn)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    const SOON: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn the_first_arrival_is_served_first_even_if_it_waits_later() {
        let (lines, served) = (FifoLock::default(), Arc::new(Mutex::new(Vec::new())));
        let head = lines.wait('a', lines.arrive()).await;
        let arrivals: Vec<_> = (0..5).map(|_| lines.arrive()).collect();
        let mut tasks = Vec::new();
        for who in [3, 0, 4, 1, 2] {
            let (lines, served, arrival) = (lines.clone(), served.clone(), arrivals[who]);
            tasks.push(tokio::spawn(async move {
                let place = lines.wait('a', arrival).await;
                served.lock().unwrap().push(who);
                sleep(SOON).await;
                drop(place);
            }));
            sleep(SOON).await;
        }
        drop(head);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*served.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(lines.lines.lock().unwrap().is_empty(), "nothing is kept of a line that has ended");
    }

    #[tokio::test(start_paused = true)]
    async fn each_thing_has_its_own_line_and_a_leaver_does_not_block_others() {
        let lines = FifoLock::default();
        let head = lines.wait('a', lines.arrive()).await;
        let other = timeout(SOON, lines.wait('b', lines.arrive())).await;
        assert!(other.is_ok());
        let left = timeout(SOON, lines.wait('a', lines.arrive())).await;
        assert!(left.is_err());
        let (second, third) = (lines.arrive(), lines.arrive());
        let mut gone = tokio::spawn({
            let lines = lines.clone();
            async move { lines.wait('a', second).await }
        });
        assert!(timeout(SOON, &mut gone).await.is_err());
        gone.abort();
        drop(head);
        assert!(timeout(SOON, lines.wait('a', third)).await.is_ok());
    }
}
