//! What persons do while a run waits for a flight that somebody else has locked.
use loadmaster_testkit::{
    Client, Watch, World,
    freight::{order, text, with},
};
use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};

use super::{because, ended, feeding, file, flight_of, flights, made, row, rows, run, runs_of, summary};

/// Locks a flight as somebody does who is about to change it.
async fn locked(world: &World, flight: &Value) -> PgConnection {
    let mut other = world.database.owner().await;
    let lock = format!("begin; select from flight_capacity where flight_id = '{}' for update", text(flight, "id"));
    other.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    other
}

/// Starts a run, which has compared its file when it waits for the flight that is locked.
async fn waiting(world: &World, admin: &Client, feed: &Value, rows: &[String]) -> Value {
    let started = admin.post_raw(&runs_of(feed), "text/csv", file(rows)).await.expect(202);
    Watch::over(&world.database).await.until_waiting(1).await;
    started
}

async fn let_go(mut other: PgConnection) {
    other.execute("commit").await.unwrap();
}

fn path(flight: &Value) -> String {
    format!("/api/v1/flights/{}", text(flight, "id"))
}

#[tokio::test]
async fn a_flight_that_is_booked_meanwhile_is_not_moved_far_without_a_person() {
    let world = World::with(feeding().set("feeds.far_minutes", "60")).await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let feed = made(&admin, flights()).await;
    let at_hour = |hour| [row(&world, "AI101", 10, hour, "77X"), row(&world, "AI102", 10, hour, "77X")];
    run(&admin, &feed, &at_hour(8)).await;
    let (first, second) = (flight_of(&admin, "AI101").await, flight_of(&admin, "AI102").await);
    let other = locked(&world, &first).await;
    let started = waiting(&world, &admin, &feed, &at_hour(11)).await;
    customer.book(order(&[&second])).await;
    let_go(other).await;
    let far = ended(&admin, &started).await;
    assert_eq!(summary(&far), "REVIEW 0 2 0 0 0 0 0");
    assert!(because(&far).starts_with("1 flights with bookings or holds move by more than 60 minutes"), "{far}");
    for flight in [first, second] {
        let now = admin.get(&path(&flight)).await.expect(200);
        assert_eq!(now["departure_datetime"], flight["departure_datetime"], "all of it or nothing");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_a_person_keeps_meanwhile_stays() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let at_hour = |hour| [row(&world, "AI101", 10, hour, "77X"), row(&world, "AI102", 10, hour, "77X")];
    run(&admin, &feed, &at_hour(8)).await;
    let (first, second) = (flight_of(&admin, "AI101").await, flight_of(&admin, "AI102").await);
    let other = locked(&world, &first).await;
    let started = waiting(&world, &admin, &feed, &at_hour(9)).await;
    admin.patch(&path(&second), json!({"follow_feed": false})).await.expect(200);
    let_go(other).await;
    assert_eq!(summary(&ended(&admin, &started).await), "APPLIED 0 1 0 1 0 0 0");
    let now = admin.get(&path(&second)).await.expect(200);
    assert_eq!(now["departure_datetime"], second["departure_datetime"]);
    world.audit().await;
}

#[tokio::test]
async fn an_absent_flight_that_a_person_changes_meanwhile_is_not_cancelled() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"cancels_absent": true}))).await;
    let mut all = rows(&world, 20);
    run(&admin, &feed, &all).await;
    let (first, last) = (flight_of(&admin, "AI101").await, flight_of(&admin, "AI120").await);
    all.truncate(19);
    all[0] = row(&world, "AI101", 10, 12, "77X");
    let other = locked(&world, &first).await;
    let started = waiting(&world, &admin, &feed, &all).await;
    admin.patch(&path(&last), json!({"cutoff_minutes": 90})).await.expect(200);
    let_go(other).await;
    assert_eq!(summary(&ended(&admin, &started).await), "APPLIED 0 1 18 0 1 0 0");
    let now = admin.get(&path(&last)).await.expect(200);
    assert_eq!((&now["status"], &now["feed"]["is_kept"]), (&json!("SCHEDULED"), &json!(true)));
    world.audit().await;
}
