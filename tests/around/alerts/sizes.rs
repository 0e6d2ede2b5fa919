//! Alerts on space for freight with dimensions: flights on which a piece does not fit do not count.
use loadmaster_testkit::{
    NewFlight, World,
    freight::{with, without},
    reference::set_doors,
};
use serde_json::{Value, json};

use super::{ALERTS, at, price, shown, space};

fn piece(height: i32) -> Value {
    json!([{"pieces": 2, "length_cm": 100, "width_cm": 100, "height_cm": height, "weight_kg": 50, "is_tiltable": false,
            "is_stackable": true}])
}

/// A flight of an A320, whose doors are 120 cm high, and a later one of a 777F, whose doors are 300 cm high.
async fn flights(world: &World) -> [Value; 2] {
    set_doors(&world.admin().await).await;
    let small = NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(200).aircraft("320");
    let large = NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(201).aircraft("77X");
    [world.flight(small).await, world.flight(large).await]
}

#[tokio::test]
async fn space_on_a_flight_counts_only_if_each_piece_fits() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let customer = world.customer().await;
    let wanted = |height: i32| with(without(space(100.0), "weight_kg"), json!({"dimensions": piece(height)}));
    for (height, met, option) in [(100, true, Some(&small)), (150, true, Some(&large)), (301, false, None)] {
        let alert = customer.post(ALERTS, wanted(height)).await.expect(201);
        assert_eq!((&alert["is_met"], &alert["weight_kg"]), (&json!(met), &json!(100)), "{height}: {alert}");
        assert_eq!(alert["dimensions"], piece(height));
        match option {
            Some(flight) => assert_eq!(alert["current"]["option"], json!([flight["id"]]), "{height}"),
            None => assert_eq!(alert["current"], Value::Null),
        }
    }
}

#[tokio::test]
async fn dimensions_of_an_alert_are_changed_and_cleared() {
    let world = World::start().await;
    flights(&world).await;
    let customer = world.customer().await;
    let alert = customer.post(ALERTS, space(100.0)).await.expect(201);
    assert_eq!((&alert["dimensions"], &alert["volume_m3"]), (&Value::Null, &Value::Null));
    let changed = customer.patch(&at(&alert), json!({"dimensions": piece(150)})).await.expect(200);
    assert_eq!((&changed["dimensions"], &changed["volume_m3"]), (&piece(150), &json!(3)));
    for change in [json!({"weight_kg": 200}), json!({"volume_m3": 2.999})] {
        let faults = customer.patch(&at(&alert), change.clone()).await.expect_faults();
        assert_eq!(faults, [("/dimensions".to_owned(), "inconsistent".to_owned())], "{change}");
    }
    let cleared = customer.patch(&at(&alert), json!({"dimensions": null, "volume_m3": null})).await.expect(200);
    assert_eq!((&cleared["dimensions"], &cleared["volume_m3"]), (&Value::Null, &Value::Null));
    assert_eq!(shown(&customer, &alert).await["dimensions"], Value::Null);
    let priced = with(price(), json!({"dimensions": piece(100)}));
    let faults = customer.post(ALERTS, priced).await.expect_faults();
    assert_eq!(faults, [("/dimensions".to_owned(), "not_allowed".to_owned())]);
}
