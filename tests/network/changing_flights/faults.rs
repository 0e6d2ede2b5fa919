//! What is wrong with a change of a flight, member by member; nothing is written.
use loadmaster_testkit::{
    NewFlight, World,
    amending::each_alone,
    bad_input::{Case, not_a},
    flight_verbs::{flight_now, path_to},
    freight::raw,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{change, direct};

async fn judged(cases: Vec<Case>) {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    each_alone(&world, &admin, (Method::PATCH, &path_to(&flight)), cases).await;
    assert_eq!(flight_now(&admin, &flight).await, flight);
}

#[tokio::test]
async fn each_member_is_judged() {
    let mut cases: Vec<Case> = Vec::new();
    for (kind, members) in [
        ("text", &["departure_datetime", "arrival_datetime", "aircraft_code"][..]),
        ("number", &["cutoff_minutes"]),
        ("object", &["capacity", "overbooking"]),
        ("list", &["offload"]),
    ] {
        for member in members {
            cases.extend(not_a(kind).into_iter().map(|value| (*member, value, "wrong_type")));
        }
    }
    for member in ["departure_datetime", "arrival_datetime"] {
        for odd in ["", "soon", "2026-11-21", "2026-11-21T10:00:00", "2026-11-31T10:00:00Z"] {
            cases.push((member, json!(odd), "invalid_format"));
        }
        cases.push((member, json!("1969-12-31T23:59:59Z"), "too_small"));
        cases.push((member, json!("2200-01-01T00:00:00Z"), "too_large"));
        cases.push((member, Value::Null, "required"));
    }
    cases.push(("capacity", Value::Null, "required"));
    cases.push(("aircraft_code", json!("7777"), "invalid_format"));
    cases.push(("aircraft_code", json!("ZZZ"), "unknown_value"));
    cases.push(("cutoff_minutes", json!(-1), "too_small"));
    cases.push(("cutoff_minutes", json!(43_201), "too_large"));
    cases.push(("cutoff_minutes", raw("1.5"), "too_precise"));
    cases.push(("offload|/offload/0", json!(["nonsense"]), "invalid_format"));
    cases.push(("offload|/offload/1", json!(["ACB000000000", 5]), "wrong_type"));
    cases.push(("offload|/offload/0", json!([null]), "wrong_type"));
    judged(cases).await;
}

#[tokio::test]
async fn members_that_cannot_be_changed_are_faults() {
    let fixed = [
        "flight_number",
        "origin",
        "destination",
        "status",
        "id",
        "version",
        "airline_code",
        "is_freighter",
        "available",
        "scheduled_departure_datetime",
        "actual_departure_datetime",
        "cutoff_datetime",
        "left_behind",
        "physical_capacity",
        "weight_kg",
    ];
    // Not even null.
    let cases =
        fixed.iter().flat_map(|member| [json!("x"), Value::Null].map(|value| (*member, value, "unknown_field")));
    judged(cases.collect()).await;
}

#[tokio::test]
async fn each_figure_of_the_capacity_is_judged() {
    let mut cases: Vec<Case> = Vec::new();
    for (place, member, odd) in [
        (
            "capacity|/capacity/weight_kg",
            "weight_kg",
            [
                ("0", "too_small"),
                ("-5", "too_small"),
                ("0.05", "too_precise"),
                ("10000000", "too_large"),
                ("1e400", "too_large"),
            ],
        ),
        (
            "capacity|/capacity/volume_m3",
            "volume_m3",
            [
                ("0", "too_small"),
                ("-1", "too_small"),
                ("0.0005", "too_precise"),
                ("10000000", "too_large"),
                ("1e400", "too_large"),
            ],
        ),
        (
            "capacity|/capacity/positions",
            "positions",
            [
                ("-1", "too_small"),
                ("-1e400", "too_small"),
                ("0.5", "too_precise"),
                ("10000", "too_large"),
                ("1e400", "too_large"),
            ],
        ),
    ] {
        cases.extend(odd.iter().map(|(text, code)| (place, json!({(member): raw(text)}), *code)));
        cases.extend(not_a("number").into_iter().map(|value| (place, json!({(member): value}), "wrong_type")));
    }
    cases.push(("capacity|/capacity/pallets", json!({"pallets": 1}), "unknown_field"));
    cases.push(("capacity|/capacity/weight_kg", json!({"weight_kg": null}), "required"));
    judged(cases).await;
}

#[tokio::test]
async fn times_out_of_order_are_reported_at_the_member_that_was_given() {
    let world = World::start().await;
    // From 10:00 to 19:30 on the 21st.
    let (flight, admin) = (direct(&world).await, world.admin().await);
    let before = world.written().await;
    for (departure, arrival, pointer, code) in [
        (Some("2026-11-21T19:30:00Z"), None, "/departure_datetime", "out_of_order"),
        (Some("2026-11-22T01:00:00+05:30"), None, "/departure_datetime", "out_of_order"),
        (Some("2026-11-20T19:29:59.999999Z"), None, "/departure_datetime", "out_of_order"),
        (None, Some("2026-11-21T10:00:00Z"), "/arrival_datetime", "out_of_order"),
        (None, Some("2026-11-20T10:00:00Z"), "/arrival_datetime", "out_of_order"),
        (None, Some("2026-11-22T10:00:00.000001Z"), "/arrival_datetime", "out_of_order"),
        (Some("2026-11-25T10:00:00Z"), Some("2026-11-25T10:00:00Z"), "/arrival_datetime", "out_of_order"),
        (Some("2026-11-25T10:00:00Z"), Some("2026-11-24T10:00:00Z"), "/arrival_datetime", "out_of_order"),
        (Some("2026-11-25T10:00:00Z"), Some("2026-11-26T10:00:01Z"), "/arrival_datetime", "out_of_order"),
    ] {
        let mut wish = json!({});
        for (member, told) in [("departure_datetime", departure), ("arrival_datetime", arrival)] {
            if let Some(told) = told {
                wish[member] = json!(told);
            }
        }
        let faults = change(&admin, &flight, wish.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{wish}");
    }
    assert_eq!(world.written().await, before);
    change(&admin, &flight, json!({"departure_datetime": "2026-11-20T19:30:00Z"})).await.expect(200);
    assert_eq!(flight_now(&admin, &flight).await["duration_minutes"], 1440);
}

#[tokio::test]
async fn all_faults_are_reported_together() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = world.admin().await;
    let wish = json!({
        "departure_datetime": null, "arrival_datetime": "soon", "aircraft_code": "ZZZ", "cutoff_minutes": -1,
        "capacity": {"weight_kg": 0, "volume_m3": "x", "x": 1}, "offload": ["x", 5], "status": "CANCELLED",
    });
    let expected = [
        ("/aircraft_code", "unknown_value"),
        ("/arrival_datetime", "invalid_format"),
        ("/capacity/volume_m3", "wrong_type"),
        ("/capacity/weight_kg", "too_small"),
        ("/capacity/x", "unknown_field"),
        ("/cutoff_minutes", "too_small"),
        ("/departure_datetime", "required"),
        ("/offload/0", "invalid_format"),
        ("/offload/1", "wrong_type"),
        ("/status", "unknown_field"),
    ];
    let faults = change(&admin, &flight, wish).await.expect_faults();
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    assert_eq!(flight_now(&admin, &flight).await, flight);
}
