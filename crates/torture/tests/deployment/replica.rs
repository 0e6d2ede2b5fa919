//! A standby that answers reads, coming and going under load.
use std::time::Duration;

use super::support::{Installation, Postgres, Redis, Sandbox, Torture, is_long, until};

async fn answered_by(server: &str, base: &str) -> u64 {
    let metrics = reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap();
    let begin = format!("loadmaster_replica_reads_total{{server=\"{server}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&begin)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_answers_reads_is_killed_and_silent_and_nobody_notices() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let primary = Postgres::create(&sandbox, "primary", &[]);
    let mut standby = Postgres::standby_of(&primary, &sandbox, "standby");
    let redis = Redis::start(&sandbox);
    let (owner, app) = (primary.url("loadmaster"), primary.url("loadmaster_app"));
    let installation = Installation::new(&sandbox, owner, app, Some(redis.url()));
    installation.migrate();
    let reading = installation.clone().set(&format!("database.read_url={}", standby.url("loadmaster_app")));
    let staff = reading.administrator();
    let (first, second) = (reading.serve(&sandbox, "first"), reading.serve(&sandbox, "second"));
    let bases = [first.base.as_str(), second.base.as_str()];
    let torture = Torture::start(&sandbox, &installation, &staff, &bases, 45);
    let pause = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    pause(10).await;
    let before = answered_by("replica", bases[0]).await;
    assert!(before > 0, "the standby answers");
    standby.kill();
    pause(6).await;
    standby.start();
    pause(8).await;
    let between = answered_by("replica", bases[0]).await;
    assert!(between > before, "it answers again");
    standby.freeze();
    pause(6).await;
    standby.thaw();
    torture.finish();
    let booked = primary.sql("select count(*) from bookings");
    until("the standby has caught up", || standby.sql("select count(*) from bookings") == booked);
    assert!(answered_by("primary", bases[0]).await > 0, "the primary answered meanwhile");
    reading.audit();
}
