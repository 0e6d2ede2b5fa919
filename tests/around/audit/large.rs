//! A million entries, in the memory of a few thousand.
use std::{process::Stdio, time::Duration};

use loadmaster_testkit::{TestDatabase, is_long};
use sqlx::Executor;
use tokio::process::Command;

const BOOKINGS: u32 = 100_000;
/// Of each booking: it is made, and amended nine times.
const CHANGES: u32 = 10;
/// As many on one flight.
const ABOARD: u32 = 200;

/// Books made by SQL, as the product would have left them: `bookings` on flights of a thousand tonnes, each amended back
/// and forth.
async fn fill(database: &TestDatabase, bookings: u32) {
    let flights = bookings / ABOARD;
    let mut owner = database.owner().await;
    owner.execute("set session_replication_role = replica; ").await.unwrap();
    let statements = include_str!("large.sql")
        .replace(":flights", &flights.to_string())
        .replace(":bookings", &bookings.to_string())
        .replace(":aboard", &ABOARD.to_string())
        .replace(":changes", &CHANGES.to_string());
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statements))).await.unwrap();
}

/// Audits, and answers what it said and how many kilobytes it held at most.
async fn audited(database: &TestDatabase) -> (String, u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.args(["audit", "--rebuild"]).env_clear().envs(database.environment());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let child = child.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id().unwrap());
    let watching = tokio::spawn(async move {
        let mut most = 0;
        // Ends with the process.
        while let Ok(text) = tokio::fs::read_to_string(&status).await {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(line) = line else { break };
            most = line.trim().trim_end_matches(" kB").parse().unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        most
    });
    let output = child.wait_with_output().await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    (told, watching.await.unwrap())
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_million_entries_are_audited_in_bounded_memory() {
    if !is_long() {
        return;
    }
    let (small, large) = (TestDatabase::create().await, TestDatabase::create().await);
    fill(&small, 2 * ABOARD).await;
    fill(&large, BOOKINGS).await;
    let (_, little) = audited(&small).await;
    let began = std::time::Instant::now();
    let (told, most) = audited(&large).await;
    println!("{told}{:?}; {little} kB for a few, {most} kB for all", began.elapsed());
    assert!(told.contains(&format!("{} ledger entries", BOOKINGS * CHANGES + BOOKINGS / ABOARD)), "{told}");
    // The rows would take hundreds of megabytes.
    assert!(little > 0 && most < little + 30_000, "{little} kB for a few, {most} kB for all");
}
