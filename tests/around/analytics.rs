//! Reports: each figure is what the test's own bookings, flights, holds and quotes imply, and nobody reads others'.
mod asking;
mod channels;
mod daily;
mod demand;
mod emissions;
mod exporting;
mod flights;
mod funnel;
mod plain;
mod plans;
mod popular;
mod recording;
mod searches;
mod stations;
mod transit;
mod volume;

use chrono::{DateTime, Utc};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{order, with},
};
use serde_json::{Value, json};
use uuid::Uuid;

const VOLUME: &str = "/api/v1/analytics/volume";
const FLIGHTS: &str = "/api/v1/analytics/flights";
const TRANSIT: &str = "/api/v1/analytics/transit-times";
const FUNNEL: &str = "/api/v1/analytics/funnel";
const DAILY: &str = "/api/v1/analytics/daily";
const DEMAND: &str = "/api/v1/analytics/demand";
const SEARCHES: &str = "/api/v1/analytics/searches";

/// Moves the clock on to this instant.
fn at(world: &World, instant: &str) {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    let ahead = instant - world.now();
    assert!(ahead >= chrono::TimeDelta::zero(), "the clock is past {instant}");
    world.clock.advance(ahead);
}

/// A customer and the id of its organization.
async fn firm(world: &World) -> (Client, Uuid) {
    let organization = Uuid::new_v4();
    (world.caller_in(Role::Customer, Uuid::new_v4(), organization).await, organization)
}

/// A flight in December, for bookings whose flights do not matter.
async fn any_flight(world: &World, number: &str, origin: &'static str, destination: &'static str) -> Value {
    world.flight(NewFlight::new(number, origin, destination).departs("2026-12-20T10:00:00Z").weight(100_000.0)).await
}

/// An order of so much in three pieces.
fn of_weight(flight: &Value, kilograms: f64) -> Value {
    with(order(&[flight]), json!({"weight_kg": kilograms, "volume_m3": 0.1, "pieces": 3}))
}

async fn report(client: &Client, path: &str, query: &str) -> Value {
    client.get(&format!("{path}?{query}")).await.expect(200)
}

/// Of each row: period, key, and one of its figures.
fn rows<'a>(report: &'a Value, figure: &str) -> Vec<(&'a str, &'a str, &'a Value)> {
    let row = |row: &'a Value| {
        let figure = row.pointer(&format!("/{figure}")).expect("the figure");
        (row["period"].as_str().unwrap(), row["key"].as_str().unwrap_or("-"), figure)
    };
    report["rows"].as_array().unwrap().iter().map(row).collect()
}

/// What rows and `other` have of a figure, together.
fn sum(report: &Value, figure: &str) -> f64 {
    let of = |value: &Value| value.pointer(&format!("/{figure}")).and_then(Value::as_f64).unwrap_or_default();
    report["rows"].as_array().unwrap().iter().map(of).sum::<f64>() + of(&report["other"])
}

/// Rows and `other` have as much as `total` of each of these figures.
#[track_caller]
fn adds_up(report: &Value, figures: &[&str]) {
    for figure in figures {
        let total = report["total"].pointer(&format!("/{figure}")).unwrap().as_f64().unwrap();
        assert!((sum(report, figure) - total).abs() < 1e-6, "{figure} of {report:#}");
    }
}
