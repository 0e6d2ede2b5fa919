//! What fails is tried again, kept when it fails for good, and in nobody's way.
use anyhow::{Context, anyhow};
use chrono::TimeDelta;
use loadmaster_platform::jobs::{Handlers, Job, JobState, NewJob, Ran, retry_dead};
use loadmaster_testkit::until;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Gate, Log, Queue};

/// Fails with the payload's text.
fn failing() -> Handlers {
    Handlers::default().with("fail", |payload| async move {
        let cause = payload.as_str().unwrap_or("no reason").to_owned();
        Err(anyhow!(cause)).context("the cold store is shut")
    })
}

fn panicking() -> Handlers {
    Handlers::default().with("panic", |payload| async move {
        assert_ne!(payload, Value::Null, "not for operators' eyes");
        Ok(())
    })
}

/// How many whole seconds a job that has just failed will wait.
async fn pause(queue: &Queue, id: Uuid) -> i64 {
    sqlx::query_scalar("select ceil(extract(epoch from run_at - updated_at))::bigint from jobs where id = $1")
        .bind(id)
        .fetch_one(&mut queue.database.owner().await)
        .await
        .unwrap()
}

/// A job that has failed for good.
async fn dead(queue: &Queue, job: NewJob) -> Uuid {
    let id = queue.promise(NewJob { max_attempts: 1, ..job }).await;
    assert!(matches!(queue.run_one(id, failing()).await, Ran::Failed(_)));
    assert_eq!(queue.state(id).await, Some(JobState::Dead));
    id
}

#[tokio::test]
async fn a_job_that_fails_waits_and_is_tried_again() {
    let queue = Queue::start().await;
    let id = queue.promise(NewJob::now("fail", json!("no key"))).await;
    for (attempt, shortest) in [(1, 30), (2, 120), (3, 480)] {
        let told = "the cold store is shut: no key".to_owned();
        assert_eq!(queue.run_one(id, failing()).await, Ran::Failed(told.clone()));
        let job = queue.get(id).await.unwrap();
        assert_eq!((job.state, job.attempts, job.last_error), (JobState::Queued, attempt, Some(told)));
        let pause = pause(&queue, id).await;
        assert!((shortest..=shortest * 11 / 10).contains(&pause), "{pause} s after attempt {attempt}");
        assert_eq!(queue.run_one(id, failing()).await, Ran::Gone, "it pauses");
        queue.pass(TimeDelta::seconds(pause)).await;
    }
    // A process of the next version can do it.
    let done = Handlers::default().with("fail", |_| async { Ok(()) });
    assert_eq!(queue.run_one(id, done).await, Ran::Done);
    assert_eq!(queue.get(id).await, None);
}

#[tokio::test]
async fn a_job_that_has_failed_as_often_as_it_may_is_kept_and_listed_first() {
    let queue = Queue::start().await;
    let id = queue.promise(NewJob { max_attempts: 3, ..NewJob::now("fail", json!("no key")) }).await;
    for attempt in 1..=3 {
        assert!(matches!(queue.run_one(id, failing()).await, Ran::Failed(_)), "attempt {attempt}");
        assert_eq!(queue.get(id).await.unwrap().attempts, attempt);
        queue.pass(TimeDelta::hours(7)).await;
    }
    queue.promise(NewJob { priority: -9, ..NewJob::now("note", json!("urgent")) }).await;
    queue.pass(TimeDelta::days(365)).await;
    assert_eq!(queue.run_one(id, failing()).await, Ran::Gone, "it is not tried any more");

    let jobs = queue.jobs().await;
    assert_eq!((jobs[0].id, jobs[0].state, jobs[0].attempts), (id, JobState::Dead, 3));
    assert_eq!(jobs[0].last_error.as_deref(), Some("the cold store is shut: no key"));
    assert_eq!((jobs.len(), jobs[1].kind.as_str()), (2, "note"));
}

#[tokio::test]
async fn a_dead_job_can_be_brought_back() {
    let queue = Queue::start().await;
    let [one, other, third] = [
        dead(&queue, NewJob::now("fail", json!("one"))).await,
        dead(&queue, NewJob::now("fail", json!("other"))).await,
        dead(&queue, NewJob::now("fail", json!("third"))).await,
    ];
    let waiting = queue.promise(NewJob::now("fail", json!("waiting"))).await;
    let retry = async |only| retry_dead(&queue.db, only).await.unwrap();
    queue.pass(TimeDelta::hours(1)).await;

    assert_eq!((retry(Some(Uuid::new_v4())).await, retry(Some(waiting)).await), (0, 0), "these are not dead");
    assert_eq!(retry(Some(other)).await, 1);
    let back = queue.get(other).await.unwrap();
    assert_eq!((back.state, back.attempts), (JobState::Queued, 0));
    assert_eq!(retry(Some(other)).await, 0, "it waits already");
    assert_eq!((queue.state(one).await, queue.state(third).await), (Some(JobState::Dead), Some(JobState::Dead)));

    assert_eq!((retry(None).await, retry(None).await), (2, 0));
    let done = Handlers::default().with("fail", |_| async { Ok(()) });
    for id in [one, other, third, waiting] {
        assert_eq!(queue.run_one(id, done.clone()).await, Ran::Done);
    }
    assert!(queue.jobs().await.is_empty());
}

#[tokio::test]
async fn dead_jobs_of_one_key_come_back_one_at_a_time_and_not_beside_one_that_waits() {
    let queue = Queue::start().await;
    let keyed = |text: &str| NewJob { unique_key: Some("AI101".to_owned()), ..NewJob::now("fail", json!(text)) };
    let (older, newer) = (dead(&queue, keyed("older")).await, dead(&queue, keyed("newer")).await);
    let retry = async |only| retry_dead(&queue.db, only).await.unwrap();
    let waiting = queue.promise(keyed("waiting")).await;
    assert_eq!((retry(None).await, retry(Some(older)).await), (0, 0));

    let done = Handlers::default().with("fail", |_| async { Ok(()) });
    assert_eq!(queue.run_one(waiting, done.clone()).await, Ran::Done);
    assert_eq!((retry(None).await, retry(None).await), (1, 0));
    let waits: Vec<_> = queue.jobs().await.into_iter().filter(|job| job.state == JobState::Queued).collect();
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].id, newer, "what was promised last is what is wanted");
    assert_eq!(queue.run_one(newer, done.clone()).await, Ran::Done);
    assert_eq!(retry(Some(older)).await, 1);
    assert_eq!(queue.run_one(older, done).await, Ran::Done);
}

#[tokio::test]
async fn a_panic_is_a_failure_like_others() {
    let queue = Queue::start().await;
    let id = queue.promise(NewJob { max_attempts: 2, ..NewJob::now("panic", Value::Null) }).await;
    for state in [JobState::Queued, JobState::Dead] {
        assert_eq!(queue.run_one(id, panicking()).await, Ran::Failed("the job panicked".to_owned()));
        let job = queue.get(id).await.unwrap();
        assert_eq!((job.state, job.last_error.as_deref()), (state, Some("the job panicked")));
        queue.pass(TimeDelta::hours(1)).await;
    }
}

#[tokio::test]
async fn a_panic_over_the_payload_before_any_work_is_one_too() {
    let queue = Queue::start().await;
    let id = queue.promise(NewJob::now("panic", json!("not a list"))).await;
    let reading = Handlers::default().with("panic", |payload| {
        let flights = payload.as_array().unwrap().len();
        async move {
            anyhow::ensure!(flights > 0, "no flights");
            Ok(())
        }
    });
    let runner = queue.runner("one", reading);
    let run = tokio::spawn(async move { runner.run_one(id).await.unwrap() });
    assert_eq!(run.await.expect("the process is none the worse"), Ran::Failed("the job panicked".to_owned()));
    assert_eq!(queue.state(id).await, Some(JobState::Queued));
}

#[tokio::test]
async fn an_error_is_kept_as_one_short_line_whatever_is_in_it() {
    let queue = Queue::start().await;
    for (text, kept) in [
        ("a\nb\r\n\u{1b}[31mc\0d\u{9b}", "the cold store is shut: ab[31mcd".to_owned()),
        ("Überhöhe 📦", "the cold store is shut: Überhöhe 📦".to_owned()),
        ("ü".repeat(10_000).as_str(), format!("the cold store is shut: {}", "ü".repeat(476))),
    ] {
        let id = queue.promise(NewJob::now("note", Value::Null)).await;
        let text = text.to_owned();
        let fails = Handlers::default().with("note", move |_| {
            let text = text.clone();
            async move { Err(anyhow!(text)).context("the cold store is shut") }
        });
        assert_eq!(queue.run_one(id, fails).await, Ran::Failed(kept.clone()));
        assert_eq!(queue.get(id).await.unwrap().last_error, Some(kept));
    }
}

#[tokio::test]
async fn poisoned_jobs_do_not_stop_others() {
    let (queue, log, hanging) = (Queue::start().await, Log::default(), Gate::shut());
    let poisoned = |kind| NewJob { priority: -9, ..NewJob::now(kind, Value::Null) };
    let mut jobs = vec![poisoned("hang")];
    for _ in 0..10 {
        jobs.extend([poisoned("fail"), poisoned("panic")]);
    }
    jobs.extend((0..20).map(|number| NewJob::now("note", json!(number))));
    queue.promise_all(&jobs).await;
    let handlers =
        Handlers::default().with("fail", |_| async { Err(anyhow!("never")) }).with("panic", |payload| async move {
            assert_ne!(payload, Value::Null, "always");
            Ok(())
        });
    let serving = queue.serve("one", log.with(hanging.with("hang", handlers)));

    // A poisoned one may be tried a second time before the last was tried once.
    until("the others are done and all poisoned ones were tried", async || {
        let left = queue.jobs().await;
        let waits = |job: &Job| job.attempts >= 1 && (job.kind == "hang") == (job.state == JobState::Running);
        log.seen().len() == 20 && left.len() == 21 && left.iter().all(waits)
    })
    .await;
    hanging.until_held(1).await;
    hanging.open();
    serving.stop().await;
}

#[tokio::test]
async fn a_job_of_a_kind_that_a_process_does_not_know_is_left_to_others() {
    let (queue, log) = (Queue::start().await, Log::default());
    let id = queue.promise(NewJob { priority: -9, ..NewJob::now("note", json!("new")) }).await;
    let old = Log::default();
    let older = Handlers::default().with("old", {
        let old = old.clone();
        move |payload| {
            let old = old.clone();
            async move {
                old.0.lock().unwrap().push(payload);
                Ok(())
            }
        }
    });
    let serving = queue.serve("the version before", older);
    queue.promise(NewJob::now("old", json!("old"))).await;
    old.until_seen(&json!("old")).await;
    let job = queue.get(id).await.unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
    let newer = queue.serve("this version", log.handlers());
    log.until_seen(&json!("new")).await;
    queue.until_empty().await;
    serving.stop().await;
    newer.stop().await;
}
