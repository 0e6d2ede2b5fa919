//! Several processes run feeds, and some of them die.
use loadmaster_testkit::{
    World,
    freight::{each, text, with},
    until,
};
use serde_json::json;

use super::{at_run, because, ended, feeding, file, files::Files, flights, made, rows, runs_of, summary};

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
