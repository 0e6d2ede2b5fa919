//! Kinds of jobs that hang, fail or panic are in nobody's way.
use anyhow::anyhow;
use loadmaster_platform::jobs::{Handlers, JobState, NewJob};
use loadmaster_testkit::until;
use serde_json::{Value, json};

use super::{Gate, Log, Queue};

fn poisoned(kind: &'static str, jobs: usize) -> impl Iterator<Item = NewJob> {
    (0..jobs).map(move |_| NewJob { priority: -9, ..NewJob::now(kind, Value::Null) })
}

#[tokio::test]
async fn two_kinds_that_hang_and_two_that_are_poisoned_leave_room_for_a_fifth() {
    let (queue, log, [one, other]) = (Queue::start().await, Log::default(), [Gate::shut(), Gate::shut()]);
    let handlers =
        Handlers::default().with("fail", |_| async { Err(anyhow!("never")) }).with("panic", |payload| async move {
            assert_ne!(payload, Value::Null, "always");
            Ok(())
        });
    let handlers = log.with(one.with("hangs", other.with("hangs too", handlers)));
    let kinds = ["hangs", "hangs too", "fail", "panic"];
    let mut jobs: Vec<NewJob> = kinds.into_iter().flat_map(|kind| poisoned(kind, 10)).collect();
    jobs.extend((0..10).map(|number| NewJob::now("note", json!(number))));
    queue.promise_all(&jobs).await;

    let serving = queue.serve("one", handlers);
    until("the fifth kind is done", async || log.seen().len() == 10).await;
    until("the poisoned ones wait to be tried again", async || {
        let jobs = queue.jobs().await;
        jobs.iter().filter(|job| job.last_error.is_some() && job.state == JobState::Queued).count() == 20
    })
    .await;
    // Of what hangs a few are held, and the others wait for their turn.
    assert_eq!((one.now(), one.most(), other.now(), other.most()), (2, 2, 2, 2));
    one.open();
    until("one kind hangs no more", async || one.all() == 10 && one.now() == 0).await;
    assert_eq!((other.now(), other.most()), (2, 2));
    other.open();
    until("all that hung are done", async || queue.jobs().await.len() == 20).await;
    serving.stop().await;
}

#[tokio::test]
async fn a_process_whose_kinds_hang_stops_no_other_process() {
    let (queue, log, gate) = (Queue::start().await, Log::default(), Gate::shut());
    let stuck = queue.serve("stuck", gate.handlers("note"));
    queue.promise_all(&[NewJob::now("note", json!("held")), NewJob::now("note", json!("held too"))]).await;
    gate.until_held(2).await;
    let other = queue.serve("other", log.handlers());
    queue.promise_all(&(0..10).map(|number| NewJob::now("note", json!(number))).collect::<Vec<_>>()).await;
    until("the other does the rest", async || log.seen().len() == 10).await;
    assert_eq!((gate.now(), gate.all()), (2, 2));
    gate.open();
    queue.until_empty().await;
    stuck.stop().await;
    other.stop().await;
}
