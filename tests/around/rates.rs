//! What lanes cost over time: what anybody was offered, once for each quarter of an hour, and nobody's own prices.
mod asking;
mod cost;
mod killed;
mod sampling;
mod windows;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_rates::RateService;
use loadmaster_search::SearchService;
use loadmaster_testkit::{
    NewFlight, World,
    pricing::{TARIFFS, at, flat, make},
};
use serde_json::{Value, json};

const HISTORY: &str = "/api/v1/rates/history?origin=DEL&destination=LHR";
const WINDOW: &str = "/api/v1/rates/booking-window?origin=DEL&destination=LHR";

/// A world in which a flight from Delhi to London leaves in two days, at three dollars a kilogram, and somebody has asked for it:
/// its lane is asked in each run.
async fn lane() -> (World, Value) {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z").weight(5_000.0)).await;
    let tariff = make(&world.admin().await, TARIFFS, flat("LANE", "3", json!({}))).await;
    search(&world).await;
    (world, tariff)
}

async fn search(world: &World) {
    let path = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-22";
    world.anonymous().get(path).await.expect(200);
    world.state().service::<SearchService>().unwrap().write_counts().await.unwrap();
}

fn rates(world: &World) -> RateService {
    world.state().service().unwrap()
}

/// Runs the job once.
async fn sample(world: &World) -> usize {
    rates(world).sample().await.unwrap()
}

/// The next quarter of an hour.
fn next_slot(world: &World) {
    world.clock.advance(TimeDelta::minutes(15));
}

fn until(world: &World, instant: &str) {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    world.clock.advance(instant - world.now());
}

/// The rate of the tariff from now on, in dollars for a kilogram.
async fn rate(world: &World, tariff: &Value, rate: u64) {
    world.admin().await.patch(&at(TARIFFS, tariff), json!({"normal": rate.to_string()})).await.expect(200);
}

async fn history(world: &World, query: &str) -> Value {
    world.anonymous().get(&format!("{HISTORY}{query}")).await.expect(200)
}

/// The only point of the only series.
fn only_point(history: &Value) -> &Value {
    let series = history["series"].as_array().unwrap();
    assert_eq!(series.len(), 1, "{history}");
    assert_eq!(series[0]["points"].as_array().unwrap().len(), 1, "{history}");
    &series[0]["points"][0]
}
