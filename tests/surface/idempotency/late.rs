//! A repetition that finds its way barred by what the first request did, at an instance that knew nothing of it.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Answer, Client, NewFlight, OwnRedis, Readings, World, WorldOptions,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, with},
    locks::{Overheard, lock_of, put, take_away},
    until,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{KEYS_HELD, ask, book, effects, fresh, repeats};

/// Two instances. The second waits for its own Redis as long as that is silent: it has found nothing in its way, and has
/// begun no transaction.
struct Late {
    quick: World,
    slow: World,
    redis: OwnRedis,
    /// Who reads flights is on his way.
    readings: Readings,
}

impl Late {
    async fn start() -> Self {
        let (redis, quick) = (OwnRedis::start().await, WorldOptions::patient().start().await);
        let slow = WorldOptions::patient().without_redis().on(&quick.database);
        let slow = slow.set("redis.url", &redis.url()).set("redis.timeout_ms", "60000");
        let slow = slow.set("locks.attempts", "100000").set("locks.delay_ms", "5").start().await;
        let readings = Readings::of(&quick.database, "flights").await;
        Self { quick, slow, redis, readings }
    }

    /// The same request on its way at the slow instance: it has read the flight, and has let go of its key until it is its turn.
    async fn send(&mut self, client: &Client, method: Method, path: &str, body: Option<Value>) -> JoinHandle<Answer> {
        self.redis.pause();
        let before = self.readings.count().await;
        let (client, path) = (self.slow.same(client), path.to_owned());
        let sent = tokio::spawn(async move { ask(&client, "k", method, &path, body.as_ref()).await });
        self.readings.until_above(before).await;
        until("the key is free", async || self.quick.texts(KEYS_HELD).await.is_empty()).await;
        assert!(!sent.is_finished(), "it waits");
        sent
    }
}

#[tokio::test]
async fn a_repetition_after_taking_the_last_capacity_returns_the_booking() {
    let mut late = Late::start().await;
    let flight = late.quick.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    let customer = late.quick.customer().await;
    let wish = order(&[&flight]);
    let waiting = late.send(&customer, Method::POST, BOOKINGS, Some(wish.clone())).await;
    let first = fresh(book(&customer, "k", &wish).await, 201);
    book(&customer, "other", &wish).await.expect_problem(409, "capacity_exceeded");
    late.redis.go_on();
    repeats(&first, waiting.await.unwrap());
    late.quick.audit().await;
}

#[tokio::test]
async fn a_repetition_after_the_flight_closed_or_was_cancelled_returns_the_booking() {
    let mut late = Late::start().await;
    let (customer, admin) = (late.quick.customer().await, late.quick.admin().await);
    for (number, code) in [("AI101", "flight_cancelled"), ("AI103", "flight_closed")] {
        late.quick.sql("delete from idempotency_records").await;
        let flight = late.quick.flight(NewFlight::new(number, "DEL", "LHR").weight(100.0)).await;
        let wish = with(order(&[&flight]), json!({"weight_kg": 50}));
        let waiting = late.send(&customer, Method::POST, BOOKINGS, Some(wish.clone())).await;
        let first = fresh(book(&customer, "k", &wish).await, 201);
        if code == "flight_cancelled" {
            admin.poke(&format!("{}/cancel", path_to(&flight))).await.expect(200);
        } else {
            late.quick.clock.advance(TimeDelta::hours(23) + TimeDelta::minutes(30));
            late.slow.clock.advance(TimeDelta::hours(23) + TimeDelta::minutes(30));
        }
        late.redis.go_on();
        repeats(&first, waiting.await.unwrap());
    }
    late.quick.audit().await;
}

#[tokio::test]
async fn a_repetition_of_a_completed_step_returns_its_result() {
    let late = Late::start().await;
    let (heard, mut connection) = (Overheard::at(&late.redis).await, late.redis.connect().await);
    let flight = late.quick.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = late.quick.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    let lock = lock_of(&booking);
    for (method, suffix, body) in [
        (Method::PATCH, "", Some(json!({"pieces": 4}))),
        (Method::POST, "/depart", None),
        (Method::POST, "/arrive", Some(json!({"location": "LHR"}))),
    ] {
        let path = format!("{}{suffix}", path_of(&booking));
        // Somebody whom only the slow one knows has the booking's lock.
        put(&mut connection, &lock, "somebody").await;
        let asked = heard.count(&["SET", &lock, "NX"]);
        let (elsewhere, again) = (late.slow.same(&operator), (method.clone(), path.clone(), body.clone()));
        let waiting = tokio::spawn(async move { ask(&elsewhere, "k", again.0, &again.1, again.2.as_ref()).await });
        // The second time it asks it has found no first request on its way.
        heard.until(asked + 2, &["SET", &lock, "NX"]).await;
        let first = fresh(ask(&operator, "k", method, &path, body.as_ref()).await, 200);
        let after = effects(&late.quick).await;
        take_away(&mut connection, &lock).await;
        repeats(&first, waiting.await.unwrap());
        assert_eq!(effects(&late.quick).await, after);
    }
    late.quick.audit().await;
}

/// The key was free when it was looked for, and is another's now: whether there is still room or not.
#[tokio::test]
async fn a_waiting_request_is_refused_if_its_key_was_used_for_another_meanwhile() {
    let mut late = Late::start().await;
    let customer = late.quick.customer().await;
    for (number, weight) in [("AI101", 40), ("AI103", 50)] {
        late.quick.sql("delete from idempotency_records").await;
        let flight = late.quick.flight(NewFlight::new(number, "DEL", "LHR").weight(100.0)).await;
        let wish = |weight: u32| with(order(&[&flight]), json!({"weight_kg": weight}));
        let waiting = late.send(&customer, Method::POST, BOOKINGS, Some(wish(weight))).await;
        fresh(book(&customer, "k", &wish(60)).await, 201);
        late.redis.go_on();
        waiting.await.unwrap().expect_problem(422, "idempotency_key_reused");
    }
    late.quick.audit().await;
}
