//! Which options can be booked, and why others cannot.
use loadmaster_testkit::{NewFlight, World};
use serde_json::{Value, json};

use super::{direct, from_bombay, names, ranked, search, search_for, to_bombay};

const DAY: &str = "2026-11-21";

/// DEL–LHR with room for 1000 kg, 10 m³ and 4 positions; booking closes at 09:00Z.
fn direct_flight(number: &str) -> NewFlight {
    NewFlight::new(number, "DEL", "LHR").departs("2026-11-21T10:00:00Z").weight(1000.0).volume(10.0).positions(4)
}

fn reasons(found: &Value) -> &Value {
    let flight = &found["direct_flights"][0];
    assert_eq!(flight["bookable"] == true, flight["reasons"] == json!([]), "{flight}");
    &flight["reasons"]
}

#[tokio::test]
async fn each_reason_is_shown() {
    let world = World::working().await;
    world.flight(direct_flight("AI1")).await;
    for (wanted, expected) in [
        (json!({}), json!([])),
        (json!({"weight_kg": 1000, "volume_m3": 10, "positions": 4}), json!([])),
        (json!({"weight_kg": 1000.1, "volume_m3": 10}), json!(["weight_exceeded"])),
        (json!({"volume_m3": 10.001}), json!(["volume_exceeded"])),
        (json!({"positions": 5}), json!(["positions_exceeded"])),
        (json!({"special_handling_codes": ["CAO"]}), json!(["cargo_aircraft_only"])),
        (json!({"special_handling_codes": ["PER", "HEA"], "pieces": 99_999}), json!([])),
        (
            json!({"weight_kg": 2000, "volume_m3": 11, "positions": 9, "special_handling_codes": ["CAO", "PER"]}),
            json!(["weight_exceeded", "volume_exceeded", "positions_exceeded", "cargo_aircraft_only"]),
        ),
    ] {
        let found = search_for(&world, "DEL", "LHR", DAY, wanted.clone()).await;
        assert_eq!(*reasons(&found), expected, "{wanted}");
    }
}

#[tokio::test]
async fn a_weight_without_a_volume_is_judged_with_the_volume_a_booking_would_get() {
    let world = World::working().await;
    // 10 m³ hold 1666.67 kg of the standard density: 1666.6 kg fit and 1666.7 kg do not.
    world.flight(direct_flight("AI1").weight(5000.0)).await;
    for (wanted, expected) in [
        (json!({"weight_kg": 1666.6}), json!([])),
        (json!({"weight_kg": 1666.7}), json!(["volume_exceeded"])),
        (json!({"weight_kg": 1666.7, "volume_m3": 3}), json!([])),
    ] {
        let found = search_for(&world, "DEL", "LHR", DAY, wanted.clone()).await;
        assert_eq!(*reasons(&found), expected, "{wanted}");
    }
}

#[tokio::test]
async fn the_cut_off_closes_booking_to_the_instant() {
    let world = World::working().await;
    world.flight(direct_flight("AI1")).await;
    world.clock.set("2026-11-21T08:59:59.999999Z".parse().unwrap());
    assert_eq!(*reasons(&search(&world, "DEL", "LHR", DAY).await), json!([]));
    world.clock.set("2026-11-21T09:00:00Z".parse().unwrap());
    assert_eq!(*reasons(&search(&world, "DEL", "LHR", DAY).await), json!(["cutoff_passed"]));
}

#[tokio::test]
async fn capacity_booked_by_others_is_not_offered() {
    let world = World::working().await;
    let flight = world.flight(direct_flight("AI1")).await;
    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 600, "volume_m3": 2,
                       "positions": 1, "flight_ids": [flight["id"]]});
    world.customer().await.post("/api/v1/bookings", order).await.expect(201);
    let found = search_for(&world, "DEL", "LHR", DAY, json!({"weight_kg": 400, "volume_m3": 8, "positions": 3})).await;
    assert_eq!(*reasons(&found), json!([]));
    assert_eq!(found["direct_flights"][0]["available"], json!({"weight_kg": 400, "volume_m3": 8, "positions": 3}));
    let found =
        search_for(&world, "DEL", "LHR", DAY, json!({"weight_kg": 400.1, "volume_m3": 8.001, "positions": 4})).await;
    assert_eq!(*reasons(&found), json!(["weight_exceeded", "volume_exceeded", "positions_exceeded"]));
}

#[tokio::test]
async fn a_connection_is_judged_by_its_weakest_leg_in_each_dimension() {
    let world = World::working().await;
    world.flight(to_bombay("AI1").weight(500.0).volume(9.0).positions(6).aircraft("77X")).await;
    world.flight(from_bombay("AI2", "15:00").weight(800.0).volume(4.5).positions(7)).await;
    for (wanted, expected) in [
        (json!({"weight_kg": 500, "volume_m3": 4.5, "positions": 6}), json!([])),
        (json!({"weight_kg": 500.1, "volume_m3": 1}), json!(["weight_exceeded"])),
        (json!({"volume_m3": 4.501}), json!(["volume_exceeded"])),
        (json!({"positions": 7}), json!(["positions_exceeded"])),
        (json!({"special_handling_codes": ["CAO"]}), json!(["cargo_aircraft_only"])),
    ] {
        let found = search_for(&world, "DEL", "LHR", DAY, wanted.clone()).await;
        let option = &found["transit_routes"][0];
        assert_eq!(option["reasons"], expected, "{wanted}");
        assert_eq!(option["bookable"], expected == json!([]), "{wanted}");
        assert_eq!(option["available"], json!({"weight_kg": 500, "volume_m3": 4.5, "positions": 6}));
    }
}

#[tokio::test]
async fn cargo_aircraft_only_goes_where_every_leg_is_a_freighter() {
    let world = World::working().await;
    world.flight(to_bombay("AI1").aircraft("77X")).await;
    world.flight(from_bombay("AI2", "15:00").aircraft("74N")).await;
    world.flight(from_bombay("AI3", "14:30").aircraft("77W")).await;
    let found =
        ranked(&world, &format!("origin=DEL&destination=LHR&departure_date={DAY}&special_handling_codes=CAO,PER"))
            .await;
    assert_eq!(names(&found), ["AI1+AI2", "AI1+AI3"]);
    assert_eq!((&found[0]["bookable"], &found[1]["bookable"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn a_connection_whose_second_leg_alone_is_closed_says_so() {
    let world = World::working().await;
    world.flight(to_bombay("AI1")).await;
    let mut long_cutoff = json!({
        "flight_number": "AI2", "origin": "BOM", "destination": "LHR",
        "departure_datetime": "2026-11-21T15:00:00+05:30", "arrival_datetime": "2026-11-21T23:00:00+05:30",
        "capacity": {"weight_kg": 1000}, "cutoff_minutes": 43_200,
    });
    world.admin().await.post("/api/v1/flights", long_cutoff.take()).await.expect(201);
    let found = search(&world, "DEL", "LHR", DAY).await;
    assert_eq!(found["transit_routes"][0]["reasons"], json!(["cutoff_passed"]));
}

#[tokio::test]
async fn options_that_cannot_be_booked_stay_after_those_that_can() {
    let world = World::working().await;
    let at = |number: &str, time: &str| {
        NewFlight::new(number, "DEL", "LHR").departs(&format!("2026-11-21T{time}:00Z")).takes_minutes(60)
    };
    world.flight(at("AI1", "10:00").weight(10.0)).await;
    world.flight(at("AI2", "12:00")).await;
    world.flight(at("AI3", "11:00").weight(10.0)).await;
    world.flight(at("AI4", "13:00")).await;
    let found = search_for(&world, "DEL", "LHR", DAY, json!({"weight_kg": 500})).await;
    assert_eq!(direct(&found), ["AI2", "AI4", "AI1", "AI3"]);
    for sort in ["arrival", "duration", "departure"] {
        let query = format!("origin=DEL&destination=LHR&departure_date={DAY}&weight_kg=500&sort={sort}");
        assert_eq!(names(&ranked(&world, &query).await), ["AI2", "AI4", "AI1", "AI3"], "{sort}");
    }
}
