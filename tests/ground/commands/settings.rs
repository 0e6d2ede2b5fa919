//! Settings, and commands that need no database.
use loadmaster_testkit::{TestDatabase, command::loadmaster};
use serde_json::Value;

#[tokio::test]
async fn config_prints_what_is_in_effect_with_secrets_masked() {
    let secret = "a-secret-of-at-least-32-bytes-length!";
    let printed = loadmaster(&["--config", "mine.toml", "--set", "server.port=9001", "config"])
        .file("mine.toml", "[server]\nport = 9000\ndrain_ms = 123\n[capacity]\ncritical_threshold_kg = 55\n")
        .env("DATABASE_URL", "postgres://ann:hush-hush@db.example.com/loadmaster")
        .env("REDIS_URL", "redis://:quiet@redis.example.com:6379")
        .env("LOADMASTER_CAPACITY__CRITICAL_THRESHOLD_KG", "77")
        .env("LOADMASTER_AUTH__ALGORITHM", "HS256")
        .env("LOADMASTER_AUTH__SECRET", secret)
        .run()
        .await
        .succeeded();
    let settings: toml::Table = printed.parse().expect("it is TOML");
    assert_eq!(settings["server"]["port"].as_integer(), Some(9001), "the command line beats the file");
    assert_eq!(settings["server"]["drain_ms"].as_integer(), Some(123), "the file beats the defaults");
    assert_eq!(settings["capacity"]["critical_threshold_kg"].as_integer(), Some(77), "the environment beats the file");
    assert_eq!(settings["search"]["min_connection_minutes"].as_integer(), Some(120), "the defaults are shown");
    assert_eq!(settings["database"]["url"].as_str(), Some("postgres://ann:***@db.example.com/loadmaster"));
    assert_eq!(settings["auth"]["secret"].as_str(), Some("***"));
    for hidden in ["hush-hush", "quiet", secret] {
        assert!(!printed.contains(hidden), "{printed}");
    }
}

#[tokio::test]
async fn the_output_of_config_is_a_settings_file() {
    let printed =
        loadmaster(&["--set", "search.connection_minutes_by_airport=BOM=45", "config"]).run().await.succeeded();
    let again = loadmaster(&["--config", "mine.toml", "config"]).file("mine.toml", &printed).run().await.succeeded();
    assert_eq!(again, printed);
}

#[tokio::test]
async fn an_unknown_or_invalid_setting_stops_the_start_by_its_name() {
    for (arguments, file, variable, named) in [
        (["--set", "server.prot=1"], "", None, vec!["server.prot", "command line"]),
        (["--set", "server.port=high"], "", None, vec!["server.port"]),
        (["--set", "server.port=70000"], "", None, vec!["server.port"]),
        (["--config", "mine.toml"], "[server]\nprot = 1\n", None, vec!["server.prot", "mine.toml"]),
        (["--config", "mine.toml"], "[search]\nmax_stops = 4\n", None, vec!["search.max_stops", "mine.toml"]),
        (["--config", "mine.toml"], "[server\n", None, vec!["mine.toml"]),
        (
            ["--config", "mine.toml"],
            "[server.schedules]\nold_quotes = { at = \"25:00\" }\n",
            None,
            vec!["server.schedules", "old_quotes", "25:00"],
        ),
        (
            ["--config", "mine.toml"],
            "[server.schedules]\nold_quotes = { at = \"04:00\", weekday = 8 }\n",
            None,
            vec!["server.schedules", "mine.toml"],
        ),
        (
            ["--config", "mine.toml"],
            "[[pricing.default_sales]]\npercent = \"10\"\nmax_uses = 5\n",
            None,
            vec!["pricing.default_sales", "max_uses", "mine.toml"],
        ),
        (["--config", "absent.toml"], "", None, vec!["absent.toml"]),
        (["--set", "server.port=1"], "", Some(("LOADMASTER_SERVER__PROT", "1")), vec!["LOADMASTER_SERVER__PROT"]),
        (["--set", "server.port=1"], "", Some(("LOADMASTER_PORT", "1")), vec!["LOADMASTER_PORT"]),
        (["--set", "server.host=::1"], "", Some(("PORT", "eighty")), vec!["server.port", "PORT"]),
        (["--set", "server.port=1"], "", Some(("DATABASE_URL", "mysql://ann:hush@db/x")), vec!["database.url"]),
        (["--set", "server.port=1"], "", Some(("DATABASE_URL_FILE", "absent")), vec!["database.url", "absent"]),
        (["--set", "server.port=1"], "", Some(("RUST_LOG", "loadmaster=shouting")), vec!["telemetry.log_filter"]),
    ] {
        for command in ["config", "serve", "migrate", "doctor"] {
            let run = loadmaster(&[&arguments[..], &[command]].concat()).file("mine.toml", file);
            let run = match variable {
                Some((name, value)) => run.env(name, value),
                None => run,
            };
            let done = run.run().await;
            assert_eq!(done.code, 1, "{command} {arguments:?} {variable:?}: {}{}", done.stdout, done.stderr);
            for name in &named {
                assert!(done.stderr.contains(name), "{name}: {}", done.stderr);
            }
            assert!(!done.stderr.contains("hush"), "{}", done.stderr);
            assert_eq!(done.stdout, "");
        }
    }
}

#[tokio::test]
async fn all_faults_of_the_settings_are_reported_together() {
    let done = loadmaster(&["--set", "server.prot=1", "--set", "server.port=high", "config"])
        .env("LOADMASTER_NONSENSE__X", "1");
    let done = done.run().await;
    for name in ["server.prot", "server.port", "nonsense.x"] {
        assert!(done.stderr.to_lowercase().contains(name), "{name}: {}", done.stderr);
    }
}

#[tokio::test]
async fn openapi_prints_the_description_of_the_api() {
    // It needs no settings, not even valid ones.
    let printed = loadmaster(&["openapi"]).env("PORT", "eighty").run().await.succeeded();
    let document: Value = serde_json::from_str(&printed).expect("it is JSON");
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/api/v1/routes/search"]["post"].is_object());
    let database = TestDatabase::create().await;
    let serving = loadmaster(&["serve"]).on(&database).serve().ready().await;
    let served = serving.client().get("/openapi.json").await.expect(200);
    assert_eq!(served, document);
    serving.terminate().await;
}

#[tokio::test]
async fn a_command_line_that_makes_no_sense_is_explained() {
    for arguments in [&["fly"][..], &[], &["user", "create", "--email", "a@example.com"], &["serve", "--set", "port"]] {
        let done = loadmaster(arguments).run().await;
        assert_eq!(done.code, 2, "{arguments:?}");
        assert!(done.stderr.contains("Usage") || done.stderr.contains("--help"), "{}", done.stderr);
    }
}
