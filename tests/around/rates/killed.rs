use std::{process::Stdio, time::Duration};

use chrono::{TimeDelta, Utc};
use loadmaster_testkit::{
    NewFlight, TestDatabase, WorldOptions,
    command::loadmaster,
    is_long,
    pricing::{TARIFFS, flat, make},
    program,
};
use serde_json::json;
use tokio::process::Command;

/// A process is killed at whatever step it is at, and another one takes its place: `./test --long killed_amid_a_run`.
#[tokio::test]
async fn a_process_that_is_killed_amid_a_run_counts_nothing_twice() {
    if !is_long() {
        return;
    }
    let database = TestDatabase::create().await;
    let world = WorldOptions::default().on(&database).start().await;
    // These processes have the clock of the database.
    let departure = (Utc::now() + TimeDelta::days(3)).to_rfc3339();
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs(&departure)).await;
    make(&world.admin().await, TARIFFS, flat("LANE", "3", json!({}))).await;
    for round in 1..=20 {
        for statement in [
            "delete from jobs",
            "truncate rate_points, rate_days, rate_lanes",
            // The lane has missed its turn of yesterday.
            "insert into rate_lanes values ('DEL', 'LHR', now() - interval '2 days', now() - interval '2 days')",
        ] {
            world.sql(statement).await;
        }
        let mut command = Command::new(program());
        command.args(["jobs", "run", "rate_samples"]).env_clear().envs(database.environment());
        command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(std::env::temp_dir());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(50 * round)).await;
        child.kill().await.unwrap();
        // Nobody waits here until its silence is noticed.
        world.sql("delete from jobs").await;
        loadmaster(&["jobs", "run", "rate_samples"]).on(&database).run().await.succeeded();
        let kept =
            world.texts("select weight_kg || ' ' || sum || ' ' || samples from rate_days order by weight_kg").await;
        assert_eq!(kept, ["100 30000 1", "300 30000 1", "1000 30000 1"], "killed after {} ms", 50 * round);
    }
}
