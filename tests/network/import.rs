//! Timetables as CSV: all or nothing, each flight made or changed by its name.
mod bulk;
mod faults;
mod million;
mod upsert;
mod version;

use loadmaster_testkit::{
    Answer, Client, World,
    import::{counts, table},
};
use serde_json::Value;

const IMPORT: &str = "/api/v1/flights/import";

async fn import(admin: &Client, table: impl Into<reqwest::Body>) -> Answer {
    admin.post_raw(IMPORT, "text/csv", table).await
}

/// Imports rows that have no fault.
async fn import_rows(admin: &Client, rows: &[&str]) -> (u64, u64, u64) {
    counts(&import(admin, table(rows)).await.expect(200))
}

/// All flights on the schedule.
async fn schedule(world: &World) -> Vec<Value> {
    world.anonymous().get("/api/v1/flights?limit=100").await.expect(200).as_array().unwrap().clone()
}

/// The faults as (row, pointer, code), in the order told.
fn faults(answer: Answer) -> Vec<(u64, String, String)> {
    let problem = answer.expect_problem(400, "validation_failed");
    let told = |fault: &Value| {
        assert_eq!(fault["in"], "body");
        assert!(fault["message"].as_str().is_some_and(|message| message.ends_with('.')), "{fault}");
        let text = |member: &str| fault[member].as_str().unwrap().to_owned();
        (fault["row"].as_u64().unwrap(), text("pointer"), text("code"))
    };
    problem["errors"].as_array().unwrap().iter().map(told).collect()
}

fn fault(row: u64, pointer: &str, code: &str) -> (u64, String, String) {
    (row, pointer.to_owned(), code.to_owned())
}

async fn execute(world: &World, sql: &'static str) {
    sqlx::query(sql).execute(&mut world.database.owner().await).await.unwrap();
}
