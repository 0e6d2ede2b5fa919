//! Commands about users: what each says when it works, and when it does not.
use loadmaster_testkit::{
    TestDatabase, World,
    command::{Done, loadmaster},
    is_long, redis_url, until,
};
use serde_json::{Value, json};

use super::run;

const EMAIL: &str = "ann@forwarder.example";
const PASSWORD: &str = "correct horse battery";

async fn create(database: &TestDatabase, email: &str, role: &str) -> Done {
    let arguments = ["user", "create", "--email", email, "--role", role, "--password-stdin"];
    loadmaster(&arguments).on(database).stdin(&format!("{PASSWORD}\n")).run().await
}

/// Everything that a refused command must leave as it was.
async fn state(world: &World) -> Vec<String> {
    world
        .texts(
            "select u::text from users u union all select o::text from organizations o
             union all select a::text from admin_acts a union all select k::text from signing_keys k order by 1",
        )
        .await
}

#[tokio::test]
async fn every_command_explains_itself() {
    for (arguments, told) in [
        (&["user", "--help"][..], &["create", "list", "set-role", "disable", "enable", "export", "erase"][..]),
        (&["user", "create", "--help"], &["--email", "--role", "--name", "--password-stdin"]),
        (&["user", "set-role", "--help"], &["--email", "customer, operator, admin"]),
        (&["user", "erase", "--help"], &["--email", "--yes", "cannot be undone"]),
        (&["keys", "--help"], &["rotate", "list"]),
        (&["keys", "rotate", "--help"], &["--compromised"]),
    ] {
        let help = loadmaster(arguments).run().await.succeeded();
        for word in told {
            assert!(help.contains(word), "{arguments:?}: {word} in {help}");
        }
    }
}

/// The command line itself is wrong: 2, as clap and the shells have it.
#[tokio::test]
async fn an_invalid_command_line_is_refused_without_any_effect() {
    for arguments in [
        &["user"][..],
        &["user", "delete", "--email", EMAIL],
        &["user", "create"],
        &["user", "create", "--email", EMAIL],
        &["user", "create", "--email", EMAIL, "--role", "guest"],
        &["user", "create", "--email", EMAIL, "--role", "ADMIN"],
        &["user", "create", "--email", EMAIL, "--role", "admin", "--password", PASSWORD],
        &["user", "list", "--email", EMAIL],
        &["user", "set-role", "--email", EMAIL],
        &["user", "set-role", "--email", EMAIL, "--role", "guest"],
        &["user", "disable"],
        &["user", "enable", EMAIL],
        &["user", "export"],
        &["user", "erase", "--yes"],
        &["keys"],
        &["keys", "rotate", "now"],
        &["keys", "delete"],
    ] {
        // There is no database to be reached: a command that went as far would exit with 1.
        let done = loadmaster(arguments).env("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none").run().await;
        assert_eq!(done.code, 2, "{arguments:?}: {}{}", done.stdout, done.stderr);
        assert!(done.stderr.contains("--help"), "{arguments:?}: {}", done.stderr);
        assert!(done.stdout.is_empty() && !done.stderr.contains("panicked"), "{arguments:?}: {}", done.stderr);
    }
}

#[tokio::test]
async fn a_command_about_an_unknown_user_names_the_address_and_changes_nothing() {
    const MALFORMED: [&str; 2] = ["no address", ""];
    let world = World::start().await;
    create(&world.database, EMAIL, "customer").await.succeeded();
    let before = state(&world).await;
    for (number, command) in ["disable", "enable", "export", "erase"].into_iter().enumerate() {
        // All read the address in the same way.
        let malformed = if is_long() { &MALFORMED[..] } else { &MALFORMED[number % 2..][..1] };
        for &nobody in malformed.iter().chain(&["bob@forwarder.example"]) {
            let arguments = ["user", command, "--email", nobody];
            let complaint = run(&world.database, &arguments).await.complained();
            assert!(complaint.contains(nobody), "{arguments:?}: {complaint}");
        }
    }
    let promote = ["user", "set-role", "--email", "bob@forwarder.example", "--role", "admin"];
    assert!(run(&world.database, &promote).await.complained().contains("bob@forwarder.example"));
    let unsure = run(&world.database, &["user", "erase", "--email", EMAIL]).await.complained();
    assert!(unsure.contains("--yes"), "{unsure}");
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn a_list_has_a_line_for_each_user_newest_first() {
    let world = World::start().await;
    assert_eq!(run(&world.database, &["user", "list"]).await.succeeded(), "");
    for (email, role) in [(EMAIL, "customer"), ("root@carrier.example", "admin"), ("op@carrier.example", "operator")] {
        create(&world.database, email, role).await.succeeded();
    }
    run(&world.database, &["user", "disable", "--email", EMAIL]).await.succeeded();
    let listed = run(&world.database, &["user", "list"]).await.succeeded();
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().skip(1).collect()).collect();
    assert_eq!(
        lines,
        [
            ["operator", "enabled", "op@carrier.example"],
            ["admin", "enabled", "root@carrier.example"],
            ["customer", "disabled", EMAIL],
        ]
    );
    assert!(!listed.contains("argon2"), "{listed}");
}

#[tokio::test]
async fn commands_repeated_are_harmless_and_leave_one_act() {
    let world = World::start().await;
    create(&world.database, EMAIL, "customer").await.succeeded();
    for _ in 0..2 {
        run(&world.database, &["user", "set-role", "--email", EMAIL, "--role", "operator"]).await.succeeded();
        run(&world.database, &["user", "disable", "--email", "ANN@forwarder.EXAMPLE"]).await.succeeded();
    }
    for _ in 0..2 {
        run(&world.database, &["user", "enable", "--email", EMAIL]).await.succeeded();
    }
    let acts = world.texts("select act || ' ' || data::text from admin_acts order by id").await;
    assert_eq!(
        acts,
        [
            r#"user.created {"role": "customer"}"#,
            r#"user.changed {"role": {"to": "operator", "from": "customer"}}"#,
            r#"user.changed {"disabled": {"to": true, "from": false}}"#,
            r#"user.changed {"disabled": {"to": false, "from": true}}"#,
        ]
    );
    let admin = world.admin().await;
    let told = admin.get("/api/v1/admin/audit").await.expect(200);
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|act| act["actor_id"].is_null() && act["request_id"].is_null()), "{told:?}");
}

#[tokio::test]
async fn the_last_administrator_cannot_be_demoted_disabled_or_erased() {
    let world = World::start().await;
    create(&world.database, EMAIL, "admin").await.succeeded();
    let before = state(&world).await;
    for arguments in [
        &["user", "disable", "--email", EMAIL][..],
        &["user", "set-role", "--email", EMAIL, "--role", "operator"],
        &["user", "erase", "--email", EMAIL, "--yes"],
    ] {
        let complaint = run(&world.database, arguments).await.complained();
        assert!(complaint.contains("last administrator"), "{complaint}");
    }
    assert_eq!(state(&world).await, before);
    create(&world.database, "root@carrier.example", "admin").await.succeeded();
    run(&world.database, &["user", "erase", "--email", EMAIL, "--yes"]).await.succeeded();
}

/// What is changed by another process is noticed by one that serves, although nobody tells it.
#[tokio::test]
async fn a_server_notices_what_the_command_line_has_changed() {
    let database = TestDatabase::create().await;
    // Its log is read at its end only: there must not be much of it.
    let serve = loadmaster(&["serve"]).on(&database).env("REDIS_URL", &redis_url()).env("RUST_LOG", "warn");
    let serving = serve.env("LOADMASTER_RATE_LIMIT__ENABLED", "false").serve().ready().await;
    let client = serving.client();
    let mut callers = Vec::new();
    for email in [EMAIL, "bob@forwarder.example", "eve@forwarder.example"] {
        let session =
            client.post("/api/v1/auth/register", json!({"email": email, "password": PASSWORD})).await.expect(201);
        callers.push(client.with_token(session["access_token"].as_str().unwrap()));
    }
    let key: Value = callers[0].post("/api/v1/api-keys", json!({"name": "scanner"})).await.expect(201);
    let program = client.with_token(key["key"].as_str().unwrap());
    program.get("/api/v1/bookings").await.expect(200);
    run(&database, &["user", "disable", "--email", EMAIL]).await.succeeded();
    run(&database, &["user", "set-role", "--email", "bob@forwarder.example", "--role", "operator"]).await.succeeded();
    run(&database, &["user", "erase", "--email", "eve@forwarder.example", "--yes"]).await.succeeded();
    let status = async |caller: &loadmaster_testkit::Client| caller.get("/api/v1/bookings").await;
    for (caller, code) in
        [(&callers[0], "unauthenticated"), (&callers[1], "token_expired"), (&callers[2], "unauthenticated")]
    {
        until(code, async || status(caller).await.status == 401).await;
        status(caller).await.expect_problem(401, code);
    }
    program.get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    assert_eq!(serving.terminate().await.code, 0);
}
