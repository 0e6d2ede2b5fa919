//! `loadmaster jobs`, and what the metrics say.
use std::collections::{BTreeMap, BTreeSet};

use loadmaster_testkit::{
    SCHEDULES, TestDatabase,
    command::{Done, Serving, loadmaster},
    until,
};
use sqlx::Connection;
use uuid::Uuid;

/// A real server.
pub async fn serve(database: &TestDatabase) -> Serving {
    // Nobody reads its log: a line for each of many requests would fill the pipe, and the server would wait.
    loadmaster(&["serve"]).on(database).env("RUST_LOG", "warn").serve().ready().await
}

async fn jobs(database: &TestDatabase, arguments: &[&str]) -> Done {
    loadmaster(&[&["jobs"], arguments].concat()).on(database).run().await
}

/// Puts a job into the queue behind the commands.
async fn put(database: &TestDatabase, kind: &str, state: &str, error: Option<&str>) -> Uuid {
    let id = Uuid::new_v4();
    let query = "insert into jobs (id, kind, payload, priority, state, run_at, attempts, max_attempts, last_error,
                                   created_at, updated_at)
                 values ($1, $2, 'null', 0, $3, '2020-02-29 08:00:00Z', 3, 3, $4, now(), now())";
    let insert = sqlx::query(query).bind(id).bind(kind).bind(state).bind(error);
    insert.execute(&mut database.owner().await).await.unwrap();
    id
}

async fn state(database: &TestDatabase, id: Uuid) -> Option<String> {
    let query = sqlx::query_scalar("select state from jobs where id = $1").bind(id);
    query.fetch_optional(&mut database.owner().await).await.unwrap()
}

async fn count(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("select count(*) from jobs").fetch_one(&mut database.owner().await).await.unwrap()
}

#[tokio::test]
async fn jobs_list_shows_what_waits_what_has_failed_for_good_and_what_is_scheduled() {
    let database = TestDatabase::create().await;
    let printed = jobs(&database, &["list"]).await.succeeded();
    let [head, last] = printed.lines().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    let columns: Vec<_> = head.split_whitespace().collect();
    assert_eq!(columns, ["id", "state", "kind", "attempts", "runs", "at", "error"]);
    let scheduled = last.strip_prefix("0 jobs. Scheduled: ").unwrap().strip_suffix('.').unwrap();
    let scheduled: BTreeMap<_, _> = scheduled.split(", ").map(|text| text.split_once(" (every ").unwrap()).collect();
    assert_eq!(scheduled.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from(SCHEDULES));
    let periods = ["partitions_ahead", "expired_tokens", "flight_steps"].map(|name| scheduled[name]);
    assert_eq!(periods, ["24 h)", "1 h)", "5 min)"]);

    let waiting = put(&database, "expired_tokens", "QUEUED", None).await;
    let dead = put(&database, "old_outbox", "DEAD", Some("the cold store is shut")).await;
    let printed = jobs(&database, &["list"]).await.succeeded();
    let [_, first, second, last] = printed.lines().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    let cells = |line: &str| line.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    let (dead, waiting) = (dead.to_string(), waiting.to_string());
    let expected = ["DEAD", "old_outbox", "3/3", "2020-02-29T08:00:00Z", "the", "cold", "store", "is", "shut"];
    assert_eq!((&cells(first)[0], &cells(first)[1..]), (&dead, &expected.map(String::from)[..]));
    let expected = ["QUEUED", "expired_tokens", "3/3", "2020-02-29T08:00:00Z"];
    assert_eq!((&cells(second)[0], &cells(second)[1..]), (&waiting, &expected.map(String::from)[..]));
    assert!(last.starts_with("2 jobs. "), "{last}");
}

#[tokio::test]
async fn daily_jobs_have_a_time_of_day_by_the_settings_and_others_are_refused() {
    let database = TestDatabase::create().await;
    let listed = async |schedules: &str, zone: &str| {
        let (schedules, zone) = (format!("server.schedules={schedules}"), format!("server.time_zone={zone}"));
        loadmaster(&["--set", &schedules, "--set", &zone, "jobs", "list"]).on(&database).run().await
    };
    let two = r#"{ old_quotes = { at = "04:00" }, partitions_ahead = { at = "23:30", weekday = 7 } }"#;
    let printed = listed(two, "Europe/Berlin").await.succeeded();
    for text in ["old_quotes (daily at 04:00 Europe/Berlin)", "partitions_ahead (Sun at 23:30 Europe/Berlin)"] {
        assert!(printed.contains(text), "{printed}");
    }
    for (schedules, zone, named) in [
        (r#"{ old_hats = { at = "04:00" } }"#, "UTC", "old_hats"),
        (r#"{ expired_tokens = { at = "04:00" } }"#, "UTC", "expired_tokens"),
        ("{}", "Mars/Olympus", "Mars/Olympus"),
    ] {
        let complaint = listed(schedules, zone).await.complained();
        assert!(complaint.contains(named), "{complaint}");
    }
}

#[tokio::test]
async fn jobs_run_does_a_scheduled_job_now() {
    let database = TestDatabase::create().await;
    for name in SCHEDULES {
        assert_eq!(jobs(&database, &["run", name]).await.succeeded(), format!("{name} is done.\n"));
        assert_eq!(count(&database).await, 0);
    }
    let partition = chrono::Utc::now().format("bookings_%Y_%m").to_string();
    let made: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(partition)
        .fetch_one(&mut database.owner().await)
        .await
        .unwrap();
    assert!(made);

    for unknown in ["nonsense", "", "old_outbox ", "count(*)"] {
        let complaint = jobs(&database, &["run", unknown]).await.complained();
        assert!(SCHEDULES.iter().all(|name| complaint.contains(name)), "{complaint}");
    }
    assert_eq!(jobs(&database, &["run"]).await.code, 2);
    assert_eq!(jobs(&database, &[]).await.code, 2);
    assert_eq!(count(&database).await, 0);
}

#[tokio::test]
async fn a_run_that_fails_says_so_and_can_be_run_again_at_once() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    sqlx::raw_sql("begin; lock table refresh_tokens").execute(&mut owner).await.unwrap();
    let complaint = jobs(&database, &["run", "expired_tokens"]).await.complained();
    assert!(complaint.contains("expired_tokens failed and will be retried: "), "{complaint}");
    let printed = jobs(&database, &["list"]).await.succeeded();
    assert!(
        printed.contains(" QUEUED ") && printed.contains(" 1/10 ") && printed.contains("lock timeout"),
        "{printed}"
    );
    owner.close().await.unwrap();

    // It waits for its next attempt, but somebody asks for it now.
    assert_eq!(jobs(&database, &["run", "expired_tokens"]).await.succeeded(), "expired_tokens is done.\n");
    assert_eq!(count(&database).await, 0);
}

#[tokio::test]
async fn jobs_retry_brings_back_one_dead_job_or_all() {
    let database = TestDatabase::create().await;
    let dead = async |error| put(&database, "old_outbox", "DEAD", Some(error)).await;
    let (one, other, third) = (dead("a").await, dead("b").await, dead("c").await);
    let waiting = put(&database, "old_outbox", "QUEUED", None).await;
    assert_eq!(jobs(&database, &["retry", &one.to_string()]).await.succeeded(), "Jobs queued again: 1\n");
    assert_eq!(state(&database, one).await.as_deref(), Some("QUEUED"));
    assert_eq!(state(&database, other).await.as_deref(), Some("DEAD"));

    for not_dead in [one, waiting, Uuid::new_v4()] {
        let complaint = jobs(&database, &["retry", &not_dead.to_string()]).await.complained();
        assert!(complaint.contains("no dead job with this id"), "{complaint}");
    }
    for senseless in [&["retry"][..], &["retry", "all"], &["retry", &other.to_string(), "--all"]] {
        assert_eq!(jobs(&database, senseless).await.code, 2, "{senseless:?}");
    }
    assert_eq!(jobs(&database, &["retry", "--all"]).await.succeeded(), "Jobs queued again: 2\n");
    assert_eq!(jobs(&database, &["retry", "--all"]).await.succeeded(), "Jobs queued again: 0\n");
    for id in [one, other, third, waiting] {
        assert_eq!(state(&database, id).await.as_deref(), Some("QUEUED"));
    }
}

#[tokio::test]
async fn jobs_drop_gives_up_one_dead_job_and_no_other() {
    let database = TestDatabase::create().await;
    let dead = async |error| put(&database, "old_outbox", "DEAD", Some(error)).await;
    let (one, other) = (dead("a").await, dead("b").await);
    let (waiting, running) =
        (put(&database, "old_outbox", "QUEUED", None).await, put(&database, "old_outbox", "RUNNING", None).await);
    assert_eq!(jobs(&database, &["drop", &one.to_string()]).await.succeeded(), format!("{one} is deleted.\n"));
    assert_eq!(state(&database, one).await, None);

    for not_dead in [one, waiting, running, Uuid::new_v4()] {
        let complaint = jobs(&database, &["drop", &not_dead.to_string()]).await.complained();
        assert!(complaint.contains("no dead job with this id"), "{complaint}");
    }
    for senseless in [&["drop"][..], &["drop", "--all"], &["drop", "old_outbox"]] {
        assert_eq!(jobs(&database, senseless).await.code, 2, "{senseless:?}");
    }
    for (id, expected) in [(other, "DEAD"), (waiting, "QUEUED"), (running, "RUNNING")] {
        assert_eq!(state(&database, id).await.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn the_jobs_commands_require_the_migration_first() {
    let database = TestDatabase::empty().await;
    for arguments in [&["list"][..], &["run", "old_outbox"], &["retry", "--all"], &["drop", &Uuid::nil().to_string()]] {
        let complaint = jobs(&database, arguments).await.complained();
        assert!(complaint.contains("loadmaster migrate"), "{complaint}");
    }
}

#[tokio::test]
async fn the_commands_work_beside_a_server_that_shows_its_queue_in_the_metrics() {
    let database = TestDatabase::create().await;
    let serving = serve(&database).await;
    until("the schedules have run", async || {
        let query = "select (select count(*) from schedules where name = any($1)) = cardinality($1)
                            and not exists (select from jobs)";
        sqlx::query_scalar(query).bind(&SCHEDULES[..]).fetch_one(&mut database.owner().await).await.unwrap()
    })
    .await;
    // Either of the two does it.
    let ran = jobs(&database, &["run", "expired_tokens"]).await.succeeded();
    assert!(ran == "expired_tokens is done.\n" || ran == "expired_tokens is already running.\n", "{ran}");
    let dead = put(&database, "old_outbox", "DEAD", Some("the cold store is shut")).await;
    let unknown = put(&database, "of the next version", "QUEUED", None).await;
    until("the depth is shown", async || {
        let told = serving.client().get("/metrics").await.text;
        let lines = ["loadmaster_jobs{state=\"queued\"} 1", "loadmaster_jobs{state=\"running\"} 0"];
        lines.iter().chain(&["loadmaster_jobs{state=\"dead\"} 1"]).all(|line| told.contains(line))
    })
    .await;
    let told = serving.client().get("/metrics").await.text;
    let oldest = told.lines().find_map(|line| line.strip_prefix("loadmaster_jobs_oldest_seconds ")).unwrap();
    assert!(oldest.parse::<f64>().unwrap() > 0.0, "{oldest}");

    jobs(&database, &["retry", &dead.to_string()]).await.succeeded();
    until("the server has done it", async || state(&database, dead).await.is_none()).await;
    until("it is counted", async || {
        let told = serving.client().get("/metrics").await.text;
        let count = |kind: &str| {
            let series = format!("loadmaster_jobs_total{{kind=\"{kind}\",outcome=\"done\"}} ");
            told.lines().find_map(|line| line.strip_prefix(&series)?.parse::<u32>().ok()).unwrap_or_default()
        };
        count("old_outbox") >= 2 && count("expired_tokens") >= 1 && count("partitions_ahead") == 1
    })
    .await;
    assert_eq!(state(&database, unknown).await.as_deref(), Some("QUEUED"));
    assert!(jobs(&database, &["list"]).await.succeeded().contains("of the next version"));
    assert_eq!(serving.terminate().await.code, 0);
}
