//! What is promised again and again: once over all processes, in step, whatever the clocks do.
use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use loadmaster_platform::{
    clock::ManualClock,
    jobs::{Handlers, JobState, Ran, Schedule, Schedules, TimeOfDay},
    zones::Zone,
};
use loadmaster_testkit::{start_of_time, until};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Queue;

static HOURLY: [Schedule; 1] = [Schedule { name: "hourly", every: TimeDelta::hours(1) }];
static TWO: [Schedule; 2] =
    [Schedule { name: "daily", every: TimeDelta::days(1) }, Schedule { name: "hourly", every: TimeDelta::hours(1) }];

fn schedules(queue: &Queue, all: &'static [Schedule]) -> Schedules {
    schedules_at(queue, all, start_of_time())
}

/// Of a process whose clock shows this.
fn schedules_at(queue: &Queue, all: &'static [Schedule], now: DateTime<Utc>) -> Schedules {
    Schedules::new(queue.db.clone(), all, queue.ids.clone(), Arc::new(ManualClock::at(now)))
}

/// Does every job there is; answers the kinds, in the order in which they came.
async fn do_all(queue: &Queue) -> Vec<String> {
    let handlers = Handlers::default().with("hourly", |_| async { Ok(()) }).with("daily", |_| async { Ok(()) });
    let mut jobs = queue.jobs().await;
    jobs.sort_by_key(|job| job.id);
    for job in &jobs {
        assert_eq!(queue.run_one(job.id, handlers.clone()).await, Ran::Done);
    }
    jobs.into_iter().map(|job| job.kind).collect()
}

/// Looks once whether something is due, and does it; how many jobs that were.
async fn tick(queue: &Queue, schedules: &Schedules) -> usize {
    schedules.promise_due().await.unwrap();
    do_all(queue).await.len()
}

/// In how many minutes the hourly one is due, the one that has begun being counted.
async fn minutes_to_go(queue: &Queue) -> i32 {
    let query = "select ceil(extract(epoch from next_run_at - clock_timestamp()) / 60)::int from schedules
                 where name = 'hourly'";
    sqlx::query_scalar(query).fetch_one(&mut queue.database.owner().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_processes_enqueues_a_due_schedule() {
    let queue = Queue::start().await;
    for round in 0..10 {
        let mut looking = JoinSet::new();
        for _ in 0..8 {
            let process = schedules(&queue, &TWO);
            looking.spawn(async move { process.promise_due().await.unwrap() });
        }
        looking.join_all().await;
        let kinds = do_all(&queue).await;
        let expected: &[&str] = if round == 0 { &["daily", "hourly"] } else { &["hourly"] };
        assert_eq!(kinds, expected, "round {round}");
        queue.pass(TimeDelta::hours(1)).await;
    }
}

#[tokio::test]
async fn a_schedule_is_due_at_once_and_then_each_time_its_period_is_over() {
    let queue = Queue::start().await;
    let schedules = schedules(&queue, &TWO);
    schedules.promise_due().await.unwrap();
    let jobs = queue.jobs().await;
    assert!(
        jobs.iter().all(|job| job.state == JobState::Queued && job.run_at == job.created_at && job.max_attempts > 1)
    );
    assert_eq!(do_all(&queue).await, ["daily", "hourly"]);
    assert_eq!(tick(&queue, &schedules).await, 0);
    for hour in 1..=24 {
        queue.pass(TimeDelta::minutes(55)).await;
        assert_eq!(tick(&queue, &schedules).await, 0, "just before {hour}");
        queue.pass(TimeDelta::minutes(5)).await;
        assert_eq!(tick(&queue, &schedules).await, if hour == 24 { 2 } else { 1 }, "{hour}");
        assert_eq!(tick(&queue, &schedules).await, 0, "just after {hour}");
    }
}

#[tokio::test]
async fn missed_runs_are_caught_up_once_and_then_it_is_in_step_again() {
    let queue = Queue::start().await;
    let schedules = schedules(&queue, &HOURLY);
    assert_eq!(tick(&queue, &schedules).await, 1);
    queue.pass(TimeDelta::minutes(10 * 60 + 30)).await;
    assert_eq!(tick(&queue, &schedules).await, 1, "ten missed runs are caught up by one");
    assert_eq!(tick(&queue, &schedules).await, 0);
    assert_eq!(minutes_to_go(&queue).await, 30, "at the eleventh hour");
    queue.pass(TimeDelta::minutes(25)).await;
    assert_eq!(tick(&queue, &schedules).await, 0);
    queue.pass(TimeDelta::minutes(5)).await;
    assert_eq!(tick(&queue, &schedules).await, 1);
    queue.pass(TimeDelta::days(3650)).await;
    assert_eq!(tick(&queue, &schedules).await, 1);
    assert_eq!(minutes_to_go(&queue).await, 60);
}

#[tokio::test]
async fn a_run_that_still_waits_is_not_promised_again_and_a_dead_one_does_not_end_the_schedule() {
    let queue = Queue::start().await;
    let schedules = schedules(&queue, &HOURLY);
    for _ in 0..5 {
        schedules.promise_due().await.unwrap();
        assert_eq!(queue.jobs().await.len(), 1);
        queue.pass(TimeDelta::hours(1)).await;
    }
    let failing = Handlers::default().with("hourly", |_| async { anyhow::bail!("never") });
    let id = queue.jobs().await[0].id;
    while queue.state(id).await == Some(JobState::Queued) {
        assert!(matches!(queue.run_one(id, failing.clone()).await, Ran::Failed(_)));
        queue.pass(TimeDelta::hours(7)).await;
    }
    assert_eq!(queue.state(id).await, Some(JobState::Dead));
    schedules.promise_due().await.unwrap();
    let jobs = queue.jobs().await;
    assert_eq!((jobs.len(), jobs[0].id, jobs[1].state), (2, id, JobState::Queued));
    let fine = Handlers::default().with("hourly", |_| async { Ok(()) });
    assert_eq!(queue.run_one(jobs[1].id, fine).await, Ran::Done);
}

/// Ten hours in steps of twenty minutes, the clock being moved by `jump` at the third hour and by `back` at the sixth. How
/// often the hourly job ran.
async fn hours_with_jumps(jump: TimeDelta, back: TimeDelta) -> usize {
    let queue = Queue::start().await;
    let schedules = schedules(&queue, &HOURLY);
    let mut runs = 0;
    for step in 0..30 {
        match step {
            9 => queue.pass(jump).await,
            18 => queue.pass(back).await,
            _ => {}
        }
        let ran = tick(&queue, &schedules).await;
        assert_eq!(tick(&queue, &schedules).await, 0, "it ran twice at once in step {step}");
        let ahead = minutes_to_go(&queue).await;
        assert!((1..=60).contains(&ahead), "step {step}: the next run is {ahead} min ahead");
        runs += ran;
        queue.pass(TimeDelta::minutes(20)).await;
    }
    runs
}

#[tokio::test]
async fn a_clock_that_jumps_an_hour_either_way_costs_at_most_one_run_and_stops_none() {
    let (hour, none) = (TimeDelta::hours(1), TimeDelta::zero());
    assert_eq!(hours_with_jumps(none, none).await, 10);
    for (jump, back) in
        [(hour, -hour), (-hour, hour), (hour, none), (-hour, none), (-hour * 300, none), (hour * 300, none)]
    {
        let runs = hours_with_jumps(jump, back).await;
        assert!((9..=11).contains(&runs), "{jump} and {back}: {runs} runs in ten hours");
    }
}

#[tokio::test]
async fn processes_whose_clocks_differ_run_a_schedule_once_a_period_all_the_same() {
    let queue = Queue::start().await;
    let hours = [0, 1, -1, 30, -5000].map(TimeDelta::hours);
    let processes = hours.map(|skew| schedules_at(&queue, &HOURLY, start_of_time() + skew));
    let mut runs = 0;
    for _ in 0..4 * 6 {
        for process in &processes {
            runs += tick(&queue, process).await;
        }
        queue.pass(TimeDelta::minutes(10)).await;
    }
    assert_eq!(runs, 4, "in four hours");
}

#[tokio::test]
async fn a_schedule_goes_on_after_a_promise_that_was_not_committed() {
    let queue = Queue::start().await;
    let schedules = schedules(&queue, &HOURLY);
    assert_eq!(tick(&queue, &schedules).await, 1);
    queue.pass(TimeDelta::hours(1)).await;
    // The database refuses the job: the schedule has not moved on either.
    let mut owner = queue.database.owner().await;
    sqlx::query("alter table jobs add constraint none check (kind <> 'hourly')").execute(&mut owner).await.unwrap();
    assert_eq!(tick(&queue, &schedules).await, 0);
    assert!(minutes_to_go(&queue).await <= 0);
    sqlx::query("alter table jobs drop constraint none").execute(&mut owner).await.unwrap();
    assert_eq!(tick(&queue, &schedules).await, 1);
    assert_eq!(tick(&queue, &schedules).await, 0);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_promised_keeps_no_other_from_it() {
    let queue = Queue::start().await;
    let mut owner = queue.database.owner().await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$
                      begin raise exception 'not %', new.name; end $$;
                  create trigger refuse before insert or update on schedules
                      for each row when (new.name = 'daily') execute function refuse()";
    // Once one that is new, once one that has run before.
    for hours in [0, 24] {
        queue.pass(TimeDelta::hours(hours)).await;
        sqlx::raw_sql(refuse).execute(&mut owner).await.unwrap();
        let stop = CancellationToken::new();
        let promising = tokio::spawn(schedules(&queue, &TWO).run(stop.clone()));
        until("the other is promised", async || !queue.jobs().await.is_empty()).await;
        stop.cancel();
        promising.await.unwrap();
        assert_eq!(do_all(&queue).await, ["hourly"]);
        sqlx::raw_sql("drop trigger refuse on schedules; drop function refuse").execute(&mut owner).await.unwrap();
        schedules(&queue, &TWO).promise_due().await.unwrap();
        assert_eq!(do_all(&queue).await, ["daily"], "it is made up for");
    }
}

/// When the daily one is due.
async fn next_daily(queue: &Queue) -> DateTime<Utc> {
    let query = "select next_run_at from schedules where name = 'daily'";
    sqlx::query_scalar(query).fetch_one(&mut queue.database.owner().await).await.unwrap()
}

#[tokio::test]
async fn a_schedule_with_a_time_of_day_keeps_to_it_and_a_plan_too_far_ahead_is_brought_forward() {
    let queue = Queue::start().await;
    let began = Utc::now();
    let time = (began + TimeDelta::hours(2)).time().with_nanosecond(0).unwrap();
    let at = TimeOfDay { time, weekday: None, zone: Zone::named("UTC").unwrap() };
    let schedules = schedules(&queue, &TWO).at_times([("daily".to_owned(), at)].into());
    schedules.promise_due().await.unwrap();
    assert_eq!(do_all(&queue).await, ["daily", "hourly"], "a new schedule is due at once");
    assert_eq!(next_daily(&queue).await, at.after(began));
    assert_eq!(minutes_to_go(&queue).await, 60, "the others keep their intervals");
    assert_eq!(tick(&queue, &schedules).await, 0);
    let plan = async |ahead: &str| {
        let plan = format!("update schedules set next_run_at = now() + interval '{ahead}' where name = 'daily'");
        let mut owner = queue.database.owner().await;
        sqlx::query(sqlx::AssertSqlSafe(plan)).execute(&mut owner).await.unwrap();
    };
    plan("3 days").await;
    assert_eq!(tick(&queue, &schedules).await, 0, "it only moves");
    assert_eq!(next_daily(&queue).await, at.after(began));
    plan("-3 days").await;
    schedules.promise_due().await.unwrap();
    assert_eq!(do_all(&queue).await, ["daily"], "missed runs are caught up by one");
    assert_eq!(next_daily(&queue).await, at.after(began));
    let weekly = TimeOfDay { weekday: Some((began + TimeDelta::days(3)).weekday()), ..at };
    let schedules = schedules.at_times([("daily".to_owned(), weekly)].into());
    plan("-1 minutes").await;
    assert_eq!(tick(&queue, &schedules).await, 1);
    let next = next_daily(&queue).await;
    assert_eq!(next, weekly.after(began));
    assert!(next > began + TimeDelta::days(2), "{next}");
    assert_eq!(tick(&queue, &schedules).await, 0);
    assert_eq!(next_daily(&queue).await, next, "days ahead");
}

#[tokio::test]
async fn a_new_time_of_day_counts_from_the_start_and_two_processes_leave_each_others_plan_alone() {
    let queue = Queue::start().await;
    let began = Utc::now();
    let at = |hours| TimeOfDay {
        time: (began + TimeDelta::hours(hours)).time().with_nanosecond(0).unwrap(),
        weekday: None,
        zone: Zone::named("UTC").unwrap(),
    };
    let process = |time: TimeOfDay| schedules(&queue, &TWO).at_times([("daily".to_owned(), time)].into());
    let (early, late) = (process(at(2)), process(at(6)));
    early.move_to_times().await.unwrap();
    assert!(queue.jobs().await.is_empty(), "a schedule that has no plan yet is left to the first look");
    assert_eq!(tick(&queue, &early).await, 2);
    for (started, hours) in [(&late, 6), (&early, 2), (&late, 6)] {
        started.move_to_times().await.unwrap();
        assert_eq!(next_daily(&queue).await, at(hours).after(began));
        for process in [&early, &late, &early] {
            assert_eq!(tick(&queue, process).await, 0);
            assert_eq!(next_daily(&queue).await, at(hours).after(began), "no look moves it");
        }
    }
    queue.pass(TimeDelta::hours(7)).await;
    let due = next_daily(&queue).await;
    early.move_to_times().await.unwrap();
    assert_eq!(next_daily(&queue).await, due, "a run that is due is not put off");
    let stop = CancellationToken::new();
    let running = tokio::spawn(early.run(stop.clone()));
    until("it is enqueued", async || queue.jobs().await.iter().any(|job| job.kind == "daily")).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(next_daily(&queue).await, at(2).after(began));
    let stop = CancellationToken::new();
    let running = tokio::spawn(late.run(stop.clone()));
    until("the start moves it", async || next_daily(&queue).await == at(6).after(began)).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(do_all(&queue).await.len(), 2, "each once");
}
