//! What is wrong with a request about holds is told completely, and nothing is written.
use loadmaster_testkit::{
    World,
    bad_input::{Case, each_alone, long},
    freight::{raw, text, with, without},
    holds::{HOLDS, at, hold_on},
};
use serde_json::{Value, json};

use super::direct;

/// Faults that a hold and a change of one have in common.
fn of_freight() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (member, most, step) in [
        ("weight_kg", "10000000", "0.05"),
        ("volume_m3", "10000000", "0.0005"),
        ("pieces", "100000", "1.5"),
        ("positions", "10000", "0.5"),
    ] {
        cases.push((member, raw(most), "too_large"));
        cases.push((member, raw(step), "too_precise"));
        cases.push((member, raw("-1"), "too_small"));
        cases.push((member, json!("1"), "wrong_type"));
    }
    for member in ["weight_kg", "volume_m3", "pieces"] {
        cases.push((member, json!(0), "too_small"));
    }
    let id = "01900000-0000-7000-8000-000000000001";
    let codes: Vec<&str> = vec!["GEN"; 10];
    cases.extend([
        ("flight_ids", json!([id, id, id, id, id]), "too_long"),
        ("flight_ids|/flight_ids/0", json!(["AI101"]), "invalid_format"),
        ("flight_ids", json!(id), "wrong_type"),
        ("position_names", json!([]), "wrong_type"),
        ("product", long(21), "too_long"),
        ("product", json!("A B"), "invalid_format"),
        ("product", json!("Ä"), "invalid_format"),
        ("product", json!(1), "wrong_type"),
        ("description", long(2001), "too_long"),
        ("customer_reference", long(501), "too_long"),
        ("special_handling_codes|/special_handling_codes/0", json!(["XYZ"]), "unknown_value"),
        ("special_handling_codes", json!(codes), "too_long"),
        ("awb_number", json!("020-12345670"), "invalid_format"),
        ("shipper", json!("Asha"), "wrong_type"),
        ("consignee|/consignee/email", json!({ "name": "Asha", "email": "asha" }), "invalid_format"),
        ("contact|/contact/email", json!({ "email": "asha@example" }), "invalid_format"),
        ("contact|/contact/phone", json!({ "email": "asha@example.com", "phone": long(501) }), "too_long"),
        ("contact|/contact/phone", json!({ "email": "asha@example.com", "phone": "ring Bob" }), "invalid_format"),
        ("contact|/contact/colour", json!({ "email": "asha@example.com", "colour": "red" }), "unknown_field"),
        ("contact", json!([]), "wrong_type"),
        ("colour", json!("red"), "unknown_field"),
    ]);
    cases
}

fn of_time() -> Vec<Case> {
    vec![
        ("ttl_seconds", json!(9), "too_small"),
        ("ttl_seconds", json!(901), "too_large"),
        ("ttl_seconds", json!(10.5), "too_precise"),
        ("ttl_seconds", json!("60"), "wrong_type"),
    ]
}

#[tokio::test]
async fn each_member_of_a_new_hold_is_checked() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let base = hold_on(&[&flight]);
    let mut cases = [of_freight(), of_time()].concat();
    cases.extend([
        ("departure_date", json!("2026-02-30"), "invalid_format"),
        ("origin", json!("DELHI"), "invalid_format"),
        ("destination", json!("QQQ"), "unknown_value"),
        ("contact|/contact/email", json!({ "name": "Asha" }), "required"),
        ("shipper|/shipper/name", json!({}), "required"),
    ]);
    each_alone(&world, &world.customer().await, HOLDS, &base, cases).await;
}

#[tokio::test]
async fn a_new_hold_needs_a_weight_and_flights_or_both_ends() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let pointers = async |body: Value| -> Vec<String> {
        let faults = customer.post(HOLDS, body).await.expect_faults();
        faults.into_iter().map(|(pointer, code)| format!("{pointer} {code}")).collect()
    };
    let all = ["/destination required", "/origin required", "/weight_kg required"];
    assert_eq!(pointers(json!({})).await, all);
    assert_eq!(pointers(json!({ "flight_ids": [] })).await, all);
    assert_eq!(pointers(without(hold_on(&[&flight]), "weight_kg")).await, ["/weight_kg required"]);
    let same = json!({ "origin": "DEL", "destination": "DEL", "weight_kg": 1 });
    assert_eq!(pointers(same).await, ["/destination same_as_origin"]);
    // Ends that the flights do not have are an obstacle, not a fault.
    let elsewhere = with(hold_on(&[&flight]), json!({ "destination": "BOM" }));
    customer.post(HOLDS, elsewhere).await.expect_problem(409, "itinerary_invalid");
    customer.hold(with(hold_on(&[&flight]), json!({ "origin": "DEL", "destination": "LHR" }))).await;
}

#[tokio::test]
async fn each_member_of_a_changed_hold_is_checked() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(with(hold_on(&[&flight]), json!({ "contact": { "email": "asha@example.com" } }))).await;
    let before = world.written().await;
    let mut cases = of_freight();
    cases.extend([
        ("weight_kg", Value::Null, "required"),
        ("flight_ids", Value::Null, "required"),
        ("contact|/contact/email", json!({ "email": null }), "required"),
        ("shipper|/shipper/name", json!({ "city": "Delhi" }), "required"),
        ("ttl_seconds", json!(60), "unknown_field"),
        ("origin", json!("DEL"), "unknown_field"),
    ]);
    for (place, value, code) in cases {
        let (member, pointer) = place.split_once('|').map_or((place, format!("/{place}")), |(m, p)| (m, p.to_owned()));
        let wish = json!({ (member): value });
        for answer in [
            customer.patch(&at(&hold), wish.clone()).await,
            customer.post(&format!("{}/commit", at(&hold)), with(json!({ "pieces": 1 }), wish.clone())).await,
        ] {
            let told = format!("{wish}: {}", answer.text);
            assert_eq!(answer.expect_faults(), [(pointer.clone(), code.to_owned())], "{told}");
        }
    }
    assert_eq!(world.written().await, before, "something was written");
    assert_eq!(customer.held(&hold).await, hold);
}

#[tokio::test]
async fn an_extension_and_a_reservation_are_checked_too() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    let unknown: Case = ("weight_kg", json!(1), "unknown_field");
    each_alone(&world, &customer, &format!("{}/extend", at(&hold)), &json!({}), [of_time(), vec![unknown]].concat())
        .await;
    let release: Case = ("reason", json!("Late"), "unknown_field");
    each_alone(&world, &customer, &format!("{}/release", at(&hold)), &json!({}), vec![release]).await;
    let reservations = format!("/api/v1/flights/{}/reservations", text(&flight, "id"));
    let members = ["weight_kg", "volume_m3", "positions"];
    let mut cases: Vec<Case> = of_freight().into_iter().filter(|(member, ..)| members.contains(member)).collect();
    cases.extend(of_time());
    cases.push(("pieces", json!(1), "unknown_field"));
    each_alone(&world, &customer, &reservations, &json!({ "weight_kg": 10 }), cases).await;
    let faults = customer.post(&reservations, json!({})).await.expect_faults();
    assert_eq!(faults, [("/weight_kg".to_owned(), "required".to_owned())]);
}
