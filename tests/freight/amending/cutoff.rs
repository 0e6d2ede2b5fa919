//! A customer may change the freight until the first cut-off that concerns it; the carrier until the flight departs.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight,
    amending::{amend, closing, long_day, refused, shown, told_of},
    freight::{order, text},
};
use serde_json::{Value, json};

use super::awb;

/// The members that concern what the flights carry.
fn freight() -> [Value; 5] {
    [
        json!({"pieces": 3}),
        json!({"weight_kg": 90}),
        json!({"volume_m3": 0.9}),
        json!({"positions": 1}),
        json!({"awb_number": awb(1)}),
    ]
}

#[tokio::test]
async fn after_the_cut_off_a_customer_changes_only_what_is_said_about_the_freight() {
    let world = long_day().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    let cutoff = text(&flight, "cutoff_datetime").parse().unwrap();

    world.clock.set(cutoff - TimeDelta::microseconds(1));
    amend(&customer, &booking, json!({"pieces": 4})).await.expect(200);

    world.clock.set(cutoff);
    for change in freight() {
        let problem = refused(&world, &customer, &booking, change, "flight_closed").await;
        assert!(text(&problem, "detail").contains("AI101"), "{problem}");
    }
    refused(&world, &customer, &booking, json!({"description": "late", "weight_kg": 90}), "flight_closed").await;
    let descriptive = json!({"description": "late", "customer_reference": "PO 9", "shipper": {"name": "Ann"},
                             "consignee": {"name": "Bob"}, "special_handling_codes": ["PER"]});
    assert_eq!(amend(&customer, &booking, descriptive).await.expect(200)["description"], "late");

    // The carrier may until departure, also when the flight is late.
    for change in freight() {
        amend(&operator, &booking, change).await.expect(200);
    }
    world.clock.set(cutoff + TimeDelta::hours(2));
    amend(&operator, &booking, json!({"pieces": 9})).await.expect(200);
    assert_eq!(world.available(&flight).await, json!({"weight_kg": 910, "volume_m3": 999.1, "positions": 9}));
    world.audit().await;
}

#[tokio::test]
async fn the_first_cut_off_of_all_legs_counts() {
    let world = long_day().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    // Takes bookings until three hours after the clock's start, long before the first flight closes.
    let second = closing(&world, NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36), 33 * 60).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    amend(&customer, &booking, json!({"weight_kg": 110})).await.expect(200);
    world.clock.advance(TimeDelta::hours(3));
    for change in freight() {
        let problem = refused(&world, &customer, &booking, change, "flight_closed").await;
        assert!(text(&problem, "detail").contains("AI102"), "{problem}");
    }
    amend(&operator, &booking, json!({"weight_kg": 120})).await.expect(200);
    assert_eq!(told_of(&customer, &booking).await, json!(["BOOKED", "AMENDED", "AMENDED"]));
    world.audit().await;
}

#[tokio::test]
async fn a_state_that_forbids_it_is_reported_before_a_cut_off() {
    let world = long_day().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    operator.walk(&booking, &["depart"]).await;
    world.clock.advance(TimeDelta::hours(24));
    let before = shown(&customer, &booking).await;
    refused(&world, &customer, &booking, json!({"weight_kg": 90}), "invalid_transition").await;
    assert_eq!(shown(&customer, &booking).await, before);
    world.audit().await;
}
