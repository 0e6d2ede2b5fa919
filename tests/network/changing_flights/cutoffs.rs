//! The cut-off goes along with the departure and may be moved for itself.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    amending::{amend, long_day},
    flight_verbs::flight_now,
    freight::{BOOKINGS, order},
};
use serde_json::{Value, json};

use super::{change, create, direct, refused};

/// What a search says against the flight of [`direct`] on the day it leaves.
async fn reasons(world: &World, date: &str) -> Value {
    let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": date});
    let found = world.anonymous().post("/api/v1/routes/search", search).await.expect(200);
    found["direct_flights"][0]["reasons"].clone()
}

/// Moves the flight to leave at this instant, nine hours and a half before it lands.
async fn leaves_at(world: &World, flight: &Value, departure: &str) {
    let arrival = departure.parse::<chrono::DateTime<chrono::Utc>>().unwrap() + TimeDelta::minutes(570);
    let wish = json!({"departure_datetime": departure, "arrival_datetime": arrival});
    change(&world.admin().await, flight, wish).await.expect(200);
}

#[tokio::test]
async fn a_flight_that_leaves_sooner_closes_at_once_and_one_that_leaves_later_opens_again() {
    let world = long_day().await;
    let (flight, customer, operator) = (direct(&world).await, world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    // It is eight o'clock: a flight at nine is closed, one a moment later is open.
    leaves_at(&world, &flight, "2026-11-20T09:00:00Z").await;
    customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "flight_closed");
    amend(&customer, &booking, json!({"weight_kg": 50})).await.expect_problem(409, "flight_closed");
    amend(&customer, &booking, json!({"description": "late"})).await.expect(200);
    amend(&operator, &booking, json!({"weight_kg": 60})).await.expect(200);
    assert_eq!(reasons(&world, "2026-11-20").await, json!(["cutoff_passed"]));

    leaves_at(&world, &flight, "2026-11-20T09:00:00.000001Z").await;
    customer.book(order(&[&flight])).await;
    amend(&customer, &booking, json!({"weight_kg": 50})).await.expect(200);
    assert_eq!(reasons(&world, "2026-11-20").await, json!([]));

    // Its time has come, but it is late.
    world.clock.advance(TimeDelta::hours(2));
    customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "flight_closed");
    leaves_at(&world, &flight, "2026-11-20T14:00:00Z").await;
    customer.book(order(&[&flight])).await;
    amend(&customer, &booking, json!({"weight_kg": 40})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn the_cut_off_may_be_moved_for_itself() {
    let world = World::start().await;
    let (flight, admin, customer) = (direct(&world).await, world.admin().await, world.customer().await);
    for (version, wish, cutoff) in [
        (2, json!({"cutoff_minutes": 90}), "2026-11-21T08:30:00Z"),
        (3, json!({"cutoff_minutes": 0}), "2026-11-21T10:00:00Z"),
        (4, json!({"cutoff_minutes": 43_200}), "2026-10-22T10:00:00Z"),
        (5, json!({"cutoff_minutes": null}), "2026-11-21T09:00:00Z"),
        // Told together with the times it counts from the new departure.
        (
            6,
            json!({"cutoff_minutes": 30, "departure_datetime": "2026-11-21T11:00:00Z",
                   "arrival_datetime": "2026-11-21T20:00:00Z"}),
            "2026-11-21T10:30:00Z",
        ),
        (7, json!({"departure_datetime": "2026-11-21T12:00:00Z"}), "2026-11-21T11:30:00Z"),
    ] {
        let after = change(&admin, &flight, wish.clone()).await.expect(200);
        assert_eq!((&after["cutoff_datetime"], &after["version"]), (&json!(cutoff), &json!(version)), "{wish}");
        assert_eq!(flight_now(&admin, &flight).await, after);
        let answer = customer.post(BOOKINGS, order(&[&flight])).await;
        if version == 4 {
            answer.expect_problem(409, "flight_closed");
        } else {
            answer.expect(201);
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn whatever_the_distance_it_is_kept() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (index, minutes) in [0, 45, 43_200].into_iter().enumerate() {
        let flight = create(
            &admin,
            json!({
                "flight_number": format!("AI{}", index + 1), "origin": "DEL", "destination": "LHR",
                "departure_datetime": "2026-12-24T10:00:00Z", "arrival_datetime": "2026-12-24T19:00:00Z",
                "capacity": {"weight_kg": 1000}, "cutoff_minutes": minutes,
            }),
        )
        .await;
        leaves_at(&world, &flight, "2026-12-25T22:22:22.123456Z").await;
        let moved = flight_now(&admin, &flight).await;
        let at = |member: &str| moved[member].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!(at("departure_datetime") - at("cutoff_datetime"), TimeDelta::minutes(minutes));
    }
}

#[tokio::test]
async fn once_it_has_left_there_is_nothing_to_close() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    admin.poke(&format!("{}/depart", loadmaster_testkit::flight_verbs::path_to(&flight))).await.expect(200);
    refused(&world, &admin, &flight, json!({"cutoff_minutes": 30}), "invalid_transition").await;
}
