//! Messages about alerts.
use loadmaster_testkit::{NewFlight, World, freight::text, until};
use serde_json::json;

use super::{
    colleagues,
    receiver::{Mode, Receiver},
    sending, webhook_to,
};

#[tokio::test]
async fn a_met_alert_goes_to_its_own_organization_alone() {
    let world = World::with(sending()).await;
    let [own, foreign] = [(); 2].map(|()| Receiver::start(Mode::Status(200)));
    let (own, foreign) = tokio::join!(own, foreign);
    let (operator, customer) = colleagues(&world).await;
    let stranger = world.operator().await;
    let types = json!({"types": ["loadmaster.alert.*", "loadmaster.hold.*"]});
    webhook_to(&operator, &own, types.clone()).await;
    webhook_to(&stranger, &foreign, types).await;
    let wanted = json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR", "weight_kg": 100});
    let alert = customer.post("/api/v1/alerts", wanted).await.expect(201);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(100)).await;
    until("it arrives", async || {
        world.sql("update alerts set next_check_at = '2026-01-01'").await;
        own.count() == 1
    })
    .await;
    let event = own.received()[0].event();
    assert_eq!(event["type"], "loadmaster.alert.met.v1");
    assert_eq!((&event["subject"], &event["data"]["flight_ids"]), (&alert["id"], &json!([flight["id"]])));
    // What comes after it has arrived there: the message about the alert would have come before.
    let hold = json!({"flight_ids": [flight["id"]], "weight_kg": 10});
    let hold = stranger.post("/api/v1/holds", hold).await.expect(201);
    until("its own arrives", async || foreign.count() == 1).await;
    assert_eq!(foreign.received()[0].subject(), text(&hold, "id"));
    assert_eq!(own.count(), 1);
}
