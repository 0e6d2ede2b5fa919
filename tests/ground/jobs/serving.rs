//! Jobs in a process that starts, stops or is killed.
use chrono::TimeDelta;
use loadmaster_platform::jobs::{Handlers, JobState, NewJob, Ran};
use loadmaster_testkit::{SCHEDULES, TestDatabase, Watch, WorldOptions, until};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::{Gate, Log, Queue, command_line::serve};

/// Keeps the job `expired_tokens` from getting on, for as long as a statement may wait.
struct Holding(PgConnection);

impl Holding {
    async fn tokens(database: &TestDatabase) -> Self {
        let mut owner = database.owner().await;
        sqlx::raw_sql("begin; lock table refresh_tokens in share mode").execute(&mut owner).await.unwrap();
        Self(owner)
    }

    async fn let_go(self) {
        self.0.close().await.unwrap();
    }
}

async fn states(database: &TestDatabase) -> Vec<(String, String)> {
    let query = "select kind, state from jobs order by kind, state";
    sqlx::query_as(query).fetch_all(&mut database.owner().await).await.unwrap()
}

async fn until_state_is(database: &TestDatabase, kind: &str, state: &str) {
    let wanted = (kind.to_owned(), state.to_owned());
    until(&format!("{kind} is {state}"), async || states(database).await.contains(&wanted)).await;
}

async fn until_no_jobs(database: &TestDatabase) {
    until("every job is done", async || states(database).await.is_empty()).await;
}

/// All schedules have been promised.
async fn until_scheduled(database: &TestDatabase) {
    let mut owner = database.owner().await;
    until("all is scheduled", async || {
        let query = "select array_agg(name) @> $1 from schedules";
        let all: Option<bool> = sqlx::query_scalar(query).bind(&SCHEDULES[..]).fetch_one(&mut owner).await.unwrap();
        all == Some(true)
    })
    .await;
}

async fn make_all_due(database: &TestDatabase) {
    let due = "update schedules set next_run_at = now(); update jobs set run_at = now()";
    sqlx::raw_sql(due).execute(&mut database.owner().await).await.unwrap();
}

#[tokio::test]
async fn a_process_that_stops_waits_for_what_it_runs_and_takes_nothing_new() {
    let (queue, gate, log) = (Queue::start().await, Gate::shut(), Log::default());
    let serving = queue.serve("one", log.with(gate.handlers("hold")));
    let held = queue.promise(NewJob::now("hold", Value::Null)).await;
    gate.until_held(1).await;
    serving.stop.cancel();
    // It may have been asking for jobs just then.
    Watch::over(&queue.database).await.until_quiet().await;
    let after = queue.promise(NewJob::now("note", json!("after"))).await;
    queue.until_state(held, JobState::Running).await;
    assert!(!serving.task.is_finished());
    gate.open();
    serving.stop().await;
    assert_eq!(queue.state(held).await, None, "it is done");
    assert_eq!((queue.state(after).await, log.seen().len()), (Some(JobState::Queued), 0));
}

#[tokio::test]
async fn jobs_that_a_shutdown_cuts_off_are_given_back_and_run_elsewhere_at_once() {
    // Given a process that runs a job for the first and the last time, and one that has failed before,
    let (queue, gate) = (Queue::start().await, Gate::shut());
    let failing = Handlers::default().with("hold", |_| async { anyhow::bail!("the cold store is shut") });
    let again = queue.promise(NewJob::now("hold", json!("again"))).await;
    queue.run_one(again, failing).await;
    queue.pass(TimeDelta::hours(1)).await;
    let once = queue.promise(NewJob { max_attempts: 1, ..NewJob::now("hold", json!("once")) }).await;
    let serving = queue.serve("one", gate.handlers("hold"));
    gate.until_held(2).await;
    // when it stops and they do not end,
    serving.stop().await;
    // then they are as they were before it began them, nobody works at them,
    assert_eq!(gate.now(), 0);
    let (again_now, once_now) = (queue.get(again).await.unwrap(), queue.get(once).await.unwrap());
    assert_eq!((again_now.state, again_now.attempts), (JobState::Queued, 1));
    assert_eq!(again_now.last_error.as_deref(), Some("the cold store is shut"));
    assert_eq!((once_now.state, once_now.attempts, once_now.last_error), (JobState::Queued, 0, None));
    // and the next process runs them.
    gate.open();
    for id in [again, once] {
        assert_eq!(queue.run_one(id, gate.handlers("hold")).await, Ran::Done);
    }
}

#[tokio::test]
async fn a_database_that_is_away_for_a_while_costs_no_job() {
    let (queue, gate, log) = (Queue::start().await, Gate::shut(), Log::default());
    let serving = queue.serve("one", log.with(gate.handlers("hold")));
    let later = NewJob { run_in: TimeDelta::hours(1), ..NewJob::now("note", json!("waited")) };
    let ids = queue.promise_all(&[NewJob::now("hold", Value::Null), later]).await;
    gate.until_held(1).await;
    // Given a job that ends while nobody can be told,
    queue.database.close_doors().await;
    gate.open();
    gate.until_held(0).await;
    // when the database is back, and the lease has run out,
    queue.database.open_doors().await;
    queue.pass(TimeDelta::hours(1)).await;
    log.until_seen(&json!("waited")).await;
    until("that it is done is written down", async || queue.state(ids[1]).await.is_none()).await;
    queue.lapse("one").await;
    // then it is done once more: at least once was promised.
    queue.until_empty().await;
    assert_eq!(log.seen().len(), 1);
    serving.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_leaves_no_job_running() {
    let database = TestDatabase::create().await;
    let world = WorldOptions::working().on(&database).start().await;
    until_scheduled(&database).await;
    until_no_jobs(&database).await;
    let holding = Holding::tokens(&database).await;
    make_all_due(&database).await;
    until_state_is(&database, "expired_tokens", "RUNNING").await;

    let stopping = tokio::spawn(world.shutdown());
    holding.let_go().await;
    stopping.await.unwrap();
    let left = states(&database).await;
    assert!(left.iter().all(|(_, state)| state == "QUEUED"), "{left:?}");

    // The next one does what is left.
    let world = WorldOptions::working().on(&database).start().await;
    make_all_due(&database).await;
    until_no_jobs(&database).await;
    world.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_killed_over_a_job_loses_nothing() {
    // Given a real server in the middle of a job, and more that wait,
    let database = TestDatabase::create().await;
    let holding = Holding::tokens(&database).await;
    let mut owner = database.owner().await;
    let wait = "insert into jobs (id, kind, payload, priority, state, run_at, max_attempts, created_at, updated_at)
                select gen_random_uuid(), 'nobody''s', 'null', 0, 'QUEUED', now(), 10, now(), now()
                from generate_series(1, 5)";
    sqlx::query(wait).execute(&mut owner).await.unwrap();
    let serving = serve(&database).await;
    let running = ("expired_tokens".to_owned(), "RUNNING".to_owned());
    until("only it is left to do", async || {
        let states = states(&database).await;
        states.len() == 6 && states.contains(&running)
    })
    .await;
    // when it is killed,
    drop(serving);
    holding.let_go().await;
    // then all is there,
    let left = states(&database).await;
    assert_eq!(left.iter().filter(|(_, state)| state == "RUNNING").collect::<Vec<_>>(), [&running]);
    assert_eq!(left.iter().filter(|(kind, _)| kind == "nobody's").count(), 5);
    // and the next server goes on where it was, once the dead one has been silent for long.
    let serving = serve(&database).await;
    until("the rest is done", async || states(&database).await.len() == 5).await;
    assert_eq!(serving.terminate().await.code, 0);
    assert!(states(&database).await.iter().all(|(kind, state)| kind == "nobody's" && state == "QUEUED"));
}
