//! What is promised is done: once, in its turn, not before its time.
use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::{Depth, Handlers, JobState, NewJob, Ran, depth, enqueue_in_tx},
    postgres::commit,
};
use loadmaster_testkit::{Watch, until};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Gate, Log, Queue};

#[tokio::test]
async fn a_job_is_there_exactly_when_its_transaction_is() {
    let (queue, log) = (Queue::start().await, Log::default());
    let serving = queue.serve("one", log.handlers());
    let (mut lost, mut kept) = (queue.db.begin().await.unwrap(), queue.db.begin().await.unwrap());
    for (tx, payload) in [(&mut lost, "rolled back"), (&mut kept, "committed")] {
        let job = NewJob { priority: -1, ..NewJob::now("note", json!(payload)) };
        enqueue_in_tx(tx, queue.new_id(), &job).await.unwrap();
    }

    queue.promise(NewJob::now("note", json!("before"))).await;
    log.until_seen(&json!("before")).await;
    assert_eq!(log.seen(), ["before"], "the others are not promised yet");
    lost.rollback().await.unwrap();
    commit(kept).await.unwrap();
    log.until_seen(&json!("committed")).await;
    queue.promise(NewJob::now("note", json!("after"))).await;
    log.until_seen(&json!("after")).await;

    assert_eq!(log.seen(), ["before", "committed", "after"]);
    queue.until_empty().await;
    serving.stop().await;
}

#[tokio::test]
async fn a_job_is_handed_what_it_was_promised_with() {
    let (queue, log) = (Queue::start().await, Log::default());
    let payload = json!({"pieces": 3, "airports": ["DEL", "LHR"], "note": "Überhöhe 📦", "nothing": null});
    let id = queue.promise(NewJob::now("note", payload.clone())).await;
    let job = queue.get(id).await.unwrap();
    assert_eq!((job.kind.as_str(), &job.payload, job.state), ("note", &payload, JobState::Queued));
    assert_eq!((job.attempts, job.max_attempts, job.priority, job.last_error), (0, 10, 0, None));
    assert_eq!(job.run_at, job.created_at, "it is due now");
    assert_eq!(queue.run_one(id, log.handlers()).await, Ran::Done);
    assert_eq!(log.seen(), [payload]);
}

#[tokio::test]
async fn a_job_waits_for_its_time() {
    let (queue, log) = (Queue::start().await, Log::default());
    let serving = queue.serve("one", log.handlers());
    let later = NewJob { run_in: TimeDelta::hours(1), ..NewJob::now("note", json!("in an hour")) };
    let later = queue.promise(later).await;
    for nearly in ["now", "a minute before"] {
        queue.promise(NewJob::now("note", json!(nearly))).await;
        log.until_seen(&json!(nearly)).await;
        assert_eq!(queue.state(later).await, Some(JobState::Queued));
        if nearly == "now" {
            queue.pass(TimeDelta::minutes(59)).await;
        }
    }
    assert_eq!(queue.run_one(later, log.handlers()).await, Ran::Gone, "not by hand either");
    queue.pass(TimeDelta::minutes(1)).await;
    log.until_seen(&json!("in an hour")).await;
    queue.until_empty().await;
    serving.stop().await;
}

#[tokio::test]
async fn jobs_run_by_priority_then_by_due_time() {
    let (queue, log, gate) = (Queue::start().await, Log::default(), Gate::shut());
    // Given a process that is busy but for one place,
    let holds = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let handlers = holds.into_iter().fold(Handlers::default(), |handlers, kind| gate.with(kind, handlers));
    let serving = queue.serve("one", log.with(handlers));
    let busy: Vec<NewJob> = (0..15).map(|number| NewJob::now(holds[number / 2], Value::Null)).collect();
    queue.promise_all(&busy).await;
    gate.until_held(15).await;
    // when these are promised at once,
    let job = |name: &str, priority, minutes_ago| NewJob {
        priority,
        run_in: -TimeDelta::minutes(minutes_ago),
        ..NewJob::now("note", json!(name))
    };
    let promised = [
        job("last", 7, 50),
        job("usual, late", 0, 1),
        job("usual, long due", 0, 40),
        job("urgent", -1, 0),
        job("most urgent", -300, 0),
        job("usual, later still", 0, 0),
    ];
    queue.promise_all(&promised).await;
    // then they are done in this order.
    log.until_seen(&json!("last")).await;
    let order = ["most urgent", "urgent", "usual, long due", "usual, late", "usual, later still", "last"];
    assert_eq!(log.seen(), order);
    gate.open();
    queue.until_empty().await;
    serving.stop().await;
}

#[tokio::test]
async fn only_one_job_of_a_key_waits_or_runs() {
    let (queue, log, gate) = (Queue::start().await, Log::default(), Gate::shut());
    let keyed = |kind: &'static str, payload: &str| NewJob {
        unique_key: Some("AI101".to_owned()),
        max_attempts: 1,
        ..NewJob::now(kind, json!(payload))
    };
    // One that waits keeps the other's promise,
    let first = queue.promise(keyed("note", "first")).await;
    let second = queue.promise(keyed("note", "second")).await;
    assert_eq!((queue.state(second).await, queue.jobs().await.len()), (None, 1));
    queue.promise(NewJob { unique_key: Some("AI102".to_owned()), ..NewJob::now("note", json!("another key")) }).await;
    assert_eq!(queue.jobs().await.len(), 2);
    assert_eq!(queue.run_one(first, log.handlers()).await, Ran::Done);

    // one that runs as well,
    let running = queue.promise(keyed("hold", "fail")).await;
    let runner = queue.runner("one", gate.handlers("hold"));
    let run = tokio::spawn(async move { runner.run_one(running).await.unwrap() });
    gate.until_held(1).await;
    let third = queue.promise(keyed("note", "third")).await;
    assert_eq!(queue.state(third).await, None);
    gate.open();
    assert_eq!(run.await.unwrap(), Ran::Failed("held in vain".to_owned()));

    // but not one that is dead, or gone.
    assert_eq!(queue.state(running).await, Some(JobState::Dead));
    for payload in ["fourth", "fifth"] {
        let next = queue.promise(keyed("note", payload)).await;
        assert_eq!(queue.run_one(next, log.handlers()).await, Ran::Done);
    }
    assert_eq!(log.seen(), ["first", "fourth", "fifth"]);
}

#[tokio::test]
async fn one_of_concurrent_transactions_enqueues_a_key() {
    let queue = Queue::start().await;
    let keyed = NewJob { unique_key: Some("AI101".to_owned()), ..NewJob::now("note", Value::Null) };
    let mut watch = Watch::over(&queue.database).await;
    for first_commits in [true, false] {
        let mut first = queue.db.begin().await.unwrap();
        enqueue_in_tx(&mut first, queue.new_id(), &keyed).await.unwrap();
        let second = tokio::spawn({
            let (queue, keyed) = (queue.clone(), keyed.clone());
            async move { queue.promise(keyed).await }
        });
        watch.until_waiting(1).await;
        if first_commits {
            commit(first).await.unwrap();
        } else {
            first.rollback().await.unwrap();
        }
        let second = second.await.unwrap();
        assert_eq!(queue.jobs().await.len(), 1);
        assert_eq!(queue.state(second).await.is_none(), first_commits);
        let id = queue.jobs().await[0].id;
        assert_eq!(queue.run_one(id, Log::default().handlers()).await, Ran::Done);
    }
}

#[tokio::test]
async fn one_job_is_run_by_hand_if_it_is_due_and_not_running() {
    let (queue, log, gate) = (Queue::start().await, Log::default(), Gate::shut());
    let jobs = ["this", "that"].map(|name| NewJob { priority: 9, ..NewJob::now("note", json!(name)) });
    let [this, that] = queue.promise_all(&jobs).await[..] else { panic!("two jobs") };
    queue.promise(NewJob { priority: -9, ..NewJob::now("note", json!("more urgent")) }).await;
    assert_eq!(queue.run_one(that, log.handlers()).await, Ran::Done);
    assert_eq!(queue.run_one(that, log.handlers()).await, Ran::Gone, "it is done");
    assert_eq!(queue.run_one(Uuid::new_v4(), log.handlers()).await, Ran::Gone, "there never was one");
    assert_eq!(queue.run_one(this, Handlers::default()).await, Ran::Gone, "this process cannot do it");
    assert_eq!((queue.state(this).await, log.seen()), (Some(JobState::Queued), vec![json!("that")]));

    let held = queue.promise(NewJob::now("hold", Value::Null)).await;
    let serving = queue.serve("elsewhere", gate.handlers("hold"));
    gate.until_held(1).await;
    assert_eq!(queue.run_one(held, gate.handlers("hold")).await, Ran::Gone, "another runs it");
    assert_eq!(gate.most(), 1);
    gate.open();
    serving.stop().await;
}

#[tokio::test]
async fn the_depth_shows_the_number_of_jobs_and_their_wait() {
    let (queue, gate) = (Queue::start().await, Gate::shut());
    assert_eq!(depth(&queue.db).await.unwrap(), Depth::default());
    let serving = queue.serve("one", gate.handlers("hold"));
    queue.promise(NewJob::now("hold", Value::Null)).await;
    gate.until_held(1).await;
    queue.promise(NewJob::now("nobody's", Value::Null)).await;
    queue.promise(NewJob { run_in: TimeDelta::hours(2), ..NewJob::now("note", Value::Null) }).await;
    queue.pass(TimeDelta::minutes(90)).await;
    let depth = depth(&queue.db).await.unwrap();
    assert_eq!((depth.queued, depth.running, depth.dead), (2, 1, 0));
    assert!((5400.0..5500.0).contains(&depth.oldest_seconds), "what is not due yet does not wait: {depth:?}");
    gate.open();
    until("it is done", async || queue.jobs().await.len() == 2).await;
    serving.stop().await;
}
