//! The version before serves while the tables already have the columns of overbooking. It reads and writes the capacity
//! alone.
use loadmaster_testkit::{World, flight_verbs::flight_now};
use serde_json::json;

use super::{overbooked, percents, space};

/// What the version before writes when it changes a flight.
fn changed(capacity: &str) -> String {
    format!(
        "update flight_capacity set {capacity}, cutoff_at = cutoff_at, version = version + 1, ledger_seq = ledger_seq + 1"
    )
}

#[tokio::test]
async fn a_figure_that_it_changes_is_what_is_carried() {
    let world = World::start().await;
    let flight = overbooked(&world, percents(10, 5, 20)).await;
    let capacity = |weight: u32, volume: u32, positions: u32| {
        changed(&format!(
            "capacity_weight_hg = {weight}, capacity_volume_l = {volume}, capacity_positions = {positions}"
        ))
    };
    // It retimes the flight.
    world.sql(&capacity(11_000, 1_050_000, 12)).await;
    let now = flight_now(&world.anonymous(), &flight).await;
    assert_eq!((&now["overbooking"], &now["version"]), (&percents(10, 5, 20), &json!(3)));
    assert_eq!(now["physical_capacity"], space(1000.0, 1000.0, 10));

    world.sql(&capacity(12_000, 1_050_000, 11)).await;
    let now = flight_now(&world.anonymous(), &flight).await;
    assert_eq!(now["overbooking"], percents(0, 5, 0));
    assert_eq!((&now["physical_capacity"], &now["capacity"]), (&space(1200.0, 1000.0, 11), &space(1200.0, 1050.0, 11)));
}

#[tokio::test]
async fn the_tables_refuse_a_capacity_that_does_not_follow_from_what_is_carried() {
    let world = World::start().await;
    overbooked(&world, percents(10, 0, 0)).await;
    let mut owner = world.owner().await;
    for wrong in [
        "capacity_weight_hg = 11001, physical_weight_hg = 10000, overbooking_weight_percent = 11",
        "physical_weight_hg = null",
        "overbooking_weight_percent = 0",
        "overbooking_positions_percent = 10",
        "physical_volume_l = 1000000",
        "capacity_positions = 30, physical_positions = 10, overbooking_positions_percent = 200",
    ] {
        let update = sqlx::AssertSqlSafe(format!("update flight_capacity set {wrong}"));
        let error = sqlx::query(update).execute(&mut owner).await.unwrap_err();
        let constraint = error.as_database_error().and_then(|error| error.constraint().map(str::to_owned));
        assert_eq!(constraint.as_deref(), Some("flight_capacity_authorized"), "{wrong}: {error}");
    }
    world.give_back(owner);
    world.audit_and_rebuild().await;
}
