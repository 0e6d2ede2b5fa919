//! Months that are moved out of the tables that the server works on.
use std::process::Command;

use chrono::TimeDelta;
use loadmaster::app::{self, AuditOptions};
use loadmaster_platform::postgres::{self, Month};
use loadmaster_testkit::{
    NewFlight, World, breaches,
    freight::{BOOKINGS, order, path_of},
};
use sqlx::PgConnection;

const MOVED: [&str; 4] = ["bookings", "booking_legs", "booking_events", "capacity_ledger"];

fn november() -> Month {
    "2026-11".parse().unwrap()
}

async fn count(owner: &mut PgConnection, table: &str) -> i64 {
    let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(query).fetch_one(owner).await.unwrap()
}

/// A delivered and a cancelled booking on a flight that has arrived, all made in November.
async fn finished_november(world: &World) -> [String; 2] {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let [flown, dropped] = [(); 2].map(|()| customer.post(BOOKINGS, order(&[&flight])));
    let [flown, dropped] = [flown.await, dropped.await].map(|answer| path_of(&answer.expect(201)));
    customer.poke(&format!("{dropped}/cancel")).await.expect(200);
    world.clock.advance(TimeDelta::hours(25));
    let flight = format!("/api/v1/flights/{}", flight["id"].as_str().unwrap());
    world.operator().await.poke(&format!("{flight}/depart")).await.expect(200);
    world.clock.advance(TimeDelta::hours(4));
    let operator = world.operator().await;
    operator.poke(&format!("{flight}/arrive")).await.expect(200);
    let mut owner = world.owner().await;
    let left = app::unfinished(&mut owner, "2026-12".parse().unwrap()).await.unwrap();
    assert_eq!((left.len(), left[0].what, left[0].count), (1, "bookings that are neither delivered nor cancelled", 1));
    assert!(flown.ends_with(&left[0].one), "{left:?}");
    operator.poke(&format!("{flown}/deliver")).await.expect(200);
    assert!(app::unfinished(&mut owner, "2026-12".parse().unwrap()).await.unwrap().is_empty());
    [flown, dropped]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_archived_month_leaves_the_tables_and_is_still_audited() {
    let world = World::working().await;
    let references = finished_november(&world).await;
    let mut owner = world.database.owner().await;
    let mut before = Vec::new();
    for table in MOVED {
        before.push(count(&mut owner, table).await);
    }
    assert!(before.iter().all(|rows| *rows > 0), "{before:?}");
    world.audit_and_rebuild().await;

    postgres::archive_month(&mut owner, november()).await.unwrap();
    for (table, rows) in MOVED.iter().zip(before) {
        assert_eq!(count(&mut owner, &format!("public.{table}")).await, 0, "{table}");
        assert_eq!(count(&mut owner, &format!("loadmaster_archive.{table}")).await, rows, "{table}");
    }
    assert_eq!(count(&mut owner, "booking_texts").await, 0, "nobody could erase them");
    world.audit_archived().await;
    let places = postgres::partitions(&mut owner).await.unwrap();
    assert!(places.iter().all(|place| place.is_archived == (place.month == november())), "{places:?}");
    let operator = world.operator().await;
    for reference in references {
        operator.get(&reference).await.expect_problem(404, "not_found");
    }
    operator.get(BOOKINGS).await.expect(200);

    // What comes later is not affected, and a second time nothing is left to do.
    world.clock.advance(TimeDelta::days(14));
    let flight = world.flight(NewFlight::new("AI102", "DEL", "LHR").departs("2026-12-20T10:00:00Z")).await;
    world.customer().await.post(BOOKINGS, order(&[&flight])).await.expect(201);
    postgres::archive_month(&mut owner, november()).await.unwrap();
    world.audit_archived().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_archive_cannot_be_changed_and_the_audit_sees_if_it_was() {
    let world = World::working().await;
    finished_november(&world).await;
    let mut owner = world.database.owner().await;
    postgres::archive_month(&mut owner, november()).await.unwrap();
    let mut app = world.database.app().await;
    for statement in [
        "update loadmaster_archive.booking_legs set status = 'BOOKED'",
        "delete from loadmaster_archive.capacity_ledger",
        "truncate loadmaster_archive.booking_events",
        "truncate loadmaster_archive.bookings_2026_11",
        "truncate loadmaster_archive.booking_legs_2026_11",
    ] {
        sqlx::raw_sql(statement).execute(&mut app).await.expect_err("the serving role may not");
        sqlx::raw_sql(statement).execute(&mut owner).await.expect_err("triggers refuse it");
    }
    assert_eq!(breaches(&world.database, AuditOptions::default()).await.len(), 0);
    let forged = "set session_replication_role = replica;
                  delete from loadmaster_archive.capacity_ledger where seq = (select max(seq) from loadmaster_archive.capacity_ledger);
                  set session_replication_role = origin";
    sqlx::raw_sql(forged).execute(&mut owner).await.unwrap();
    assert!(!breaches(&world.database, AuditOptions::default()).await.is_empty(), "an entry is missing");
}

#[tokio::test]
async fn the_archive_has_the_columns_of_the_tables() {
    let world = World::start().await;
    let columns = "select table_name || '.' || column_name || ' ' || data_type from information_schema.columns
                   where table_schema = $1 and table_name = any($2) order by table_name, column_name";
    let mut owner = world.database.owner().await;
    let mut all = Vec::new();
    for schema in ["public", "loadmaster_archive", "loadmaster_audited"] {
        let found = sqlx::query_scalar::<_, String>(columns).bind(schema).bind(&MOVED[..]);
        all.push(found.fetch_all(&mut owner).await.unwrap());
    }
    assert!(all[0].len() > 40 && all.iter().all(|columns| *columns == all[0]), "{all:#?}");
}

/// A command of the binary on the world's database: its exit code and what it says.
fn partitions(world: &World, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.arg("partitions").args(arguments).env_clear();
    command.env("DATABASE_URL", world.database.app_url());
    command.env("LOADMASTER_DATABASE__OWNER_URL", world.database.owner_url());
    let done = command.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_command_archives_only_what_is_finished_and_over() {
    let world = World::working().await;
    finished_november(&world).await;
    let (code, said) = partitions(&world, &["list"]);
    assert!(
        code == 0 && said.contains("2026-11") && said.contains("booking_legs") && !said.contains(" archive"),
        "{said}"
    );
    for (before, expected) in [
        ("2027", "must be a month such as 2026-11"),
        ("2999-01", "has not begun"),
        ("2026-11", "There is nothing to archive"),
    ] {
        let (code, said) = partitions(&world, &["archive", "--before", before, "--delete-texts"]);
        assert!(said.contains(expected), "{code} {said}");
    }
    let mut owner = world.database.owner().await;
    assert!(count(&mut owner, "public.bookings").await == 2);
}
