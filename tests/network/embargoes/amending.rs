//! What is booked stays; what is booked anew is judged.
use loadmaster_testkit::{
    NewFlight, World,
    amending::{amend, refused, shown},
    embargoes::{carrying, embargo, impose, only_with, path_of},
    freight::{order, two_flights, with},
};
use serde_json::json;

#[tokio::test]
async fn what_changes_neither_freight_nor_codes_nor_route_is_not_judged() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(carrying(order(&[&flight]), &["AVI", "HEA"])).await;
    impose(&world.admin().await, embargo(json!({}))).await;
    for change in [
        json!({"description": "Two horses", "customer_reference": "H-2", "shipper": {"name": "Ann"}}),
        json!({"awb_number": "020-12345675"}),
        json!({"pieces": 2, "weight_kg": 100, "volume_m3": 1, "special_handling_codes": ["HEA", "AVI"]}),
        json!({"flight_ids": [flight["id"]]}),
    ] {
        amend(&customer, &booking, change.clone()).await.expect(200);
    }
    let operator = world.operator().await;
    for change in [
        json!({"pieces": 3}),
        json!({"weight_kg": 90}),
        json!({"volume_m3": 0.5}),
        json!({"positions": 1}),
        json!({"special_handling_codes": ["AVI"]}),
        json!({"special_handling_codes": null}),
    ] {
        for client in [&customer, &operator] {
            let problem = refused(&world, client, &booking, change.clone(), "embargoed").await;
            assert_eq!(problem["flight_id"], flight["id"]);
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn new_codes_are_judged_on_the_legs_ahead() {
    let world = World::start().await;
    let admin = world.admin().await;
    let [first, second] = two_flights(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&first, &second])).await;
    let from_bombay = json!({"origin": "BOM", "handling_codes": ["PER"]});
    let cool = impose(&admin, only_with(&["COL", "FRO"], from_bombay)).await;
    let problem =
        refused(&world, &customer, &booking, json!({"special_handling_codes": ["PER"]}), "handling_required").await;
    assert_eq!((&problem["embargo_id"], &problem["flight_id"]), (&cool["id"], &second["id"]));
    amend(&customer, &booking, json!({"special_handling_codes": ["PER", "COL"]})).await.expect(200);
    amend(&customer, &booking, json!({"weight_kg": 120})).await.expect(200);
    refused(
        &world,
        &customer,
        &booking,
        json!({"special_handling_codes": ["PER"], "weight_kg": 5}),
        "handling_required",
    )
    .await;

    // What has flown is not judged any more.
    let from_delhi = impose(&admin, embargo(json!({"origin": "DEL"}))).await;
    refused(&world, &customer, &booking, json!({"special_handling_codes": ["PER", "FRO"]}), "embargoed").await;
    let operator = world.operator().await;
    operator.walk(&booking, &["depart"]).await;
    amend(&operator, &booking, json!({"special_handling_codes": ["PER", "FRO"]})).await.expect(200);
    refused(&world, &operator, &booking, json!({"special_handling_codes": ["PER"]}), "handling_required").await;
    admin.delete(&path_of(&from_delhi)).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_new_route_is_judged_and_the_old_one_is_not() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = |number: &'static str| NewFlight::new(number, "DEL", "LHR");
    let (old, next) = (world.flight(flight("AI101")).await, world.flight(flight("AI102").leaves_in_hours(26)).await);
    let third = world.flight(flight("AI103").leaves_in_hours(28).weight(10.0)).await;
    let customer = world.customer().await;
    let booking = customer.book(carrying(order(&[&old]), &["AVI"])).await;
    impose(&admin, embargo(json!({"flight_numbers": ["AI101"]}))).await;
    let forbidden =
        impose(&admin, embargo(json!({"flight_numbers": ["AI102", "AI103"], "handling_codes": ["AVI"]}))).await;
    for (flight, change) in [
        (&next, json!({"flight_ids": [next["id"]]})),
        (&third, json!({"flight_ids": [third["id"]]})),
        (&next, json!({"flight_ids": [next["id"]], "special_handling_codes": ["AVI", "HEA"]})),
    ] {
        let problem = refused(&world, &customer, &booking, change, "embargoed").await;
        assert_eq!((&problem["embargo_id"], &problem["flight_id"]), (&forbidden["id"], &flight["id"]));
    }
    assert_eq!(shown(&customer, &booking).await, booking);
    // Away from the embargoed flight, and with other freight, it may go.
    let way = json!({"flight_ids": [next["id"]], "special_handling_codes": ["HEA"]});
    let moved = amend(&customer, &booking, way).await.expect(200);
    assert_eq!(moved["flight_ids"], json!([next["id"]]));
    let back = json!({"flight_ids": [old["id"]]});
    refused(&world, &customer, &booking, back, "embargoed").await;
    let small = with(json!({"flight_ids": [third["id"]]}), json!({"weight_kg": 100}));
    refused(&world, &customer, &booking, small, "capacity_exceeded").await;
    world.audit().await;
}
