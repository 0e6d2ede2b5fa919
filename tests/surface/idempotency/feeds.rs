//! Feeds and their runs.
use loadmaster_testkit::{Client, World};
use serde_json::{Value, json};

use super::operations::Deed;

pub(super) const LIST: &str = "/api/v1/feeds";
pub(super) const ONE: &str = "/api/v1/feeds/{id}";
pub(super) const RESET: &str = "/api/v1/feeds/{id}/reset";
pub(super) const RUNS: &str = "/api/v1/feeds/{id}/runs";
const APPLY: &str = "/api/v1/feeds/{id}/runs/{run_id}/apply";
const REJECT: &str = "/api/v1/feeds/{id}/runs/{run_id}/reject";

fn feed(airline: &str) -> Value {
    json!({"name": "Flights", "kind": "FLIGHTS", "format": "CSV", "airline_codes": [airline]})
}

pub(super) async fn deeds(world: &World, caller: &Client) -> Vec<Deed> {
    let mut feeds = Vec::new();
    for airline in ["AI", "BA", "LH", "EK", "SQ"] {
        let made = caller.post(LIST, feed(airline)).await.expect(201);
        feeds.push(made["id"].as_str().unwrap().to_owned());
    }
    let [changed, started, applied, rejected, deleted] = feeds.try_into().unwrap();
    let mut runs = Vec::new();
    for of in [&applied, &rejected] {
        let id = uuid::Uuid::now_v7();
        world
            .sql(&format!(
                "insert into feed_runs (id, feed_id, trigger, status, started_at, ended_at)
                 values ('{id}', '{of}', 'FILE', 'REVIEW', '2026-11-20', '2026-11-20')"
            ))
            .await;
        runs.push(format!("{LIST}/{of}/runs/{id}"));
    }
    let deed =
        |method, template, path: String, body, status| Deed { operation: (method, template), path, body, status };
    vec![
        deed("POST", LIST, LIST.to_owned(), Some(feed("UA")), 201),
        deed("PATCH", ONE, format!("{LIST}/{changed}"), Some(json!({"name": "Mine"})), 200),
        deed("POST", RESET, format!("{LIST}/{changed}/reset"), None, 200),
        deed("DELETE", ONE, format!("{LIST}/{deleted}"), None, 204),
        deed("POST", RUNS, format!("{LIST}/{started}/runs"), Some(json!("flight_number\n")), 202),
        deed("POST", APPLY, format!("{}/apply", runs[0]), None, 202),
        deed("POST", REJECT, format!("{}/reject", runs[1]), None, 200),
    ]
}
