//! A lock that expires while its holder is at work does no harm: the row has a lock of its own, and a version.
use loadmaster_testkit::{
    Answer, Brake, Client, Watch, World, WorldOptions,
    freight::{each, path_of},
    locks::{lock_of, take_away},
    until_blocked,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use tokio::task::JoinHandle;

use super::{Stage, until_free};

/// Beside the one on the stage: in one process they would stand in line.
async fn beside(stage: &Stage) -> World {
    let options = WorldOptions::patient().with_workers().without_redis().on(&stage.world.database);
    options.set("redis.url", &stage.redis.url()).set("redis.timeout_ms", "20000").start().await
}

fn spawn(client: &Client, change: (Method, String, Option<Value>)) -> JoinHandle<Answer> {
    let (client, (method, path, body)) = (client.clone(), change);
    tokio::spawn(async move { client.send(method, &path, &[], body.as_ref()).await })
}

/// Both are at it at once: the lock of the first has expired before the second asked. Answers in the order of asking.
async fn both_at_once(
    stage: &mut Stage,
    booking: &Value,
    changes: [(Method, String, Option<Value>); 2],
) -> [Answer; 2] {
    let other = beside(stage).await;
    let elsewhere = other.same(&stage.operator);
    let mut watch = Watch::over(&stage.world.database).await;
    let mut owner = stage.world.database.owner().await;
    let mut held = owner.begin().await.unwrap();
    let query =
        format!("select from bookings where ref_id = '{}' for no key update", booking["ref_id"].as_str().unwrap());
    held.execute(sqlx::AssertSqlSafe(query)).await.unwrap();
    let [first, second] = changes;
    let first = spawn(&stage.operator, first);
    watch.until_waiting(1).await;
    take_away(&mut stage.connection, &lock_of(booking)).await;
    let second = spawn(&elsewhere, second);
    watch.until_waiting(2).await;
    held.rollback().await.unwrap();
    let answers = [first.await.unwrap(), second.await.unwrap()];
    until_free(&mut stage.connection, &lock_of(booking)).await;
    answers
}

async fn events(stage: &Stage, booking: &Value) -> Vec<Value> {
    let history = stage.operator.get(&format!("{}/history", path_of(booking))).await.expect(200);
    each(&history["timeline"], "event_type").into_iter().cloned().collect()
}

#[tokio::test]
async fn one_step_is_taken_once() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    let depart = (Method::POST, format!("{}/depart", path_of(&booking)), None);
    let other = beside(&stage).await;
    let elsewhere = other.same(&stage.operator);
    let mut brake = Brake::on(&stage.world.database).await;
    let first = spawn(&stage.operator, depart.clone());
    brake.until_stopped(1).await;
    take_away(&mut stage.connection, &lock_of(&booking)).await;
    let second = spawn(&elsewhere, depart);
    until_blocked(&elsewhere, 1).await;
    brake.release().await;
    let [done, refused] = [first.await.unwrap(), second.await.unwrap()];
    until_free(&mut stage.connection, &lock_of(&booking)).await;
    assert_eq!(done.expect(200)["version"], 2);
    assert_eq!(refused.expect_problem(409, "invalid_transition")["from"], "DEPARTED");
    assert_eq!(events(&stage, &booking).await, [json!("BOOKED"), json!("DEPARTED")]);
    stage.world.audit().await;
}

#[tokio::test]
async fn two_changes_are_made_one_after_the_other() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    let path = path_of(&booking);
    let change = |body: Value| (Method::PATCH, path.clone(), Some(body));
    let changes = [change(json!({"weight_kg": 150})), change(json!({"pieces": 9}))];
    let answers = both_at_once(&mut stage, &booking, changes).await;
    let mut versions = answers.map(|answer| answer.expect(200)["version"].as_u64().unwrap());
    versions.sort_unstable();
    assert_eq!(versions, [2, 3]);
    let now = stage.operator.get(&path).await.expect(200);
    assert_eq!((&now["weight_kg"], &now["pieces"], &now["version"]), (&json!(150), &json!(9), &json!(3)));
    assert_eq!(events(&stage, &booking).await, [json!("BOOKED"), json!("AMENDED"), json!("AMENDED")]);
    assert_eq!(stage.world.available(&stage.flight).await["weight_kg"], 99_850);
    stage.world.audit().await;
}

#[tokio::test]
async fn one_of_two_changes_of_a_version_succeeds() {
    let mut stage = Stage::start().await;
    let booking = stage.book().await;
    let other = beside(&stage).await;
    let elsewhere = other.same(&stage.customer);
    let mut owner = stage.world.database.owner().await;
    let mut held = owner.begin().await.unwrap();
    held.execute("select from bookings for no key update").await.unwrap();
    let mut watch = Watch::over(&stage.world.database).await;
    let mut running = Vec::new();
    for (client, number) in [(&stage.customer, 1), (&elsewhere, 2)] {
        let request = client.request(Method::PATCH, &path_of(&booking)).header("if-match", "\"1\"");
        let request =
            request.header("content-type", "application/json").body(json!({"pieces": 2 + number}).to_string());
        running.push(tokio::spawn(Answer::of(request)));
        watch.until_waiting(number).await;
        take_away(&mut stage.connection, &lock_of(&booking)).await;
    }
    held.rollback().await.unwrap();
    let mut answers = Vec::new();
    for task in running {
        answers.push(task.await.unwrap());
    }
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers.remove(0).expect(200)["version"], 2);
    answers.remove(0).expect_problem(412, "version_mismatch");
    stage.world.audit().await;
}
