//! Feeds: what they refuse, what their runs do by themselves and what waits for a person.
mod applied;
mod codeshares;
mod cut;
mod failing;
mod files;
mod folders;
mod kept;
mod killed;
mod kinds;
mod meanwhile;
mod persons;
mod processes;
mod reviewed;
mod sources;

use chrono::TimeDelta;
use loadmaster_testkit::{
    Answer, Client, World, WorldOptions,
    freight::{text, with, without},
    import::table,
    until,
};
use serde_json::{Value, json};

const FEEDS: &str = "/api/v1/feeds";

/// A world whose feeds run, reach this machine, and have tokens that last.
fn feeding() -> WorldOptions {
    WorldOptions::working().set("auth.access_token_minutes", "500000").set("webhooks.trusted_networks", "127.0.0.0/8")
}

/// A feed of dated flights of Air India that gets its files by hand and applies what is harmless.
fn flights() -> Value {
    json!({"name": "Flights", "kind": "FLIGHTS", "format": "CSV", "airline_codes": ["AI"], "apply": "AUTO"})
}

fn at(feed: &Value) -> String {
    format!("{FEEDS}/{}", text(feed, "id"))
}

fn runs_of(feed: &Value) -> String {
    format!("{}/runs", at(feed))
}

fn at_run(run: &Value) -> String {
    format!("{FEEDS}/{}/runs/{}", text(run, "feed_id"), text(run, "id"))
}

/// Makes a feed.
async fn made(admin: &Client, feed: Value) -> Value {
    admin.post(FEEDS, feed).await.expect(201)
}

/// A row of a flight from Delhi to London of nine hours, that leaves after these days at this hour (0 to 14), UTC.
fn row(world: &World, number: &str, days: i64, hour: u32, aircraft: &str) -> String {
    let day = world.now().date_naive() + TimeDelta::days(days);
    format!("{number},DEL,LHR,{day}T{hour:02}:00:00Z,{day}T{:02}:00:00Z,{aircraft},,,,", hour + 9)
}

/// The flights AI101, AI102 and so on, this many, in ten days.
fn rows(world: &World, flights: usize) -> Vec<String> {
    (101..).take(flights).map(|number| row(world, &format!("AI{number}"), 10, 10, "77X")).collect()
}

fn file(rows: &[String]) -> String {
    table(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Waits for the end of a run, or until it waits for a person.
async fn ended(client: &Client, run: &Value) -> Value {
    let path = at_run(run);
    until("the run has ended", async || client.get(&path).await.expect(200)["status"] != "RUNNING").await;
    client.get(&path).await.expect(200)
}

/// Runs a feed by this file.
async fn run(admin: &Client, feed: &Value, rows: &[String]) -> Value {
    let started = admin.post_raw(&runs_of(feed), "text/csv", file(rows)).await.expect(202);
    assert_eq!(
        (&started["status"], &started["trigger"], &started["ended_at"]),
        (&json!("RUNNING"), &json!("FILE"), &Value::Null)
    );
    ended(admin, &started).await
}

/// Runs a feed by its source.
async fn run_now(admin: &Client, feed: &Value) -> Value {
    let started = admin.poke(&runs_of(feed)).await.expect(202);
    assert_eq!(started["trigger"], "PERSON");
    ended(admin, &started).await
}

/// Status, created, updated, unchanged, kept, absent, refused and cancelled.
fn summary(run: &Value) -> String {
    let members = ["created", "updated", "unchanged", "kept", "absent", "refused", "cancelled"];
    let numbers: Vec<String> = members.iter().map(|member| run[*member].to_string()).collect();
    format!("{} {}", text(run, "status"), numbers.join(" "))
}

/// The flights on the schedule, for carrier staff.
async fn schedule(client: &Client) -> Vec<Value> {
    let list = client.get("/api/v1/flights?limit=100&sort=flight_number").await.expect(200);
    list.as_array().unwrap().clone()
}

async fn flight_of(client: &Client, number: &str) -> Value {
    let list = client.get(&format!("/api/v1/flights?flight_number={number}&status=SCHEDULED")).await.expect(200);
    list[0].clone()
}

/// The path of the next page.
fn next_of(page: &Answer) -> String {
    let link = page.header("link").expect("a further page");
    let address = link.split(['<', '>']).nth(1).unwrap();
    address[address.find("/api/").unwrap()..].to_owned()
}

fn because(run: &Value) -> &str {
    text(run, "because")
}

#[tokio::test]
async fn each_fault_of_a_feed_names_its_member() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let header = |name: &str, value: &str| json!({"headers": [{"name": name, "value": value}]});
    for (wanted, pointer, code) in [
        (without(flights(), "name"), "/name", "required"),
        (with(flights(), json!({"kind": "FLIGHT"})), "/kind", "unknown_value"),
        (with(flights(), json!({"format": "XML"})), "/format", "unknown_value"),
        (with(flights(), json!({"format": "SSIM"})), "/format", "not_allowed"),
        (without(flights(), "airline_codes"), "/airline_codes", "required"),
        (with(flights(), json!({"airline_codes": ["0Q"]})), "/airline_codes/0", "unknown_value"),
        (with(flights(), json!({"kind": "REFERENCE_RATES"})), "/airline_codes", "not_allowed"),
        (with(flights(), json!({"kind": "TARIFFS", "cancels_absent": true})), "/cancels_absent", "not_allowed"),
        (with(flights(), json!({"every_minutes": 14})), "/every_minutes", "too_small"),
        (with(flights(), json!({"every_minutes": 10_081})), "/every_minutes", "too_large"),
        (with(flights(), json!({"apply": "NEVER"})), "/apply", "unknown_value"),
        (with(flights(), json!({"url": "https://10.0.0.1/x"})), "/url", "not_allowed"),
        (with(flights(), json!({"url": "https://u:p@files.example/"})), "/url", "not_allowed"),
        (with(flights(), json!({"folder": "ai"})), "/folder", "not_allowed"),
        (with(flights(), header("Host", "x")), "/headers/0/name", "not_allowed"),
        (with(flights(), header("no name", "x")), "/headers/0/name", "invalid_format"),
        (with(flights(), header("X-Key", "ü")), "/headers/0/value", "invalid_format"),
        (with(flights(), json!({"rows": 1})), "/rows", "unknown_field"),
    ] {
        let faults = admin.post(FEEDS, wanted.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{wanted}");
    }
    assert_eq!(admin.get(FEEDS).await.expect(200), json!([]));
}

#[tokio::test]
async fn folders_lead_to_no_place_outside() {
    let directory = tempfile::tempdir().unwrap();
    let options = feeding().set("feeds.folder", directory.path().to_str().unwrap());
    let world = World::with(options).await;
    let admin = world.admin().await;
    for folder in ["..", "../x", "/etc", "ai/../../x", ".hidden", "ai/.x"] {
        let faults = admin.post(FEEDS, with(flights(), json!({"folder": folder}))).await.expect_faults();
        assert_eq!(faults.len(), 1, "{folder}");
        assert_eq!(faults[0].0, "/folder", "{folder}");
    }
    let both = with(flights(), json!({"folder": "ai", "url": "https://files.example/"}));
    let faults = admin.post(FEEDS, both).await.expect_faults();
    assert_eq!(faults, [("/folder".to_owned(), "not_allowed".to_owned())]);
}
