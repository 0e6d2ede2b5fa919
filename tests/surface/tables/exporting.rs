//! Exports by how many run, by their version, and without a directory for temporary files.
use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, Client, NewFlight, Watch, World};
use tokio::task::JoinSet;

use super::cells;

const FLIGHTS: &str = "/api/v1/flights/export";

#[tokio::test]
async fn a_caller_has_two_exports_at_a_time_and_all_callers_have_eight() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let mut callers = vec![world.anonymous()];
    for role in [Role::Customer, Role::Customer, Role::Operator] {
        callers.push(world.caller(role).await);
    }
    let late = world.customer().await;
    let mut owner = world.owner().await;
    sqlx::raw_sql("begin; lock table flights").execute(&mut owner).await.unwrap();
    let mut running = JoinSet::new();
    for caller in [callers.clone(), callers.clone()].concat() {
        running.spawn(async move { caller.get(FLIGHTS).await });
    }
    Watch::over(&world.database).await.until_waiting(8).await;
    let refused = |answer: Answer, status, code| {
        assert_eq!(answer.header("retry-after"), Some("5"));
        answer.expect_problem(status, code);
    };
    for caller in [&callers[0], &callers[1]] {
        refused(caller.get(FLIGHTS).await, 429, "rate_limited");
        refused(caller.get("/api/v1/airports/export").await, 429, "rate_limited");
    }
    refused(late.get(FLIGHTS).await, 503, "unavailable");
    late.get("/api/v1/flights?origin=XXX").await.expect_problem(400, "validation_failed");
    sqlx::raw_sql("rollback").execute(&mut owner).await.unwrap();
    for answer in running.join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for caller in [&callers[0], &late] {
        assert_eq!(caller.get(FLIGHTS).await.status, 200);
    }
}

async fn tag_of(client: &Client, path: &str) -> String {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    answer.header("etag").unwrap().to_owned()
}

#[tokio::test]
async fn an_export_of_flights_has_a_tag_that_changes_with_each_of_them() {
    let world = World::start().await;
    let stranger = world.anonymous();
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let path = format!("{FLIGHTS}?origin=DEL");
    let first = tag_of(&stranger, &path).await;
    assert_ne!(first, tag_of(&stranger, &format!("{path}&format=xlsx")).await, "other bytes");
    let known = stranger.request(reqwest::Method::GET, &path).header("if-none-match", &first);
    let known = Answer::of(known).await;
    assert_eq!((known.status.as_u16(), known.text.as_str(), known.header("etag")), (304, "", Some(first.as_str())));
    world.flight(NewFlight::new("AI103", "BOM", "LHR")).await;
    assert_eq!(first, tag_of(&stranger, &path).await, "of another airport");
    let changed = serde_json::json!({"capacity": {"weight_kg": 5_000}});
    let id = flight["id"].as_str().unwrap();
    world.admin().await.patch(&format!("/api/v1/flights/{id}"), changed).await.expect(200);
    let second = tag_of(&stranger, &path).await;
    assert_ne!(first, second);
    world.flight(NewFlight::new("AI105", "DEL", "BOM")).await;
    assert_ne!(second, tag_of(&stranger, &path).await);
}

#[tokio::test]
async fn a_workbook_of_more_rows_than_a_page_is_whole_and_in_order() {
    let world = World::start().await;
    let rows: Vec<String> = (0..1200)
        .map(|row| {
            let (day, number) = (1 + row % 28, 1000 + row / 28);
            format!("AI{number},DEL,LHR,2027-02-{day:02}T10:00:00Z,2027-02-{day:02}T19:00:00Z,,1000,10,5,60")
        })
        .collect();
    let table = loadmaster_testkit::import::table(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    world.admin().await.post_raw("/api/v1/flights/import", "text/csv", table).await.expect(200);
    let sheet = cells(super::exported(&world.anonymous(), &format!("{FLIGHTS}?format=xlsx")).await);
    assert_eq!(sheet.len(), 1201);
    let departures: Vec<String> = sheet[1..].iter().map(|row| row[3].to_string()).collect();
    assert!(departures.is_sorted(), "in the order of the list");
}
