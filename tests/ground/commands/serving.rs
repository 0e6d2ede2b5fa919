//! Starting, being ready, and ending.
use loadmaster_testkit::{
    Gate, TestDatabase,
    command::{PORT, loadmaster},
    own_host, redis_url, until,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn a_server_starts_serves_and_stops_on_a_signal() {
    let database = TestDatabase::create().await;
    let serving = loadmaster(&["serve"]).on(&database).env("REDIS_URL", &redis_url()).serve().ready().await;
    let client = serving.client();
    assert_eq!(client.get("/livez").await.status, 200);
    assert_eq!(client.get("/readyz").await.status, 200);
    assert_eq!(client.get("/health").await.expect(200), json!({"status": "healthy"}));
    client.get("/api/v1/airports/DEL").await.expect(200);

    let host = format!("server.host={}", serving.host);
    let check = ["--set", &host, "--set", &format!("server.port={PORT}"), "healthcheck"];
    assert_eq!(loadmaster(&check).run().await.succeeded(), "ready\n");

    let done = serving.terminate().await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let is_told = |route: &str| done.stderr.contains(route);
    assert!(is_told("/api/v1/airports/{code}") && !is_told("/livez") && !is_told("/readyz"), "{}", done.stderr);
    let complaint = loadmaster(&check).run().await.complained();
    assert!(complaint.contains("no server responds"), "{complaint}");
}

#[tokio::test]
async fn a_method_that_a_stranger_invents_is_cut_in_the_log() {
    let database = TestDatabase::create().await;
    let serving = loadmaster(&["serve"]).on(&database).serve().ready().await;
    let method = reqwest::Method::from_bytes("X".repeat(20_000).as_bytes()).unwrap();
    let answer = serving.client().request(method, "/api/v1/airports/DEL").send().await.unwrap();
    assert_eq!(answer.status(), 405);
    let done = serving.terminate().await;
    let line = done.stderr.lines().find(|line| line.contains("XXXX")).expect("the request is logged");
    assert!(line.contains(&"X".repeat(32)) && !line.contains(&"X".repeat(33)), "{} bytes", line.len());
}

#[tokio::test]
async fn a_request_that_was_begun_is_answered_before_the_server_ends() {
    let database = TestDatabase::create().await;
    let serving = loadmaster(&["serve"]).on(&database).serve().ready().await;
    // Given a request of which the server has read the head and a part of the body,
    let body = r#"{"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"}"#;
    let head = format!(
        "POST /api/v1/routes/search HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect((serving.host.as_str(), PORT)).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    // when the server is told to end, and refuses new connections,
    let host = serving.host.clone();
    let ending = tokio::spawn(serving.terminate());
    let refused = async {
        while TcpStream::connect((host.as_str(), PORT)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), refused).await.expect("the listener is closed");
    // then the rest of the request is still taken and answered.
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("direct_flights"), "{answer}");
    assert_eq!(ending.await.unwrap().code, 0);
}

#[tokio::test]
async fn a_taken_port_is_reported_in_one_sentence() {
    let host = own_host();
    let _taken = TcpListener::bind((host.as_str(), PORT)).await.unwrap();
    let (host, port) = (format!("server.host={host}"), format!("server.port={PORT}"));
    // Told before anything else is started: there is no database at all.
    let done = loadmaster(&["--set", &host, "--set", &port, "serve"]).run().await;
    let complaint = done.complained();
    assert!(complaint.contains(&format!(":{PORT}")) && complaint.contains("cannot listen"), "{complaint}");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_reported_in_one_sentence() {
    let host = own_host();
    let database = TestDatabase::create().await;
    let absent = database.app_url().replace(&database.name, "no_such_database");
    let stranger = database.app_url().replace("loadmaster_app", "no_such_role");
    let refused = "postgres://ann:hush-hush@127.0.0.1:9/loadmaster";
    let unnamed = "postgres://ann:hush-hush@no-such-host.invalid/loadmaster";
    for (url, named) in [
        (refused, "127.0.0.1:9"),
        (&stranger, "no_such_role"),
        (unnamed, "no-such-host.invalid"),
        (&absent, "no_such_database"),
    ] {
        for command in [
            &["serve"][..],
            &["migrate"],
            &["migrate", "--check"],
            &["user", "create", "--email", "a@b.cd", "--role", "admin"],
        ] {
            // A server waits for one that is away.
            if (url == refused || url == unnamed) && command == ["serve"] {
                continue;
            }
            let host = format!("server.host={host}");
            let done = loadmaster(&[&["--set", &host, "--set", "server.port=18081"], command].concat())
                .env("DATABASE_URL", url);
            let complaint = done.run().await.complained();
            assert!(complaint.contains(named), "{command:?}: {complaint}");
            assert!(!complaint.contains("hush-hush"), "{complaint}");
        }
    }
}

/// A container engine forgets the name of a container that is stopped.
#[tokio::test]
async fn a_server_waits_for_a_database_whose_name_is_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let unnamed = "postgres://ann:hush-hush@no-such-host.invalid/loadmaster";
    let serving = loadmaster(&["serve"]).env("DATABASE_URL", unnamed).logging_into(&log).serve();
    // A resolver may take seconds to say that there is no such name.
    until("it waits", async || lines_with(&log, "no-such-host.invalid") > 0).await;
    serving.until("/readyz", 503).await;
    assert_eq!(serving.client().get("/livez").await.status, 200);
    assert_eq!(serving.terminate().await.code, 0);
    assert_eq!(lines_with(&log, "hush-hush"), 0);
}

#[tokio::test]
async fn a_migration_may_know_the_owners_address_alone_and_a_server_may_not() {
    let database = TestDatabase::empty().await;
    let alone = |command: &str| loadmaster(&[command]).env("LOADMASTER_DATABASE__OWNER_URL", &database.owner_url());
    alone("migrate").run().await.succeeded();
    let complaint = alone("serve").run().await.complained();
    assert!(complaint.contains("database.owner_url is set and database.url is not"), "{complaint}");
}

#[tokio::test]
async fn without_its_redis_the_server_starts_and_is_degraded() {
    let database = TestDatabase::create().await;
    let serving = loadmaster(&["serve"]).on(&database).env("REDIS_URL", "redis://127.0.0.1:9").serve().ready().await;
    let client = serving.client();
    assert_eq!(client.get("/readyz").await.status, 200);
    assert_eq!(client.get("/health").await.expect(200), json!({"status": "degraded"}));
    let body = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"});
    client.post("/api/v1/routes/search", body).await.expect(200);
    let done = serving.terminate().await;
    assert_eq!(done.code, 0);
    assert!(done.stderr.contains("Redis"), "{}", done.stderr);
}

#[tokio::test]
async fn no_redis_at_all_is_healthy() {
    let serving = loadmaster(&["serve"]).on(&TestDatabase::create().await).serve().ready().await;
    assert_eq!(serving.client().get("/health").await.expect(200), json!({"status": "healthy"}));
    assert_eq!(serving.terminate().await.code, 0);
}

#[tokio::test]
async fn a_server_waits_for_the_migration_of_its_database() {
    let database = TestDatabase::empty().await;
    let serving = loadmaster(&["serve"]).on(&database).serve();
    let told = serving.until("/readyz", 503).await;
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["code"], "unavailable", "{told}");
    assert_eq!(serving.client().get("/livez").await.status, 200);
    serving.client().get("/api/v1/airports/DEL").await.expect_problem(503, "unavailable");

    let host = format!("server.host={}", serving.host);
    let check = ["--set", &host, "--set", &format!("server.port={PORT}"), "healthcheck"];
    assert!(loadmaster(&check).run().await.complained().contains("503"));

    loadmaster(&["migrate"]).on(&database).run().await.succeeded();
    serving.until("/readyz", 200).await;
    serving.client().get("/api/v1/airports/DEL").await.expect(200);
    assert_eq!(serving.terminate().await.code, 0);
}

#[tokio::test]
async fn a_server_that_still_waits_stops_on_a_signal() {
    let serving = loadmaster(&["serve"]).on(&TestDatabase::empty().await).serve();
    serving.until("/readyz", 503).await;
    assert_eq!(serving.terminate().await.code, 0);
}

/// The lines of a log with this in them.
fn lines_with(log: &std::path::Path, text: &str) -> usize {
    std::fs::read_to_string(log).unwrap().lines().filter(|line| line.contains(text)).count()
}

#[tokio::test]
async fn a_server_waits_for_its_database() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let (mut gate, log) = (Gate::before(&database), directory.path().join("log"));
    let serve = loadmaster(&["serve"]).env("DATABASE_URL", &gate.url()).logging_into(&log);
    let serving = serve.env("RUST_LOG", "loadmaster=debug").serve();
    // Given a server at whose database's address nobody listens,
    let waits = "the database is unavailable";
    until("it waits", async || lines_with(&log, waits) >= 2).await;
    serving.client().get("/livez").await.expect(200);
    assert_eq!(serving.client().get("/health").await.expect(503), json!({"status": "unhealthy"}));
    for path in ["/readyz", "/api/v1/airports/DEL"] {
        serving.client().get(path).await.expect_problem(503, "unavailable");
    }
    // then one that is starting up,
    gate.turn_away(2).await;
    serving.client().get("/readyz").await.expect_problem(503, "unavailable");
    // when it has started,
    gate.open().await;
    // then it goes on, and has made no noise.
    serving.until("/readyz", 200).await;
    serving.client().get("/api/v1/airports/DEL").await.expect(200);
    assert_eq!(serving.terminate().await.code, 0);
    let told = std::fs::read_to_string(&log).unwrap();
    let at = |level: &str| told.lines().filter(|line| line.contains(level) && line.contains(waits)).count();
    assert_eq!((at("WARN"), at("INFO")), (1, 1), "{told}");
}

#[tokio::test]
async fn a_server_that_waits_for_its_database_stops_on_a_signal() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let nobody = "postgres://ann:hush-hush@127.0.0.1:9/loadmaster";
    let serving = loadmaster(&["serve"]).env("DATABASE_URL", nobody).logging_into(&log).serve();
    until("it waits", async || lines_with(&log, "127.0.0.1:9") > 0).await;
    assert_eq!(serving.terminate().await.code, 0);
    assert_eq!(lines_with(&log, "hush-hush"), 0);
}

#[tokio::test]
async fn a_database_that_goes_away_before_it_is_migrated_is_waited_for_too() {
    let (database, directory) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let (mut gate, log) = (Gate::before(&database), directory.path().join("log"));
    gate.open().await;
    let serving = loadmaster(&["serve"]).env("DATABASE_URL", &gate.url()).logging_into(&log).serve();
    until("it waits for the migration", async || lines_with(&log, "waiting for `loadmaster migrate`") == 1).await;
    gate.shut().await;
    until("it waits for the database", async || lines_with(&log, "the database is unavailable") == 1).await;
    loadmaster(&["migrate"]).on(&database).run().await.succeeded();
    gate.open().await;
    serving.until("/readyz", 200).await;
    assert_eq!(serving.terminate().await.code, 0);
}

/// What is done again and again beside the requests.
const DUTIES: [&str; 7] = [
    "schedules cannot be read",
    "jobs cannot be read",
    "jobs of stopped processes cannot be looked for",
    "the outbox cannot be read for redis_streams",
    "the outbox cannot be read for webhooks",
    "the outbox cannot be read for notifications",
    "the follower cannot read the outbox",
];

#[tokio::test]
async fn the_absence_of_the_database_is_reported_once() {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let (mut gate, log) = (Gate::before(&database), directory.path().join("log"));
    gate.open().await;
    let serve = loadmaster(&["serve"]).env("DATABASE_URL", &gate.url()).env("REDIS_URL", &redis_url());
    let serve = serve.env("RUST_LOG", "loadmaster=debug").logging_into(&log);
    let serving = serve.serve().ready().await;
    until("it follows", async || lines_with(&log, "the availability of flights is known") == 1).await;
    until("it delivers", async || {
        let sinks = "select 1 from outbox_sinks where leased_by is not null";
        sqlx::query(sinks).fetch_all(&mut database.owner().await).await.unwrap().len() == 3
    })
    .await;

    gate.shut().await;
    for duty in DUTIES {
        until(&format!("it was tried in vain: {duty}"), async || lines_with(&log, duty) >= 3).await;
    }
    gate.open().await;
    serving.until("/readyz", 200).await;
    for duty in DUTIES {
        let goes_on = async || {
            let told = std::fs::read_to_string(&log).unwrap();
            told.lines().any(|line| line.contains("INFO") && line.contains(duty))
        };
        until(&format!("it is told that it is over: {duty}"), goes_on).await;
    }
    assert_eq!(serving.terminate().await.code, 0);
    let told = std::fs::read_to_string(&log).unwrap();
    for duty in DUTIES {
        // A warning, and the next one only after it was told that it is over.
        let levels = told.lines().filter(|line| line.contains(duty) && !line.contains("DEBUG"));
        let levels: Vec<_> = levels.map(|line| line.contains("WARN")).collect();
        assert!(levels[0] && levels.windows(2).all(|pair| pair[0] != pair[1]), "{duty}: {levels:?}");
    }
}

#[tokio::test]
async fn two_servers_of_one_installation_accept_each_others_tokens() {
    let database = TestDatabase::create().await;
    let start = async || loadmaster(&["serve"]).on(&database).serve().ready().await;
    let (one, other) = (start().await, start().await);
    let register = json!({"email": "ann@example.com", "password": "correct horse battery"});
    let session = one.client().post("/api/v1/auth/register", register).await.expect(201);
    let ann = other.client().with_token(session["access_token"].as_str().unwrap());
    assert_eq!(ann.get("/api/v1/auth/me").await.expect(200)["email"], "ann@example.com");
    assert_eq!(one.terminate().await.code, 0);
    assert_eq!(ann.get("/api/v1/auth/me").await.status, 200);
    assert_eq!(other.terminate().await.code, 0);
}

/// A pipe holds 64 KiB: a server that waits for its log's reader stops after some hundred requests.
#[tokio::test]
async fn a_server_whose_log_is_not_read_answers_all_the_same() {
    let database = TestDatabase::create().await;
    let serving = loadmaster(&["serve"]).on(&database).env("RUST_LOG", "info,loadmaster=trace");
    let serving = serving.env("LOADMASTER_RATE_LIMIT__ENABLED", "false").serve().ready().await;
    let client = serving.client();
    for _ in 0..600 {
        let answer = tokio::time::timeout(std::time::Duration::from_secs(20), client.get("/api/v1/airports/DEL"));
        answer.await.expect("a server that is not stopped by its log").expect(200);
    }
}
