use loadmaster_testkit::{
    NewFlight, TestDatabase, WorldOptions,
    freight::{at_once, order},
};
use serde_json::json;

use super::data;

const BOARD: &str = "{ bookings(first: 100) { nodes {
    refId status legs { flightId flight { id flightNumber } } flights { departureDatetime } payments { id status } } } }";

/// Books a hundred times.
#[tokio::test]
async fn a_hundred_bookings_with_legs_flights_and_payments_take_four_statements() {
    let database = TestDatabase::counting().await;
    let world = WorldOptions::default().on(&database).start().await;
    let customer = world.customer().await;
    let mut flights = Vec::new();
    for number in 0..10 {
        let new = NewFlight::new(&format!("AI{}", 100 + number), "DEL", "LHR").weight(900_000.0).volume(9_000.0);
        flights.push(world.flight(new.positions(1000)).await);
    }
    let orders = (0..100).map(|number| {
        let (customer, order) = (customer.clone(), order(&[&flights[number % 10]]));
        async move { customer.book(order).await }
    });
    at_once(orders).await;
    // Who is known already costs nothing.
    data(&customer, "{ me { id } }", json!({})).await;
    let before = world.executed("select").await;
    let shown = data(&customer, BOARD, json!({})).await["bookings"]["nodes"].take();
    let statements = world.executed("select").await - before;
    let nodes = shown.as_array().unwrap();
    assert_eq!(nodes.len(), 100);
    for node in nodes {
        assert_eq!(node["legs"][0]["flightId"], node["legs"][0]["flight"]["id"]);
        assert_eq!(node["payments"], json!([]));
        assert!(node["flights"][0]["departureDatetime"].is_string());
    }
    assert!((1..=4).contains(&statements), "{statements} statements");
}
