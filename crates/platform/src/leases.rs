//! Leases: one process at a time. The holder proves that it is alive by incrementing a number in the database; waiting
//! processes measure its silence by their own monotonic clocks. No two clocks are compared, and no jump of one matters.
use std::{collections::HashMap, hash::Hash, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::postgres::DbError;

/// The timing of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Interval between two beats of the holder.
    pub beat: Duration,
    /// Without a beat for this long the holder may soon lose the lease: it drops the work before that.
    pub sure: Duration,
    /// A holder that is silent for this long loses the lease. Longer than `sure`.
    pub silence: Duration,
}

impl Term {
    pub const STANDARD: Self =
        Self { beat: Duration::from_secs(3), sure: Duration::from_secs(10), silence: Duration::from_secs(15) };

    /// For tests.
    pub const BRIEF: Self =
        Self { beat: Duration::from_millis(500), sure: Duration::from_secs(5), silence: Duration::from_secs(6) };
}

/// Runs `work` while this process holds the lease, which it requested at `since`; returns `None` when the lease was
/// lost meanwhile. `beat` increments the count, and returns whether the lease is still held. Dropped work ends at its
/// current await point.
pub async fn held<T, B>(term: Term, since: Instant, beat: impl Fn() -> B, work: impl Future<Output = T>) -> Option<T>
where
    B: Future<Output = Result<bool, DbError>>,
{
    let left = |sure: Instant| (sure + term.sure).saturating_duration_since(Instant::now());
    let keep = async {
        let mut sure = since;
        loop {
            sleep(term.beat.min(left(sure))).await;
            let asked = Instant::now();
            match timeout(left(sure), beat()).await {
                Ok(Ok(true)) => sure = asked,
                // A database that is away may return in time.
                Ok(Err(_)) if !left(sure).is_zero() => {}
                _ => return,
            }
        }
    };
    tokio::select! {
        done = work => Some(done),
        () = keep => None,
    }
}

/// Monitors the holders of leases.
#[derive(Debug)]
pub struct LeaseMonitor<K> {
    silence: Duration,
    /// The last count seen of each lease, and since when it has not changed.
    found: HashMap<K, (i64, Instant)>,
}

impl<K> LeaseMonitor<K> {
    pub fn new(term: Term) -> Self {
        Self { silence: term.silence, found: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash> LeaseMonitor<K> {
    /// Records the counts of all leases, as read after `asked`. Returns those that have not changed for too long.
    pub fn silent(&mut self, asked: Instant, counts: impl IntoIterator<Item = (K, i64)>) -> Vec<K> {
        let now = Instant::now();
        let since = |key: &K, count| match self.found.get(key) {
            Some(&(before, since)) if before == count => since,
            _ => now,
        };
        self.found = counts.into_iter().map(|(key, count)| (key.clone(), (count, since(&key, count)))).collect();
        let is_over = |since: Instant| asked.saturating_duration_since(since) >= self.silence;
        self.found.iter().filter(|(_, (_, since))| is_over(*since)).map(|(key, _)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use super::*;

    fn look(monitor: &mut LeaseMonitor<char>, counts: &[(char, i64)]) -> Vec<char> {
        monitor.silent(Instant::now(), counts.iter().copied())
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_holder_whose_count_stands_still_for_the_term_is_silent() {
        let Term { beat, silence, .. } = Term::STANDARD;
        let mut monitor = LeaseMonitor::new(Term::STANDARD);
        assert!(look(&mut monitor, &[('a', 1), ('b', 7)]).is_empty());
        sleep(silence.saturating_sub(beat)).await;
        assert!(look(&mut monitor, &[('a', 1), ('b', 8)]).is_empty());
        sleep(beat).await;
        assert_eq!(look(&mut monitor, &[('a', 1), ('b', 8), ('c', 1)]), ['a']);
        // It has a new holder, and the monitor forgets absent leases.
        assert!(look(&mut monitor, &[('a', 2), ('c', 1)]).is_empty());
        sleep(silence).await;
        assert_eq!(look(&mut monitor, &[('b', 8), ('c', 1)]), ['c']);
    }

    #[tokio::test(start_paused = true)]
    async fn readings_from_before_the_end_of_the_silence_prove_nothing() {
        let mut monitor = LeaseMonitor::new(Term::STANDARD);
        assert!(look(&mut monitor, &[('a', 1)]).is_empty());
        let asked = Instant::now();
        sleep(Term::STANDARD.silence * 4).await;
        assert!(monitor.silent(asked, [('a', 1)]).is_empty(), "the answer was on its way for a minute");
    }

    async fn work() -> &'static str {
        sleep(Duration::from_mins(10)).await;
        "done"
    }

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_while_the_lease_is_kept_and_through_short_troubles() {
        assert_eq!(held(Term::STANDARD, Instant::now(), || async { Ok(true) }, work()).await, Some("done"));
        let beats = Cell::new(0);
        let every_other = || async {
            beats.set(beats.get() + 1);
            if beats.get() % 2 == 0 { Ok(true) } else { Err(DbError::Sql(sqlx::Error::PoolTimedOut)) }
        };
        assert_eq!(held(Term::STANDARD, Instant::now(), every_other, work()).await, Some("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_dropped_before_another_can_have_the_lease() {
        let began = Instant::now();
        assert_eq!(held(Term::STANDARD, began, || async { Ok(false) }, work()).await, None);
        assert_eq!(began.elapsed(), Term::STANDARD.beat);
        let began = Instant::now();
        assert_eq!(held(Term::STANDARD, began, pending::<Result<bool, DbError>>, work()).await, None);
        assert_eq!(began.elapsed(), Term::STANDARD.sure);
        let began = Instant::now();
        let away = || async { Err(DbError::Sql(sqlx::Error::PoolTimedOut)) };
        assert_eq!(held(Term::STANDARD, began, away, work()).await, None);
        assert_eq!(began.elapsed(), Term::STANDARD.sure);
    }
}
