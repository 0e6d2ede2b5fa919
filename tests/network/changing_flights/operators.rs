//! Operators change flights where the installation lets them, and only what cannot wait for an administrator.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    World, WorldOptions,
    amending::{patch, patch_if, shown},
    flight_verbs::{flight_now, path_to},
    freight::order,
    holds::hold_on,
};
use serde_json::{Value, json};

use super::{change, direct};

async fn world_where_operators_change() -> World {
    WorldOptions::default().set("operations.operators_change_flights", "true").start().await
}

/// Another departure and arrival of the flight of these tests.
fn later() -> Value {
    json!({"departure_datetime": "2026-11-21T10:30:00Z", "arrival_datetime": "2026-11-21T20:00:00Z"})
}

fn features(info: &Value) -> Vec<&str> {
    info["features"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_operator_retimes_swaps_and_offloads_and_the_audit_trail_names_the_operator() {
    let world = world_where_operators_change().await;
    let (flight, operator, admin) = (direct(&world).await, world.operator().await, world.admin().await);
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let me = operator.get("/api/v1/auth/me").await.expect(200);
    let offload = json!({"offload": [booking["ref_id"]], "release_holds": false});
    for wish in [later(), json!({"aircraft_code": "77X"}), offload] {
        let before = (world.written().await, flight_now(&admin, &flight).await);
        let trial = patch(&operator, &format!("{}?dry_run=true", path_to(&flight)), wish.clone()).await.expect(200);
        assert_eq!(trial["dry_run"], true);
        assert_eq!((world.written().await, flight_now(&admin, &flight).await), before, "{wish}: only tried");
        change(&operator, &flight, wish).await.expect(200);
    }
    let now = flight_now(&admin, &flight).await;
    assert_eq!((&now["departure_datetime"], &now["aircraft_code"]), (&later()["departure_datetime"], &json!("77X")));
    assert_eq!(shown(&customer, &booking).await["needs_rerouting"], true);

    let acts = admin.get("/api/v1/admin/audit?act=flight.changed").await.expect(200);
    let acts = acts.as_array().unwrap();
    assert_eq!(acts.len(), 3, "{acts:?}");
    for act in acts {
        assert_eq!((&act["actor_id"], &act["subject_id"]), (&me["id"], &flight["id"]));
    }
    assert_eq!(acts[0]["data"]["offloaded"], json!([booking["ref_id"]]));
    assert_eq!(acts[1]["data"]["aircraft_code"]["to"], "77X");
    assert_eq!(acts[2]["data"]["departure_datetime"]["to"], later()["departure_datetime"]);
    world.audit().await;
}

#[tokio::test]
async fn an_operator_changes_the_arrival_of_a_flight_in_the_air() {
    let world = world_where_operators_change().await;
    let (flight, operator) = (direct(&world).await, world.operator().await);
    operator.poke(&format!("{}/depart", path_to(&flight))).await.expect(200);
    let after = change(&operator, &flight, json!({"arrival_datetime": "2026-11-21T21:00:00Z"})).await.expect(200);
    assert_eq!(after["arrival_datetime"], "2026-11-21T21:00:00Z");
    world.audit().await;
}

#[tokio::test]
async fn an_operator_changes_neither_what_is_sold_nor_until_when_and_ends_no_hold() {
    let world = world_where_operators_change().await;
    let (flight, operator, admin) = (direct(&world).await, world.operator().await, world.admin().await);
    let before = (world.written().await, flight_now(&admin, &flight).await);
    for wish in [
        json!({"capacity": {"weight_kg": 900}}),
        json!({"aircraft_code": "77X", "capacity": {"weight_kg": 900}}),
        json!({"overbooking": {"weight_percent": 5}}),
        json!({"overbooking": null}),
        json!({"cutoff_minutes": 30}),
        json!({"cutoff_minutes": null}),
        json!({"aircraft_code": "77X", "release_holds": true}),
        json!({"aircraft_code": null}),
    ] {
        let told = change(&operator, &flight, wish.clone()).await.expect_problem(403, "forbidden");
        assert!(told["detail"].as_str().unwrap().contains("require the role admin"), "{wish}: {told}");
    }
    operator.poke(&format!("{}/cancel", path_to(&flight))).await.expect_problem(403, "forbidden");
    assert_eq!((world.written().await, flight_now(&admin, &flight).await), before);
    let restricted = json!({"aircraft_code": "77X", "capacity": {"weight_kg": 900}, "cutoff_minutes": 30});
    change(&admin, &flight, restricted).await.expect(200);
    // The restriction is not lifted by an aircraft that comes and goes.
    let told = change(&operator, &flight, json!({"aircraft_code": "74Y"})).await.expect_problem(403, "forbidden");
    assert!(told["detail"].as_str().unwrap().contains("only an administrator changes the aircraft"), "{told}");
    change(&operator, &flight, later()).await.expect(200);
    assert_eq!(flight_now(&admin, &flight).await["capacity"]["weight_kg"], 900);
    world.audit().await;
}

#[tokio::test]
async fn a_hold_ends_by_the_cut_off_that_an_operator_moves() {
    let world = world_where_operators_change().await;
    let (flight, operator, customer) = (direct(&world).await, world.operator().await, world.customer().await);
    let hold = customer.hold(hold_on(&[&flight])).await;
    let earlier = json!({"departure_datetime": "2026-11-20T09:05:00Z", "arrival_datetime": "2026-11-20T18:35:00Z"});
    change(&operator, &flight, earlier).await.expect(200);
    let cutoff = flight_now(&operator, &flight).await["cutoff_datetime"].clone();
    assert_eq!(customer.held(&hold).await["expires_at"], cutoff);
    world.audit().await;
}

#[tokio::test]
async fn the_setting_opens_nothing_to_customers_and_an_operators_change_is_judged_as_any() {
    let world = world_where_operators_change().await;
    let (flight, operator) = (direct(&world).await, world.operator().await);
    patch(&world.anonymous(), &path_to(&flight), later()).await.expect_problem(401, "unauthenticated");
    for caller in [world.caller(Role::Guest).await, world.customer().await] {
        change(&caller, &flight, later()).await.expect_problem(403, "forbidden");
    }
    let absent = "/api/v1/flights/01934f2e-0000-7000-8000-000000000000";
    for wish in [later(), json!({"cutoff_minutes": 30}), json!({"color": "red"})] {
        patch(&operator, absent, wish).await.expect_problem(404, "not_found");
    }
    let faults = change(&operator, &flight, json!({"color": "red"})).await.expect_faults();
    assert_eq!(faults, [("/color".to_owned(), "unknown_field".to_owned())]);
    patch_if(&operator, &path_to(&flight), "\"7\"", later()).await.expect_problem(412, "version_mismatch");
    world.audit().await;
}

#[tokio::test]
async fn without_the_setting_operators_change_no_flight_and_the_server_says_so() {
    let world = World::start().await;
    let (flight, operator) = (direct(&world).await, world.operator().await);
    for wish in [later(), json!({"aircraft_code": "77X"}), json!({"offload": []})] {
        change(&operator, &flight, wish).await.expect_problem(403, "forbidden");
    }
    let info = world.anonymous().get("/api/v1/info").await.expect(200);
    assert!(!features(&info).contains(&"operators_change_flights"), "{info}");
    let info = world_where_operators_change().await.anonymous().get("/api/v1/info").await.expect(200);
    assert!(features(&info).contains(&"operators_change_flights"), "{info}");
}
