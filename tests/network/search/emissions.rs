//! What the freight of a search emits on each option.
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    emissions::{factors_of, set_factor},
    until,
};
use serde_json::{Value, json};

use super::{from_bombay, names, ranked, search_for, to_bombay};

const QUERY: &str = "origin=DEL&destination=LHR&departure_date=2026-11-21";

/// Delhi to London by 12:00Z on 21 November 2026.
fn straight(number: &str) -> NewFlight {
    NewFlight::new(number, "DEL", "LHR").departs("2026-11-21T12:00:00Z").takes_minutes(500)
}

async fn world() -> World {
    World::with(WorldOptions::working().with_factors()).await
}

/// The great circle in kilometres, from the angle between the vectors to both airports.
async fn great_circle(client: &Client, origin: &str, destination: &str) -> f64 {
    let mut vectors = Vec::new();
    for code in [origin, destination] {
        let airport = client.get(&format!("/api/v1/airports/{code}")).await.expect(200);
        let radians = |member: &str| airport[member].as_f64().unwrap().to_radians();
        let (north, east) = (radians("latitude"), radians("longitude"));
        vectors.push([north.cos() * east.cos(), north.cos() * east.sin(), north.sin()]);
    }
    let cosine: f64 = vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum();
    6371.0 * cosine.acos()
}

fn co2e(option: &Value) -> f64 {
    option["emissions"]["co2e_kg"].as_f64().unwrap()
}

#[tokio::test]
async fn a_tonne_from_delhi_to_london_emits_distance_times_factor() {
    let world = world().await;
    world.flight(straight("AI1")).await;
    let found = search_for(&world, "DEL", "LHR", "2026-11-21", json!({"weight_kg": 1000})).await;
    let emissions = &found["direct_flights"][0]["emissions"];
    assert_eq!(factors_of(emissions, 1000.0), [(0.75, "CLASS".to_owned())]);
    let distance = emissions["legs"][0]["distance_km"].as_f64().unwrap();
    let expected = great_circle(&world.anonymous(), "DEL", "LHR").await;
    assert!(((distance - 95.0) / expected - 1.0).abs() < 0.005, "{distance}: {expected}");
    // Of hundredths of a kilogram, half up.
    assert!((co2e(&found["direct_flights"][0]) * 10.0 - (distance * 7.5 + 0.5).floor()).abs() < 1e-6, "{emissions}");
}

#[tokio::test]
async fn each_leg_has_the_factor_of_its_class_and_distance() {
    let world = world().await;
    world.flight(to_bombay("AI11")).await;
    world.flight(from_bombay("AI12", "16:00").aircraft("77X")).await;
    let options = ranked(&world, &format!("{QUERY}&weight_kg=250.5")).await;
    let factors = factors_of(&options[0]["emissions"], 250.5);
    assert_eq!(factors, [(1.1, "CLASS".to_owned()), (0.5, "CLASS".to_owned())]);
}

#[tokio::test]
async fn without_a_weight_or_a_factor_there_is_no_estimate() {
    let (world, without) = (world().await, World::working().await);
    for world in [&world, &without] {
        world.flight(straight("AI1")).await;
        world.flight(to_bombay("AI11")).await;
        world.flight(from_bombay("AI12", "16:00")).await;
    }
    let found = search_for(&world, "DEL", "LHR", "2026-11-21", json!({"volume_m3": 1})).await;
    assert_eq!(found["direct_flights"][0]["emissions"], Value::Null);
    assert_eq!(found["transit_routes"][0]["emissions"], Value::Null);
    let found = search_for(&without, "DEL", "LHR", "2026-11-21", json!({"weight_kg": 100})).await;
    assert_eq!(found["direct_flights"][0]["emissions"], Value::Null);
    // One leg alone has a factor.
    set_factor(&without.admin().await, "77X", json!(0.4)).await;
    without.flight(from_bombay("AI13", "17:00").aircraft("77X")).await;
    let options = ranked(&without, &format!("{QUERY}&weight_kg=100&max_stops=1")).await;
    for option in options.as_array().unwrap() {
        assert_eq!(option["emissions"], Value::Null, "{option}");
    }
}

#[tokio::test]
async fn the_least_emissions_come_first_and_none_last() {
    let world = World::working().await;
    let admin = world.admin().await;
    for (aircraft, factor) in [("77X", json!(0.9)), ("74Y", json!(0.5))] {
        set_factor(&admin, aircraft, factor).await;
    }
    world.flight(straight("AI1").aircraft("77X")).await;
    world.flight(straight("AI2").departs("2026-11-21T13:00:00Z").aircraft("74Y")).await;
    world.flight(straight("AI3").departs("2026-11-21T10:00:00Z")).await;
    // As many emissions as AI2, and earlier there.
    world.flight(straight("AI4").departs("2026-11-21T11:00:00Z").aircraft("74Y")).await;
    // The least, but full.
    set_factor(&admin, "32N", json!(0.1)).await;
    world.flight(straight("AI5").aircraft("32N").weight(50.0)).await;
    let cached = &world;
    let plain = WorldOptions::working().on(&world.database).set("search.cache_ttl_seconds", "0").start().await;
    for world in [cached, cached, &plain] {
        let options = ranked(world, &format!("{QUERY}&weight_kg=100&sort=emissions")).await;
        assert_eq!(names(&options), ["AI4", "AI2", "AI1", "AI3", "AI5"]);
        assert!(co2e(&options[1]) < co2e(&options[2]), "{options}");
        let one = ranked(world, &format!("{QUERY}&weight_kg=100&sort=emissions&limit=1")).await;
        assert_eq!(names(&one), ["AI4"]);
    }
}

#[tokio::test]
async fn what_is_kept_has_the_same_emissions_as_the_tables_to_the_byte() {
    let world = world().await;
    world.flight(straight("AI1").aircraft("77X")).await;
    world.flight(to_bombay("AI11")).await;
    world.flight(from_bombay("AI12", "16:00")).await;
    let plain = WorldOptions::working().with_factors().on(&world.database).set("search.cache_ttl_seconds", "0");
    let plain = plain.start().await;
    for freight in ["", "&weight_kg=0.1", "&weight_kg=812.7", "&weight_kg=812.7&price=true&sort=emissions"] {
        let path = format!("/api/v1/routes?{QUERY}{freight}");
        let expected = plain.anonymous().get(&path).await.expect(200);
        for _ in 0..2 {
            assert_eq!(world.anonymous().get(&path).await.expect(200), expected, "{freight}");
        }
    }
}

#[tokio::test]
async fn a_changed_factor_changes_the_estimates_of_every_process() {
    let here = world().await;
    let there = WorldOptions::working().with_factors().on(&here.database).start().await;
    here.flight(straight("AI1").aircraft("77X")).await;
    let factors = async |world: &World| {
        let options = ranked(world, &format!("{QUERY}&weight_kg=100")).await;
        factors_of(&options[0]["emissions"], 100.0)
    };
    until("the flight is there", async || !names(&ranked(&there, QUERY).await).is_empty()).await;
    assert_eq!(factors(&here).await, [(0.5, "CLASS".to_owned())]);
    let admin = here.admin().await;
    for (set, expected) in [(json!(0.4321), (0.4321, "TYPE")), (Value::Null, (0.5, "CLASS"))] {
        set_factor(&admin, "77X", set).await;
        let expected = [(expected.0, expected.1.to_owned())];
        for world in [&here, &there] {
            until("the factor counts", async || factors(world).await == expected).await;
        }
    }
}
