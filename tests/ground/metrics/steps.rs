//! What happens to flights and their room, counted once and by what it was.
use chrono::{SubsecRound, TimeDelta, Utc};
use loadmaster::app;
use loadmaster_testkit::{
    Answer,
    amending::patch,
    flight_verbs::path_to,
    freight::{order, path_of, text},
    import::{counts, table},
};
use serde_json::json;

use super::{Alone, tomorrow};

const ACTIONS: &str = "loadmaster_flight_actions_total";
const CHANGE: [(&str, &str); 1] = [("action", "change")];

#[tokio::test]
async fn each_change_of_a_flight_is_counted_once() {
    let alone = Alone::start(&[]).await;
    let neighbour = alone.neighbour().await;
    let flight = neighbour.flight(tomorrow("AI101")).await;
    let admin = alone.here(neighbour.admin().await);
    let changes = async || alone.value(ACTIONS, &CHANGE).await;
    let grown = || json!({"capacity": {"weight_kg": 2000}});
    let keyed = || {
        let request = admin.request(reqwest::Method::PATCH, &path_to(&flight));
        let request = request.header("content-type", "application/merge-patch+json").header("idempotency-key", "once");
        Answer::of(request.body(grown().to_string()))
    };

    keyed().await.expect(200);
    assert_eq!(changes().await, 1.0);
    assert_eq!(keyed().await.header("idempotency-replayed"), Some("true"));
    patch(&admin, &path_to(&flight), grown()).await.expect(200);
    assert_eq!(changes().await, 1.0, "repeated, or as it was: nothing has changed");
    let booking = admin.post("/api/v1/bookings", order(&[&flight])).await.expect(201);
    patch(&admin, &path_to(&flight), json!({"capacity": {"weight_kg": 50}})).await.expect(409);
    assert_eq!(changes().await, 1.0, "refused");
    patch(&admin, &path_to(&flight), json!({"offload": [booking["ref_id"]]})).await.expect(200);
    assert_eq!(changes().await, 2.0, "a booking was taken off it");
}

#[tokio::test]
async fn each_flight_that_an_import_changes_is_counted() {
    let alone = Alone::start(&[]).await;
    let admin = alone.here(alone.neighbour().await.admin().await);
    let departure = Utc::now().trunc_subsecs(0) + TimeDelta::hours(24);
    let timetable = |weights: [u32; 3]| {
        let (departure, arrival) = (departure.to_rfc3339(), (departure + TimeDelta::hours(4)).to_rfc3339());
        let row = |(number, weight)| format!("AI{number},DEL,LHR,{departure},{arrival},,{weight},,,");
        (101..).zip(weights).map(row).collect::<Vec<String>>()
    };
    let import = async |weights, how: &str| {
        let rows = timetable(weights);
        let table = table(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let path = format!("/api/v1/flights/import{how}");
        counts(&admin.post_raw(&path, "text/csv", table).await.expect(200))
    };
    assert_eq!(import([1000, 1000, 1000], "").await, (3, 0, 0));
    assert_eq!(import([2000, 2000, 1000], "?dry_run=true").await, (0, 2, 1));
    assert_eq!(alone.value(ACTIONS, &CHANGE).await, 0.0, "they are new, or nothing was written");
    assert_eq!(import([2000, 2000, 1000], "").await, (0, 2, 1));
    assert_eq!(alone.value(ACTIONS, &CHANGE).await, 2.0);
}

#[tokio::test]
async fn every_action_of_flights_in_the_catalogue_can_happen() {
    let alone = Alone::start(&[]).await;
    let neighbour = alone.neighbour().await;
    let (flown, other) = (neighbour.flight(tomorrow("AI101")).await, neighbour.flight(tomorrow("AI102")).await);
    let admin = alone.here(neighbour.admin().await);
    patch(&admin, &path_to(&other), json!({"capacity": {"weight_kg": 2000}})).await.expect(200);
    for (flight, verb) in [(&flown, "depart"), (&flown, "arrive"), (&other, "cancel")] {
        admin.poke(&format!("{}/{verb}", path_to(flight))).await.expect(200);
    }
    let catalogue = app::metrics();
    let family = catalogue.families().find(|family| family.name == ACTIONS).unwrap();
    let actions = catalogue.values(&family.labels[0]).unwrap();
    assert_eq!(actions.len(), 4);
    for action in actions {
        assert_eq!(alone.value(ACTIONS, &[("action", action)]).await, 1.0, "{action}");
    }
}

#[tokio::test]
async fn taken_space_is_counted_by_the_path_that_took_it() {
    let alone = Alone::start(&[]).await;
    let neighbour = alone.neighbour().await;
    let flight = neighbour.flight(tomorrow("AI101")).await;
    let other = neighbour.flight(tomorrow("AI102")).await;
    let operator = alone.here(neighbour.operator().await);
    let booking = operator.post("/api/v1/bookings", order(&[&flight])).await.expect(201);
    let taken = async || {
        let mut taken = Vec::new();
        for path in ["optimistic", "locking", "amending"] {
            let labels = [("path", path), ("outcome", "taken")];
            taken.push(alone.value("loadmaster_capacity_takings_total", &labels).await);
        }
        taken
    };
    assert_eq!(taken().await, [1.0, 0.0, 0.0]);
    // There is room enough: nobody waits for a turn.
    patch(&operator, &path_of(&booking), json!({"weight_kg": 200})).await.expect(200);
    assert_eq!(taken().await, [1.0, 0.0, 1.0]);
    patch(&operator, &path_of(&booking), json!({"flight_ids": [text(&other, "id")]})).await.expect(200);
    assert_eq!(taken().await, [1.0, 0.0, 2.0]);
    let tight = neighbour.flight(tomorrow("AI103").weight(150.0)).await;
    operator.post("/api/v1/bookings", order(&[&tight])).await.expect(201);
    assert_eq!(taken().await, [1.0, 1.0, 2.0]);
}
