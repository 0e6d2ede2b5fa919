//! Feeds whose runs fail.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    World,
    freight::{each, instant, with},
    notifications::{Person, told_to as informed},
    until,
};
use serde_json::json;

use super::{FEEDS, at, feeding, file, files::Files, flights, made, rows, run_now, runs_of};

#[tokio::test]
async fn failures_are_repeated_with_longer_pauses_and_the_fifth_is_reported_once() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    files.say("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n");
    let feed = made(&admin, with(flights(), json!({"url": files.url()}))).await;
    // All administrators are informed, of whatever organization.
    let person = Person::in_organization(&world, uuid::Uuid::new_v4(), Role::Admin).await;
    let customer = Person::new(&world).await;
    let messages =
        "select payload->'data'->>'failures' from outbox where aggregate = 'feed' and event_type = 'FAILING'";
    let mut pauses = Vec::new();
    for failures in 1..=7 {
        until("a run has failed", async || admin.get(&at(&feed)).await.expect(200)["failures"] == failures).await;
        let now = admin.get(&at(&feed)).await.expect(200);
        let status = if failures < 5 { "ACTIVE" } else { "FAILING" };
        assert_eq!(now["status"], status, "{failures}");
        let pause = instant(&now["next_run_at"]) - world.now();
        pauses.push(pause.num_minutes());
        world.clock.advance(pause + TimeDelta::seconds(1));
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320]);
    assert_eq!(world.texts(messages).await, ["5"]);
    assert_eq!(informed(&world, &person.name()).await, ["feed_failing"]);
    assert_eq!(informed(&world, &customer.name()).await, [""; 0]);
    files.give(file(&rows(&world, 1)).as_bytes(), "\"v1\"");
    let good = run_now(&admin, &feed).await;
    assert_eq!(good["status"], "APPLIED");
    let now = admin.get(&at(&feed)).await.expect(200);
    assert_eq!((&now["status"], &now["failures"]), (&json!("ACTIVE"), &json!(0)));
}

#[tokio::test]
async fn a_server_may_ask_for_a_longer_pause() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    files.say("HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
    let feed = made(&admin, with(flights(), json!({"url": files.url()}))).await;
    until("a run has failed", async || admin.get(&at(&feed)).await.expect(200)["failures"] == 1).await;
    let now = admin.get(&at(&feed)).await.expect(200);
    assert_eq!(instant(&now["next_run_at"]) - world.now(), TimeDelta::hours(1));
}

#[tokio::test]
async fn a_reset_forgets_failures_and_reads_the_file_anew() {
    let (world, files) = (World::with(feeding()).await, Files::start().await);
    let admin = world.admin().await;
    files.give(file(&rows(&world, 1)).as_bytes(), "\"v1\"");
    let feed = made(&admin, with(flights(), json!({"url": files.url(), "every_minutes": 10_080}))).await;
    until("it has run", async || admin.get(&at(&feed)).await.expect(200)["last_success_at"].is_string()).await;
    files.say("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n");
    for _ in 0..5 {
        run_now(&admin, &feed).await;
    }
    let failing = admin.get(&format!("{FEEDS}?status=FAILING")).await.expect(200);
    assert_eq!(each(&failing, "id"), [&feed["id"]], "runs by hand count");
    files.give(file(&rows(&world, 1)).as_bytes(), "\"v1\"");
    let reset = admin.poke(&format!("{}/reset", at(&feed))).await.expect(200);
    assert_eq!((&reset["status"], &reset["failures"]), (&json!("ACTIVE"), &json!(0)));
    until("it has run again", async || {
        let runs = admin.get(&runs_of(&feed)).await.expect(200);
        runs.as_array().unwrap().len() == 7 && runs[0]["status"] == "UNCHANGED"
    })
    .await;
    assert!(!files.heads().last().unwrap().contains("if-none-match"), "the file is sent again");
}

#[tokio::test]
async fn a_folder_that_is_not_there_fails_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let options = feeding().set("feeds.folder", directory.path().to_str().unwrap());
    let world = World::with(options).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"folder": "missing"}))).await;
    let failed = run_now(&admin, &feed).await;
    assert_eq!(failed["because"], "There is no folder missing below `feeds.folder`; make it.");
}
