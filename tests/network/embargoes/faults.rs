//! Every fault of every member.
use loadmaster_testkit::{
    World,
    embargoes::{EMBARGOES, embargo, impose, path_of},
    freight::{with, without},
};
use serde_json::{Value, json};

/// Where the fault is, what is sent, and the fault's code.
fn faulty() -> Vec<(&'static str, Value, &'static str)> {
    let many = |code: &str, count| vec![code.to_owned(); count];
    vec![
        ("name", json!(""), "too_short"),
        ("name", json!("n".repeat(101)), "too_long"),
        ("name", json!("a\nb"), "invalid_format"),
        ("name", json!(1), "wrong_type"),
        ("reason", json!(" "), "too_short"),
        ("reason", json!("r".repeat(501)), "too_long"),
        ("airline_code", json!("QQ"), "unknown_value"),
        ("airline_code", json!("AIR"), "invalid_format"),
        ("origin", json!("QQQ"), "unknown_value"),
        ("origin", json!("city:Atlantis,GB"), "unknown_value"),
        ("origin", json!("city:London"), "invalid_format"),
        ("origin", json!("country:ZZ"), "unknown_value"),
        ("origin", json!("country:GBR"), "invalid_format"),
        ("destination", json!("region:ATLANTIS"), "unknown_value"),
        ("destination", json!("zone:EUROPE"), "invalid_format"),
        ("destination", json!(["LHR"]), "wrong_type"),
        ("flight_numbers", json!("AI101"), "wrong_type"),
        ("flight_numbers|/flight_numbers/1", json!(["AI101", "QQ101"]), "unknown_value"),
        ("flight_numbers|/flight_numbers/0", json!(["flight"]), "invalid_format"),
        ("flight_numbers", json!(many("AI101", 51)), "too_long"),
        ("valid_from", json!("2026-02-30"), "invalid_format"),
        ("valid_from", json!("1969-12-31"), "too_small"),
        ("valid_to", json!("2025-12-31"), "out_of_order"),
        ("valid_to", json!("2200-01-01"), "too_large"),
        ("aircraft_code", json!("QQQ"), "unknown_value"),
        ("is_freighter", json!("yes"), "wrong_type"),
        ("weekdays|/weekdays/0", json!([0]), "too_small"),
        ("weekdays|/weekdays/1", json!([1, 8]), "too_large"),
        ("weekdays|/weekdays/0", json!(["Monday"]), "wrong_type"),
        ("weekdays", json!([1, 1, 1, 1, 1, 1, 1, 1]), "too_long"),
        ("handling_codes|/handling_codes/0", json!(["QQQ"]), "unknown_value"),
        ("handling_codes", json!(many("PER", 51)), "too_long"),
        ("effect", json!("ALLOW"), "unknown_value"),
        ("effect", json!(true), "wrong_type"),
        ("effect|/effect/require_any", json!({}), "required"),
        ("effect|/effect/require_any", json!({"require_any": []}), "too_short"),
        ("effect|/effect/require_any", json!({"require_any": "COL"}), "wrong_type"),
        ("effect|/effect/require_any", json!({"require_any": many("COL", 51)}), "too_long"),
        ("effect|/effect/require_any/1", json!({"require_any": ["COL", "QQQ"]}), "unknown_value"),
        ("effect|/effect/require_any/0", json!({"require_any": ["QQQ"]}), "unknown_value"),
        ("effect|/effect/forbid", json!({"require_any": ["COL"], "forbid": true}), "unknown_field"),
        ("ended_at", json!("2026-11-20T08:00:00Z"), "unknown_field"),
    ]
}

#[tokio::test]
async fn each_faulty_member_is_reported_when_creating_and_when_changing() {
    let world = World::start().await;
    let admin = world.admin().await;
    let path = path_of(&impose(&admin, embargo(json!({}))).await);
    for (place, value, code) in faulty() {
        let (member, place) =
            place.split_once('|').map_or((place, format!("/{place}")), |(member, place)| (member, place.to_owned()));
        let expected = [(place, code.to_owned())];
        let told = format!("{member}: {value}");
        let faults = admin.post(EMBARGOES, embargo(json!({member: value}))).await.expect_faults();
        assert_eq!(faults, expected, "{told}, creating");
        let faults = admin.patch(&path, json!({member: value})).await.expect_faults();
        assert_eq!(faults, expected, "{told}, changing");
    }
    assert_eq!(world.texts("select version::text from embargoes").await, ["1"]);
}

#[tokio::test]
async fn what_is_required_cannot_be_left_out_or_cleared() {
    let world = World::start().await;
    let admin = world.admin().await;
    let path = path_of(&impose(&admin, embargo(json!({}))).await);
    for member in ["name", "reason", "origin", "destination", "valid_from", "effect"] {
        let expected = [(format!("/{member}"), "required".to_owned())];
        assert_eq!(admin.post(EMBARGOES, without(embargo(json!({})), member)).await.expect_faults(), expected);
        assert_eq!(admin.patch(&path, json!({member: null})).await.expect_faults(), expected);
    }
    let all = admin.post(EMBARGOES, json!({})).await.expect_faults();
    assert_eq!(all.len(), 6, "all faults are told at once");
    admin.post(&format!("{EMBARGOES}?dry_run=true"), embargo(json!({}))).await.expect_faults();
    admin.delete(&format!("{path}?force=true")).await.expect_faults();
    admin.post_raw(EMBARGOES, "text/plain", "{}").await.expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn the_last_date_is_not_before_the_first_also_after_a_change_of_one() {
    let world = World::start().await;
    let admin = world.admin().await;
    let week = json!({"valid_from": "2026-11-20", "valid_to": "2026-11-26"});
    let made = impose(&admin, embargo(week.clone())).await;
    let path = path_of(&made);
    for (change, place) in [
        (json!({"valid_to": "2026-11-19"}), "/valid_to"),
        (json!({"valid_from": "2026-11-27"}), "/valid_from"),
        (json!({"valid_from": "2026-11-27", "valid_to": "2026-11-26"}), "/valid_to"),
    ] {
        let faults = admin.patch(&path, change.clone()).await.expect_faults();
        assert_eq!(faults, [(place.to_owned(), "out_of_order".to_owned())], "{change}");
    }
    for change in [
        json!({"valid_to": "2026-11-20"}),
        json!({"valid_from": "2026-11-27", "valid_to": "2026-11-27"}),
        json!({"valid_from": "2026-12-01", "valid_to": null}),
    ] {
        let changed = admin.patch(&path, change.clone()).await.expect(200);
        assert_eq!(changed["valid_from"], with(changed.clone(), change)["valid_from"]);
    }
}
