//! What an OTLP collector is told: one connected trace from the caller down to the databases, and nothing of people.
mod carried;
mod collector;
mod connected;
mod set;
mod told;

use chrono::{SubsecRound, TimeDelta, Utc};
use loadmaster_testkit::{
    Client, OwnRedis, TestDatabase,
    command::{Done, Serving, loadmaster},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery";

/// A real server with a collector's address, or without.
struct Site {
    database: TestDatabase,
    _redis: OwnRedis,
    serving: Serving,
    log: TempDir,
    operator: Client,
    customer: Client,
    /// Kilograms enough for one booking in turn.
    flight: Value,
}

impl Site {
    async fn start(environment: &[(&str, &str)]) -> Self {
        let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
        let root = ["user", "create", "--email", "root@carrier.example", "--role", "admin", "--password-stdin"];
        loadmaster(&root).on(&database).stdin(PASSWORD).run().await.succeeded();
        let log = tempfile::tempdir().unwrap();
        let mut server = loadmaster(&["serve"]).on(&database).env("REDIS_URL", &redis.url());
        for (name, value) in environment {
            server = server.env(name, value);
        }
        let serving = server.logging_into(&log.path().join("log")).serve().ready().await;
        let session = |answer: Value| serving.client().with_token(answer["access_token"].as_str().unwrap());
        let login = json!({"email": "root@carrier.example", "password": PASSWORD});
        let operator = session(serving.client().post("/api/v1/auth/login", login).await.expect(200));
        let account =
            json!({"email": "annabella@forwarder.example", "password": PASSWORD, "name": "Annabella Smithson"});
        let customer = session(serving.client().post("/api/v1/auth/register", account).await.expect(201));
        let leaves = Utc::now().trunc_subsecs(0) + TimeDelta::hours(24);
        let flight = json!({"flight_number": "AI101", "origin": "DEL", "destination": "LHR",
                            "departure_datetime": leaves, "arrival_datetime": leaves + TimeDelta::hours(4),
                            "capacity": {"weight_kg": 90, "volume_m3": 1000, "positions": 10}});
        let flight = operator.post("/api/v1/flights", flight).await.expect(201);
        Self { database, _redis: redis, serving, log, operator, customer, flight }
    }

    /// What a caller says who is traced himself.
    async fn search_and_book(&self, traceparent: &str) -> Value {
        let day = &self.flight["departure_datetime"].as_str().unwrap()[..10];
        let path = format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date={day}");
        let found = self.customer.http.get(format!("{}{path}", self.serving.base));
        let found = found.bearer_auth(self.customer.token.as_ref().unwrap()).header("traceparent", traceparent);
        assert_eq!(found.send().await.unwrap().status(), 200);
        let party = json!({"name": "Secretive Shipper", "street": "Hidden Lane 7", "phone": "+4930555777",
                           "email": "shipper@secret.example"});
        let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10, "shipper": party,
                           "consignee": party, "description": "Confidential goods", "flight_ids": [self.flight["id"]]});
        let booked = self.customer.http.post(format!("{}/api/v1/bookings", self.serving.base)).json(&order);
        let booked = booked.bearer_auth(self.customer.token.as_ref().unwrap()).header("traceparent", traceparent);
        let booked = booked.header("x-request-id", "the-booking-request").send().await.unwrap();
        assert_eq!(booked.status(), 201);
        booked.json().await.unwrap()
    }

    /// Ends it; answers how, and what it logged, line by line.
    async fn end(self) -> (Done, Vec<Value>) {
        let done = self.serving.terminate().await;
        let log = std::fs::read_to_string(self.log.path().join("log")).unwrap();
        (done, log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

/// The line that tells of this request's end.
#[track_caller]
fn answered<'a>(log: &'a [Value], request_id: &str) -> &'a Value {
    let is_it = |line: &&Value| line["message"] == "answered" && line["span"]["request_id"] == request_id;
    log.iter().find(is_it).expect("the request is in the log")
}
