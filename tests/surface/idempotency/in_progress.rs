//! The first request is not done yet, and there is the second.
use loadmaster_testkit::{
    Answer, Brake, Client, NewFlight, OwnRedis, Watch, World, WorldOptions,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, with},
    locks::{Overheard, lock_of, put, take_away},
    sum_of, until, until_blocked,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;

use super::{ask, book, effects, fresh, kept, repeats};

/// Two instances of one installation, which would ask for ever for a booking that is locked.
async fn two_instances() -> [World; 2] {
    World::two(WorldOptions::patient().set("locks.attempts", "100000").set("locks.delay_ms", "5")).await
}

fn spawn(client: &Client, method: &Method, path: &str, body: Option<&Value>) -> JoinHandle<Answer> {
    let (client, method, path, body) = (client.clone(), method.clone(), path.to_owned(), body.cloned());
    tokio::spawn(async move { ask(&client, "k", method, &path, body.as_ref()).await })
}

#[track_caller]
fn in_progress(answer: Answer) {
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("idempotency-replayed"), None);
    answer.expect_problem(409, "idempotency_in_progress");
}

/// While the first request is at its writing, repetitions here and elsewhere are refused; then all are answered.
async fn held_up(worlds: &[World; 2], client: &Client, (method, path, body): (Method, &str, Option<&Value>)) {
    let mut brake = Brake::on(&worlds[0].database).await;
    let first = spawn(client, &method, path, body);
    brake.until_stopped(1).await;
    let elsewhere = worlds[1].same(client);
    in_progress(ask(client, "k", method.clone(), path, body).await);
    in_progress(ask(&elsewhere, "k", method.clone(), path, body).await);
    brake.release().await;
    let first = first.await.unwrap();
    let status = first.status.as_u16();
    let first = fresh(first, status);
    assert!(first.status.is_success(), "{}", first.text);
    let after = effects(&worlds[0]).await;
    repeats(&first, ask(client, "k", method.clone(), path, body).await);
    repeats(&first, ask(&elsewhere, "k", method, path, body).await);
    assert_eq!(effects(&worlds[0]).await, after);
}

#[tokio::test]
async fn a_booking_under_way_is_reported_as_such_by_every_instance() {
    let worlds = two_instances().await;
    let customer = worlds[0].customer().await;
    for (number, weight) in [("AI101", 100_000.0), ("AI103", 120.0)] {
        let flight = worlds[0].flight(NewFlight::new(number, "DEL", "LHR").weight(weight)).await;
        worlds[0].sql("delete from idempotency_records").await;
        held_up(&worlds, &customer, (Method::POST, BOOKINGS, Some(&order(&[&flight])))).await;
    }
    worlds[0].audit().await;
}

#[tokio::test]
async fn a_step_under_way_is_reported_as_such_by_every_instance() {
    let worlds = two_instances().await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = worlds[0].admin().await;
    let path = path_of(&admin.book(order(&[&flight])).await);
    let flight_path = path_to(&flight);
    let (pieces, positions) = (json!({"pieces": 3}), json!({"capacity": {"positions": 12}}));
    held_up(&worlds, &admin, (Method::PATCH, &path, Some(&pieces))).await;
    held_up(&worlds, &admin, (Method::POST, &format!("{path}/depart"), None)).await;
    held_up(&worlds, &admin, (Method::PATCH, &flight_path, Some(&positions))).await;
    held_up(&worlds, &admin, (Method::POST, &format!("{flight_path}/depart"), None)).await;
    worlds[0].audit().await;
}

/// It is not known yet which of the two is right.
#[tokio::test]
async fn another_body_under_a_key_at_work_is_in_progress_too_and_reused_afterwards() {
    let worlds = two_instances().await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = worlds[0].customer().await;
    let elsewhere = worlds[1].same(&customer);
    let (wish, other) = (order(&[&flight]), with(order(&[&flight]), json!({"pieces": 5})));
    let mut brake = Brake::on(&worlds[0].database).await;
    let first = spawn(&customer, &Method::POST, BOOKINGS, Some(&wish));
    brake.until_stopped(1).await;
    in_progress(book(&customer, "k", &other).await);
    in_progress(book(&elsewhere, "k", &other).await);
    brake.release().await;
    fresh(first.await.unwrap(), 201);
    for client in [&customer, &elsewhere] {
        book(client, "k", &other).await.expect_problem(422, "idempotency_key_reused");
    }
    worlds[0].audit().await;
}

/// A request that waits for a locked row holds no transaction that could tell the other instance: both wait, and the
/// second gets the answer of the first.
#[tokio::test]
async fn two_instances_that_wait_for_one_flight_make_one_booking() {
    let worlds = two_instances().await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = worlds[0].customer().await;
    let (elsewhere, wish) = (worlds[1].same(&customer), order(&[&flight]));
    let mut owner = worlds[0].database.owner().await;
    let mut held = owner.begin().await.unwrap();
    sqlx::query("select from flight_capacity for update").execute(&mut *held).await.unwrap();
    let mut watch = Watch::over(&worlds[0].database).await;
    let mut both = Vec::new();
    // One after the other: during its first attempt the first one still holds the key.
    for (client, begun) in [(&customer, 1), (&elsewhere, 2)] {
        both.push(spawn(client, &Method::POST, BOOKINGS, Some(&wish)));
        until("it is set aside", async || {
            sum_of(&customer, "loadmaster_desk_wait_seconds_count", "").await == begun && watch.waiting().await == 0
        })
        .await;
    }
    until_blocked(&customer, 1).await;
    held.rollback().await.unwrap();
    let mut answers = Vec::new();
    for answer in both {
        let mut answer = answer.await.unwrap();
        while answer.status == 409 {
            // It came during an attempt of the other one.
            in_progress(answer);
            answer = ask(&elsewhere, "k", Method::POST, BOOKINGS, Some(&wish)).await;
        }
        answers.push(answer);
    }
    answers.sort_by_key(|answer| answer.header("idempotency-replayed").is_some());
    let [first, again] = answers.try_into().unwrap();
    repeats(&fresh(first, 201), again);
    worlds[0].audit().await;
}

/// The keys that some transaction is at.
async fn keys_at_work(owner: &mut PgConnection) -> Vec<i64> {
    let query = "select (classid::bigint << 32) | objid::bigint from pg_locks
                 where locktype = 'advisory' and objsubid = 1 and granted
                   and database = (select oid from pg_database where datname = current_database())";
    sqlx::query_scalar(query).fetch_all(owner).await.unwrap()
}

/// Whoever it is: an instance that died, but whose session the database still has.
#[tokio::test]
async fn a_key_that_an_open_session_is_at_is_in_progress_until_the_session_ends() {
    let world = WorldOptions::patient().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, wish) = (world.customer().await, order(&[&flight]));
    let (mut owner, mut other) = (world.database.owner().await, world.database.owner().await);
    let mut brake = Brake::on(&world.database).await;
    let first = spawn(&customer, &Method::POST, BOOKINGS, Some(&wish));
    brake.until_stopped(1).await;
    let keys = keys_at_work(&mut other).await;
    let [key] = keys.as_slice() else { panic!("not one key: {keys:?}") };
    brake.kill().await;
    assert!(first.await.unwrap().status.is_server_error());
    brake.release().await;

    sqlx::query("select pg_advisory_lock($1)").bind(key).execute(&mut other).await.unwrap();
    for _ in 0..2 {
        in_progress(book(&customer, "k", &wish).await);
    }
    fresh(book(&customer, "other", &wish).await, 201);
    assert_eq!(kept(&world).await, "1");
    other.close().await.unwrap();
    until("the session has ended", async || keys_at_work(&mut owner).await.is_empty()).await;
    let booked = fresh(book(&customer, "k", &wish).await, 201);
    repeats(&booked, book(&customer, "k", &wish).await);
    world.audit().await;
}

/// While a courtesy lock is waited for there is no transaction that could tell the other instance: both go on, and the
/// second finds what the first has done.
#[tokio::test]
async fn two_instances_that_wait_for_one_booking_take_one_step() {
    let redis = OwnRedis::start().await;
    let heard = Overheard::at(&redis).await;
    // By the time their locks would last the two are told apart.
    let instance = |ttl: &str| {
        let options = WorldOptions::patient().without_redis().set("redis.url", &redis.url());
        options.set("redis.timeout_ms", "20000").set("locks.attempts", "100000").set("locks.ttl_ms", ttl)
    };
    let one = instance("600001").start().await;
    let other = instance("600002").on(&one.database).start().await;
    let flight = one.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = one.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    let path = format!("{}/depart", path_of(&booking));
    let lock = lock_of(&booking);
    let mut connection = redis.connect().await;
    put(&mut connection, &lock, "somebody").await;
    let here = spawn(&operator, &Method::POST, &path, None);
    let there = spawn(&other.same(&operator), &Method::POST, &path, None);
    for ttl in ["600001", "600002"] {
        heard.until(2, &["SET", &lock, ttl]).await;
    }
    take_away(&mut connection, &lock).await;

    let mut answers = [here.await.unwrap(), there.await.unwrap()];
    answers.sort_by_key(|answer| answer.header("idempotency-replayed").is_some());
    let [first, again] = answers;
    repeats(&fresh(first, 200), again);
    let history = operator.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    assert_eq!(history["timeline"].as_array().unwrap().len(), 2);
    one.audit().await;
}
