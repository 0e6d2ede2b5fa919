//! The database's clock is set back or forward by an hour: nothing waits for it to come round again, nothing runs twice.
//! To set it back is to move everything in the tables forward.
use chrono::TimeDelta;
use loadmaster_platform::{
    clock::ManualClock,
    jobs::{Handlers, JobState, NewJob, Schedule, Schedules},
};
use loadmaster_testkit::{start_of_time, until};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Gate, Log, Queue};

/// An hour forward, an hour back, back again and so on.
const JUMPS: [TimeDelta; 5] =
    [TimeDelta::hours(1), TimeDelta::hours(-1), TimeDelta::hours(-1), TimeDelta::hours(1), TimeDelta::hours(-1)];

static OFTEN: [Schedule; 2] =
    [Schedule { name: "daily", every: TimeDelta::days(1) }, Schedule { name: "hourly", every: TimeDelta::hours(1) }];

#[tokio::test]
async fn a_job_that_waits_while_the_clock_jumps_is_done_at_once() {
    for jump in JUMPS {
        let (queue, log) = (Queue::start().await, Log::default());
        queue.promise(NewJob::now("note", json!("before"))).await;
        queue.pass(jump).await;
        queue.promise(NewJob::now("note", json!("after"))).await;
        let serving = queue.serve("one", log.handlers());
        queue.until_empty().await;
        assert_eq!(log.seen().len(), 2);
        serving.stop().await;
    }
}

#[tokio::test]
async fn a_job_that_is_to_wait_is_not_done_early_because_the_clock_was_set_back() {
    let (queue, log) = (Queue::start().await, Log::default());
    let failing = Handlers::default().with("note", |_| async { anyhow::bail!("the cold store is shut") });
    let failed = queue.promise(NewJob::now("note", json!("failed"))).await;
    queue.run_one(failed, failing).await;
    let later = NewJob { run_in: TimeDelta::hours(2), ..NewJob::now("note", json!("later")) };
    let later = queue.promise(later).await;
    queue.pass(TimeDelta::hours(-1)).await;
    let serving = queue.serve("one", log.handlers());
    queue.promise(NewJob { priority: 9, ..NewJob::now("note", json!("now")) }).await;
    log.until_seen(&json!("now")).await;
    for waiting in [failed, later] {
        assert_eq!(queue.state(waiting).await, Some(JobState::Queued));
    }
    queue.pass(TimeDelta::hours(4)).await;
    queue.until_empty().await;
    assert_eq!(log.seen().len(), 3);
    serving.stop().await;
}

/// A job that nobody has any more: as soon as it runs, somebody has looked after those of dead processes.
async fn until_looked_after(queue: &Queue, log: &Log, name: &str) {
    let id = queue.promise(NewJob { run_in: TimeDelta::days(9), ..NewJob::now("note", json!(name)) }).await;
    let orphan = "update jobs set state = 'RUNNING', attempts = 1 where id = $1 and leased_by is null";
    sqlx::query(orphan).bind(id).execute(&mut queue.database.owner().await).await.unwrap();
    log.until_seen(&json!(name)).await;
}

#[tokio::test]
async fn no_job_is_taken_from_a_living_process_because_the_clock_jumps() {
    let (queue, gate, log) = (Queue::start().await, Gate::shut(), Log::default());
    let one = queue.serve("one", gate.handlers("hold"));
    let id = queue.promise(NewJob::now("hold", Value::Null)).await;
    gate.until_held(1).await;
    let two = queue.serve("two", log.with(gate.handlers("hold")));
    for (number, jump) in JUMPS.into_iter().enumerate() {
        queue.pass(jump).await;
        until_looked_after(&queue, &log, &format!("orphan {number}")).await;
        let job = queue.get(id).await.unwrap();
        assert_eq!((job.state, job.attempts, job.last_error), (JobState::Running, 1, None), "{jump}");
        assert_eq!(queue.holder(id).await.as_deref(), Some("one"));
    }
    gate.open();
    queue.until_empty().await;
    assert_eq!(gate.all(), 1);
    one.stop().await;
    two.stop().await;
}

/// How long it is until each is due, in periods, and how many jobs wait.
async fn periods_to_go(queue: &Queue) -> Vec<f64> {
    let query = "select (extract(epoch from next_run_at - clock_timestamp())
                         / case name when 'daily' then 86400 else 3600 end)::float8
                 from schedules order by name";
    sqlx::query_scalar(query).fetch_all(&mut queue.database.owner().await).await.unwrap()
}

#[tokio::test]
async fn schedules_run_on_whatever_the_clock_does_and_none_runs_more_than_once_a_jump() {
    let (queue, log) = (Queue::start().await, Log::default());
    let noting = |name: &'static str, handlers: Handlers| {
        let log = log.clone();
        handlers.with(name, move |_| {
            let log = log.clone();
            async move {
                log.0.lock().unwrap().push(json!(name));
                Ok(())
            }
        })
    };
    let serving = queue.serve("one", noting("daily", noting("hourly", Handlers::default())));
    let stop = CancellationToken::new();
    let promising = [(); 2].map(|()| {
        let clock = std::sync::Arc::new(ManualClock::at(start_of_time()));
        tokio::spawn(Schedules::new(queue.db.clone(), &OFTEN, queue.ids.clone(), clock).run(stop.clone()))
    });
    let runs = |name: &str| log.seen().into_iter().filter(|seen| *seen == name).count();
    let until_calm = async || {
        until("nothing is due, and nothing later than in a period", async || {
            let ahead = periods_to_go(&queue).await;
            ahead.len() == 2
                && ahead.iter().all(|periods| (0.0..=1.0).contains(periods))
                && queue.jobs().await.is_empty()
        })
        .await;
    };
    until("both have run", async || runs("daily") == 1 && runs("hourly") == 1).await;
    let mut hourly = 1;
    for jump in JUMPS {
        queue.pass(jump).await;
        until_calm().await;
        // Forward: the hour is over. Back: it begins anew.
        hourly += usize::from(jump > TimeDelta::zero());
        assert_eq!((runs("hourly"), runs("daily")), (hourly, 1), "after {jump}");
    }
    queue.pass(TimeDelta::days(1)).await;
    until("both have run again", async || runs("daily") == 2 && runs("hourly") == hourly + 1).await;
    until_calm().await;
    assert_eq!((runs("hourly"), runs("daily")), (hourly + 1, 2));
    stop.cancel();
    for promising in promising {
        promising.await.unwrap();
    }
    serving.stop().await;
}
