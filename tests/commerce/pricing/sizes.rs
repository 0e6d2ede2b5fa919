//! Quotes for freight with dimensions: they count by their volume, and only flights on which they fit are chosen.
use loadmaster_testkit::{
    NewFlight, World,
    freight::{with, without},
    holds::hold_on,
    pricing::{QUOTES, TARIFFS, asked, flat, make},
    reference::set_doors,
};
use serde_json::{Value, json};

fn pallets(height: i32) -> Value {
    json!([{"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": height, "weight_kg": null, "is_tiltable": false,
            "is_stackable": true}])
}

#[tokio::test]
async fn four_pallets_of_200_kg_are_priced_as_640_kg() {
    let world = World::start().await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    make(&admin, TARIFFS, flat("T", "2", json!({}))).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let wanted = with(asked(&[&flight], 200.0), json!({"dimensions": pallets(100)}));
    let quote = customer.post(QUOTES, wanted.clone()).await.expect(201);
    assert_eq!((&quote["volume_m3"], &quote["chargeable_weight_kg"]), (&json!(3.84), &json!(640)));
    assert_eq!((&quote["dimensions"], &quote["total"]["amount"]), (&pallets(100), &json!("1280.00")));
    let path = format!("{QUOTES}/{}", quote["id"].as_str().unwrap());
    assert_eq!(customer.get(&path).await.expect(200), quote);
    let bare = customer.post(QUOTES, asked(&[&flight], 200.0)).await.expect(201);
    assert_eq!(bare["dimensions"], Value::Null);
    let hold = with(hold_on(&[&flight]), json!({"weight_kg": 200, "dimensions": pallets(100)}));
    let hold = customer.hold(hold).await;
    assert_eq!((&hold["quote"]["dimensions"], &hold["quote"]["total"]), (&pallets(100), &quote["total"]));
    for (more, pointer, code) in [
        (json!({"volume_m3": 3.839}), "/volume_m3", "inconsistent"),
        (json!({"dimensions": []}), "/dimensions", "too_short"),
        (json!({"weight_kg": null}), "/weight_kg", "required"),
    ] {
        let faults = customer.post(QUOTES, with(wanted.clone(), more.clone())).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{more}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_quote_by_date_is_for_a_flight_on_which_each_piece_fits() {
    let world = World::start().await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    make(&admin, TARIFFS, flat("T", "2", json!({}))).await;
    set_doors(&admin).await;
    let small = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(24).aircraft("320")).await;
    let large = world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(25).aircraft("77X")).await;
    let wanted = with(without(asked(&[], 200.0), "flight_ids"), json!({"departure_date": "2026-11-21"}));
    for (height, flight) in [(100, &small), (150, &large)] {
        let wanted = with(wanted.clone(), json!({"dimensions": pallets(height)}));
        assert_eq!(customer.post(QUOTES, wanted).await.expect(201)["flight_ids"], json!([flight["id"]]), "{height}");
    }
    let wanted = with(wanted, json!({"dimensions": pallets(301)}));
    customer.post(QUOTES, wanted).await.expect_problem(409, "no_bookable_itinerary");
    world.audit().await;
}
