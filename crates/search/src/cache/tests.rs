use std::sync::atomic::{AtomicUsize, Ordering};

use loadmaster_platform::{clock::ManualClock, postgres::DbError, settings::Settings};
use tokio::sync::Semaphore;

use super::*;

/// A source without flights; the test controls the number and the time of its answers.
#[derive(Clone)]
struct Fake(Arc<Gate>);

struct Gate {
    asked: AtomicUsize,
    may_answer: Semaphore,
    fails: AtomicUsize,
}

impl Fake {
    fn new(answers: usize) -> Self {
        Self(Arc::new(Gate {
            asked: AtomicUsize::new(0),
            may_answer: Semaphore::new(answers),
            fails: AtomicUsize::new(0),
        }))
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    async fn until_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

impl Source for Fake {
    async fn ways(&self, _: Question, _: NetworkVersion, _: bool) -> Result<Ways, SearchError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.may_answer.acquire().await.unwrap().forget();
        if self.0.fails.load(Ordering::SeqCst) > 0 {
            self.0.fails.fetch_sub(1, Ordering::SeqCst);
            return Err(DbError::from(sqlx::Error::PoolTimedOut).into());
        }
        Ok(Ways::default())
    }

    fn prepare(&self, _: Ways) -> Prepared {
        Prepared::empty()
    }
}

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)
}

fn cache() -> RouteCache {
    cache_by(&ManualClock::at(at(0)))
}

fn cache_by(clock: &ManualClock) -> RouteCache {
    let rules = Settings::load(loadmaster_platform::settings::Sources::default()).unwrap().search;
    let clock: SharedClock = Arc::new(clock.clone());
    RouteCache::new(Duration::from_mins(5), &rules, &clock, None)
}

fn question() -> Question {
    Question {
        origin: "DEL".parse().unwrap(),
        destination: "LHR".parse().unwrap(),
        date: "2026-11-21".parse().unwrap(),
        max_stops: 1,
    }
}

const fn version(version: i64) -> NetworkVersion {
    NetworkVersion { version, epoch: 1 }
}

fn spawn(cache: &RouteCache, source: &Fake, network_version: NetworkVersion) -> tokio::task::JoinHandle<RouteResult> {
    let (cache, source) = (cache.clone(), source.clone());
    tokio::spawn(async move { cache.get(&source, question(), network_version, None).await.unwrap() })
}

#[tokio::test(start_paused = true)]
async fn a_result_is_cached_until_it_expires() {
    let (cache, source) = (cache(), Fake::new(9));
    let ask = async || cache.get(&source, question(), version(1), None).await.unwrap().status;
    assert_eq!(ask().await, CacheStatus::Miss);
    tokio::time::advance(Duration::from_secs(100)).await;
    assert_eq!(ask().await, CacheStatus::Hit(Duration::from_secs(200)));
    tokio::time::advance(Duration::from_secs(200)).await;
    assert_eq!(ask().await, CacheStatus::Miss);
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn its_time_is_over_when_the_wall_clock_alone_says_so() {
    for hours in [1, -1] {
        let (clock, source) = (ManualClock::at(at(0)), Fake::new(9));
        let cache = cache_by(&clock);
        let ask = async || cache.get(&source, question(), version(1), None).await.unwrap().status;
        assert_eq!(ask().await, CacheStatus::Miss);
        assert!(matches!(ask().await, CacheStatus::Hit(_)));
        clock.set(at(hours));
        assert_eq!(ask().await, CacheStatus::Miss, "{hours} hours");
        assert!(matches!(ask().await, CacheStatus::Hit(_)));
    }
}

#[tokio::test]
async fn a_hundred_concurrent_questions_cause_one_search() {
    let (cache, source) = (cache(), Fake::new(0));
    let asking: Vec<_> = (0..100).map(|_| spawn(&cache, &source, version(1))).collect();
    source.until_asked(1).await;
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    source.0.may_answer.add_permits(100);
    for asking in asking {
        assert_eq!(asking.await.unwrap().status, CacheStatus::Miss);
    }
    assert_eq!(source.asked(), 1);
    assert!(cache.filling().is_empty());
}

#[tokio::test]
async fn a_search_from_before_a_change_is_not_shared_with_callers_that_know_the_change() {
    let (cache, source) = (cache(), Fake::new(0));
    let before = spawn(&cache, &source, version(1));
    source.until_asked(1).await;
    let after = spawn(&cache, &source, version(2));
    source.until_asked(2).await;
    source.0.may_answer.add_permits(2);
    let (before, after) = (before.await.unwrap(), after.await.unwrap());
    assert!(!Arc::ptr_eq(&before.prepared, &after.prepared));
    // Holds regardless of which result was stored last.
    source.0.may_answer.add_permits(2);
    let now = spawn(&cache, &source, version(2)).await.unwrap();
    assert!(!Arc::ptr_eq(&before.prepared, &now.prepared));
}

#[tokio::test]
async fn an_outdated_result_is_searched_for_again_once() {
    let (cache, source) = (cache(), Fake::new(9));
    let first = cache.get(&source, question(), version(1), None).await.unwrap();
    let again = cache.get(&source, question(), version(1), Some(&first.prepared)).await.unwrap();
    assert_eq!(again.status, CacheStatus::Miss);
    let other = cache.get(&source, question(), version(1), Some(&first.prepared)).await.unwrap();
    assert!(matches!(other.status, CacheStatus::Hit(_)) && Arc::ptr_eq(&again.prepared, &other.prepared));
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn the_first_caller_may_hang_up() {
    let (cache, source) = (cache(), Fake::new(0));
    let first = spawn(&cache, &source, version(1));
    source.until_asked(1).await;
    let second = spawn(&cache, &source, version(1));
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    source.0.may_answer.add_permits(9);
    second.await.unwrap();
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn a_caller_that_waited_for_a_failed_search_searches_itself() {
    let (cache, source) = (cache(), Fake::new(0));
    source.0.fails.store(1, Ordering::SeqCst);
    let (one, other) = (cache.clone(), source.clone());
    let first = tokio::spawn(async move { one.get(&other, question(), version(1), None).await });
    source.until_asked(1).await;
    let second = spawn(&cache, &source, version(1));
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    source.0.may_answer.add_permits(9);
    assert!(first.await.unwrap().is_err());
    assert_eq!(second.await.unwrap().status, CacheStatus::Miss);
    assert!(cache.filling().is_empty());
}

#[tokio::test]
async fn what_is_asked_for_often_stays_and_the_bound_holds() {
    let one = u64::try_from(Prepared::empty().weight() + ENTRY_BYTES).unwrap();
    let clock: SharedClock = Arc::new(ManualClock::at(at(0)));
    let (results, filling) = (bounded(10 * one), Mutex::default());
    let state = State { time: Duration::from_mins(5), clock, redis: None, group: String::new(), results, filling };
    let (cache, source) = (RouteCache(Arc::new(state)), Fake::new(9999));
    for days in 1..=1000 {
        let other = Question { date: question().date + chrono::TimeDelta::days(days), ..question() };
        for asked in [question(), other] {
            cache.get(&source, asked, version(1), None).await.unwrap();
            let kept = (cache.0.results.entry_count(), cache.0.results.weighted_size());
            assert!(kept.0 <= 10 && kept.1 <= 10 * one, "{kept:?}");
        }
    }
    assert_eq!((source.asked(), cache.0.results.entry_count()), (1001, 10));
}

#[test]
fn small_results_that_were_asked_for_twice_do_not_keep_a_large_one_out() {
    let found = |routes: usize| RouteResult {
        prepared: Prepared::with_routes(routes).into(),
        status: CacheStatus::Miss,
        network_version: version(1),
        zones: zones::changes(),
        since: Moment::at(at(0)),
        time: Duration::from_mins(5),
    };
    let results = bounded(1_000_000);
    for days in 1..=5000 {
        let small = Question { date: question().date + chrono::TimeDelta::days(days), ..question() };
        results.insert(small, found(0));
        results.get(&small);
        results.run_pending_tasks();
    }
    results.insert(question(), found(500));
    results.run_pending_tasks();
    assert!(results.contains_key(&question()));
}

#[test]
fn keys_name_version_question_installation_and_rules() {
    let cache = cache();
    let key = cache.key((question(), version(17)));
    assert!(key.starts_with("route:17:DEL:LHR:2026-11-21:"), "{key}");
    let mut rules = Settings::load(loadmaster_platform::settings::Sources::default()).unwrap().search;
    rules.min_connection_minutes += 1;
    let clock: SharedClock = Arc::new(ManualClock::at(at(0)));
    let other = RouteCache::new(Duration::from_mins(5), &rules, &clock, None);
    assert_ne!(key, other.key((question(), version(17))));
    assert_ne!(key, cache.key((question(), NetworkVersion { version: 17, epoch: 2 })));
}
