//! Courtesy locks in Redis: whoever is at a booking has it for himself, and nothing that is true depends on it.
mod expiring;
mod held;
mod illness;
mod logged;
mod released;
mod waiting;

use loadmaster_testkit::{
    Client, NewFlight, OwnRedis, World, WorldOptions,
    freight::{order, path_of},
    until,
};
use redis::aio::MultiplexedConnection;
use reqwest::Method;
use serde_json::{Value, json};

async fn holder(redis: &mut MultiplexedConnection, lock: &str) -> Option<String> {
    redis::cmd("GET").arg(lock).query_async(redis).await.unwrap()
}

async fn until_free(redis: &mut MultiplexedConnection, lock: &str) {
    until(&format!("{lock} is given back"), async || holder(redis, lock).await.is_none()).await;
}

/// An instance with a Redis of its own, and a roomy flight.
struct Stage {
    world: World,
    redis: OwnRedis,
    /// The test's own way to Redis.
    connection: MultiplexedConnection,
    flight: Value,
    customer: Client,
    operator: Client,
}

impl Stage {
    /// Locks are not asked for long, and last longer than any test.
    async fn start() -> Self {
        Self::with(WorldOptions::patient().with_workers().set("locks.attempts", "10").set("locks.delay_ms", "30")).await
    }

    async fn with(options: WorldOptions) -> Self {
        let redis = OwnRedis::start().await;
        let mut options = options.without_redis().set("redis.url", &redis.url());
        if options.settings.iter().all(|(name, _)| name != "redis.timeout_ms") {
            options = options.set("redis.timeout_ms", "20000");
        }
        let world = options.set("locks.ttl_ms", "600000").start().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
        let (customer, operator) = (world.customer().await, world.operator().await);
        let connection = redis.connect().await;
        Self { world, redis, connection, flight, customer, operator }
    }

    async fn book(&self) -> Value {
        self.customer.book(order(&[&self.flight])).await
    }
}

/// All that can be done with a booking, and which of it only staff may do.
fn changes_of(booking: &Value) -> [(Method, String, Option<Value>, bool); 7] {
    let path = path_of(booking);
    [
        (Method::PATCH, path.clone(), Some(json!({"pieces": 3})), false),
        (Method::POST, format!("{path}/cancel"), None, false),
        (Method::DELETE, path.clone(), None, false),
        (Method::POST, format!("{path}/depart"), None, true),
        (Method::POST, format!("{path}/arrive"), None, true),
        (Method::POST, format!("{path}/deliver"), None, true),
        (Method::POST, format!("{path}/correct"), Some(json!({"reason": "Wrong booking"})), true),
    ]
}
