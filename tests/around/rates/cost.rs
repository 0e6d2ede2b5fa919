//! What the samples of many lanes cost. Times are shown, and not asserted: `./test --long rates_cost`.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World, is_long,
    pricing::{TARIFFS, flat, make},
};
use serde_json::json;
use sqlx::Executor;

use super::rates;
use crate::processor::spent;

/// Quarters of an hour in a day.
const SLOTS: i32 = 96;
/// Lanes a day by default: 200 frequent ones in each run, and 1 800 others once.
const LANES: f64 = 200.0 * 96.0 + 1_800.0;

#[tokio::test]
async fn rates_cost_of_two_thousand_lanes() {
    if !is_long() {
        return;
    }
    let world = World::start().await;
    make(&world.admin().await, TARIFFS, flat("ALL", "5", json!({}))).await;
    let fill = sqlx::raw_sql(include_str!("../alerts/crowd.sql"));
    world.database.owner().await.execute(fill).await.unwrap();
    let service = rates(&world);
    let before = spent(&world).await;
    let mut sampled = 0;
    for _ in 0..SLOTS {
        sampled += service.sample().await.unwrap();
        world.clock.advance(TimeDelta::minutes(15));
    }
    let after = spent(&world).await;
    assert_eq!(world.count("rate_lanes").await, 2_000);
    // A quarter of them has had its turn in the six hours before the first run, which makes up for it.
    assert!((2_400..=2_600).contains(&sampled), "each of 2 000 lanes once, and those twice: {sampled}");
    let [server, database] = [after[0] - before[0], after[1] - before[1]];
    let bytes = world
        .texts(
            "select (pg_total_relation_size('rate_points') + pg_total_relation_size('rate_days') +
                                     pg_total_relation_size('rate_lanes'))::text",
        )
        .await;
    let mebibytes = bytes[0].parse::<f64>().unwrap() / 1_048_576.0;
    let minutes = (server + database) / f64::from(u32::try_from(sampled).unwrap()) * LANES / 60.0;
    println!(
        "{sampled} lanes with 100 000 flights: {server:.1} s of processor time in the server and {database:.1} s in the database; \
         with 200 of them in each run {minutes:.1} minutes a day. The first day of all: {mebibytes:.1} MiB with indexes, \
         {} answers",
        world.count("rate_points").await
    );
}
