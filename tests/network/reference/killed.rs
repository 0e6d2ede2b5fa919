use std::{process::Stdio, time::Duration};

use chrono::{TimeDelta, Utc};
use loadmaster_testkit::{TestDatabase, WorldOptions, command::loadmaster, is_long, program};
use tokio::process::Command;

use super::punctuality::{JOB, flown};

/// A process is killed at whatever step it is at, and another one takes its place: `./test --long killed_amid_a_count`.
#[tokio::test]
async fn a_process_that_is_killed_amid_a_count_has_replaced_all_sums_or_none() {
    if !is_long() {
        return;
    }
    let database = TestDatabase::create().await;
    let world = WorldOptions::default().on(&database).start().await;
    // These processes have the clock of the database.
    let arrival = (Utc::now() - TimeDelta::days(10)).to_rfc3339();
    flown(&world, "AI", 0..20, &arrival, 0).await;
    flown(&world, "BA", 0..20, &arrival, 0).await;
    let sums = "select string_agg(airline_code || ' ' || flights, ', ' order by airline_code) from airline_punctuality";
    for round in 1..=20 {
        for statement in [
            "delete from jobs",
            "truncate airline_punctuality",
            "insert into airline_punctuality values ('MS', 30, 15, now())",
        ] {
            world.sql(statement).await;
        }
        let mut command = Command::new(program());
        command.args(["jobs", "run", JOB]).env_clear().envs(database.environment());
        command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(std::env::temp_dir());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(25 * round)).await;
        child.kill().await.unwrap();
        let kept = world.texts(sums).await;
        assert!(kept == ["MS 30"] || kept == ["AI 20, BA 20"], "killed after {} ms: {kept:?}", 25 * round);
        // Nobody waits here until its silence is noticed.
        world.sql("delete from jobs").await;
        loadmaster(&["jobs", "run", JOB]).on(&database).run().await.succeeded();
        assert_eq!(world.texts(sums).await, ["AI 20, BA 20"]);
    }
}
