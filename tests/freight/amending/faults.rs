//! What is wrong with a change, member by member; nothing is written.
use loadmaster_testkit::{
    amending::{amend, each_alone, shown},
    bad_input::{Case, long, not_a, of_numbers, of_texts},
    freight::path_of,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::one_booking;

const ID: &str = "01890000-0000-7000-8000-000000000000";

async fn judged(cases: Vec<Case>) {
    let (world, customer, booking) = one_booking().await;
    each_alone(&world, &customer, (Method::PATCH, &path_of(&booking)), cases).await;
    assert_eq!(shown(&customer, &booking).await, booking);
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_reported() {
    let kinds = [
        ("text", &["description", "awb_number", "customer_reference"][..]),
        ("number", &["pieces", "weight_kg", "volume_m3", "positions"]),
        ("list", &["flight_ids", "special_handling_codes"]),
        ("object", &["shipper", "consignee"]),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (kind, members) in kinds {
        for member in members {
            cases.extend(not_a(kind).into_iter().map(|value| (*member, value, "wrong_type")));
        }
    }
    cases.push(("weight_kg", json!("100"), "wrong_type"));
    judged(cases).await;
}

#[tokio::test]
async fn required_members_cannot_be_cleared() {
    let cases = ["pieces", "weight_kg", "flight_ids"].map(|member| (member, Value::Null, "required"));
    judged(cases.into()).await;
}

#[tokio::test]
async fn members_that_cannot_be_changed_are_faults() {
    let fixed = [
        "status",
        "origin",
        "destination",
        "ref_id",
        "id",
        "version",
        "legs",
        "organization_id",
        "created_by",
        "current_airport",
        "needs_rerouting",
        "chargeable_weight_kg",
        "departure_date",
        "flight_id",
        "Pieces",
        "__proto__",
    ];
    let mut cases: Vec<Case> = fixed.iter().map(|member| (*member, json!("x"), "unknown_field")).collect();
    // Not even null, or what it is already.
    cases.push(("colour", Value::Null, "unknown_field"));
    cases.push(("status", json!("BOOKED"), "unknown_field"));
    cases.push(("origin", json!("DEL"), "unknown_field"));
    cases.push(("version", json!(1), "unknown_field"));
    cases.push(("|/", json!(1), "unknown_field"));
    cases.push(("a/b~c|/a~1b~0c", json!(1), "unknown_field"));
    judged(cases).await;
}

#[tokio::test]
async fn a_number_out_of_range_or_too_precise_is_reported() {
    judged(of_numbers()).await;
}

#[tokio::test]
async fn a_list_has_bounds_and_its_entries_a_place() {
    judged(vec![
        ("flight_ids", json!([ID, ID, ID, ID, ID]), "too_long"),
        ("flight_ids|/flight_ids/0", json!(["AI101"]), "invalid_format"),
        ("flight_ids|/flight_ids/1", json!([ID, null]), "wrong_type"),
        ("flight_ids|/flight_ids/0", json!([[ID]]), "wrong_type"),
        ("special_handling_codes", json!(vec!["PER"; 10]), "too_long"),
        ("special_handling_codes|/special_handling_codes/0", json!(["PERISHABLE"]), "invalid_format"),
        ("special_handling_codes|/special_handling_codes/1", json!(["PER", "QQQ"]), "unknown_value"),
        ("special_handling_codes|/special_handling_codes/2", json!(["PER", "CAO", false]), "wrong_type"),
    ])
    .await;
}

#[tokio::test]
async fn texts_have_a_length_and_no_control_characters() {
    judged(of_texts()).await;

    let (_world, customer, booking) = one_booking().await;
    let longest = json!({"description": long(2000), "customer_reference": long(500)});
    let after = amend(&customer, &booking, longest.clone()).await.expect(200);
    assert_eq!(after["description"], longest["description"]);
    assert_eq!(after["customer_reference"], longest["customer_reference"]);
}

#[tokio::test]
async fn all_faults_are_reported_together() {
    let (_world, customer, booking) = one_booking().await;
    let change = json!({
        "pieces": null, "weight_kg": "heavy", "volume_m3": 0.0001, "positions": -1, "flight_ids": [ID, "x"],
        "description": "", "special_handling_codes": ["QQQ", 5], "awb_number": "1",
        "shipper": {"name": "", "email": "x", "extra": 1}, "consignee": [],
        "customer_reference": "\u{0}", "status": "DELIVERED",
    });
    let answer = amend(&customer, &booking, change).await;
    for member in ["pieces", "weight_kg", "shipper.name", "flight_ids", "status"] {
        assert!(answer.body["detail"].as_str().unwrap().contains(member), "{member}: {}", answer.body["detail"]);
    }
    let expected = [
        ("/awb_number", "invalid_format"),
        ("/consignee", "wrong_type"),
        ("/customer_reference", "invalid_format"),
        ("/description", "too_short"),
        ("/flight_ids/1", "invalid_format"),
        ("/pieces", "required"),
        ("/positions", "too_small"),
        ("/shipper/email", "invalid_format"),
        ("/shipper/extra", "unknown_field"),
        ("/shipper/name", "too_short"),
        ("/special_handling_codes/0", "unknown_value"),
        ("/special_handling_codes/1", "wrong_type"),
        ("/status", "unknown_field"),
        ("/volume_m3", "too_precise"),
        ("/weight_kg", "wrong_type"),
    ];
    let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    assert_eq!(answer.expect_faults(), expected);
    assert_eq!(shown(&customer, &booking).await, booking);
}
