//! More than the server can take, and callers that do not finish.
use std::time::Duration;

use loadmaster_testkit::{Answer, NewFlight, World, WorldOptions, exchange, until_blocked};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::JoinHandle;

/// A booking that waits for a row somebody else holds, until that one lets go.
struct Stuck {
    owner: PgConnection,
    waiting: JoinHandle<Answer>,
}

impl Stuck {
    async fn behind_a_lock(world: &World) -> Self {
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
        let mut owner = world.database.owner().await;
        owner.execute("begin; select * from flight_capacity for update").await.unwrap();
        let customer = world.customer().await;
        let waiting = tokio::spawn(async move { customer.post("/api/v1/bookings", order(&flight)).await });
        until_blocked(&world.anonymous(), 1).await;
        Self { owner, waiting }
    }

    async fn released(mut self) -> Answer {
        self.owner.execute("commit").await.unwrap();
        self.owner.close().await.unwrap();
        self.waiting.await.unwrap()
    }
}

fn order(flight: &Value) -> Value {
    json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1, "flight_ids": [flight["id"]]})
}

#[tokio::test]
async fn beyond_its_limit_the_server_refuses_early_but_still_reports_its_health() {
    let world = WorldOptions::patient()
        .set("server.max_in_flight", "1")
        .set("server.cors_origins", "https://console.example")
        .start()
        .await;
    let stuck = Stuck::behind_a_lock(&world).await;
    let request = world.anonymous().request(reqwest::Method::GET, "/api/v1/airports/DEL");
    let refused = Answer::of(request.header("origin", "https://console.example")).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://console.example"), "browsers may read it");
    refused.expect_problem(503, "unavailable");
    for path in ["/livez", "/readyz", "/health", "/metrics"] {
        assert_eq!(world.anonymous().get(path).await.status, 200, "{path}");
    }
    stuck.released().await.expect(201);
    world.anonymous().get("/api/v1/airports/DEL").await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_request_without_a_database_connection_in_time_gets_retry_after() {
    let world = WorldOptions::default()
        .set("database.max_connections", "1")
        .set("database.acquire_timeout_ms", "500")
        .start()
        .await;
    let held = world.db.begin().await.unwrap();
    let refused = world.anonymous().get("/api/v1/flights").await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.expect_problem(503, "unavailable");
    drop(held);
    world.anonymous().get("/api/v1/flights").await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_connection_that_does_not_finish_its_head_is_closed() {
    let timeout = Duration::from_millis(200);
    let world = WorldOptions::default().set("server.header_timeout_ms", &timeout.as_millis().to_string()).start().await;
    // `PRI` is how HTTP/2 begins: which protocol it will be is not known yet.
    for half in ["GET /livez HTTP/1.1\r\nHost: x\r\n", "GET /li", "PRI * HT", "P", ""] {
        let answer = exchange(&world.base, half.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{half:?}: {answer}");
    }
    let whole = exchange(&world.base, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(whole.starts_with("HTTP/1.1 200 OK"), "{whole}");
}
