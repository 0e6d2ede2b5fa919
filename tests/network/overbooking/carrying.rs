//! Aircraft, capacities and imports say what a flight carries; its overbooking stays.
use loadmaster_testkit::{
    NewFlight, World,
    amending::patch,
    flight_verbs::{flight_now, path_to},
    freight::{order, text, with},
    import::{counts, table},
};
use serde_json::json;

use super::{overbook, overbooked, percents, space};

#[tokio::test]
async fn a_new_capacity_or_aircraft_is_overbooked_like_the_old_one() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = overbooked(&world, percents(10, 0, 10)).await;
    for (wish, carried, sold) in [
        (json!({"capacity": {"weight_kg": 2000}}), space(2000.0, 1000.0, 10), space(2200.0, 1000.0, 11)),
        (json!({"capacity": {"positions": 20}}), space(2000.0, 1000.0, 20), space(2200.0, 1000.0, 22)),
        // 20 000 kg, 140 m³, 14 positions.
        (json!({"aircraft_code": "77W"}), space(20_000.0, 140.0, 14), space(22_000.0, 140.0, 15)),
        (json!({"departure_datetime": "2026-11-21T09:00:00Z"}), space(20_000.0, 140.0, 14), space(22_000.0, 140.0, 15)),
        (
            json!({"capacity": {"weight_kg": 1000, "volume_m3": 10}, "overbooking": {"volume_percent": 5}}),
            space(1000.0, 10.0, 14),
            space(1100.0, 10.5, 15),
        ),
    ] {
        let after = patch(&admin, &path_to(&flight), wish.clone()).await.expect(200);
        assert_eq!((&after["physical_capacity"], &after["capacity"]), (&carried, &sold), "{wish}");
        assert_eq!(flight_now(&admin, &flight).await, after);
    }
    // What is shown as carried may be sent back.
    let now = flight_now(&admin, &flight).await;
    let same = json!({"capacity": now["physical_capacity"], "overbooking": now["overbooking"]});
    assert_eq!(patch(&admin, &path_to(&flight), same).await.expect(200), now);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn positions_have_names_as_far_as_they_are_carried() {
    let world = World::start().await;
    let flight = overbooked(&world, percents(0, 0, 20)).await;
    assert_eq!(flight["capacity"]["positions"], 12);
    let (customer, id) = (world.customer().await, text(&flight, "id"));
    let wanted = |name: &str| json!({"flight_ids": [id], "weight_kg": 1, "position_names": {id: [name]}});
    let faults = customer.post("/api/v1/holds", wanted("P11")).await.expect_faults();
    assert_eq!(faults, [("/position_names".to_owned(), "unknown_value".to_owned())]);
    let hold = customer.post("/api/v1/holds", wanted("P10")).await.expect(201);
    let listed = async || customer.get(&format!("{}/positions", path_to(&flight))).await.expect(200);
    assert_eq!(listed().await.as_array().map(Vec::len), Some(10));
    // Nine are carried, ten are sold.
    patch(&world.admin().await, &path_to(&flight), json!({"capacity": {"positions": 9}})).await.expect(200);
    assert_eq!(listed().await.as_array().map(Vec::len), Some(9));
    let fitted = customer.get(&format!("/api/v1/holds/{}", text(&hold, "id"))).await.expect(200);
    assert_eq!((&fitted["positions"], &fitted["position_names"]), (&json!(1), &json!({})));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn an_import_sets_what_is_carried_and_keeps_the_overbooking() {
    let world = World::start().await;
    let admin = world.admin().await;
    let new = NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T10:00:00Z").takes_minutes(60);
    let flight = world.flight(new).await;
    overbook(&admin, &flight, percents(10, 0, 0)).await;
    world.customer().await.book(with(order(&[&flight]), json!({"weight_kg": 1050}))).await;
    let import = async |weight: &str| {
        let row = format!("AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T11:00:00Z,,{weight},1000,10,60");
        admin.post_raw("/api/v1/flights/import", "text/csv", table(&[&row])).await
    };
    assert_eq!(counts(&import("1000").await.expect(200)), (0, 0, 1));
    let before = flight_now(&admin, &flight).await;
    assert_eq!((&before["overbooking"], &before["version"]), (&percents(10, 0, 0), &json!(2)));
    // 954.5 kg allow 1 049.9, 954.6 allow 1 050.
    let faults = import("954.5").await.expect_faults();
    assert_eq!(faults, [("/weight_kg".to_owned(), "too_small".to_owned())]);
    assert_eq!(counts(&import("954.6").await.expect(200)), (0, 1, 0));
    let after = flight_now(&admin, &flight).await;
    assert_eq!(
        (&after["physical_capacity"]["weight_kg"], &after["available"]["weight_kg"]),
        (&json!(954.6), &json!(0))
    );
    assert_eq!(after["overbooking"], percents(10, 0, 0));
    assert_eq!(counts(&import("954.6").await.expect(200)), (0, 0, 1));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_departed_flight_is_unchanged_by_the_row_of_what_it_carries() {
    let world = World::start().await;
    let admin = world.admin().await;
    let new = NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T10:00:00Z").takes_minutes(60);
    let flight = world.flight(new).await;
    overbook(&admin, &flight, percents(10, 10, 10)).await;
    admin.poke(&format!("{}/depart", path_to(&flight))).await.expect(200);
    let row = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T11:00:00Z,,1000,1000,10,60";
    let done = admin.post_raw("/api/v1/flights/import", "text/csv", table(&[row])).await.expect(200);
    assert_eq!(counts(&done), (0, 0, 1));
    world.audit_and_rebuild().await;
}
