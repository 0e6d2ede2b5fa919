//! The reminder of the cut-off: one for each booking, judged by the tables when it is due.
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Person, cancel_flight, heard, retime, told_to};
use crate::support::{
    NewFlight, World, WorldOptions,
    freight::{order, path_of, text},
    until,
};

fn cutoff(flight: &Value) -> DateTime<Utc> {
    text(flight, "cutoff_datetime").parse().unwrap()
}

async fn flight(world: &World, number: &str, hours: i64) -> Value {
    world.flight(NewFlight::new(number, "DEL", "LHR").weight(10_000.0).leaves_in_hours(hours)).await
}

async fn reminders(world: &World) -> Vec<String> {
    heard(world).await;
    world.texts("select status || ' ' || extract(epoch from due_at) from reminders order by booking_id").await
}

fn waiting(due: DateTime<Utc>) -> String {
    format!("WAITING {}.000000", due.timestamp())
}

async fn has(world: &World, receiver: &str) -> bool {
    told_to(world, receiver).await.contains(&"cutoff_reminder".to_owned())
}

#[tokio::test]
async fn a_reminder_is_due_a_day_before_the_cutoff_and_follows_the_flight() {
    let world = World::working().await;
    let flight = flight(&world, "AI101", 100).await;
    let shipper = Person::new(&world).await;
    let booking = shipper.client.book(order(&[&flight])).await;
    let due = cutoff(&flight) - TimeDelta::hours(24);
    assert_eq!(reminders(&world).await, [waiting(due)]);
    retime(&world, &flight, TimeDelta::hours(2)).await;
    assert_eq!(reminders(&world).await, [waiting(due + TimeDelta::hours(2))]);
    let other = self::flight(&world, "AI103", 130).await;
    let reroute = json!({"flight_ids": [other["id"]]});
    shipper.client.patch(&path_of(&booking), reroute).await.expect(200);
    assert_eq!(reminders(&world).await, [waiting(cutoff(&other) - TimeDelta::hours(24))]);
    world.clock.set(cutoff(&other) - TimeDelta::hours(24));
    until("the reminder is written", async || has(&world, &shipper.name()).await).await;
    let row = world.texts("select extract(epoch from expires_at)::bigint || ' ' || is_urgent from notifications where type = 'cutoff_reminder'").await;
    assert_eq!(row, [format!("{} true", cutoff(&other).timestamp())]);
    assert!(reminders(&world).await[0].starts_with("SENT"));
    world.audit().await;
}

#[tokio::test]
async fn a_flight_retimed_to_and_fro_reminds_once_also_with_two_processes() {
    let world = World::working().await;
    let second = WorldOptions::working().on(&world.database).start().await;
    let flight = flight(&world, "AI101", 100).await;
    let shipper = Person::new(&world).await;
    for _ in 0..3 {
        shipper.client.book(order(&[&flight])).await;
    }
    heard(&world).await;
    let due = cutoff(&flight) - TimeDelta::hours(24);
    for clock in [&world.clock, &second.clock] {
        clock.set(due - TimeDelta::minutes(1));
    }
    retime(&world, &flight, TimeDelta::hours(5)).await;
    heard(&world).await;
    retime(&world, &flight, TimeDelta::zero()).await;
    heard(&world).await;
    for clock in [&world.clock, &second.clock] {
        clock.set(due);
    }
    until("all are sent", async || reminders(&world).await.iter().all(|one| one.starts_with("SENT"))).await;
    retime(&world, &flight, TimeDelta::hours(5)).await;
    heard(&world).await;
    for clock in [&world.clock, &second.clock] {
        clock.set(due + TimeDelta::hours(5));
    }
    let count = "select count(*)::text || ' ' || count(distinct booking_id) || ' ' || count(distinct bundle)
                 from notifications where type = 'cutoff_reminder'";
    // Both have looked since.
    heard(&world).await;
    assert_eq!(world.texts(count).await, ["3 3 1"]);
}

#[tokio::test]
async fn cancelling_and_departing_drop_it_and_booking_late_makes_none() {
    let world = World::working().await;
    let (roomy, soon) = (flight(&world, "AI101", 100).await, flight(&world, "AI103", 20).await);
    let (shipper, staff) = (Person::new(&world).await, world.operator().await);
    let cancelled = shipper.client.book(order(&[&roomy])).await;
    let departed = shipper.client.book(order(&[&roomy])).await;
    assert_eq!(reminders(&world).await.len(), 2);
    shipper.client.walk(&cancelled, &["cancel"]).await;
    staff.walk(&departed, &["depart"]).await;
    shipper.client.book(order(&[&soon])).await;
    let found = reminders(&world).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|one| one.starts_with("DROPPED")), "{found:?}");
}

#[tokio::test]
async fn a_booking_without_a_flight_waits_for_one() {
    let world = World::working().await;
    let first = flight(&world, "AI101", 100).await;
    let shipper = Person::new(&world).await;
    let booking = shipper.client.book(order(&[&first])).await;
    cancel_flight(&world, &first).await;
    assert_eq!(reminders(&world).await, ["WAITING Infinity"]);
    let other = flight(&world, "AI103", 130).await;
    shipper.client.patch(&path_of(&booking), json!({"flight_ids": [other["id"]]})).await.expect(200);
    assert_eq!(reminders(&world).await, [waiting(cutoff(&other) - TimeDelta::hours(24))]);
}

#[tokio::test]
async fn a_booking_that_has_lost_its_first_flight_waits_for_the_new_one() {
    let world = World::working().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "DXB").leaves_in_hours(100)).await;
    let second = world.flight(NewFlight::new("AI102", "DXB", "LHR").leaves_in_hours(120)).await;
    let shipper = Person::new(&world).await;
    let booking = shipper.client.book(order(&[&first, &second])).await;
    assert_eq!(reminders(&world).await, [waiting(cutoff(&first) - TimeDelta::hours(24))]);
    cancel_flight(&world, &first).await;
    assert_eq!(reminders(&world).await, ["WAITING Infinity"]);
    // As if it had not been moved yet.
    world.sql("update reminders set due_at = now() - interval '1 year'").await;
    until("it is moved", async || reminders(&world).await == ["WAITING Infinity"]).await;
    assert!(!has(&world, &shipper.name()).await);
    let other = world.flight(NewFlight::new("AI103", "DEL", "DXB").leaves_in_hours(102)).await;
    let reroute = json!({"flight_ids": [other["id"], second["id"]]});
    shipper.client.patch(&path_of(&booking), reroute).await.expect(200);
    assert_eq!(reminders(&world).await, [waiting(cutoff(&other) - TimeDelta::hours(24))]);
    world.clock.set(cutoff(&other) - TimeDelta::hours(24));
    until("the reminder is written", async || has(&world, &shipper.name()).await).await;
}

#[tokio::test]
async fn a_reminder_that_the_sink_has_not_moved_is_judged_by_the_tables() {
    let world = World::working().await;
    let flight = flight(&world, "AI101", 100).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&flight])).await;
    heard(&world).await;
    let due = cutoff(&flight) - TimeDelta::hours(24);
    // As if it had not been moved yet.
    world.sql("update reminders set due_at = now() - interval '1 year'").await;
    until("it is moved", async || reminders(&world).await == [waiting(due)]).await;
    assert!(!has(&world, &shipper.name()).await);
}
