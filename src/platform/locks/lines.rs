use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::oneshot;

/// First come, first served, for each thing on its own: one at a time is served, and next who came first, however soon or
/// late he began to wait.
#[derive(Debug)]
pub struct FifoLock<K: Clone + Eq + Hash> {
    lines: Arc<Mutex<HashMap<K, Waiting<K>>>>,
    arrivals: Arc<AtomicU64>,
}

/// Who waits for one thing, by arrival. A thing is here while somebody is served.
type Waiting<K> = BTreeMap<(u64, u64), oneshot::Sender<Ticket<K>>>;

/// When somebody came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival(u64);

/// The place at the head of a line. Dropped, it is the next one's.
#[derive(Debug)]
pub struct Ticket<K: Clone + Eq + Hash> {
    lines: FifoLock<K>,
    of: K,
    /// Somebody else has it by now.
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
    /// Takes a number.
    pub fn arrive(&self) -> Arrival {
        Arrival(self.arrivals.fetch_add(1, Ordering::Relaxed))
    }

    /// The place at the head, if nobody has it: without waiting.
    pub fn step_up(&self, of: &K) -> Option<Ticket<K>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.contains_key(of) {
            return None;
        }
        lines.insert(of.clone(), BTreeMap::new());
        drop(lines);
        Some(Ticket { lines: self.clone(), of: of.clone(), is_passed_on: false })
    }

    /// Waits until all who came earlier and wait for the same were served.
    pub async fn wait(&self, of: K, Arrival(arrival): Arrival) -> Ticket<K> {
        let (turn, waiting) = oneshot::channel();
        {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            match lines.get_mut(&of) {
                None => {
                    lines.insert(of.clone(), BTreeMap::new());
                    return Ticket { lines: self.clone(), of, is_passed_on: false };
                }
                // Who waits twice with one number is told apart.
                Some(line) => line.insert((arrival, self.arrivals.fetch_add(1, Ordering::Relaxed)), turn),
            };
        }
        match waiting.await {
            Ok(place) => place,
            // Whoever is served passes his place on: it does not come to this.
            Err(_) => Ticket { lines: self.clone(), of, is_passed_on: false },
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for Ticket<K> {
    fn drop(&mut self) {
        // Who does not wait any more is passed over.
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
    /// Who comes next. The line ends when there is nobody.
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
    async fn who_came_first_is_served_first_also_if_he_waits_later() {
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
    async fn things_have_lines_of_their_own_and_who_leaves_holds_nobody_up() {
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
