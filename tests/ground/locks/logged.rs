//! What is done about locks, and what the route cache has, is in the log of the level `debug`.
use loadmaster_testkit::{
    NewFlight, World,
    freight::path_of,
    listening::Log,
    locks::{lock_of, put, take_away},
    until, until_blocked,
};
use serde_json::{Value, json};

use super::{
    Stage,
    released::{depart, hold},
};

/// The texts of the lines, oldest first.
fn texts(log: &Log) -> Vec<String> {
    let line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["fields"]["message"].clone();
    log.text().lines().map(line).map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

fn count(log: &Log, beginning: &str) -> usize {
    texts(log).iter().filter(|text| text.starts_with(beginning)).count()
}

#[tokio::test]
async fn a_lock_that_is_taken_waited_for_or_lost_is_logged() {
    let (log, _listening) = Log::of_this_thread("loadmaster_platform::locks=debug");
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    let change = async |pieces: u32| stage.operator.patch(&path_of(&booking), json!({"pieces": pieces})).await;
    let taken = count(&log, "lock taken");
    change(3).await.expect(200);
    assert!(count(&log, "lock taken") > taken, "{:?}", texts(&log));
    assert_eq!(count(&log, "lock held by another caller; waiting"), 0);
    let lock = lock_of(&booking);
    super::until_free(&mut stage.connection, &lock).await;
    put(&mut stage.connection, &lock, "somebody").await;
    change(4).await.expect_problem(409, "booking_locked");
    assert_eq!(count(&log, "lock held by another caller; waiting"), 1, "{:?}", texts(&log));
    assert_eq!(count(&log, "lock not taken; another caller still holds it"), 1);
    assert_eq!(count(&log, "lock lost"), 0);
    assert!(log.text().contains(booking["ref_id"].as_str().unwrap()), "{}", log.text());
    take_away(&mut stage.connection, &lock).await;
}

#[tokio::test]
async fn a_lock_that_another_has_by_the_time_of_its_release_is_logged_as_lost() {
    let (log, _listening) = Log::of_this_thread("loadmaster_platform::locks=debug");
    let mut stage = Stage::start().await;
    let (booking, mut owner) = (stage.book().await, stage.world.database.owner().await);
    let lock = lock_of(&booking);
    let held = hold(&mut owner, &booking).await;
    let moving = depart(&stage, &booking);
    until_blocked(&stage.operator, 1).await;
    put(&mut stage.connection, &lock, "another").await;
    assert_eq!(count(&log, "lock lost"), 0, "it is noticed when it is released");
    held.rollback().await.unwrap();
    moving.await.unwrap().expect(200);
    until("it is logged", async || count(&log, "lock lost") == 1).await;
    let line = log.text().lines().find(|line| line.contains("lock lost")).unwrap().to_owned();
    assert!(line.contains(&lock), "{line}");
    take_away(&mut stage.connection, &lock).await;
}

#[tokio::test]
async fn a_miss_and_a_hit_of_the_route_cache_are_logged() {
    let (log, _listening) = Log::of_this_thread("loadmaster_search=debug");
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"});
    let anyone = world.anonymous();
    let ask = async || anyone.post("/api/v1/routes/search", search.clone()).await.expect(200);
    ask().await;
    assert!(count(&log, "miss of the route cache") >= 1, "{:?}", texts(&log));
    until("it comes from the cache", async || {
        ask().await;
        count(&log, "hit of the route cache") >= 1
    })
    .await;
    let line = log.text().lines().find(|line| line.contains("hit of the route cache")).unwrap().to_owned();
    assert!(line.contains("DEL") && line.contains("LHR") && line.contains("2026-11-21"), "{line}");
}
