//! More connections than there may be.
use crate::support::{OwnRedis, Process, TestDatabase, connect_from};

use super::client_at;

#[tokio::test]
async fn more_idle_connections_than_descriptors_lock_nobody_out() {
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let process = Process::start_with_descriptors(256, &database, &redis, &[]).await;
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(connect_from("127.0.0.66", &process.base).await);
    }
    let neighbour = client_at("127.0.0.2", &process.base);
    let asking = neighbour.get("/api/v1/airports/DEL");
    tokio::time::timeout(std::time::Duration::from_secs(10), asking).await.expect("it is answered").expect(200);
    // Nor do those of many addresses.
    for number in 0..400 {
        idle.push(connect_from(&format!("127.0.1.{}", number % 200), &process.base).await);
    }
    let newcomer = client_at("127.0.0.3", &process.base);
    let asking = newcomer.get("/api/v1/airports/DEL");
    tokio::time::timeout(std::time::Duration::from_secs(10), asking).await.expect("it is answered").expect(200);
}
