//! Who has done what he wanted, or could not, gives the lock back; but not another's.
use loadmaster_testkit::{
    Answer, Brake, Watch,
    freight::path_of,
    locks::{Overheard, lock_of, put},
    until_blocked,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection, Postgres, Transaction};
use tokio::task::JoinHandle;

use super::{Stage, holder, until_free};

/// Holds a booking's row, so that who changes it is kept at it.
pub(super) async fn hold<'a>(owner: &'a mut PgConnection, booking: &Value) -> Transaction<'a, Postgres> {
    let mut held = owner.begin().await.unwrap();
    let query =
        format!("select from bookings where ref_id = '{}' for no key update", booking["ref_id"].as_str().unwrap());
    held.execute(sqlx::AssertSqlSafe(query)).await.unwrap();
    held
}

pub(super) fn depart(stage: &Stage, booking: &Value) -> JoinHandle<Answer> {
    let (operator, path) = (stage.operator.clone(), format!("{}/depart", path_of(booking)));
    tokio::spawn(async move { operator.poke(&path).await })
}

#[tokio::test]
async fn a_lock_is_held_while_the_change_is_made_and_no_longer() {
    let mut stage = Stage::start().await;
    let heard = Overheard::at(&stage.redis).await;
    let (booking, mut owner) = (stage.book().await, stage.world.database.owner().await);
    let lock = lock_of(&booking);
    let mut tokens = Vec::new();
    for step in ["depart", "arrive", "deliver"] {
        let held = hold(&mut owner, &booking).await;
        let (operator, path) = (stage.operator.clone(), format!("{}/{step}", path_of(&booking)));
        let moving = tokio::spawn(async move { operator.poke(&path).await });
        until_blocked(&stage.operator, 1).await;
        let token = holder(&mut stage.connection, &lock).await.expect("it is held");
        let left: i64 = redis::cmd("PTTL").arg(&lock).query_async(&mut stage.connection).await.unwrap();
        assert!(left > 60_000 && left <= 600_000, "it lasts as the settings say, not {left} ms");
        held.rollback().await.unwrap();
        moving.await.unwrap().expect(200);
        until_free(&mut stage.connection, &lock).await;
        assert!(token.len() >= 16, "{token} can be guessed");
        assert!(!tokens.contains(&token), "each has its own");
        tokens.push(token);
    }
    // Asked for once each, in one word, and given back in one word.
    assert_eq!(heard.count(&["SET", &lock, "NX", "PX", "600000"]), 3);
    assert_eq!(heard.count(&["SETNX"]) + heard.count(&["EXPIRE", &lock]) + heard.count(&["PEXPIRE", &lock]), 0);
    for token in tokens {
        heard.until(1, &["EVAL", &lock, &token]).await;
    }
    stage.world.audit().await;
}

#[tokio::test]
async fn a_refused_request_releases_its_lock_too() {
    let mut stage = Stage::start().await;
    let heard = Overheard::at(&stage.redis).await;
    let booking = stage.book().await;
    let (path, lock, stranger) = (path_of(&booking), lock_of(&booking), stage.world.customer().await);
    let arrive = format!("{path}/arrive");
    let mut asked = 0;
    for (code, status, answer) in [
        ("invalid_transition", 409, stage.operator.poke(&arrive).await),
        ("location_mismatch", 409, stage.operator.post(&format!("{path}/depart"), json!({"location": "LHR"})).await),
        ("capacity_exceeded", 409, stage.customer.patch(&path, json!({"weight_kg": 200_000})).await),
        ("not_found", 404, stranger.delete(&path).await),
        ("version_mismatch", 412, {
            let outdated = stage.customer.request(Method::DELETE, &path).header("if-match", "\"9\"");
            Answer::of(outdated).await
        }),
    ] {
        answer.expect_problem(status, code);
        asked += 1;
        until_free(&mut stage.connection, &lock).await;
    }
    assert!(heard.count(&["EVAL", &lock]) <= asked);
    stage.operator.walk(&booking, &["depart", "arrive", "deliver"]).await;
    until_free(&mut stage.connection, &lock).await;
    stage.world.audit().await;
}

/// His own had expired, and another has taken it since.
#[tokio::test]
async fn a_lock_that_is_anothers_by_now_stays_his() {
    let mut stage = Stage::start().await;
    let heard = Overheard::at(&stage.redis).await;
    let (booking, mut owner) = (stage.book().await, stage.world.database.owner().await);
    let lock = lock_of(&booking);
    let held = hold(&mut owner, &booking).await;
    let moving = depart(&stage, &booking);
    until_blocked(&stage.operator, 1).await;
    let token = holder(&mut stage.connection, &lock).await.expect("it is held");
    put(&mut stage.connection, &lock, "another").await;
    held.rollback().await.unwrap();
    moving.await.unwrap().expect(200);
    // He does give back what he thinks is his.
    heard.until(1, &["EVAL", &lock, &token]).await;
    assert_eq!(holder(&mut stage.connection, &lock).await.as_deref(), Some("another"));
    stage.operator.poke(&format!("{}/arrive", path_of(&booking))).await.expect_problem(409, "booking_locked");
    assert_eq!(holder(&mut stage.connection, &lock).await.as_deref(), Some("another"));
    stage.world.audit().await;
}

/// A caller that hangs up leaves nothing behind: a step that was not begun is skipped, one that was is done to its end.
#[tokio::test]
async fn a_caller_that_hangs_up_leaves_no_lock() {
    let mut stage = Stage::start().await;
    let (booking, mut owner) = (stage.book().await, stage.world.database.owner().await);
    let lock = lock_of(&booking);
    let held = hold(&mut owner, &booking).await;
    hang_up(depart(&stage, &booking), until_blocked(&stage.operator, 1)).await;
    until_free(&mut stage.connection, &lock).await;
    held.rollback().await.unwrap();
    assert_eq!(status(&stage, &booking).await, "BOOKED");

    let mut brake = Brake::on(&stage.world.database).await;
    hang_up(depart(&stage, &booking), brake.until_stopped(1)).await;
    brake.release().await;
    until_free(&mut stage.connection, &lock).await;
    Watch::over(&stage.world.database).await.until_quiet().await;
    assert_eq!(status(&stage, &booking).await, "DEPARTED");
    stage.world.audit().await;
}

async fn hang_up(call: JoinHandle<Answer>, when: impl Future<Output = ()>) {
    when.await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
}

async fn status(stage: &Stage, booking: &Value) -> Value {
    stage.customer.get(&path_of(booking)).await.expect(200)["status"].clone()
}
