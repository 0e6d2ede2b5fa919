//! Bookings beside the checks of 10 000 alerts, and without them, by turns.
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};

use crate::common::{
    load::{Load, run},
    median, network, setting,
    site::Site,
};

const CLIENTS: usize = 16;
/// Flights that are booked.
const FLIGHTS: i64 = 2_000;

/// Books with the alerts paused and active. Returns the medians of both, and of their ratio.
pub async fn measure(site: &Site, owner: &mut PgConnection) -> Value {
    owner.execute(include_str!("alerts.sql")).await.unwrap();
    let flights: Vec<(String, String, String)> = sqlx::query_as(
        "select id::text, origin::text, destination::text from flights where departure_at > '2027-05-10' order by id limit $1",
    )
    .bind(FLIGHTS)
    .fetch_all(&mut *owner)
    .await
    .unwrap();
    let orders: Vec<Vec<u8>> =
        flights.iter().map(|(id, origin, destination)| network::order(site, id, origin, destination)).collect();
    let (time, rounds) = (Duration::from_secs(setting("BENCH_SECONDS", 10)), setting("BENCH_RUNS", 5));
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // By turns, as bookings add up.
        for is_active in [round % 2 == 1, round % 2 == 0] {
            set_status(owner, if is_active { "ACTIVE" } else { "PAUSED" }).await;
            let load = run(site.here, &orders, 201, CLIENTS, time).await;
            if is_active { with.push(load) } else { without.push(load) }
        }
    }
    let (checked, left): (i64, i64) =
        sqlx::query_as("select count(*) filter (where last_checked_at is not null), count(*) filter (where next_check_at < now()) from alerts")
            .fetch_one(owner)
            .await
            .unwrap();
    let p99 = |loads: &[Load]| median(loads.iter().map(|load| load.quantile(0.99)));
    let ratio = median(without.iter().zip(&with).map(|(without, with)| with.quantile(0.99) / without.quantile(0.99)));
    json!({"p99_ms_without": p99(&without), "p99_ms_with": p99(&with), "ratio": (ratio * 100.0).round() / 100.0,
        "alerts_checked": checked, "alerts_late": left})
}

async fn set_status(owner: &mut PgConnection, status: &'static str) {
    sqlx::query("update alerts set status = $1").bind(status).execute(owner).await.unwrap();
}
