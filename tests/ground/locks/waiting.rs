//! Who finds a booking locked asks again for a while.
use std::sync::Arc;

use loadmaster_testkit::{
    WorldOptions,
    freight::{at_once, path_of},
    locks::{Overheard, lock_of, put, take_away},
};
use serde_json::json;

use super::Stage;

#[tokio::test]
async fn attempts_to_take_the_lock_are_limited_by_the_settings() {
    for (attempts, at_least) in [(1, 1), (7, 2)] {
        let options = WorldOptions::patient().with_workers().set("locks.attempts", &attempts.to_string());
        let mut stage = Stage::with(options.set("locks.delay_ms", "200")).await;
        let heard = Overheard::at(&stage.redis).await;
        let booking = stage.book().await;
        let lock = lock_of(&booking);
        put(&mut stage.connection, &lock, "somebody").await;
        stage.operator.poke(&format!("{}/depart", path_of(&booking))).await.expect_problem(409, "booking_locked");
        heard.until(at_least, &["SET", &lock, "NX"]).await;
        // The first time nobody had to wait yet.
        let asked = heard.count(&["SET", &lock, "NX"]);
        assert!(asked <= attempts + 1, "{asked} times");
    }
}

#[tokio::test]
async fn a_lock_that_is_given_back_in_time_is_worth_the_wait() {
    let options = WorldOptions::patient().with_workers().set("locks.attempts", "100000").set("locks.delay_ms", "5");
    let mut stage = Stage::with(options).await;
    let heard = Overheard::at(&stage.redis).await;
    let booking = stage.book().await;
    let (lock, path) = (lock_of(&booking), path_of(&booking));
    put(&mut stage.connection, &lock, "somebody").await;
    let (operator, depart) = (stage.operator.clone(), format!("{path}/depart"));
    let waiting = tokio::spawn(async move { operator.poke(&depart).await });
    heard.until(4, &["SET", &lock, "NX"]).await;
    assert!(!waiting.is_finished());
    // What happened meanwhile counts: it is judged by what is found then.
    stage.world.sql(&format!("update bookings set version = version + 1 where ref_id = '{}'", &lock[13..])).await;
    take_away(&mut stage.connection, &lock).await;
    let done = waiting.await.unwrap();
    assert_eq!(done.header("etag"), Some("\"3\""));
    done.expect(200);
}

/// They come one after the other, and none is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_changes_of_one_booking_are_all_made() {
    let options = WorldOptions::patient().with_workers().set("locks.attempts", "100000").set("locks.delay_ms", "5");
    let stage = Arc::new(Stage::with(options).await);
    let booking = stage.book().await;
    let answers = at_once((0..30).map(|number| {
        let (stage, path) = (stage.clone(), path_of(&booking));
        async move { stage.customer.patch(&path, json!({"description": format!("Crate {number}")})).await }
    }))
    .await;
    let mut versions: Vec<_> =
        answers.into_iter().map(|answer| answer.expect(200)["version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=31).collect::<Vec<u64>>());
    stage.world.audit().await;
}
