//! Another aircraft brings its own figures, unless others are given, and is a freighter or not.
use loadmaster_testkit::{
    NewFlight, World,
    amending::shown,
    flight_verbs::flight_now,
    freight::{order, text, with},
};
use serde_json::{Value, json};

use super::{change, create, direct, refused, space};

#[tokio::test]
async fn an_aircraft_without_a_capacity_brings_its_three_figures() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    for (version, (code, freighter, figures)) in (2..).zip([
        ("77X", true, space(102_000.0, 653.0, 37)),
        ("77w", false, space(20_000.0, 140.0, 14)),
        (" A4F ", true, space(120_000.0, 1000.0, 0)),
    ]) {
        let after = change(&admin, &flight, json!({"aircraft_code": code})).await.expect(200);
        assert_eq!(after["aircraft_code"], code.trim().to_uppercase());
        assert_eq!((&after["capacity"], &after["available"]), (&figures, &figures), "{code}");
        assert_eq!((&after["is_freighter"], &after["version"]), (&json!(freighter), &json!(version)));
        assert_eq!(flight_now(&admin, &flight).await, after);
    }
    world.audit().await;
}

#[tokio::test]
async fn the_audit_trail_records_the_differences_alone() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    change(&admin, &flight, json!({"aircraft_code": "77X"})).await.expect(200);
    change(&admin, &flight, json!({"cutoff_minutes": 30})).await.expect(200);
    let acts = admin.get("/api/v1/admin/audit?act=flight.changed").await.expect(200);
    let [cutoff, aircraft] = [&acts[0]["data"], &acts[1]["data"]];
    assert_eq!(aircraft["aircraft_code"], json!({"from": flight["aircraft_code"], "to": "77X"}));
    assert_eq!(aircraft["physical_capacity"], json!({"from": flight["capacity"], "to": space(102_000.0, 653.0, 37)}));
    assert_eq!(aircraft["cutoff_datetime"], Value::Null);
    assert_eq!(cutoff["cutoff_datetime"]["from"], flight["cutoff_datetime"]);
    assert_eq!((&cutoff["aircraft_code"], &cutoff["departure_datetime"]), (&Value::Null, &Value::Null));
    world.audit().await;
}

#[tokio::test]
async fn members_missing_from_a_capacity_come_from_the_new_aircraft() {
    let world = World::start().await;
    let admin = world.admin().await;
    // 77W: 20 000 kg, 140 m³, 14 positions.
    for (index, (given, expected)) in [
        (json!({}), space(20_000.0, 140.0, 14)),
        (json!({"weight_kg": 500.5}), space(500.5, 140.0, 14)),
        (json!({"volume_m3": 1.5}), space(20_000.0, 1.5, 14)),
        (json!({"positions": 0}), space(20_000.0, 140.0, 0)),
        (json!({"weight_kg": null, "volume_m3": 2, "positions": null}), space(20_000.0, 2.0, 14)),
        (json!({"weight_kg": 10, "volume_m3": 3, "positions": 2}), space(10.0, 3.0, 2)),
    ]
    .into_iter()
    .enumerate()
    {
        let flight = world.flight(NewFlight::new(&format!("AI{}", 200 + index), "DEL", "LHR")).await;
        let wish = json!({"aircraft_code": "77W", "capacity": given});
        assert_eq!(change(&admin, &flight, wish).await.expect(200)["capacity"], expected, "{given}");
    }
    world.audit().await;
}

#[tokio::test]
async fn an_aircraft_may_be_taken_away_and_what_is_sold_stays() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X")).await;
    assert_eq!(flight["is_freighter"], true);
    let after = change(&admin, &flight, json!({"aircraft_code": null})).await.expect(200);
    assert_eq!((&after["aircraft_code"], &after["is_freighter"]), (&Value::Null, &json!(false)));
    assert_eq!((&after["capacity"], &after["version"]), (&flight["capacity"], &json!(2)));
    // Again is no change.
    assert_eq!(change(&admin, &flight, json!({"aircraft_code": null})).await.expect(200), after);
    world.audit().await;
}

#[tokio::test]
async fn the_same_aircraft_again_is_no_other() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77W")).await;
    let same = change(&admin, &flight, json!({"aircraft_code": "77w"})).await.expect(200);
    assert_eq!(same, flight);
    // What is said beside it is merged into what was there.
    let wish = json!({"aircraft_code": "77W", "capacity": {"positions": 3}});
    let after = change(&admin, &flight, wish).await.expect(200);
    assert_eq!((&after["capacity"], &after["version"]), (&space(1000.0, 1000.0, 3), &json!(2)));
    world.audit().await;
}

#[tokio::test]
async fn an_aircraft_that_is_too_small_for_what_is_booked_is_refused() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = create(
        &admin,
        json!({"flight_number": "AI101", "origin": "DEL", "destination": "LHR",
               "departure_datetime": "2026-11-21T10:00:00Z", "arrival_datetime": "2026-11-21T19:30:00Z",
               "aircraft_code": "77X"}),
    )
    .await;
    let said = json!({"weight_kg": 21_000, "volume_m3": 100, "positions": 15});
    customer.book(with(order(&[&flight]), said)).await;
    let problem = refused(&world, &admin, &flight, json!({"aircraft_code": "77W"}), "capacity_below_booked").await;
    let weight = json!({"dimension": "weight_kg", "requested": 20_000, "booked": 21_000, "held": 0});
    let positions = json!({"dimension": "positions", "requested": 14, "booked": 15, "held": 0});
    let shortfalls = json!([weight, positions]);
    assert_eq!(problem["shortfalls"], shortfalls);
    // With figures of its own it will do.
    let more = json!({"aircraft_code": "77W", "capacity": {"weight_kg": 21_000, "positions": 15}});
    let after = change(&admin, &flight, more).await.expect(200);
    assert_eq!(after["capacity"], space(21_000.0, 140.0, 15));
    assert_eq!(after["utilization_percent"], 100);
    world.audit().await;
}

#[tokio::test]
async fn freight_for_cargo_aircraft_only_keeps_the_flight_a_freighter() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X")).await;
    let bound = customer.book(with(order(&[&flight]), json!({"special_handling_codes": ["CAO", "PER"]}))).await;
    let free = customer.book(with(order(&[&flight]), json!({"special_handling_codes": ["PER"]}))).await;
    for wish in [json!({"aircraft_code": "77W"}), json!({"aircraft_code": null})] {
        let problem = refused(&world, &admin, &flight, wish, "itinerary_invalid").await;
        let detail = text(&problem, "detail");
        assert!(detail.contains(text(&bound, "ref_id")), "{detail}");
        assert!(!detail.contains(text(&free, "ref_id")), "{detail}");
    }
    // Another freighter will do; and without that booking any aircraft.
    change(&admin, &flight, json!({"aircraft_code": "74N"})).await.expect(200);
    assert_eq!(shown(&customer, &bound).await, bound);
    let wish = json!({"aircraft_code": "77W", "offload": [bound["ref_id"]]});
    let after = change(&admin, &flight, wish).await.expect(200);
    assert_eq!((&after["is_freighter"], &after["aircraft_code"]), (&json!(false), &json!("77W")));
    assert_eq!(shown(&customer, &bound).await["needs_rerouting"], true);
    assert_eq!(shown(&customer, &free).await, free);
    world.audit().await;
}

#[tokio::test]
async fn bookings_no_longer_aboard_do_not_keep_the_flight_a_freighter() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X")).await;
    let bound = customer.book(with(order(&[&flight]), json!({"special_handling_codes": ["CAO"]}))).await;
    customer.walk(&bound, &["cancel"]).await;
    change(&admin, &flight, json!({"aircraft_code": "77W"})).await.expect(200);
    world.audit().await;
}
