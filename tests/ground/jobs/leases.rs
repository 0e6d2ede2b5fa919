//! One process at a time has a job; one that is gone loses it. Processes are runners here. Only the first test waits for a
//! dead one's silence; the others tell the database.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use loadmaster_platform::jobs::{Handlers, JobState, NewJob, Ran};
use loadmaster_testkit::{Watch, until};
use serde_json::{Value, json};

use super::{Gate, Log, Queue, Serving};

#[tokio::test]
async fn a_job_whose_process_went_away_is_taken_by_another_once_that_was_silent_for_long() {
    let (queue, gate) = (Queue::start().await, Gate::shut());
    let [gone, alive] = ["gone", "alive"].map(|name| NewJob::now("hold", json!(name)));
    let [gone, alive] = queue.promise_all(&[gone, alive]).await[..] else { panic!("two jobs") };
    let runner = queue.runner("alive", gate.handlers("hold"));
    let run = tokio::spawn(async move { runner.run_one(alive).await.unwrap() });
    gate.until_held(1).await;
    queue.abandon(gone, "gone").await;
    assert_eq!(queue.run_one(gone, gate.handlers("hold")).await, Ran::Gone, "nobody knows yet that it is gone");
    assert_eq!(queue.state(gone).await, Some(JobState::Running));

    let serving = queue.serve("another", gate.handlers("hold"));
    gate.until_held(2).await;
    assert_eq!(queue.holder(gone).await.as_deref(), Some("another"));
    let job = queue.get(gone).await.unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Running, 2));
    assert_eq!(job.last_error.as_deref(), Some("the process of the job stopped"));
    // Who works as long and is heard keeps what it has.
    assert_eq!(queue.holder(alive).await.as_deref(), Some("alive"));
    gate.open();
    assert_eq!(run.await.unwrap(), Ran::Done);
    queue.until_empty().await;
    assert_eq!(gate.all(), 2);
    serving.stop().await;
}

#[tokio::test]
async fn no_transaction_is_open_while_a_job_is_at_work() {
    let (queue, gate) = (Queue::start().await, Gate::shut());
    let id = queue.promise(NewJob::now("hold", Value::Null)).await;
    let runner = queue.runner("one", gate.handlers("hold"));
    let run = tokio::spawn(async move { runner.run_one(id).await.unwrap() });
    gate.until_held(1).await;
    let mut watch = Watch::over(&queue.database).await;
    watch.until_quiet().await;
    assert_eq!(queue.state(id).await, Some(JobState::Running));
    gate.open();
    assert_eq!(run.await.unwrap(), Ran::Done);
}

#[tokio::test]
async fn a_process_that_comes_back_late_cannot_finish_or_fail_what_another_has() {
    for payload in ["finish", "fail"] {
        // Given a job that one process still runs and another has,
        let (queue, late, second) = (Queue::start().await, Gate::shut(), Gate::shut());
        let id = queue.promise(NewJob::now("hold", json!(payload))).await;
        let run = |process: &str, gate: &Gate| {
            let runner = queue.runner(process, gate.handlers("hold"));
            tokio::spawn(async move { runner.run_one(id).await.unwrap() })
        };
        let late_run = run("late", &late);
        late.until_held(1).await;
        queue.lapse("late").await;
        let second_run = run("second", &second);
        second.until_held(1).await;
        // when the first ends,
        late.open();
        late_run.await.unwrap();
        // then it is still the second's, whose word counts.
        let job = queue.get(id).await.unwrap();
        assert_eq!((job.state, job.attempts), (JobState::Running, 2));
        assert_eq!(job.last_error.as_deref(), Some("the process of the job stopped"));
        assert_eq!(queue.holder(id).await.as_deref(), Some("second"));
        second.open();
        let ended = second_run.await.unwrap();
        assert_eq!(ended == Ran::Done, payload == "finish", "{ended:?}");
        assert_eq!(queue.state(id).await, (payload == "fail").then_some(JobState::Queued));
    }
}

#[tokio::test]
async fn a_process_that_has_lost_its_job_stops_working_at_it() {
    let (queue, late, second) = (Queue::start().await, Gate::shut(), Gate::shut());
    let id = queue.promise(NewJob::now("hold", Value::Null)).await;
    let runner = queue.runner("late", late.handlers("hold"));
    let run = tokio::spawn(async move { runner.run_one(id).await.unwrap() });
    late.until_held(1).await;
    queue.lapse("late").await;
    let serving = queue.serve("second", second.handlers("hold"));
    second.until_held(1).await;
    assert_eq!(run.await.unwrap(), Ran::Gone);
    late.until_held(0).await;
    second.open();
    queue.until_empty().await;
    serving.stop().await;
}

#[tokio::test]
async fn a_process_that_meets_a_job_again_that_it_had_lost_does_not_take_one_run_for_the_other() {
    let (queue, gate) = (Queue::start().await, Gate::shut());
    let serving = queue.serve("one", gate.handlers("hold"));
    let id = queue.promise(NewJob::now("hold", Value::Null)).await;
    gate.until_held(1).await;
    // The database was away for longer than the lease, and now the process finds a job that was left.
    queue.lapse("one").await;
    until("it has begun again and goes on once", async || gate.all() == 2 && gate.now() == 1).await;
    let job = queue.get(id).await.unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Running, 2));
    gate.open();
    queue.until_empty().await;
    serving.stop().await;
}

#[tokio::test]
async fn a_job_that_takes_its_process_with_it_as_often_as_it_may_is_dead() {
    let (queue, log) = (Queue::start().await, Log::default());
    let id = queue.promise(NewJob { max_attempts: 2, priority: -1, ..NewJob::now("hold", Value::Null) }).await;
    for process in ["first", "second"] {
        queue.abandon(id, process).await;
        assert_eq!(queue.state(id).await, Some(JobState::Running));
        queue.lapse(process).await;
    }
    queue.promise(NewJob::now("note", json!("the next one"))).await;
    let serving = queue.serve("third", log.handlers());
    log.until_seen(&json!("the next one")).await;
    let job = queue.get(id).await.unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Dead, 2));
    assert!(job.last_error.unwrap().contains("stopped"));
    serving.stop().await;
}

/// Which jobs run now, and how often each was done.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<(BTreeSet<u64>, Vec<u64>)>>);

/// A job at work.
struct AtWork(Book, u64);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().0.remove(&self.1);
    }
}

impl Book {
    fn begin(&self, number: u64) -> anyhow::Result<AtWork> {
        anyhow::ensure!(self.0.lock().unwrap().0.insert(number), "{number} runs twice at the same time");
        Ok(AtWork(self.clone(), number))
    }

    fn handlers(&self) -> Handlers {
        let this = self.clone();
        Handlers::default().with("count", move |payload| {
            let this = this.clone();
            async move {
                let number = payload.as_u64().unwrap();
                let _at_work = this.begin(number)?;
                // Long enough for others to get in between.
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                this.0.lock().unwrap().1.push(number);
                Ok(())
            }
        })
    }

    fn done(&self) -> Vec<u64> {
        let mut done = self.0.lock().unwrap().1.clone();
        done.sort_unstable();
        done
    }

    fn at_work(&self) -> usize {
        self.0.lock().unwrap().0.len()
    }
}

async fn promise_counted(queue: &Queue, jobs: u64) {
    let jobs: Vec<NewJob> = (0..jobs).map(|number| NewJob::now("count", json!(number))).collect();
    queue.promise_all(&jobs).await;
}

async fn assert_none_failed(queue: &Queue) {
    let went_away = |error: &String| error == "the process of the job stopped";
    let errors = queue.jobs().await.into_iter().filter_map(|job| job.last_error);
    let failed: Vec<_> = errors.filter(|error| !went_away(error)).collect();
    assert_eq!(failed, [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_do_every_job_exactly_once_also_while_one_of_them_stops() {
    let (queue, book) = (Queue::start().await, Book::default());
    promise_counted(&queue, 300).await;
    let serve = |process: &str| queue.serve(process, book.handlers());
    let mut processes: Vec<Serving> = ["one", "one", "two", "two", "three", "three"].map(serve).into();
    until("a third is done", async || book.done().len() >= 100).await;
    processes.pop().unwrap().stop().await;
    until("all are done", async || {
        assert_none_failed(&queue).await;
        queue.jobs().await.is_empty()
    })
    .await;
    for process in processes {
        process.stop().await;
    }
    assert_eq!(book.done(), (0..300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_job_is_lost_with_a_process_that_is_killed() {
    let (queue, book, gate) = (Queue::start().await, Book::default(), Gate::shut());
    promise_counted(&queue, 100).await;
    // Given a process that has two jobs in hand and two that do the rest,
    let doomed = queue.serve("doomed", gate.handlers("count"));
    gate.until_held(2).await;
    let others = ["two", "three"].map(|process| queue.serve(process, book.handlers()));
    until("the others do what they can", async || queue.jobs().await.len() == 2).await;
    // when it is killed,
    doomed.kill().await;
    gate.until_held(0).await;
    assert_eq!(queue.jobs().await.len(), 2);
    assert!(queue.jobs().await.iter().all(|job| job.state == JobState::Running));
    // then the others take over once it has been silent for long.
    queue.lapse("doomed").await;
    until("all are done", async || {
        assert_none_failed(&queue).await;
        queue.jobs().await.is_empty()
    })
    .await;
    for process in others {
        process.stop().await;
    }
    assert_eq!(book.done(), (0..100).collect::<Vec<_>>());
    assert_eq!(book.at_work(), 0);
}
