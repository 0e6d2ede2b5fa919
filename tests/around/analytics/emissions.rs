//! The emissions of booked freight.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    emissions::set_factor,
    freight::{order, path_of, with},
};
use serde_json::{Value, json};

use super::{VOLUME, adds_up, any_flight, firm, of_weight, report, rows};

fn co2e(emissions: &Value) -> f64 {
    emissions["co2e_kg"].as_f64().unwrap()
}

#[tokio::test]
async fn a_report_sums_the_emissions_of_bookings_as_they_show_them() {
    let world = World::with(WorldOptions::default().with_factors()).await;
    let admin = world.admin().await;
    set_factor(&admin, "77X", json!(0.4321)).await;
    let ((first, _), (second, _)) = (firm(&world).await, firm(&world).await);
    let short = any_flight(&world, "AI101", "DEL", "BOM").await;
    let long = any_flight(&world, "EK501", "DXB", "LHR").await;
    let own = NewFlight::new("AI103", "BOM", "LHR").departs("2026-12-21T10:00:00Z").aircraft("77X");
    let own = world.flight(own.weight(100_000.0)).await;
    let freighter = NewFlight::new("AI104", "DEL", "LHR").departs("2026-12-21T10:00:00Z").aircraft("74Y");
    let freighter = world.flight(freighter.weight(100_000.0)).await;
    let mut booked = Vec::new();
    for weight in [0.1, 33.3, 1000.0, 20_000.7] {
        booked.push(first.book(of_weight(&short, weight)).await);
        booked.push(first.book(of_weight(&long, weight)).await);
        booked.push(first.book(of_weight(&freighter, weight)).await);
        booked.push(first.book(with(order(&[&short, &own]), json!({"weight_kg": weight}))).await);
    }
    let cancelled = first.book(of_weight(&long, 5000.0)).await;
    first.walk(&cancelled, &["cancel"]).await;
    second.book(of_weight(&long, 7.0)).await;

    let found = report(&first, VOLUME, "").await;
    let expected: f64 = booked.iter().map(|booking| co2e(&booking["emissions"])).sum();
    let most = 0.05 * f64::from(u32::try_from(booked.len()).unwrap()) + 0.05;
    assert!((co2e(&found["total"]) - expected).abs() < most, "{}: {expected}", found["total"]);
    let one = report(&second, VOLUME, "").await;
    assert_eq!(rows(&one, "co2e_kg"), [("2026-11-20", "-", &one["total"]["co2e_kg"])]);
    let all = report(&world.operator().await, VOLUME, "").await;
    assert!((co2e(&all["total"]) - co2e(&found["total"]) - co2e(&one["total"])).abs() < 0.11, "{all}");

    // Rows are rounded, each once.
    for query in ["group=lane", "group=lane&limit=1", "group=airline", "group=organization"] {
        let grouped = report(&first, VOLUME, query).await;
        assert_eq!(grouped["total"], found["total"], "{query}");
        let rows: Vec<f64> = rows(&grouped, "co2e_kg").iter().map(|(.., value)| value.as_f64().unwrap()).collect();
        let sum = rows.iter().sum::<f64>() + grouped["other"]["co2e_kg"].as_f64().unwrap_or_default();
        assert!((sum - co2e(&found["total"])).abs() < 0.3, "{query}: {grouped}");
        adds_up(&grouped, &["bookings"]);
    }

    // A booking that takes less, and a factor that is another one.
    let before = co2e(&found["total"]);
    first.patch(&path_of(&booked[3]), json!({"weight_kg": 5000})).await.expect(200);
    let heavier = co2e(&report(&first, VOLUME, "").await["total"]);
    assert!(heavier > before, "{heavier}: {before}");
    set_factor(&admin, "77X", json!(0.1)).await;
    assert!(co2e(&report(&first, VOLUME, "").await["total"]) < heavier);
    world.audit().await;
}

#[tokio::test]
async fn bookings_without_an_estimate_add_nothing() {
    let world = World::start().await;
    let (customer, _) = firm(&world).await;
    let unknown = any_flight(&world, "AI101", "DEL", "LHR").await;
    customer.book(of_weight(&unknown, 100.0)).await;
    assert_eq!(report(&customer, VOLUME, "").await["total"]["co2e_kg"], Value::Null);
    set_factor(&world.admin().await, "77X", json!(0.5)).await;
    let known = NewFlight::new("AI103", "BOM", "LHR").departs("2026-12-21T10:00:00Z").aircraft("77X");
    let booking = customer.book(of_weight(&world.flight(known).await, 100.0)).await;
    let found = report(&customer, VOLUME, "group=lane").await;
    assert_eq!(found["total"]["co2e_kg"], booking["emissions"]["co2e_kg"]);
    let mut lanes = rows(&found, "co2e_kg");
    lanes.sort_by_key(|(_, lane, _)| *lane);
    let expected =
        [("2026-11-20", "BOM-LHR", &booking["emissions"]["co2e_kg"]), ("2026-11-20", "DEL-LHR", &Value::Null)];
    assert_eq!(lanes, expected);
}
