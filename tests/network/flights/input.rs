//! What is wrong with a flight, member by member.
use loadmaster_testkit::World;
use serde_json::json;

use super::{FLIGHTS, flight, flight_with};

#[tokio::test]
async fn each_member_is_judged() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (member, value, code) in [
        ("flight_number", json!(null), "required"),
        ("flight_number", json!(101), "wrong_type"),
        ("flight_number", json!(""), "invalid_format"),
        ("flight_number", json!("AI"), "invalid_format"),
        ("flight_number", json!("AI0"), "invalid_format"),
        ("flight_number", json!("AI12345"), "invalid_format"),
        ("flight_number", json!("AI1\u{0}"), "invalid_format"),
        ("flight_number", json!("ZZ101"), "unknown_value"),
        ("origin", json!(null), "required"),
        ("origin", json!(["DEL"]), "wrong_type"),
        ("origin", json!("DELH"), "invalid_format"),
        ("origin", json!("QQQ"), "unknown_value"),
        ("destination", json!(null), "required"),
        ("destination", json!("QQQ"), "unknown_value"),
        ("destination", json!("DEL"), "same_as_origin"),
        ("destination", json!("del "), "same_as_origin"),
        ("departure_datetime", json!(null), "required"),
        ("departure_datetime", json!(1_795_000_000), "wrong_type"),
        ("departure_datetime", json!("2026-11-21"), "invalid_format"),
        ("departure_datetime", json!("2026-11-21T10:00:00"), "invalid_format"),
        ("departure_datetime", json!("2026-11-31T10:00:00Z"), "invalid_format"),
        ("departure_datetime", json!("1969-12-31T23:59:59Z"), "too_small"),
        ("arrival_datetime", json!(null), "required"),
        ("arrival_datetime", json!("soon"), "invalid_format"),
        ("arrival_datetime", json!("2026-11-21T09:59:59Z"), "out_of_order"),
        ("arrival_datetime", json!("2026-11-21T10:00:00Z"), "out_of_order"),
        ("arrival_datetime", json!("2026-11-21T15:30:00+05:30"), "out_of_order"),
        ("arrival_datetime", json!("2026-11-22T10:00:00.000001Z"), "out_of_order"),
        ("arrival_datetime", json!("2200-01-01T00:00:00Z"), "too_large"),
        ("aircraft_code", json!(777), "wrong_type"),
        ("aircraft_code", json!("7777"), "invalid_format"),
        ("aircraft_code", json!("ZZZ"), "unknown_value"),
        ("capacity", json!(null), "required"),
        ("capacity", json!(1000), "wrong_type"),
        ("cutoff_minutes", json!(-1), "too_small"),
        ("cutoff_minutes", json!(43_201), "too_large"),
        ("cutoff_minutes", json!(1.5), "too_precise"),
        ("cutoff_minutes", json!("60"), "wrong_type"),
        ("status", json!("SCHEDULED"), "unknown_field"),
    ] {
        let answer = admin.post(FLIGHTS, flight_with(json!({member: value.clone()}))).await;
        assert_eq!(answer.expect_faults(), [(format!("/{member}"), code.to_owned())], "{member}: {value}");
    }
}

#[tokio::test]
async fn each_figure_of_the_capacity_is_judged() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (member, text, code) in [
        ("weight_kg", "null", "required"),
        ("weight_kg", "0", "too_small"),
        ("weight_kg", "-5", "too_small"),
        ("weight_kg", "0.05", "too_precise"),
        ("weight_kg", "10000000", "too_large"),
        ("weight_kg", "1e400", "too_large"),
        ("weight_kg", "\"1000\"", "wrong_type"),
        ("volume_m3", "0", "too_small"),
        ("volume_m3", "0.0005", "too_precise"),
        ("volume_m3", "10000000", "too_large"),
        ("positions", "-1", "too_small"),
        ("positions", "0.5", "too_precise"),
        ("positions", "10000", "too_large"),
        ("positions", "true", "wrong_type"),
        ("pallets", "1", "unknown_field"),
    ] {
        let figures = if member == "weight_kg" { String::new() } else { "\"weight_kg\": 1000, ".to_owned() };
        let mut body = flight();
        body.as_object_mut().unwrap().remove("capacity");
        let text = body.to_string().replacen('{', &format!("{{\"capacity\": {{{figures}\"{member}\": {text}}}, "), 1);
        let answer = admin.post_raw(FLIGHTS, "application/json", text.clone()).await;
        assert_eq!(answer.expect_faults(), [(format!("/capacity/{member}"), code.to_owned())], "{text}");
    }
}

#[tokio::test]
async fn all_faults_are_reported_together_and_nothing_is_written() {
    let world = World::start().await;
    let body =
        json!({"flight_number": "QQ1", "origin": 5, "arrival_datetime": "soon", "capacity": {"weight_kg": 0, "x": 1}});
    let faults = world.admin().await.post(FLIGHTS, body).await.expect_faults();
    let told: Vec<_> = faults.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/arrival_datetime", "invalid_format"),
            ("/capacity/weight_kg", "too_small"),
            ("/capacity/x", "unknown_field"),
            ("/departure_datetime", "required"),
            ("/destination", "required"),
            ("/flight_number", "unknown_value"),
            ("/origin", "wrong_type"),
        ]
    );
    assert_eq!(world.anonymous().get(FLIGHTS).await.expect(200), json!([]));
}

#[tokio::test]
async fn numbers_are_read_exactly_however_they_are_written() {
    let world = World::start().await;
    let mut body = flight();
    body.as_object_mut().unwrap().remove("capacity");
    let figures = r#"{"capacity": {"weight_kg": 5.005E2, "volume_m3": 3.2500, "positions": 4.0}, "#;
    let text = body.to_string().replacen('{', figures, 1);
    let made = world.admin().await.post_raw(FLIGHTS, "application/json", text).await.expect(201);
    assert_eq!(made["capacity"], json!({"weight_kg": 500.5, "volume_m3": 3.25, "positions": 4}));
}

#[tokio::test]
async fn a_body_that_is_no_flight_says_what_it_is_not() {
    let world = World::start().await;
    let admin = world.admin().await;
    admin.post_raw(FLIGHTS, "text/csv", "a,b").await.expect_problem(415, "unsupported_media_type");
    admin.post_raw(FLIGHTS, "application/json", "{").await.expect_problem(400, "malformed_request");
    admin.post_raw(FLIGHTS, "application/json", "[]").await.expect_problem(400, "validation_failed");
    admin.post_raw(FLIGHTS, "application/json", vec![b'"', 0xff, b'"']).await.expect_problem(400, "malformed_request");
    admin
        .post_raw(FLIGHTS, "application/json", vec![b' '; 1024 * 1024 + 1])
        .await
        .expect_problem(413, "payload_too_large");
    let faults = admin.post(&format!("{FLIGHTS}?dry_run=true"), flight()).await.expect_faults();
    assert_eq!(faults, [("dry_run".to_owned(), "unknown_field".to_owned())]);
}
