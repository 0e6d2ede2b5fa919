//! How it is run, and what it says when it cannot.
use loadmaster_testkit::{
    TestDatabase,
    command::{Done, loadmaster},
};
use serde_json::json;

use super::{audit, books::Books, document};

/// The one sentence of an audit that could not run.
#[track_caller]
fn could_not_run(done: &Done) -> String {
    assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{}", done.stderr);
    let complaint = done.stderr.lines().find(|line| line.starts_with("loadmaster: ") || line.starts_with("error: "));
    complaint.unwrap_or_else(|| panic!("it does not say why: {}", done.stderr)).to_owned()
}

#[tokio::test]
async fn an_unknown_subject_cannot_be_audited() {
    let database = TestDatabase::create().await;
    for (arguments, words) in [
        (["--flight", "01900000-0000-7000-8000-000000000001"], "no flight 01900000-0000-7000-8000-000000000001"),
        (["--flight", "AI101"], "must be a UUID"),
        (["--booking", "ACB12345"], "no booking ACB12345"),
        (["--booking", "12345"], "must be ACB followed by"),
    ] {
        let done = audit(&database, &arguments).await;
        let complaint = could_not_run(&done);
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    let both = audit(&database, &["--booking", "ACB12345", "--flight", "01900000-0000-7000-8000-000000000001"]).await;
    assert!(could_not_run(&both).contains("cannot be used with"));
}

#[tokio::test]
async fn a_database_that_is_away_not_migrated_or_misconfigured_is_no_breach() {
    let away = TestDatabase::create().await;
    away.close_doors().await;
    assert!(could_not_run(&audit(&away, &[]).await).contains("cannot be reached"));
    let nowhere = loadmaster(&["audit"]).env("DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing").run().await;
    assert!(could_not_run(&nowhere).contains("cannot be reached"));
    let empty = audit(&TestDatabase::empty().await, &[]).await;
    assert!(could_not_run(&empty).contains("loadmaster migrate"));
    let unset = loadmaster(&["audit", "--set", "server.colour=red"]).run().await;
    assert!(could_not_run(&unset).contains("colour"));
}

#[tokio::test]
async fn an_older_schema_is_reported_and_a_newer_one_is_audited() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    sqlx::query("update _sqlx_migrations set version = version + 1000 where version = (select max(version) from _sqlx_migrations)")
        .execute(&mut owner)
        .await
        .unwrap();
    audit(&database, &[]).await.succeeded();
    sqlx::query("delete from _sqlx_migrations where version > 3").execute(&mut owner).await.unwrap();
    assert!(could_not_run(&audit(&database, &[]).await).contains("lacks migrations"));
}

#[tokio::test]
async fn results_go_to_stdout_and_nothing_else_does() {
    let books = Books::keep().await;
    let spoiled = books.spoiled("update flight_capacity set booked_positions = 7 where flight_id = '{direct}'").await;
    let done = audit(&spoiled, &[]).await;
    assert_eq!((done.code, done.stderr.as_str()), (1, ""));
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[1].starts_with("2  flights match their ledgers") && lines[1].contains("  BREACH (1)  "), "{lines:?}");
    let row = books
        .named("     flight_capacity flight_id={direct}: booked_positions is 7 instead of 1, by the last ledger entry");
    assert_eq!(lines[2], row);
    assert!(lines.last().unwrap().ends_with(": 1 breach."), "{lines:?}");
}

#[tokio::test]
async fn the_same_is_reported_as_one_json_document() {
    let books = Books::keep().await;
    let spoiled = books.spoiled("update flight_capacity set booked_positions = 7 where flight_id = '{direct}'").await;
    let (code, told) = document(&spoiled, &[]).await;
    assert_eq!(code, 1);
    let members: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    for member in ["version", "as_of", "flight_id", "ref_id", "clean", "breaches", "checks"] {
        assert!(members.contains(&member), "{member}");
    }
    assert_eq!(members.len(), 7, "{members:?}");
    assert_eq!((&told["clean"], &told["breaches"]), (&json!(false), &json!(1)));
    assert!(told["as_of"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    let second = json!({
        "number": 2, "name": "flights match their ledgers", "status": "BREACH", "checked": {"flights": 10},
        "breaches": 1,
        "rows": [{
            "table": "flight_capacity",
            "key": {"flight_id": books.named("{direct}")},
            "fault": "booked_positions is 7 instead of 1, by the last ledger entry",
        }],
    });
    assert_eq!(told["checks"][1], second);
    let numbers: Vec<_> = told["checks"].as_array().unwrap().iter().map(|check| check["number"].clone()).collect();
    assert_eq!(json!(numbers), json!([1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]));
}

#[tokio::test]
async fn it_runs_beside_a_server_and_sees_one_moment() {
    use loadmaster_testkit::{
        World,
        freight::{order, two_flights},
    };
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let customer = world.customer().await;
    let booking = async {
        for _ in 0..60 {
            let booking = customer.book(order(&[&first, &second])).await;
            customer.walk(&booking, &["cancel"]).await;
        }
    };
    let auditing = async {
        for _ in 0..5 {
            audit(&world.database, &["--rebuild"]).await.succeeded();
        }
    };
    tokio::join!(booking, auditing);
    world.audit_and_rebuild().await;
}
