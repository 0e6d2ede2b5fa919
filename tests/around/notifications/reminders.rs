//! The reminder of the cut-off: one for each booking, found by the tables when it is due.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{order, path_of, text},
    notifications::{Person, cancel_flight, heard, retime, told_to},
    until,
};
use serde_json::{Value, json};

fn cutoff(flight: &Value) -> DateTime<Utc> {
    text(flight, "cutoff_datetime").parse().unwrap()
}

async fn flight(world: &World, number: &str, hours: i64) -> Value {
    world.flight(NewFlight::new(number, "DEL", "LHR").weight(10_000.0).leaves_in_hours(hours)).await
}

/// The reminders that were sent, once all messages are heard and the flights about to close were looked at.
async fn sent(world: &World) -> Vec<String> {
    heard(world).await;
    let closes = (world.now() + TimeDelta::hours(24)).to_rfc3339();
    let looked =
        format!("select (looked_until > timestamptz '{closes}' - interval '1 minute')::text from reminder_watermark");
    until("the flights are looked at", async || world.texts(&looked).await == ["true"]).await;
    world.texts("select status from reminders order by booking_id").await
}

async fn has(world: &World, receiver: &str) -> bool {
    told_to(world, receiver).await.contains(&"cutoff_reminder".to_owned())
}

const NONE: [String; 0] = [];

#[tokio::test]
async fn a_reminder_is_sent_a_day_before_the_cutoff_and_follows_the_flight() {
    let world = World::working().await;
    let flight = flight(&world, "AI101", 100).await;
    let shipper = Person::new(&world).await;
    let booking = shipper.client.book(order(&[&flight])).await;
    shipper.client.book(order(&[&flight])).await;
    let due = cutoff(&flight) - TimeDelta::hours(24);
    retime(&world, &flight, TimeDelta::hours(2)).await;
    let other = self::flight(&world, "AI103", 130).await;
    let reroute = json!({"flight_ids": [other["id"]]});
    shipper.client.patch(&path_of(&booking), reroute).await.expect(200);
    world.clock.set(due + TimeDelta::minutes(5));
    assert_eq!(sent(&world).await, NONE);
    world.clock.set(due + TimeDelta::hours(2));
    until("the other booking's is sent", async || sent(&world).await.len() == 1).await;
    world.sql("delete from notifications where type = 'cutoff_reminder'").await;
    world.clock.set(cutoff(&other) - TimeDelta::hours(24));
    until("the reminder is written", async || has(&world, &shipper.name()).await).await;
    let row = world.texts("select extract(epoch from expires_at)::bigint || ' ' || is_urgent from notifications where type = 'cutoff_reminder'").await;
    assert_eq!(row, [format!("{} true", cutoff(&other).timestamp())]);
    assert_eq!(sent(&world).await, ["SENT", "SENT"]);
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
    let set = |now| [&world.clock, &second.clock].into_iter().for_each(|clock| clock.set(now));
    set(due - TimeDelta::minutes(1));
    retime(&world, &flight, TimeDelta::hours(5)).await;
    heard(&world).await;
    retime(&world, &flight, TimeDelta::zero()).await;
    assert_eq!(sent(&world).await, NONE);
    set(due);
    until("all are sent", async || sent(&world).await.len() == 3).await;
    retime(&world, &flight, TimeDelta::hours(5)).await;
    heard(&world).await;
    set(due + TimeDelta::hours(5));
    assert_eq!(sent(&world).await.len(), 3);
    let count = "select count(*)::text || ' ' || count(distinct booking_id) || ' ' || count(distinct bundle)
                 from notifications where type = 'cutoff_reminder'";
    assert_eq!(world.texts(count).await, ["3 3 1"]);
}

#[tokio::test]
async fn what_is_cancelled_has_departed_or_was_booked_late_has_none() {
    let world = World::working().await;
    let (roomy, soon) = (flight(&world, "AI101", 100).await, flight(&world, "AI103", 20).await);
    let (shipper, staff) = (Person::new(&world).await, world.operator().await);
    let cancelled = shipper.client.book(order(&[&roomy])).await;
    let departed = shipper.client.book(order(&[&roomy])).await;
    shipper.client.walk(&cancelled, &["cancel"]).await;
    staff.walk(&departed, &["depart"]).await;
    shipper.client.book(order(&[&soon])).await;
    assert_eq!(sent(&world).await, NONE);
    // Later times make no early booking of it.
    retime(&world, &soon, TimeDelta::hours(80)).await;
    world.clock.set(cutoff(&roomy) - TimeDelta::hours(23));
    assert_eq!(sent(&world).await, NONE);
}

#[tokio::test]
async fn a_flight_or_a_booking_that_is_moved_to_close_soon_reminds_at_once() {
    let world = World::working().await;
    let (retimed, first) = (flight(&world, "AI101", 100).await, flight(&world, "AI103", 130).await);
    let soon = flight(&world, "AI105", 20).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&retimed])).await;
    let rerouted = shipper.client.book(order(&[&first])).await;
    assert_eq!(sent(&world).await, NONE);
    retime(&world, &retimed, TimeDelta::hours(-80)).await;
    until("the retimed flight reminds", async || sent(&world).await.len() == 1).await;
    shipper.client.patch(&path_of(&rerouted), json!({"flight_ids": [soon["id"]]})).await.expect(200);
    until("the rerouted booking reminds", async || sent(&world).await.len() == 2).await;
    let letters = "select count(*)::text from notifications where type = 'cutoff_reminder'";
    assert_eq!(world.texts(letters).await, ["2"]);
}

#[tokio::test]
async fn a_booking_that_has_lost_its_first_flight_waits_for_the_new_one() {
    let world = World::working().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "DXB").leaves_in_hours(100)).await;
    let second = world.flight(NewFlight::new("AI102", "DXB", "LHR").leaves_in_hours(140)).await;
    let shipper = Person::new(&world).await;
    let booking = shipper.client.book(order(&[&first, &second])).await;
    cancel_flight(&world, &first).await;
    world.clock.set(cutoff(&first) - TimeDelta::hours(23));
    assert_eq!(sent(&world).await, NONE);
    let other = world.flight(NewFlight::new("AI103", "DEL", "DXB").leaves_in_hours(110)).await;
    let reroute = json!({"flight_ids": [other["id"], second["id"]]});
    world.admin().await.patch(&path_of(&booking), reroute).await.expect(200);
    world.clock.set(cutoff(&other) - TimeDelta::hours(24));
    until("the reminder is written", async || has(&world, &shipper.name()).await).await;
    assert_eq!(sent(&world).await, ["SENT"]);
}

#[tokio::test]
async fn what_a_process_of_an_older_release_left_waiting_is_sent_once() {
    let world = World::working().await;
    let flight = flight(&world, "AI101", 100).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&flight])).await;
    heard(&world).await;
    world
        .sql(
            "insert into reminders (booking_id, status, due_at, created_at, updated_at)
              select id, 'WAITING', now() + interval '1 year', now(), now() from bookings",
        )
        .await;
    world.clock.set(cutoff(&flight) - TimeDelta::hours(24));
    until("the reminder is written", async || has(&world, &shipper.name()).await).await;
    assert_eq!(sent(&world).await, ["SENT"]);
}

#[tokio::test]
async fn a_booking_that_needs_no_rerouting_any_more_is_reminded_of() {
    let world = World::working().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "DXB").leaves_in_hours(100)).await;
    let second = world.flight(NewFlight::new("AI102", "DXB", "LHR").leaves_in_hours(140)).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&first, &second])).await;
    // The connection is missed while the first flight comes to be about to close.
    retime(&world, &second, TimeDelta::hours(-60)).await;
    world.clock.set(cutoff(&first) - TimeDelta::hours(20));
    assert_eq!(sent(&world).await, NONE);
    retime(&world, &second, TimeDelta::zero()).await;
    until("the reminder is written", async || has(&world, &shipper.name()).await).await;
}
