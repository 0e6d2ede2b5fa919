//! A server that is told to log everything, in either format: nobody forges a line, and no secret is in it.
use chrono::{SubsecRound, TimeDelta, Utc};
use loadmaster_testkit::{
    Answer, Client, TestDatabase,
    command::{Serving, loadmaster},
    exchange,
    freight::{open_order, path_of, with},
    redis_url,
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
const NEW_PASSWORD: &str = "battery staple horse";

/// People, and what is nobody's business.
const HIDDEN: [&str; 12] = [
    PASSWORD,
    NEW_PASSWORD,
    "WrongPassword77",
    "annabella",
    "Annabella",
    "Smithson",
    "Secretive",
    "Hidden Lane",
    "4930555777",
    "shipper@secret.example",
    "Confidential",
    "Whispered",
];

/// What callers have been told: problems, and the credentials among the rest.
#[derive(Default)]
struct Heard {
    problems: Vec<String>,
    secrets: Vec<String>,
}

impl Heard {
    fn take(&mut self, answer: Answer) -> Value {
        if answer.status.as_u16() >= 400 {
            self.problems.push(answer.text.clone());
        }
        for name in ["access_token", "refresh_token", "key"] {
            self.secrets.extend(answer.body[name].as_str().map(ToOwned::to_owned));
        }
        answer.body
    }
}

async fn put_a_flight(serving: &Serving, heard: &mut Heard) {
    let login = json!({"email": "root@carrier.example", "password": PASSWORD});
    let session = heard.take(serving.client().post("/api/v1/auth/login", login).await);
    let root = serving.client().with_token(session["access_token"].as_str().unwrap());
    let leaves = Utc::now().trunc_subsecs(0) + TimeDelta::hours(24);
    let flight = json!({"flight_number": "AI101", "origin": "DEL", "destination": "LHR",
                        "departure_datetime": leaves, "arrival_datetime": leaves + TimeDelta::hours(4),
                        "capacity": {"weight_kg": 1000, "volume_m3": 1000, "positions": 10}});
    root.post("/api/v1/flights", flight).await.expect(201);
    heard.take(root.get("/api/v1/users?q=annabella").await);
}

/// A customer's day with all that can go wrong in it.
async fn play(serving: &Serving, heard: &mut Heard) {
    let client = serving.client();
    let account = json!({"email": "annabella@forwarder.example", "password": PASSWORD, "name": "Annabella Smithson"});
    let first = heard.take(client.post("/api/v1/auth/register", account.clone()).await);
    heard.take(client.post("/api/v1/auth/register", account.clone()).await);
    heard.take(client.post("/api/v1/auth/login", with(account.clone(), json!({"name": 1}))).await);
    let wrong = json!({"email": "annabella@forwarder.example", "password": "WrongPassword77"});
    heard.take(client.post("/api/v1/auth/login", wrong).await);
    let second =
        heard.take(client.post("/api/v1/auth/refresh", json!({"refresh_token": first["refresh_token"]})).await);
    let ann = client.with_token(second["access_token"].as_str().unwrap());
    let key = heard.take(ann.post("/api/v1/api-keys", json!({"name": "Annabella's scanner"})).await);
    let program = client.with_token(key["key"].as_str().unwrap());
    ship(&program, heard).await;
    let change = json!({"current": PASSWORD, "new": NEW_PASSWORD});
    ann.post("/api/v1/auth/password", change).await.expect(204);
    let form = format!("grant_type=password&username=annabella@forwarder.example&password={NEW_PASSWORD}");
    heard.take(client.post_raw("/api/v1/auth/token", "application/x-www-form-urlencoded", form).await);
    let form = "grant_type=password&username=annabella@forwarder.example&password=WrongPassword77";
    heard.take(client.post_raw("/api/v1/auth/token", "application/x-www-form-urlencoded", form).await);
    // Credentials where none belong.
    let token = second["access_token"].as_str().unwrap();
    heard.take(client.get(&format!("/api/v1/bookings?access_token={token}")).await);
    heard.take(ann.get(&format!("/api/v1/auth/me?token={token}")).await);
    heard.take(client.with_token(&format!("{token}x")).get("/health").await);
    heard.take(client.post_raw("/api/v1/auth/login", "application/json", format!("{{{PASSWORD}")).await);
    client.post("/api/v1/auth/logout", json!({"refresh_token": second["refresh_token"]})).await.expect(204);
    heard.take(client.post("/api/v1/auth/refresh", json!({"refresh_token": second["refresh_token"]})).await);
}

async fn ship(program: &Client, heard: &mut Heard) {
    let party = json!({"name": "Secretive Shipper", "street": "Hidden Lane 7", "phone": "+4930555777",
                       "email": "shipper@secret.example"});
    let texts = json!({"shipper": party, "consignee": party, "description": "Confidential goods\nforged line"});
    let order = with(open_order("DEL", "LHR"), texts);
    let booking = program.book(order.clone()).await;
    heard.take(program.post("/api/v1/bookings", with(order.clone(), json!({"weight_kg": -1}))).await);
    heard.take(program.post("/api/v1/bookings", with(order.clone(), json!({"weight_kg": 90000}))).await);
    heard.take(program.patch(&path_of(&booking), json!({"shipper": {"name": ""}})).await);
    heard.take(program.post(&format!("{}/depart", path_of(&booking)), json!({"notes": "Whispered"})).await);
    heard.take(program.post(&format!("{}/cancel", path_of(&booking)), json!({"reason": "Whispered"})).await);
    heard.take(program.post(&format!("{}/cancel", path_of(&booking)), json!({"reason": "Whispered"})).await);
}

/// What somebody sends who wants lines of his own in the log, or the reader's terminal.
async fn forge(serving: &Serving) {
    let client = serving.client();
    for evil in
        ["a\r\n2026 ERROR forged line", "a\nforged line", "a\u{1b}[2J\u{1b}[31mforged line", "a\u{9b}31mforged line"]
    {
        for body in [
            json!({"email": "eve@example.com", "password": PASSWORD, "name": evil}),
            json!({"email": format!("{evil}@example.com"), "password": PASSWORD}),
            json!({"email": "eve@example.com", "password": evil}),
            json!({evil: evil}),
        ] {
            let answer = client.post("/api/v1/auth/register", body).await;
            assert_eq!(answer.status, 400, "{}", answer.text);
        }
    }
    let line = |start: &[u8], name: &[u8], value: &[u8]| {
        [start, b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n", name, b": ", value, b"\r\n\r\n"].concat()
    };
    for name in
        ["x-request-id", "user-agent", "traceparent", "x-forwarded-for", "authorization", "idempotency-key", "origin"]
    {
        for value in [
            &b"a\x1b[31mforged line"[..],
            b"a\x00forged line",
            b"a\rforged line",
            b"a\nforged line",
            b"a\x7fforged line",
            b"a\xc2\x9b31mforged line",
            b"a\xff\x9bforged line",
            b"a\tforged line",
            b"a\\nforged line",
        ] {
            exchange(&serving.base, &line(b"GET /api/v1/airports/DEL", name.as_bytes(), value)).await;
        }
    }
    for start in [
        &b"GET /forged%0d%0aline%1b[31m"[..],
        b"GET /api/v1/bookings/ACB%0d%0aforged%20line%1b%5b31m",
        b"GET /api/v1/flights?origin=%0aforged%20line%1b%5b31m&%0aforged=1",
        b"GET /api/v1/airports/city/a%0aforged%20line",
        b"FORGED!LINE /api/v1/airports/DEL",
        b"GET /\x1b[31mforged",
        b"G\x1bT /forged",
        b"GET /\xc2\x9bforged",
    ] {
        exchange(&serving.base, &line(start, b"accept", b"*/*")).await;
    }
}

/// Plays everything against a server that logs all it can, and answers the log.
async fn log_of_a_run(format: &str, heard: &mut Heard) -> String {
    let database = TestDatabase::create().await;
    let root = ["user", "create", "--email", "root@carrier.example", "--role", "admin", "--password-stdin"];
    loadmaster(&root).on(&database).stdin(PASSWORD).run().await.succeeded();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log");
    let serving = loadmaster(&["serve"])
        .on(&database)
        .env("REDIS_URL", &redis_url())
        .env("RUST_LOG", "trace")
        .env("NO_COLOR", "1")
        .env("LOADMASTER_TELEMETRY__LOG_FORMAT", format)
        .env("LOADMASTER_RATE_LIMIT__ENABLED", "false")
        .logging_into(&file)
        .serve()
        .ready()
        .await;
    put_a_flight(&serving, heard).await;
    play(&serving, heard).await;
    forge(&serving).await;
    assert_eq!(serving.terminate().await.code, 0);
    let log = String::from_utf8(std::fs::read(&file).unwrap()).expect("the log is text");
    assert!(log.contains("answered") && log.contains("from bookings where id"), "everything was logged");
    log
}

#[track_caller]
fn assert_tells_nothing(text: &str, heard: &Heard) {
    assert!(heard.secrets.len() >= 8, "credentials were given out");
    let parts = heard.secrets.iter().map(|secret| &secret[secret.len() - 30..]);
    for hidden in HIDDEN.into_iter().chain(parts) {
        let line = text.lines().find(|line| line.contains(hidden));
        assert!(line.is_none(), "{hidden} is told: {line:?}");
    }
}

#[track_caller]
fn assert_no_line_is_forged(log: &str) {
    let control = log.chars().find(|character| character.is_control() && *character != '\n');
    let line = log.lines().find(|line| line.chars().any(char::is_control));
    assert_eq!(control, None, "{line:?}");
    let forged = log.lines().find(|line| line.starts_with("forged") || line.starts_with("2026 "));
    assert_eq!(forged, None);
}

#[tokio::test]
async fn every_line_of_a_log_for_machines_is_an_object_and_none_is_forged() {
    let mut heard = Heard::default();
    let log = log_of_a_run("json", &mut heard).await;
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["timestamp"].is_string() && event["level"].is_string(), "{line}");
    }
    assert_no_line_is_forged(&log);
    assert_tells_nothing(&log, &heard);
    assert!(heard.problems.len() > 12, "{}", heard.problems.len());
    assert_tells_nothing(&heard.problems.join("\n"), &heard);
}

#[tokio::test]
async fn every_line_of_a_log_for_people_begins_with_its_time_and_none_is_forged() {
    let mut heard = Heard::default();
    let log = log_of_a_run("pretty", &mut heard).await;
    for line in log.lines() {
        let time = line.trim_start().split(' ').next().unwrap_or_default();
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{line}");
    }
    assert_no_line_is_forged(&log);
    assert_tells_nothing(&log, &heard);
}
