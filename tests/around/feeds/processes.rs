//! Several processes run feeds, and some of them die.
use loadmaster_testkit::{
    Client, NewFlight, Watch, World,
    freight::{each, text, with},
    until,
};
use serde_json::{Value, json};
use sqlx::Executor;

use super::{
    at, at_run, because, ended, feeding, file, files::Files, flights, kinds, made, row, rows, run, runs_of, schedule,
    summary,
};

#[tokio::test]
async fn two_processes_and_a_feed_that_is_due_make_one_run() {
    let [one, _other] = World::two(feeding()).await;
    let admin = one.admin().await;
    let files = Files::start().await;
    files.give(file(&rows(&one, 2)).as_bytes(), "\"v1\"");
    let mut feeds = Vec::new();
    for airline in ["AI", "BA", "LH", "EK"] {
        let new = json!({"airline_codes": [airline], "kind": "TARIFFS", "url": files.url()});
        feeds.push(made(&admin, with(flights(), new)).await);
    }
    for feed in &feeds {
        until("it has run", async || {
            let runs = admin.get(&runs_of(feed)).await.expect(200);
            !runs.as_array().unwrap().is_empty() && runs[0]["status"] != "RUNNING"
        })
        .await;
    }
    assert_eq!(files.heads().len(), 4, "no feed is fetched twice");
    assert_eq!(one.texts("select attempts::text from feed_runs").await, ["1"; 4]);
}

#[tokio::test]
async fn a_run_whose_process_died_is_ended_by_the_next_and_given_up_after_three() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    // As a process leaves it that was killed within the run.
    let id = uuid::Uuid::now_v7();
    let insert = |id: uuid::Uuid, attempts: i32| {
        format!(
            "insert into feed_runs (id, feed_id, trigger, status, attempts, started_at)
             values ('{id}', '{}', 'FILE', 'RUNNING', {attempts}, '2026-11-20');
             insert into feed_files values ('{id}', 0, convert_to('{}', 'utf8'));
             update feeds set due_at = '2026-11-20', lease_holder = '{id}', lease_until = now() - interval '1 second'",
            text(&feed, "id"),
            file(&rows(&world, 2))
        )
    };
    for statement in insert(id, 1).split(";\n") {
        world.sql(statement).await;
    }
    let run = json!({"id": id, "feed_id": feed["id"]});
    assert_eq!(summary(&ended(&admin, &run).await), "APPLIED 2 0 0 0 0 0 0");
    let deadly = uuid::Uuid::now_v7();
    for statement in insert(deadly, 3).split(";\n") {
        world.sql(statement).await;
    }
    let given_up = ended(&admin, &json!({"id": deadly, "feed_id": feed["id"]})).await;
    assert!(because(&given_up).starts_with("The run broke off three times"), "{given_up}");
    let runs = admin.get(&runs_of(&feed)).await.expect(200);
    assert_eq!(each(&runs, "status"), ["FAILED", "APPLIED"]);
    assert!(at_run(&runs[0]).ends_with(&deadly.to_string()));
    world.audit().await;
}

/// Runs a feed whose run cannot write its end, until this many are applied; then another process ends it.
async fn broken_off(world: &World, admin: &Client, feed: &Value, file: String, written: (&str, usize)) -> Value {
    let refuse = "create or replace function refuse() returns trigger language plpgsql as
                  $$ begin raise exception 'refused'; end $$";
    world.sql(refuse).await;
    let refusing = "create trigger refusing before update on feeds for each row
                    when (new.last_success_at is distinct from old.last_success_at) execute function refuse()";
    world.sql(refusing).await;
    let started = admin.post_raw(&runs_of(feed), "text/csv", file).await.expect(202);
    let (applied, many) = written;
    until("the file is applied", async || world.texts(applied).await == [many.to_string()]).await;
    let leased = "select count(*)::text from feeds where lease_holder is not null";
    until("the run has broken off", async || world.texts(leased).await == ["0"]).await;
    assert_eq!(admin.get(&at_run(&started)).await.expect(200)["status"], "RUNNING");
    world.sql("drop trigger refusing on feeds").await;
    world.clock.advance(chrono::TimeDelta::minutes(2));
    ended(admin, &started).await
}

#[tokio::test]
async fn a_run_that_broke_off_after_its_apply_is_ended_with_what_it_did() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let written = ("select count(*)::text from flights", 3);
    let run = broken_off(&world, &admin, &feed, file(&rows(&world, 3)), written).await;
    assert_eq!(summary(&run), "APPLIED 3 0 0 0 0 0 0");
    assert_eq!(run["because"], Value::Null);
    let differences = admin.get(&format!("{}/differences", at_run(&run))).await.expect(200);
    assert_eq!(each(&differences, "effect"), ["NEW"; 3]);
    assert_eq!(world.texts("select attempts::text from feed_runs").await, ["2"]);
    let rates = made(&admin, kinds::feed("REFERENCE_RATES", "CSV", json!({}))).await;
    let file = "date,origin,destination,weight_kg,currency,per_kg\n2026-11-18,DEL,LHR,100,USD,3.1\n".to_owned();
    let written = ("select count(*)::text from rate_days where source = 'reference'", 1);
    let run = broken_off(&world, &admin, &rates, file, written).await;
    assert_eq!(summary(&run), "APPLIED 1 0 0 0 0 0 0");
    let tariffs = made(&admin, kinds::feed("TARIFFS", "CSV", json!({}))).await;
    let file = format!("{}\nONE,AI,DEL,LHR,,,GENERAL,,USD,60.00,4.5,,2026-11-20,\n", kinds::TARIFFS);
    let imported = "select count(*)::text from admin_acts where act = 'tariffs.imported'";
    let run = broken_off(&world, &admin, &tariffs, file, (imported, 1)).await;
    assert_eq!(summary(&run), "APPLIED 1 0 0 0 0 0 0");
    world.audit().await;
}

/// Deletes a feed while its run has compared this file, and waits to apply it. Another feed has run after that.
async fn deleted_amid_its_run(world: &World, admin: &Client, feed: &Value, file: String) -> Value {
    let mut other = world.database.owner().await;
    // Another import is under way.
    other
        .execute("begin; select pg_advisory_xact_lock(hashtextextended('loadmaster.flight_imports', 0))")
        .await
        .unwrap();
    admin.post_raw(&runs_of(feed), "text/csv", file).await.expect(202);
    let waiting = "select count(*)::text from pg_locks l join pg_database d on d.oid = l.database
                   where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";
    until("the run waits for it", async || world.texts(waiting).await == ["1"]).await;
    admin.delete(&at(feed)).await.expect(204);
    other.execute("commit").await.unwrap();
    // One feed is served after the other.
    let next = made(admin, flights()).await;
    let two = [row(world, "AI901", 10, 10, "77X"), row(world, "AI902", 10, 10, "77X")];
    assert_eq!(summary(&run(admin, &next, &two).await), "APPLIED 2 0 0 0 0 0 0");
    next
}

#[tokio::test]
async fn a_file_is_not_applied_for_a_feed_that_was_deleted_meanwhile() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let next = deleted_amid_its_run(&world, &admin, &feed, file(&rows(&world, 3))).await;
    assert_eq!(each(&Value::from(schedule(&admin).await), "flight_number"), ["AI901", "AI902"]);
    assert_eq!(world.texts("select distinct feed_id::text from flight_feeds").await, [text(&next, "id")]);
    world.audit().await;
}

/// No difference is written for it that would need its run.
#[tokio::test]
async fn flights_that_only_become_the_feeds_do_not_if_it_was_deleted_meanwhile() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let three = file(&rows(&world, 3));
    admin.post_raw("/api/v1/flights/import", "text/csv", three.clone()).await.expect(200);
    let feed = made(&admin, flights()).await;
    let next = deleted_amid_its_run(&world, &admin, &feed, three).await;
    assert_eq!(world.texts("select distinct feed_id::text from flight_feeds").await, [text(&next, "id")]);
    world.audit().await;
}

/// Deletes a feed while another session has locked what `first` locks, and does `then` once the deletion waits for that.
async fn deleted_while(world: &World, admin: &Client, feed: &Value, first: String, then: &'static str) {
    let mut other = world.database.owner().await;
    other.execute(sqlx::AssertSqlSafe(first)).await.unwrap();
    let path = at(feed);
    let going_on = async {
        Watch::over(&world.database).await.until_waiting(1).await;
        other.execute(then).await.unwrap();
    };
    let (deleted, ()) = tokio::join!(admin.delete(&path), going_on);
    deleted.expect(204);
}

#[tokio::test]
async fn the_deletion_of_a_feed_waits_for_an_apply_and_forgets_what_that_has_noted() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 2)).await;
    // An apply notes its flights, and then locks its run.
    let noting = "begin; select from flight_feeds for update".to_owned();
    deleted_while(&world, &admin, &feed, noting, "select from feed_runs for update nowait; commit").await;
    assert_eq!(world.texts("select feed_id::text from flight_feeds").await, [""; 0]);
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &rows(&world, 2)).await;
    let flight = world.flight(NewFlight::new("AI900", "DEL", "LHR")).await;
    let (flight, of) = (text(&flight, "id"), text(&feed, "id"));
    let noted = format!(
        "begin; insert into flight_feeds (flight_id, feed_id, seen_at) values ('{flight}', '{of}', now());
         select from feed_runs where feed_id = '{of}' for update"
    );
    deleted_while(&world, &admin, &feed, noted, "commit").await;
    assert_eq!(world.texts("select feed_id::text from flight_feeds").await, [""; 0]);
}

#[tokio::test]
async fn a_file_that_is_to_wait_is_kept_whole_and_without_a_lock_on_its_feed() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let content = file(&rows(&world, 3));
    files.give(content.as_bytes(), "\"v1\"");
    let refuse = "create function refuse() returns trigger language plpgsql as
                  $$ begin if exists (select from feeds where xmin = pg_current_xact_id()::xid) then
                       raise exception 'the feed is locked'; end if; return new; end $$";
    world.sql(refuse).await;
    world.sql("create trigger refusing before insert on feed_files for each row execute function refuse()").await;
    let id = uuid::Uuid::now_v7();
    // As a process leaves it that was killed while it kept the file of then.
    for statement in [
        format!(
            "insert into feed_runs (id, feed_id, trigger, status, attempts, started_at)
             values ('{id}', '{}', 'SCHEDULE', 'RUNNING', 1, '2026-11-20')",
            text(&feed, "id")
        ),
        format!("insert into feed_files values ('{id}', 0, 'another file')"),
    ] {
        world.sql(&statement).await;
    }
    admin.patch(&at(&feed), json!({"url": files.url()})).await.expect(200);
    world.sql("update feeds set due_at = '2026-11-20'").await;
    let run = json!({"id": id, "feed_id": feed["id"]});
    assert_eq!(summary(&ended(&admin, &run).await), "REVIEW 3 0 0 0 0 0 0");
    let kept = "select convert_from(content, 'utf8') from feed_files order by part";
    assert_eq!(world.texts(kept).await, [content]);
}
