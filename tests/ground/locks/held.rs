//! Somebody else is at the booking.
use loadmaster_testkit::{
    Answer, WorldOptions,
    claims::guest,
    flight_verbs::path_to,
    freight::path_of,
    locks::{lock_of, put, take_away},
};
use reqwest::Method;
use serde_json::json;

use super::{Stage, changes_of, holder, until_free};

#[tokio::test]
async fn a_booking_under_change_is_locked() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    let lock = lock_of(&booking);
    put(&mut stage.connection, &lock, "somebody").await;
    let before = stage.world.written().await;
    for (method, path, body, for_staff) in changes_of(&booking) {
        let mut callers = vec![&stage.operator];
        if !for_staff {
            callers.push(&stage.customer);
        }
        for caller in callers {
            let answer = caller.send(method.clone(), &path, &[], body.as_ref()).await;
            assert_eq!(answer.header("retry-after"), Some("1"), "{method} {path}");
            let problem = answer.expect_problem(409, "booking_locked");
            assert!(problem["detail"].as_str().unwrap().contains(booking["ref_id"].as_str().unwrap()), "{problem}");
        }
    }
    assert_eq!(stage.world.written().await, before);
    assert_eq!(holder(&mut stage.connection, &lock).await.as_deref(), Some("somebody"));
    // Reading asks nobody.
    stage.customer.get(&path_of(&booking)).await.expect(200);
    take_away(&mut stage.connection, &lock).await;
    stage.operator.walk(&booking, &["depart", "arrive", "deliver"]).await;
    stage.world.audit().await;
}

#[tokio::test]
async fn a_guests_booking_under_change_is_locked_for_its_link_too() {
    let mut stage = Stage::start().await;
    let booking = guest(&stage.world).await.book_by_hold(&stage.flight).await;
    put(&mut stage.connection, &lock_of(&booking), "somebody").await;
    let claim = json!({"claim_token": booking["claim"]["token"]});
    let refused = stage.world.anonymous().post("/api/v1/bookings/guest/cancel", claim).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.expect_problem(409, "booking_locked");
}

#[tokio::test]
async fn a_caller_without_access_does_not_learn_that_a_booking_is_locked() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    let stranger = stage.world.customer().await;
    let changes = changes_of(&booking);
    let mut told = Vec::new();
    for locked in [false, true] {
        if locked {
            put(&mut stage.connection, &lock_of(&booking), "somebody").await;
        }
        for (method, path, body, for_staff) in &changes {
            let answer = stranger.send(method.clone(), path, &[], body.as_ref()).await;
            assert_eq!(answer.header("retry-after"), None);
            let problem = if *for_staff {
                answer.expect_problem(403, "forbidden")
            } else {
                answer.expect_problem(404, "not_found")
            };
            told.push((locked, path.clone(), problem["detail"].clone()));
        }
    }
    let (free, locked): (Vec<_>, Vec<_>) = told.into_iter().partition(|(locked, ..)| !locked);
    let sentences = |told: Vec<(bool, String, serde_json::Value)>| told.into_iter().map(|it| it.2).collect::<Vec<_>>();
    assert_eq!(sentences(free), sentences(locked));
    // What is not there at all looks the same, though its lock is held.
    put(&mut stage.connection, "lock:booking:ACB000000000", "somebody").await;
    stage.customer.delete("/api/v1/bookings/ACB000000000").await.expect_problem(404, "not_found");
}

/// What is wrong in itself needs no waiting.
#[tokio::test]
async fn bad_input_is_reported_before_the_lock() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    put(&mut stage.connection, &lock_of(&booking), "somebody").await;
    let path = path_of(&booking);
    stage.customer.patch(&path, json!({"pieces": 0})).await.expect_problem(400, "validation_failed");
    stage.operator.post(&format!("{path}/depart"), json!({"x": 1})).await.expect_problem(400, "validation_failed");
    stage.customer.poke(&format!("{path}/depart")).await.expect_problem(403, "forbidden");
}

/// The reference is the same in upper and lower case, and so is its lock.
#[tokio::test]
async fn a_booking_has_one_lock_however_it_is_written() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    put(&mut stage.connection, &lock_of(&booking), "somebody").await;
    let path = path_of(&booking).replace("ACB", "acb");
    stage.operator.poke(&format!("{path}/depart")).await.expect_problem(409, "booking_locked");
}

#[tokio::test]
async fn a_lock_is_one_bookings_alone() {
    let mut stage = Stage::start().await;
    let (held, free) = (stage.book().await, stage.book().await);
    put(&mut stage.connection, &lock_of(&held), "somebody").await;
    stage.operator.walk(&free, &["depart", "arrive", "deliver"]).await;
    stage.operator.poke(&format!("{}/depart", path_of(&held))).await.expect_problem(409, "booking_locked");
    stage.world.audit().await;
}

/// The carrier's aircraft does not wait for who is at a booking: its rows' locks are enough.
#[tokio::test]
async fn a_flight_leaves_with_locked_bookings() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    put(&mut stage.connection, &lock_of(&booking), "somebody").await;
    for verb in ["depart", "arrive"] {
        let done = stage.operator.poke(&format!("{}/{verb}", path_to(&stage.flight))).await.expect(200);
        assert_eq!(done["bookings_changed"], 1, "{verb}");
    }
    stage.world.audit().await;
}

/// What is done is done: there is nothing to wait for.
#[tokio::test]
async fn a_repeated_step_does_not_wait_for_the_lock() {
    let options = WorldOptions::patient().with_workers().set("locks.attempts", "100000").set("locks.delay_ms", "100");
    let mut stage = Stage::with(options).await;
    let booking = stage.book().await;
    let path = format!("{}/depart", path_of(&booking));
    let keyed = || Answer::of(stage.operator.request(Method::POST, &path).header("idempotency-key", "k"));
    let first = keyed().await;
    until_free(&mut stage.connection, &lock_of(&booking)).await;
    put(&mut stage.connection, &lock_of(&booking), "somebody").await;
    let again = keyed().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.text, first.text);
    assert_eq!(first.expect(200)["status"], "DEPARTED");
}
