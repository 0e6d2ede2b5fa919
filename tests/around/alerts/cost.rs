//! What the checks of many alerts cost. Times are shown, and not asserted: `./test --long alerts_cost`.
use std::time::{Duration, Instant};

use loadmaster_testkit::{
    World, WorldOptions, is_long,
    pricing::{TARIFFS, flat, make},
};
use serde_json::json;
use sqlx::Executor;

use crate::processor::spent;

/// Between two checks of an alert, in seconds.
const ROUND: f64 = 1_800.0;

#[tokio::test]
async fn ten_thousand_alerts_cost() {
    if !is_long() {
        return;
    }
    let world = World::start().await;
    make(&world.admin().await, TARIFFS, flat("ALL", "5", json!({}))).await;
    let fill = sqlx::raw_sql(include_str!("crowd.sql"));
    world.database.owner().await.execute(fill).await.unwrap();
    assert_eq!(world.count("alerts where status = 'ACTIVE'").await, 10_000);
    let began = Instant::now();
    let before = spent(&world).await;
    let serving = WorldOptions::working().on(&world.database).start().await;
    while world.count("alerts where last_checked_at is null or lease_until is not null").await > 0 {
        assert!(began.elapsed() < Duration::from_mins(20), "not all alerts are checked");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (took, after) = (began.elapsed(), spent(&world).await);
    let [server, database] = [after[0] - before[0], after[1] - before[1]];
    println!(
        "10 000 alerts on 2 000 lanes, with the start of a server: {took:?}, {server:.1} s of processor time in the server and \
         {database:.1} s in the database: {:.1} % of a core at a check in 30 minutes",
        (server + database) / ROUND * 100.0
    );
    // All of them were searched: each lane has flights with space, and a tariff.
    assert_eq!(world.count("alerts where found_date is null").await, 0);
    assert_eq!(world.count("outbox where aggregate = 'alert'").await, 0);
    serving.shutdown().await;
}
