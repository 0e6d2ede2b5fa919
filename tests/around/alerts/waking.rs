//! Which changes make an alert due before its time.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    amending::amend,
    freight::{instant, order, text, with},
    holds::{at as hold_at, hold_on},
    until,
    waitlist::{at as entry_at, join, wanted},
};
use serde_json::{Value, json};

use super::{ALERTS, checked, fill, flight, shown, space};

/// Waits until the alert is due within a minute.
async fn woken(world: &World, alert: &Value) {
    let (id, soon) = (text(alert, "id"), (world.now() + TimeDelta::seconds(60)).to_rfc3339());
    let due = format!("select id::text from alerts where id = '{id}' and next_check_at <= '{soon}'");
    until("the alert is due soon", async || world.texts(&due).await.len() == 1).await;
}

/// A way from Delhi by Bombay to London and a direct one, and an alert that only the onward flight of the former concerns. What
/// was said of the flights is over.
async fn two_ways(world: &World, client: &Client) -> ([Value; 3], Value) {
    let alert = with(space(100.0), json!({"origin": "BOM", "destination": "JFK"}));
    let alert = client.post(ALERTS, alert).await.expect(201);
    checked(world).await;
    let direct = world.flight(NewFlight::new("AI201", "DEL", "LHR").leaves_in_hours(60)).await;
    let first = world.flight(NewFlight::new("AI103", "DEL", "BOM").leaves_in_hours(44)).await;
    let onward = world.flight(NewFlight::new("AI131", "BOM", "LHR").leaves_in_hours(54)).await;
    woken(world, &alert).await;
    ([first, onward, direct], alert)
}

#[tokio::test]
async fn an_amended_hold_wakes_the_alerts_of_the_flights_that_it_leaves() {
    let world = World::working().await;
    let customer = world.customer().await;
    let ([first, onward, direct], alert) = two_ways(&world, &customer).await;
    let hold = customer.hold(hold_on(&[&first, &onward])).await;
    checked(&world).await;
    customer.patch(&hold_at(&hold), json!({"flight_ids": [direct["id"]]})).await.expect(200);
    woken(&world, &alert).await;
}

#[tokio::test]
async fn an_amended_booking_wakes_the_alerts_of_the_flights_that_it_leaves() {
    let world = World::working().await;
    let customer = world.customer().await;
    let ([first, onward, direct], alert) = two_ways(&world, &customer).await;
    let booking = customer.book(order(&[&first, &onward])).await;
    checked(&world).await;
    amend(&customer, &booking, json!({"flight_ids": [direct["id"]]})).await.expect(200);
    woken(&world, &alert).await;
}

#[tokio::test]
async fn an_entry_that_is_withdrawn_wakes_the_alerts_of_its_flights() {
    let world = World::working().await;
    let (customer, staff) = (world.customer().await, world.admin().await);
    let alert = customer.post(ALERTS, space(600.0)).await.expect(201);
    checked(&world).await;
    let flight = flight(&world).await;
    woken(&world, &alert).await;
    fill(&staff, &flight).await;
    let entry = join(&staff, wanted(&flight, 500.0)).await;
    checked(&world).await;
    staff.delete(&entry_at(&entry)).await.expect(200);
    woken(&world, &alert).await;
}

#[tokio::test]
async fn where_somebody_waits_an_alert_waits_until_freed_space_is_given_or_opened() {
    let world = World::working().await;
    let (flight, staff) = (flight(&world).await, world.admin().await);
    let half = with(order(&[&flight]), json!({"weight_kg": 500}));
    let booking = staff.book(half.clone()).await;
    staff.book(half).await;
    // It does not fit into what becomes free.
    join(&staff, wanted(&flight, 900.0)).await;
    let customer = world.customer().await;
    let alert = customer.post(ALERTS, space(400.0)).await.expect(201);
    checked(&world).await;
    world.clock.advance(TimeDelta::seconds(31));
    staff.walk(&booking, &["cancel"]).await;
    let due = (world.now() + TimeDelta::seconds(40)).to_rfc3339();
    let due = format!("select id::text from alerts where next_check_at = '{due}'");
    until("it is due later", async || world.texts(&due).await.len() == 1).await;
    until("it is opened", async || staff.room(&flight).await["available"]["weight_kg"] == 500).await;
    world.clock.advance(TimeDelta::seconds(41));
    until("it is met", async || shown(&customer, &alert).await["times_met"] == 1).await;
}

#[tokio::test]
async fn a_new_alert_is_judged_again_within_a_minute() {
    let world = World::start().await;
    let customer = world.customer().await;
    let alert = customer.post(ALERTS, space(600.0)).await.expect(201);
    assert_eq!(world.count("alerts where next_check_at <= created_at + interval '1 minute'").await, 1);
    let serving = WorldOptions::working().on(&world.database).start().await;
    serving.clock.advance(TimeDelta::seconds(59));
    until("it is judged again", async || {
        instant(&shown(&customer, &alert).await["last_checked_at"]) > instant(&alert["last_checked_at"])
    })
    .await;
    serving.shutdown().await;
}
