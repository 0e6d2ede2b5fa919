//! Departures in memory that differ from the tables are corrected, and counted.
use loadmaster_testkit::{NewFlight, World, is_long, sum_of, until, until_it_follows};

use super::{direct, search};

/// Moves all flights by days without a message, and so that no trigger knows of it either.
async fn move_silently(world: &World, days: i32) {
    world.sql("alter table flights disable trigger user").await;
    let days = format!("interval '{days} days'");
    world
        .sql(&format!("update flights set departure_at = departure_at + {days}, arrival_at = arrival_at + {days}"))
        .await;
    world.sql("alter table flights enable trigger user").await;
}

/// The comparison is made every ten seconds.
#[tokio::test]
async fn a_departure_in_memory_that_differs_from_the_tables_is_corrected_and_counted() {
    if !is_long() {
        return;
    }
    let world = World::working().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z")).await;
    until_it_follows(&world).await;
    let corrected = async || sum_of(&world.anonymous(), "loadmaster_departures_corrected_total", "").await;
    let before = corrected().await;
    move_silently(&world, 1).await;
    until("the difference is found", async || corrected().await > before).await;
    assert_eq!(direct(&search(&world, "DEL", "LHR", "2026-11-23").await), ["AI101"]);
    // What was told of it is true again.
    move_silently(&world, -1).await;
}
