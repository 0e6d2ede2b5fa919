//! What every queue of work has in common, whichever table holds it: jobs, letters, messages to webhooks, attempts at payments.
//! Each claims what is due by statements of its own. What is under way, what wakes the loop that claims, the pauses between
//! attempts, and an outcome that the database does not take at once are here.
use std::{collections::HashMap, future::pending, time::Duration};

use chrono::TimeDelta;
use tokio::{
    sync::Notify,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{outage::OutageLog, postgres::DbError};

/// First and longest pause before an outcome that the database did not take is recorded again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The pieces of work under way in this process, each with what its queue needs to know of it. Dropped, it ends them.
pub struct UnderWay<K, T> {
    tasks: JoinSet<T>,
    about: HashMap<Id, K>,
}

/// What wakes the loop of a queue.
pub enum Woken<K, T> {
    Stopped,
    /// There is news, or it is time for a look.
    Due,
    /// A piece has ended; without an outcome if it panicked.
    Ended(K, Option<T>),
}

impl<K, T> Default for UnderWay<K, T> {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), about: HashMap::new() }
    }
}

impl<K, T: Send + 'static> UnderWay<K, T> {
    pub fn start(&mut self, about: K, work: impl Future<Output = T> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.about.insert(task.id(), about);
    }

    /// Returns those whose end nobody has learned of yet.
    pub fn all(&self) -> impl Iterator<Item = &K> {
        self.about.values()
    }

    pub fn is_empty(&self) -> bool {
        self.about.is_empty()
    }

    /// Returns how many more may begin if `most` may be under way.
    pub fn places(&self, most: usize) -> usize {
        most.saturating_sub(self.about.len())
    }

    /// Waits for a piece to end; for ever while there is none. A wait that is dropped loses none.
    pub async fn ended(&mut self) -> (K, Option<T>) {
        loop {
            match self.tasks.join_next_with_id().await {
                Some(ended) => {
                    if let Some(ended) = self.note(ended) {
                        return ended;
                    }
                }
                None => pending().await,
            }
        }
    }

    /// Returns a piece that has ended already.
    pub fn ended_already(&mut self) -> Option<(K, Option<T>)> {
        self.tasks.try_join_next_with_id().and_then(|ended| self.note(ended))
    }

    fn note(&mut self, ended: Result<(Id, T), JoinError>) -> Option<(K, Option<T>)> {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, Some(outcome)),
            Err(error) => {
                tracing::error!(%error, "a piece of work panicked");
                (error.id(), None)
            }
        };
        Some((self.about.remove(&id)?, outcome))
    }

    /// Waits for the end of a piece, for news, for the time of a look or for shutdown.
    pub async fn woken(&mut self, stop: &CancellationToken, news: Option<&Notify>, look: Duration) -> Woken<K, T> {
        let heard = async {
            match news {
                Some(news) => news.notified().await,
                None => pending().await,
            }
        };
        tokio::select! {
            // Once shutdown has begun, nothing else wakes a queue: it would claim more.
            biased;
            () = stop.cancelled() => Woken::Stopped,
            (about, outcome) = self.ended() => Woken::Ended(about, outcome),
            () = heard => Woken::Due,
            () = sleep(look) => Woken::Due,
        }
    }

    /// Waits until all has ended, for this long at most; returns what has.
    pub async fn finish(&mut self, patience: Duration) -> Vec<(K, Option<T>)> {
        let mut finished = Vec::new();
        let finishing = async {
            while !self.is_empty() {
                finished.push(self.ended().await);
            }
        };
        _ = timeout(patience, finishing).await;
        finished
    }
}

/// Returns the pause after the given number of attempts. Further attempts than there are pauses have the last one.
pub fn pause_after(pauses: &[TimeDelta], attempts: i32) -> TimeDelta {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    pauses.get(place).or(pauses.last()).copied().unwrap_or_default()
}

/// Records an outcome, again after a failure: for this long at most, or without a bound while the database is away. An outcome
/// that is forgotten is work that is done twice. `what` is the warning.
pub async fn keep_recording<T, F>(
    what: &'static str,
    within: Option<Duration>,
    mut record: impl FnMut() -> F,
) -> Result<T, DbError>
where
    F: Future<Output = Result<T, DbError>>,
{
    let (mut pause, longest) = PAUSES;
    let (mut outage, began) = (OutageLog::new(what), Instant::now());
    loop {
        match outage.note(record().await) {
            Err(error) if within.map_or_else(|| is_away(&error), |within| began.elapsed() < within) => {
                let left = within.map_or(pause, |within| within.saturating_sub(began.elapsed()));
                sleep(pause.min(left)).await;
                pause = (pause * 2).min(longest);
            }
            ended => return ended,
        }
    }
}

fn is_away(error: &DbError) -> bool {
    error.is_overload() || matches!(error, DbError::OutcomeUnknown(_))
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::{Ready, ready},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_is_woken_by_an_end_by_news_by_the_time_and_by_shutdown() {
        let (mut running, news, stop) = (UnderWay::default(), Notify::new(), CancellationToken::new());
        let look = Duration::from_secs(1);
        assert!(matches!(running.woken(&stop, None, look).await, Woken::Due), "an empty queue waits for its look");
        running.start("one", async { 1 });
        assert!(matches!(running.woken(&stop, None, look).await, Woken::Ended("one", Some(1))));
        running.start("two", async { panic!("a fault") });
        assert_eq!((running.places(1), running.all().copied().collect::<Vec<_>>()), (0, vec!["two"]));
        assert!(matches!(running.woken(&stop, None, look).await, Woken::Ended("two", None)));
        news.notify_one();
        let asked = Instant::now();
        assert!(matches!(running.woken(&stop, Some(&news), look).await, Woken::Due));
        assert_eq!(asked.elapsed(), Duration::ZERO);
        stop.cancel();
        for piece in 0..100 {
            running.start("three", async move { piece });
            tokio::task::yield_now().await;
            news.notify_one();
            assert!(matches!(running.woken(&stop, Some(&news), look).await, Woken::Stopped));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_left_at_the_end() {
        let mut running = UnderWay::default();
        for seconds in [1, 3] {
            running.start(seconds, sleep(Duration::from_secs(seconds)));
        }
        assert_eq!(running.finish(Duration::from_secs(2)).await, [(1, Some(()))]);
        assert_eq!(running.all().collect::<Vec<_>>(), [&3]);
        assert_eq!(running.finish(Duration::MAX).await, [(3, Some(()))]);
        assert!(running.is_empty());
    }

    /// Fails the given number of times, then returns the number of calls.
    fn record(
        tries: &Cell<u32>,
        fails: u32,
        error: fn() -> sqlx::Error,
    ) -> impl FnMut() -> Ready<Result<u32, DbError>> {
        tries.set(0);
        move || {
            tries.set(tries.get() + 1);
            ready(if tries.get() <= fails { Err(DbError::Sql(error())) } else { Ok(tries.get()) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outcome_is_recorded_again_within_its_bound_or_while_the_database_is_away() {
        let (tries, away) = (Cell::new(0), || sqlx::Error::PoolTimedOut);
        assert_eq!(keep_recording("away", None, record(&tries, 50, away)).await.unwrap(), 51);
        assert!(keep_recording("wrong", None, record(&tries, 1, || sqlx::Error::RowNotFound)).await.is_err());
        assert_eq!(tries.get(), 1);
        let (began, patience) = (Instant::now(), Duration::from_secs(5));
        assert!(keep_recording("bounded", Some(patience), record(&tries, u32::MAX, away)).await.is_err());
        assert_eq!((tries.get() > 2, began.elapsed()), (true, patience), "the last time at the end");
        let fails_for = |time| move || ready(if began.elapsed() < time { Err(DbError::Sql(away())) } else { Ok(()) });
        assert!(
            keep_recording("short", Some(patience), fails_for(began.elapsed() + Duration::from_secs(4))).await.is_ok()
        );
    }
}
