//! Redis is away, silent, full, read-only or forgets: bookings and steps go on, for the rows' own locks are enough.
use std::collections::HashMap;

use loadmaster_testkit::{
    NewFlight, OwnRedis, WorldOptions,
    freight::{order, path_of, with},
    locks::{Overheard, lock_of, put, take_away},
    until,
};
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};

use super::{Stage, changes_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Illness {
    Dead,
    Silent,
    Full,
    ReadOnly,
}

impl Illness {
    async fn befall(self, redis: &mut OwnRedis) {
        match self {
            Self::Dead => redis.kill(),
            Self::Silent => redis.pause(),
            Self::Full => redis.fill().await,
            Self::ReadOnly => follow(redis, "127.0.0.1", "1").await,
        }
    }

    async fn pass(self, redis: &mut OwnRedis) {
        match self {
            Self::Dead => redis.start_again().await,
            Self::Silent => redis.go_on(),
            Self::Full => redis.make_room().await,
            Self::ReadOnly => follow(redis, "NO", "ONE").await,
        }
    }
}

/// A replica of nobody takes no writes.
async fn follow(redis: &OwnRedis, host: &str, port: &str) {
    let follow = redis::cmd("REPLICAOF").arg(host).arg(port).to_owned();
    follow.query_async::<()>(&mut redis.connect().await).await.unwrap();
}

async fn stage() -> Stage {
    // Silence is not listened to for long.
    let options = WorldOptions::patient().with_workers().set("redis.timeout_ms", "200");
    Stage::with(options.set("locks.attempts", "10").set("locks.delay_ms", "30")).await
}

impl Stage {
    async fn health(&self) -> Value {
        self.world.anonymous().get("/health").await.expect(200)["status"].clone()
    }

    async fn until_health(&self, status: &str, breaker: &str) {
        until(&format!("it is {status} and the breaker {breaker}"), async || {
            let details = self.operator.get("/health/detailed").await.expect(200);
            (&details["status"], &details["redis"]["breaker"]) == (&json!(status), &json!(breaker))
        })
        .await;
        assert_eq!(self.health().await, status);
    }

    /// Everything that locks are asked for, done once or more.
    async fn live_a_day(&self, number: &str) {
        // The last kilograms, out of two.
        let tight = self.world.flight(NewFlight::new(number, "DEL", "LHR").weight(200.0)).await;
        for _ in 0..2 {
            self.customer.book(order(&[&tight])).await;
        }
        let full = self.customer.post("/api/v1/bookings", order(&[&tight])).await;
        full.expect_problem(409, "capacity_exceeded");
        let (moved, cancelled, deleted) = (self.book().await, self.book().await, self.book().await);
        self.customer.patch(&path_of(&moved), json!({"weight_kg": 120})).await.expect(200);
        self.operator.walk(&moved, &["depart", "arrive", "deliver"]).await;
        self.customer.walk(&cancelled, &["cancel"]).await;
        self.customer.delete(&path_of(&deleted)).await.expect(200);
        let refused = self.operator.poke(&format!("{}/depart", path_of(&cancelled))).await;
        refused.expect_problem(409, "invalid_transition");
    }

    /// A lock that is held is minded, so it is asked for.
    async fn expect_locks_minded(&mut self) {
        let booking = self.book().await;
        put(&mut self.connection, &lock_of(&booking), "somebody").await;
        for (method, path, body, _) in changes_of(&booking) {
            self.operator.send(method, &path, &[], body.as_ref()).await.expect_problem(409, "booking_locked");
        }
        take_away(&mut self.connection, &lock_of(&booking)).await;
        self.operator.walk(&booking, &["depart"]).await;
    }
}

async fn fall_ill_and_recover(illness: Illness) {
    let mut stage = stage().await;
    stage.until_health("healthy", "closed").await;
    stage.live_a_day("AI201").await;
    illness.befall(&mut stage.redis).await;
    stage.live_a_day("AI203").await;
    stage.until_health("degraded", "open").await;
    stage.live_a_day("AI205").await;
    illness.pass(&mut stage.redis).await;
    stage.until_health("healthy", "closed").await;
    // Who was connected to the dead one is not to the new one.
    stage.connection = stage.redis.connect().await;
    stage.live_a_day("AI207").await;
    stage.expect_locks_minded().await;
    stage.world.audit().await;
}

#[tokio::test]
async fn everything_works_without_redis() {
    fall_ill_and_recover(Illness::Dead).await;
}

#[tokio::test]
async fn with_a_silent_redis_all_goes_on() {
    fall_ill_and_recover(Illness::Silent).await;
}

#[tokio::test]
async fn with_a_full_redis_all_goes_on() {
    fall_ill_and_recover(Illness::Full).await;
}

#[tokio::test]
async fn everything_works_with_a_read_only_redis() {
    fall_ill_and_recover(Illness::ReadOnly).await;
}

#[tokio::test]
async fn a_redis_that_has_forgotten_everything_is_no_matter() {
    let mut stage = stage().await;
    let booking = stage.book().await;
    put(&mut stage.connection, &lock_of(&booking), "somebody").await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut stage.connection).await.unwrap();
    stage.operator.walk(&booking, &["depart"]).await;
    stage.live_a_day("AI201").await;
    stage.until_health("healthy", "closed").await;
    stage.expect_locks_minded().await;
    stage.world.audit().await;
}

/// From now on it lets nobody near any key, or near all of them again.
async fn allow(connection: &mut MultiplexedConnection, keys: &str) {
    redis::cmd("ACL").arg(&["SETUSER", "default", keys]).query_async::<()>(connection).await.unwrap();
}

/// How often it was asked in vain for keys whose names begin so.
async fn denied(connection: &mut MultiplexedConnection, prefix: &str) -> u64 {
    let log: Vec<HashMap<String, redis::Value>> = redis::cmd("ACL").arg("LOG").query_async(connection).await.unwrap();
    let entry = |entry: &HashMap<String, redis::Value>, name: &str| {
        redis::from_redis_value::<String>(entry[name].clone()).unwrap()
    };
    let counted = log.iter().filter(|it| entry(it, "object").starts_with(prefix));
    counted.map(|it| entry(it, "count").parse::<u64>().unwrap()).sum()
}

/// Once it is given up nobody waits for it: requests do not even ask.
#[tokio::test]
async fn a_redis_that_does_not_answer_is_not_called_until_it_does() {
    let mut stage = stage().await;
    let bookings = [stage.book().await, stage.book().await];
    allow(&mut stage.connection, "resetkeys").await;
    stage.live_a_day("AI201").await;
    stage.until_health("degraded", "open").await;
    assert!(denied(&mut stage.connection, "lock:").await > 0);
    for booking in &bookings {
        stage.operator.walk(booking, &["depart", "arrive", "deliver"]).await;
        assert_eq!(denied(&mut stage.connection, &lock_of(booking)).await, 0);
    }
    // It is asked again all the same, whether there are requests or not.
    let probes = denied(&mut stage.connection, "loadmaster:health").await;
    until("it is probed", async || denied(&mut stage.connection, "loadmaster:health").await > probes + 1).await;
    allow(&mut stage.connection, "allkeys").await;
    let heard = Overheard::at(&stage.redis).await;
    until("it is asked for locks again", async || {
        let booking = stage.book().await;
        stage.operator.walk(&booking, &["depart"]).await;
        heard.count(&["SET", &lock_of(&booking), "NX"]) > 0
    })
    .await;
    stage.expect_locks_minded().await;
}

/// What was asked of a silent Redis it does when it wakes: nobody waits for those locks any more.
#[tokio::test]
async fn locks_that_were_refused_are_not_held_afterwards() {
    let mut stage = stage().await;
    let mut bookings = Vec::new();
    for _ in 0..6 {
        bookings.push(stage.book().await);
    }
    stage.until_health("healthy", "closed").await;
    stage.redis.pause();
    for booking in &bookings {
        stage.operator.walk(booking, &["depart"]).await;
    }
    stage.redis.go_on();
    stage.until_health("healthy", "closed").await;
    until("no lock is left", async || {
        let keys: Vec<String> = redis::cmd("KEYS").arg("lock:*").query_async(&mut stage.connection).await.unwrap();
        keys.is_empty()
    })
    .await;
    for booking in &bookings {
        stage.operator.walk(booking, &["arrive", "deliver"]).await;
    }
    stage.world.audit().await;
}

/// Locks are a courtesy between those who have a Redis; who has none is as safe.
#[tokio::test]
async fn an_instance_without_redis_works_beside_one_with() {
    let stage = stage().await;
    let other = WorldOptions::patient().with_workers().without_redis().on(&stage.world.database).start().await;
    let operator = other.same(&stage.operator);
    let tight = stage.world.flight(NewFlight::new("AI201", "DEL", "LHR").weight(100.0)).await;
    let wish = with(order(&[&tight]), json!({"weight_kg": 50}));
    let (one, two) = (stage.operator.book(wish.clone()).await, operator.book(wish.clone()).await);
    operator.post("/api/v1/bookings", wish).await.expect_problem(409, "capacity_exceeded");
    for booking in [&one, &two] {
        stage.operator.walk(booking, &["depart"]).await;
        operator.walk(booking, &["arrive"]).await;
        stage.operator.poke(&format!("{}/deliver", path_of(booking))).await.expect(200);
    }
    assert_eq!(other.anonymous().get("/health").await.expect(200)["status"], "healthy");
    stage.world.audit().await;
}
