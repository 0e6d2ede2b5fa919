//! The main job from end to end.
use loadmaster_testkit::{NewFlight, World};
use serde_json::json;

#[tokio::test]
async fn a_shipment_is_booked_flown_and_delivered() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);

    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 10, "weight_kg": 500.5,
                       "flight_ids": [flight["id"]]});
    let booking = customer.post("/api/v1/bookings", order).await.expect(201);
    let path = format!("/api/v1/bookings/{}", booking["ref_id"].as_str().unwrap());
    assert_eq!(booking["status"], "BOOKED");
    assert_eq!(booking["next_actions"], json!(["depart", "cancel"]));
    assert_eq!(booking["volume_m3"], json!(3.003));

    for (action, status, airport) in
        [("depart", "DEPARTED", None), ("arrive", "ARRIVED", Some("LHR")), ("deliver", "DELIVERED", Some("LHR"))]
    {
        let moved = operator.poke(&format!("{path}/{action}")).await.expect(200);
        assert_eq!(moved["status"], status);
        assert_eq!(moved["current_airport"].as_str(), airport);
    }
    let history = customer.get(&format!("{path}/history")).await.expect(200);
    let events: Vec<_> = history["timeline"].as_array().unwrap().iter().map(|event| &event["event_type"]).collect();
    assert_eq!(events, ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED"]);
    world.audit().await;
}
