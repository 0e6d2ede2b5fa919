use chrono::{DateTime, Utc};
use loadmaster::app;
use loadmaster_reference as reference;
use loadmaster_testkit::{Answer, Client, Readings, TestDatabase, World, WorldOptions, until};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};
use tokio::task::JoinSet;

async fn is_ready(client: &Client) -> bool {
    client.get("/readyz").await.status == 200
}

/// The serving role has asked the database something from now on.
async fn until_it_has_looked(owner: &mut PgConnection) {
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut *owner).await.unwrap();
    until("it looks again", async || {
        let looked = "select exists (select from pg_stat_activity where datname = current_database()
                                     and usename = 'loadmaster_app' and query_start > $1 and state = 'idle')";
        sqlx::query_scalar::<_, bool>(looked).bind(now).fetch_one(&mut *owner).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_running_instance_is_alive_and_ready() {
    let world = World::working().await;
    for (path, text) in [("/livez", "alive"), ("/readyz", "ready")] {
        let answer = world.anonymous().get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, text));
        assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    }
}

#[tokio::test]
async fn an_instance_waits_for_the_migrations_alive_but_not_ready() {
    let database = TestDatabase::empty().await;
    let starting = WorldOptions::working().on(&database).prepare().await;
    let client = Client::anonymous(&starting.base);
    let launching = tokio::spawn(starting.launch());

    assert_eq!(client.get("/livez").await.text, "alive");
    for path in ["/readyz", "/api/v1/airports/DEL", "/nowhere"] {
        let answer = client.get(path).await;
        assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        answer.expect_problem(503, "unavailable");
    }
    let named = client.request(Method::GET, "/readyz").header("x-request-id", "probe-7");
    assert_eq!(Answer::of(named).await.expect_problem(503, "unavailable")["request_id"], "probe-7");

    // What `loadmaster migrate` does: the tables, then the serving role's rights, then the reference data.
    let mut owner = database.owner().await;
    app::migrate(&mut owner, loadmaster_testkit::start_of_time()).await.unwrap();
    owner.execute("revoke select on all tables in schema public from loadmaster_app").await.unwrap();
    until_it_has_looked(&mut owner).await;
    owner.execute("grant select on all tables in schema public to loadmaster_app").await.unwrap();
    until_it_has_looked(&mut owner).await;
    client.get("/readyz").await.expect_problem(503, "unavailable");
    reference::load_reference_data(&mut owner).await.unwrap();
    let world = launching.await.unwrap();
    assert!(is_ready(&client).await);
    assert_eq!(client.get("/api/v1/airports/DEL").await.expect(200)["iata_code"], "DEL");

    // A database that lacks a migration of this version, such as one restored from a backup.
    let newest = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    owner.execute(newest).await.unwrap();
    client.get("/readyz").await.expect_problem(503, "unavailable");
    client.get("/livez").await.expect(200);
    drop(world);
}

#[tokio::test]
async fn an_instance_is_not_ready_while_the_database_is_away() {
    let world = World::working().await;
    let client = world.anonymous();
    world.database.close_doors().await;
    client.get("/readyz").await.expect_problem(503, "unavailable");
    client.get("/livez").await.expect(200);
    world.database.open_doors().await;
    until("it is ready again", async || is_ready(&client).await).await;
}

#[tokio::test]
async fn concurrent_readiness_requests_cause_one_query() {
    let world = World::working().await;
    let mut questions = Readings::of(&world.database, "_sqlx_migrations").await;
    let mut owner = world.database.owner().await;
    let before = questions.count().await;
    owner.execute("begin; lock table _sqlx_migrations").await.unwrap();
    let mut callers = JoinSet::new();
    for number in 0..60 {
        let client = world.anonymous();
        callers.spawn(async move { client.get(["/readyz", "/health"][number % 2]).await });
    }
    until("all have come", async || {
        let told = world.anonymous().get("/metrics").await.text;
        let under_way = told.lines().find_map(|line| line.strip_prefix("http_requests_in_flight "));
        under_way.is_some_and(|count| count.parse::<usize>().unwrap() > callers.len())
            || callers.try_join_next().is_some()
    })
    .await;
    owner.execute("commit").await.unwrap();
    let callers = callers.join_all().await.len();
    // One for the first, one for all who came while it was asked; each may read several rows.
    let read = usize::try_from(questions.count().await - before).unwrap();
    assert!((1..callers).contains(&read), "{read} readings");
    assert!(is_ready(&world.anonymous()).await);
}

#[tokio::test]
async fn a_full_database_is_probed_by_the_connection_that_is_there() {
    let world = World::working().await;
    let client = world.anonymous();
    assert!(is_ready(&client).await);
    let full = format!("alter database {} connection limit 0", world.database.name);
    world.database.owner().await.execute(sqlx::AssertSqlSafe(full)).await.unwrap();
    for _ in 0..5 {
        let mut callers = JoinSet::new();
        for _ in 0..8 {
            let client = client.clone();
            callers.spawn(async move { is_ready(&client).await });
        }
        assert_eq!(callers.join_all().await, [true; 8]);
    }
}

#[tokio::test]
async fn an_instance_that_stops_is_not_ready_but_finishes_its_requests() {
    let world = World::working().await;
    let client = world.anonymous();
    world.state().health.begin_shutdown();
    let answer = client.get("/readyz").await;
    assert!(answer.header("retry-after").is_some());
    answer.expect_problem(503, "unavailable");
    client.get("/livez").await.expect(200);
    client.get("/api/v1/airports/DEL").await.expect(200);
    world.shutdown().await;
    let refused = client.http.get(format!("{}/livez", client.base)).send().await;
    assert!(refused.is_err_and(|error| error.is_connect()), "nobody listens any more");
}

#[tokio::test]
async fn anyone_may_know_what_this_is_and_what_it_takes() {
    let world = WorldOptions::working()
        .set("server.max_body_bytes", "4096")
        .set("search.min_connection_minutes", "90")
        .set("booking.auto_route_hours", "48")
        .set("server.request_timeout_ms", "9000")
        .set("payments.cancellation_fees", "[{ hours = 24, percent = 10 }]")
        .start()
        .await;
    let info = world.anonymous().get("/api/v1/info").await.expect(200);
    assert_eq!(info["name"], "loadmaster");
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert!(matches!(&info["git_commit"], Value::Null | Value::String(_)));
    assert!(info["time_zones"].as_str().unwrap() >= "2026f", "{info}");
    for (name, value) in [
        ("max_body_bytes", 4096),
        ("max_import_bytes", 32 * 1024 * 1024),
        ("max_page_size", 100),
        ("max_search_results", 200),
        ("max_flights_per_booking", 4),
        ("max_stops", 3),
        ("min_connection_minutes", 90),
        ("auto_route_hours", 48),
        ("request_timeout_ms", 9000),
        ("waitlist_closes_minutes", 30),
    ] {
        assert_eq!(info["limits"][name], value, "{name}");
    }
    assert_eq!(info["payments"]["cancellation_fees"], json!([{"hours": 24, "percent": 10}]));
}

#[tokio::test]
async fn each_room_says_what_it_can_do_and_a_setting_switches_its_feature_on() {
    let rooms = [
        "accounts",
        "api_keys",
        "reference_data",
        "availability",
        "flights",
        "flights_import",
        "embargoes",
        "stations",
        "prices",
        "payments",
        "search",
        "holds",
        "booking",
        "amending",
        "allotments",
        "flight_operations",
        "parties",
        "booking_templates",
        "tracking",
        "waitlist",
        "consolidations",
        "administration",
        "alerts",
        "analytics",
        "streams",
        "rates",
        "feeds",
        "webhooks",
        "notifications",
        "graphql",
    ];
    let optional = ["payment_tokens", "operators_change_flights", "kafka"];
    let features = async |world: &World| world.anonymous().get("/api/v1/info").await.expect(200)["features"].clone();
    let without = WorldOptions::working().set("payments.provider", "none").start().await;
    assert_eq!(features(&without).await, json!(rooms));
    let options = WorldOptions::working().set("payments.provider", "test");
    let with = options.set("operations.operators_change_flights", "true").start().await;
    let found = features(&with).await;
    let has = |name: &&str| found.as_array().unwrap().contains(&json!(name));
    assert!(rooms.iter().all(&has), "{found}");
    assert_eq!(optional.map(|name| has(&name)), [true, true, false], "{found}");
}
