//! Entries with dimensions: no flight is offered on which a piece does not fit.
use loadmaster_testkit::{
    NewFlight,
    freight::{order, with},
    reference::set_door,
    until,
    waitlist::{WAITLIST, at, reached},
};
use serde_json::{Value, json};

use super::order::Desk;

/// One piece of 100 kg and this height.
fn piece(sides: [i32; 3]) -> Value {
    let [length, width, height] = sides;
    json!([{"pieces": 1, "length_cm": length, "width_cm": width, "height_cm": height, "weight_kg": 100,
            "is_tiltable": false, "is_stackable": true}])
}

/// A full flight on this aircraft, with the booking that fills it. An A320 takes pieces of 120 cm, a 777F of 300 cm.
async fn full(desk: &Desk, number: &str, hours: i64, aircraft: &'static str, height: i32) -> (Value, Value) {
    set_door(&desk.admin(), aircraft, height).await;
    let flight = NewFlight::new(number, "DEL", "LHR").weight(100.0).leaves_in_hours(hours).aircraft(aircraft);
    let flight = desk.world.flight(flight).await;
    let booking = desk.admin().book(order(&[&flight])).await;
    (flight, booking)
}

#[tokio::test]
async fn freight_that_does_not_fit_on_a_named_flight_cannot_wait_for_it() {
    let desk = Desk::open().await;
    let (small, _) = full(&desk, "AI101", 200, "320", 120).await;
    let (large, _) = full(&desk, "AI103", 201, "77X", 300).await;
    let wanted = |flight: &Value| json!({"flight_ids": [flight["id"]], "dimensions": piece([80, 80, 150])});
    let refused = desk.admin().post(WAITLIST, wanted(&small)).await.expect_problem(409, "piece_too_large");
    assert_eq!((&refused["flight_id"], &refused["line"]), (&small["id"], &json!(1)));
    let entry = desk.join(wanted(&large)).await;
    assert_eq!((&entry["weight_kg"], &entry["volume_m3"]), (&json!(100), &json!(0.96)));
    assert_eq!(entry["dimensions"], piece([80, 80, 150]));
    assert_eq!(desk.now(&entry).await["dimensions"], piece([80, 80, 150]));
    let bare = desk.join(json!({"flight_ids": [small["id"]], "weight_kg": 100})).await;
    assert_eq!(bare["dimensions"], Value::Null);
    let faults = desk.admin().post(WAITLIST, with(wanted(&large), json!({"volume_m3": 0.9}))).await.expect_faults();
    assert_eq!(faults, [("/volume_m3".to_owned(), "inconsistent".to_owned())]);
    desk.world.audit().await;
}

#[tokio::test]
async fn an_entry_by_date_is_offered_only_the_flight_on_which_it_fits() {
    let desk = Desk::open().await;
    let (small, on_small) = full(&desk, "AI101", 200, "320", 120).await;
    let (large, on_large) = full(&desk, "AI103", 201, "77X", 300).await;
    let date = small["departure_datetime"].as_str().unwrap().split_once('T').unwrap().0;
    let by_date =
        json!({"origin": "DEL", "destination": "LHR", "departure_date": date, "dimensions": piece([80, 80, 150])});
    let entry = desk.join(by_date).await;
    desk.cancel(&on_small).await;
    until("what does not take the piece is open", async || desk.available(&small).await == 100).await;
    assert_eq!(desk.status(&entry).await, "WAITING");
    desk.cancel(&on_large).await;
    let offered = reached(&desk.admin(), &entry, "OFFERED").await;
    let offer = &offered["offer"];
    assert_eq!((&offer["flight_ids"], &offer["pieces"]), (&json!([large["id"]]), &json!(1)));
    assert_eq!(offer["dimensions"], piece([80, 80, 150]));
    let book = format!("{}/book", at(&entry));
    let refused = desk.admin().post(&book, json!({"dimensions": piece([80, 30, 301])})).await;
    refused.expect_problem(409, "piece_too_large");
    let booked = desk.admin().post(&book, json!({"dimensions": piece([150, 80, 80])})).await.expect(201);
    assert_eq!((&booked["pieces"], &booked["dimensions"]), (&json!(1), &piece([150, 80, 80])));
    desk.world.audit().await;
}
