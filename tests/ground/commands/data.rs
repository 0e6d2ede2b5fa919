//! Commands that work on the database.
use chrono::Days;
use loadmaster::cli::demo_timetable;
use loadmaster_flights::FlightService;
use loadmaster_reference::Reference;
use loadmaster_testkit::{
    TestDatabase, World, WorldOptions,
    command::{Done, loadmaster},
    is_long,
};
use serde_json::json;
use sqlx::Executor;

#[tokio::test]
async fn migrate_brings_a_database_up_to_date_and_check_reports_whether_it_is() {
    let database = TestDatabase::empty().await;
    let run = async |arguments: &[&str]| loadmaster(arguments).on(&database).run().await;
    let before = run(&["migrate", "--check"]).await;
    assert_eq!(before.code, 1, "{}{}", before.stdout, before.stderr);
    assert!(before.stdout.contains("lacks migrations"), "{}", before.stdout);
    let mut owner = database.owner().await;
    let tables: i64 = sqlx::query_scalar("select count(*) from pg_tables where schemaname = 'public'")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(tables, 0, "a check changes nothing");

    for _ in 0..2 {
        assert!(run(&["migrate"]).await.succeeded().contains("up to date"));
        assert!(run(&["migrate", "--check"]).await.succeeded().contains("up to date"));
    }
    let airports: i64 = sqlx::query_scalar("select count(*) from airports").fetch_one(&mut owner).await.unwrap();
    assert!(airports > 7000, "{airports}");
}

#[tokio::test]
async fn other_commands_require_the_migration_first() {
    let database = TestDatabase::empty().await;
    let create = ["user", "create", "--email", "ann@example.com", "--role", "admin"];
    for arguments in [&create[..], &["flights", "import", "table.csv"]] {
        let complaint = loadmaster(arguments).file("table.csv", "").on(&database).run().await.complained();
        assert!(complaint.contains("loadmaster migrate"), "{complaint}");
    }
}

async fn create_user(database: &TestDatabase, email: &str, password: Option<&str>) -> Done {
    let mut arguments = vec!["user", "create", "--email", email, "--role", "operator", "--name", "Ann"];
    arguments.extend(password.map(|_| "--password-stdin"));
    let run = loadmaster(&arguments).on(database);
    let run = match password {
        Some(password) => run.stdin(&format!("{password}\n")),
        None => run,
    };
    run.run().await
}

#[tokio::test]
async fn a_generated_password_is_printed_once_and_logs_in() {
    let world = World::start().await;
    let printed = create_user(&world.database, "Ann@example.com", None).await.succeeded();
    let password = printed.lines().find_map(|line| line.strip_prefix("Password (shown only this once): ")).unwrap();
    assert_eq!(printed.matches(password).count(), 1);
    let login = json!({"email": "ann@example.com", "password": password});
    let session = world.anonymous().post("/api/v1/auth/login", login).await.expect(200);
    assert_eq!((&session["user"]["role"], &session["user"]["name"]), (&json!("operator"), &json!("Ann")));

    let again = create_user(&world.database, "ann@EXAMPLE.com", None).await;
    assert!(!again.stdout.contains("Password"));
    let complaint = again.complained();
    assert!(complaint.contains("already") || complaint.contains("exists"), "{complaint}");
}

#[tokio::test]
async fn a_password_may_come_from_standard_input() {
    let world = World::start().await;
    let printed = create_user(&world.database, "ann@example.com", Some("correct horse battery")).await;
    assert!(!printed.stderr.contains("correct horse"));
    assert!(!printed.succeeded().contains("correct horse"));
    let login = json!({"email": "ann@example.com", "password": "correct horse battery"});
    world.anonymous().post("/api/v1/auth/login", login).await.expect(200);
}

#[tokio::test]
async fn a_user_that_could_not_register_cannot_be_made_either() {
    let database = TestDatabase::create().await;
    for (email, password) in [
        ("ann", Some("correct horse battery")),
        ("ann@example", None),
        ("", None),
        ("ann@example.com", Some("short")),
        ("ann@example.com", Some("")),
        ("ann@example.com", Some("ann@example.com")),
        ("ann@example.com", Some("password123")),
    ] {
        let done = create_user(&database, email, password).await;
        assert!(!done.stdout.contains("Created"), "{email} {password:?}");
        let complaint = done.complained();
        assert!(complaint.contains("mail") || complaint.contains("password"), "{complaint}");
    }
    let users: i64 =
        sqlx::query_scalar("select count(*) from users").fetch_one(&mut database.owner().await).await.unwrap();
    assert_eq!(users, 0);
}

const TABLE: &str = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes\n\
    AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77X,,,,\n";

#[tokio::test]
async fn a_timetable_is_imported_from_a_file() {
    let world = World::start().await;
    let import = async |arguments: &[&str], table: &str| {
        let all = [&["flights", "import", "table.csv"], arguments].concat();
        loadmaster(&all).file("table.csv", table).on(&world.database).run().await
    };
    let count = async || world.anonymous().get("/api/v1/flights").await.expect(200).as_array().unwrap().len();

    assert_eq!(import(&["--dry-run"], TABLE).await.succeeded(), "Would be created: 1, updated: 0, unchanged: 0\n");
    assert_eq!(count().await, 0);
    assert_eq!(import(&[], TABLE).await.succeeded(), "created: 1, updated: 0, unchanged: 0\n");
    assert_eq!(import(&[], &TABLE.replace("77X", "77W")).await.succeeded(), "created: 0, updated: 1, unchanged: 0\n");

    let faulty = import(&[], &format!("{TABLE}AI102,DEL,QQQ,soon,2026-11-21T19:30:00Z,77X,,,,\n")).await;
    assert!(faulty.stdout.contains("`destination` in row 2 names an unknown airport"), "{}", faulty.stdout);
    assert!(faulty.stdout.contains("`departure_datetime` in row 2 must be"), "{}", faulty.stdout);
    assert!(faulty.complained().contains("nothing was imported"));
    assert_eq!(count().await, 1);

    let absent = loadmaster(&["flights", "import", "absent.csv"]).on(&world.database).run().await.complained();
    assert!(absent.contains("absent.csv"), "{absent}");
    world.audit().await;
}

#[tokio::test]
async fn a_timetable_may_come_from_standard_input() {
    let world = World::start().await;
    let import =
        async |table: &str| loadmaster(&["flights", "import", "-"]).stdin(table).on(&world.database).run().await;
    assert_eq!(import(TABLE).await.succeeded(), "created: 1, updated: 0, unchanged: 0\n");
    assert!(import("no table").await.complained().contains("nothing was imported"));
    assert_eq!(world.anonymous().get("/api/v1/flights").await.expect(200).as_array().unwrap().len(), 1);
}

/// A server's database with the demo timetable from today on: of the days in which the demo looks for flights, and of those
/// on which they connect; with time, all of it.
async fn with_the_timetable(database: &TestDatabase) -> World {
    let world = WorldOptions::default().on(database).start().await;
    world.clock.set(chrono::Utc::now());
    if is_long() {
        demo_timetable::extend(world.state()).await.unwrap();
    } else {
        let reference: Reference = world.state().service().unwrap();
        let yesterday = world.now().date_naive() - Days::new(1);
        let flights: FlightService = world.state().service().unwrap();
        flights.add_missing(demo_timetable::timetable(&reference, yesterday, 7)).await.unwrap();
    }
    world
}

/// Plays the whole demo, and its messages are delayed: takes some seconds.
#[tokio::test]
async fn the_demo_ends_with_its_last_letter_however_late_that_is() {
    // Given a server that keeps its letters, and where a notification about a payment takes longer than all others,
    let database = TestDatabase::create().await;
    let world = with_the_timetable(&database).await;
    let slow = "create function slow() returns trigger language plpgsql as $$
                    begin perform pg_sleep(1); return new; end $$;
                create trigger slow before insert on notifications for each row when (new.type = 'payment')
                    execute function slow()";
    database.owner().await.execute(sqlx::raw_sql(slow)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let serving = loadmaster(&["serve"])
        .on(&database)
        .env("LOADMASTER_EMBEDDED__DATA_DIR", directory.path().to_str().unwrap())
        .env("LOADMASTER_MAIL__TRANSPORT", "mailbox")
        .env("LOADMASTER_NOTIFICATIONS__COLLECT_SECONDS", "0")
        .env("LOADMASTER_PAYMENTS__PROVIDER", "test")
        .env(
            "LOADMASTER_PRICING__DEFAULT_TARIFF",
            r#"{ applies = "always", currency = "USD", minimum = "75", normal = "6.5" }"#,
        )
        .serve()
        .ready()
        .await;

    // when an administrator plays the demo,
    let root = ["user", "create", "--email", "root@example.com", "--role", "admin", "--password-stdin"];
    loadmaster(&root).on(&database).stdin("correct horse battery\n").run().await.succeeded();
    let demo = ["demo", "--url", &serving.base, "--email", "root@example.com", "--password-stdin"];
    let played = loadmaster(&demo).stdin("correct horse battery\n").run().await.succeeded();

    // then it shows also what was told last, the capture and the refund.
    let (_, letters) = played.split_once("\nLetters to shipper-").expect("the demo shows letters");
    let (listed, _) = letters.split_once("\nThe last one says:").expect("there is a last letter");
    let count = |kind: &str| listed.lines().filter(|line| line.trim_start().starts_with(kind)).count();
    for (kind, expected) in [("verify_email", 1), ("delivered", 2), ("payment", 2)] {
        assert_eq!(count(kind), expected, "{kind}: {played}");
    }
    serving.terminate().await;
    world.audit().await;
}

#[tokio::test]
async fn the_demo_plays_the_main_job_against_a_running_server() {
    // Given a server with the demo timetable from today on,
    let database = TestDatabase::create().await;
    let world = with_the_timetable(&database).await;
    let serving = loadmaster(&["serve"]).on(&database).serve().ready().await;
    create_user(&database, "op@example.com", Some("correct horse battery")).await.succeeded();

    // when an operator plays the demo,
    let demo = async |email: &str| {
        let arguments = ["demo", "--url", &serving.base, "--email", email, "--password-stdin"];
        loadmaster(&arguments).stdin("correct horse battery\n").run().await
    };
    let played = demo("op@example.com").await.succeeded();

    // then a shipment has gone all the way, and everybody can read it.
    let shipments = async |played: &str| {
        let paths: Vec<_> = played.lines().filter_map(|line| line.split_once("/api/v1/tracking/")).collect();
        for (_, reference) in &paths {
            let tracked = serving.client().get(&format!("/api/v1/tracking/{reference}")).await.expect(200);
            assert_eq!(tracked["status"], "DELIVERED", "{tracked}");
        }
        paths.len()
    };
    let first_act = ["search", "book", "capacity", "BOOKED", "DEPARTED", "ARRIVED", "DELIVERED"];
    let guest_act = ["missing: /pieces, /contact/email", "missing: /contact/email", "the hold is COMMITTED"];
    for word in first_act.into_iter().chain(guest_act).chain(["requires an administrator"]) {
        assert!(played.contains(word), "{word}: {played}");
    }
    assert_eq!(shipments(&played).await, 1);

    // When an administrator plays it, then another shipment has lost its onward flight and come home all the same, and who
    // waited for a full flight has got room on it.
    let root = ["user", "create", "--email", "root@example.com", "--role", "admin", "--password-stdin"];
    loadmaster(&root).on(&database).stdin("correct horse battery\n").run().await.succeeded();
    let played = demo("root@example.com").await.succeeded();
    let other_acts =
        ["needs rerouting", "FLIGHT_CANCELLED", "REROUTED", "place 1 on the waitlist", "the entry is BOOKED"];
    for word in first_act.into_iter().chain(guest_act).chain(other_acts) {
        assert!(played.contains(word), "{word}: {played}");
    }
    assert_eq!(shipments(&played).await, 2);

    let refused = demo("nobody@example.com").await.complained();
    assert!(refused.contains("401"), "{refused}");
    serving.terminate().await;
    let absent = ["demo", "--url", "http://127.0.0.1:9", "--email", "op@example.com", "--password-stdin"];
    let unreachable = loadmaster(&absent).stdin("x\n").run().await.complained();
    assert!(unreachable.contains("http://127.0.0.1:9 cannot be reached"), "{unreachable}");
    world.audit().await;
}
