//! Requests that wait for what becomes of a payment, in this process. They are woken by its own writes and by the messages of
//! all processes. A waiter that is woken reads the tables, and one that is not woken reads them once a second: what it
//! returns depends on the tables alone.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use loadmaster_platform::{follower::Follower, outbox::Entry};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

/// Longest time between two readings of a waiter that nothing wakes.
const UNWOKEN: Duration = Duration::from_secs(1);

/// Those who wait, by the ids of payments and holds. There are as many as there are requests that wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiters(Arc<Mutex<HashMap<Uuid, Vec<Arc<Notify>>>>>);

impl Waiters {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Arc<Notify>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a waiter. To be called before the tables are read: what is written after that wakes it.
    pub fn enter(&self, about: Vec<Uuid>) -> Waiter {
        let woken = Arc::new(Notify::new());
        let mut waiting = self.waiting();
        for id in &about {
            waiting.entry(*id).or_default().push(woken.clone());
        }
        drop(waiting);
        Waiter { waiters: self.clone(), about, woken }
    }

    /// Wakes those who wait for one of these. To be called after the commit of what was written.
    pub fn wake(&self, written: impl IntoIterator<Item = Uuid>) {
        let waiting = self.waiting();
        if waiting.is_empty() {
            return;
        }
        for id in written {
            waiting.get(&id).into_iter().flatten().for_each(|woken| woken.notify_one());
        }
    }
}

/// Wakes those who wait for what other processes have written.
impl Follower for Waiters {
    fn hear<'a>(&'a self, messages: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async {
            self.wake(messages.iter().map(|message| message.aggregate_id));
            Ok(())
        })
    }
}

/// One who waits, until it is dropped.
#[derive(Debug)]
pub struct Waiter {
    waiters: Waiters,
    about: Vec<Uuid>,
    woken: Arc<Notify>,
}

impl Waiter {
    /// Waits until the tables are to be read again, but not beyond `until`. Returns at once if something was written since it
    /// was entered, or since it was last woken.
    pub async fn woken(&self, until: Instant) {
        _ = timeout_at(until.min(Instant::now() + UNWOKEN), self.woken.notified()).await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.waiters.waiting();
        for id in &self.about {
            if let Some(all) = waiting.get_mut(id) {
                all.retain(|woken| !Arc::ptr_eq(woken, &self.woken));
                if all.is_empty() {
                    waiting.remove(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYMENT: Uuid = Uuid::from_u128(1);
    const HOLD: Uuid = Uuid::from_u128(2);

    fn far() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_before_the_wait_ends_it_at_once() {
        let (waiters, began) = (Waiters::default(), Instant::now());
        let waiter = waiters.enter(vec![PAYMENT]);
        waiters.wake([PAYMENT]);
        waiter.woken(far()).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        waiter.woken(far()).await;
        assert!(began.elapsed() >= UNWOKEN, "it is woken once");
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_for_a_payment_are_woken_and_no_others() {
        let (waiters, began) = (Waiters::default(), Instant::now());
        let of_both = waiters.enter(vec![PAYMENT, HOLD]);
        let of_payment = waiters.enter(vec![PAYMENT]);
        let of_another = waiters.enter(vec![Uuid::from_u128(3)]);
        let waiting = async { tokio::join!(of_both.woken(far()), of_payment.woken(far())) };
        let waking = async { waiters.wake([PAYMENT]) };
        tokio::join!(waiting, waking);
        waiters.wake([HOLD]);
        of_both.woken(far()).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        of_another.woken(far()).await;
        assert!(began.elapsed() >= UNWOKEN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_of_another_process_wakes() {
        let (waiters, began) = (Waiters::default(), Instant::now());
        let waiter = waiters.enter(vec![PAYMENT, HOLD]);
        let message = Entry {
            id: 1,
            aggregate: "hold".to_owned(),
            aggregate_id: HOLD,
            sequence: 2,
            event_type: "COMMITTED".to_owned(),
            event: Arc::default(),
            written_at: chrono::DateTime::UNIX_EPOCH,
            organization: None,
            listeners: None,
        };
        waiters.hear(&[message]).await.unwrap();
        waiter.woken(far()).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_in_time_and_leaves_nothing() {
        let (waiters, began) = (Waiters::default(), Instant::now());
        let (first, second) = (waiters.enter(vec![PAYMENT]), waiters.enter(vec![PAYMENT, HOLD]));
        first.woken(began + UNWOKEN / 4).await;
        assert!(began.elapsed() < UNWOKEN);
        drop(first);
        assert_eq!(waiters.waiting().len(), 2);
        waiters.wake([PAYMENT]);
        second.woken(far()).await;
        assert!(began.elapsed() < UNWOKEN, "the other is still woken");
        drop(second);
        assert!(waiters.waiting().is_empty());
    }
}
