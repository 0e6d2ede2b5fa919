//! An alert is judged as its organization would be answered.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    NewFlight, World,
    embargoes::{embargo, impose, path_of},
    freight::with,
    notifications::Person,
    pricing::{TARIFFS, at as tariff_at, flat, make},
    until,
    waitlist::{at as entry_at, join, reached, wanted},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ALERTS, checked, fill, flight, price, shown, space};

#[tokio::test]
async fn prices_are_those_of_the_organizations_own_tariff() {
    let world = World::working().await;
    let (cheap, admin) = (flight(&world).await, world.admin().await);
    world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(50)).await;
    let organization = Uuid::new_v4();
    let owner = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    make(&admin, TARIFFS, flat("ALL", "5", json!({}))).await;
    let own = json!({"organization_id": organization, "flight_numbers": ["AI101"]});
    let own = make(&admin, TARIFFS, flat("OWN", "4", own)).await;
    let alert = owner.post(ALERTS, price()).await.expect(201);
    assert_eq!(alert["is_met"], true, "{alert}");
    assert_eq!(alert["current"]["price"], json!({"amount": "400.00", "currency": "USD"}));
    assert_eq!(alert["current"]["option"], json!([cheap["id"]]), "the cheapest, not the earliest");
    let stranger = world.customer().await;
    let foreign = stranger.post(ALERTS, price()).await.expect(201);
    assert_eq!((&foreign["is_met"], &foreign["current"]["price"]["amount"]), (&json!(false), &json!("500.00")));
    // Its own amount included; and another currency does not compare.
    let exactly = with(price(), json!({"below": {"amount": "500.00", "currency": "USD"}}));
    assert_eq!(stranger.post(ALERTS, exactly).await.expect(201)["is_met"], true);
    let elsewhere = with(price(), json!({"below": {"amount": "99999.00", "currency": "EUR"}}));
    let elsewhere = stranger.post(ALERTS, elsewhere).await.expect(201);
    assert_eq!((&elsewhere["is_met"], &elsewhere["current"]), (&json!(false), &Value::Null));
    admin.delete(&tariff_at(TARIFFS, &own)).await;
    checked(&world).await;
    let dear = shown(&owner, &alert).await;
    assert_eq!((&dear["is_met"], &dear["current"]["price"]["amount"]), (&json!(false), &json!("500.00")));
}

#[tokio::test]
async fn a_full_flight_is_passed_over_for_the_next_cheapest() {
    let world = World::working().await;
    let (cheap, admin) = (flight(&world).await, world.admin().await);
    let next = world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(50)).await;
    make(&admin, TARIFFS, flat("ALL", "5", json!({}))).await;
    make(&admin, TARIFFS, flat("ONE", "4", json!({"flight_numbers": ["AI101"]}))).await;
    let customer = world.customer().await;
    let alert = customer.post(ALERTS, price()).await.expect(201);
    assert_eq!((&alert["is_met"], &alert["current"]["option"]), (&json!(true), &json!([cheap["id"]])));
    fill(&customer, &cheap).await;
    checked(&world).await;
    let dear = shown(&customer, &alert).await;
    assert_eq!((&dear["is_met"], &dear["current"]["option"]), (&json!(false), &json!([next["id"]])));
}

#[tokio::test]
async fn embargoed_freight_finds_nothing_until_the_embargo_ends() {
    let world = World::working().await;
    flight(&world).await;
    let (admin, person) = (world.admin().await, Person::new(&world).await);
    let closed = impose(&admin, embargo(json!({"origin": "DEL"}))).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    assert_eq!((&alert["is_met"], &alert["current"]), (&json!(false), &Value::Null));
    admin.delete(&path_of(&closed)).await;
    checked(&world).await;
    assert_eq!(shown(&person.client, &alert).await["times_met"], 1);
}

#[tokio::test]
async fn space_of_an_allotment_is_there_for_its_organization_alone() {
    let world = World::working().await;
    let (flight, organization) = (flight(&world).await, Uuid::new_v4());
    let owner = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let today = world.now().date_naive();
    let allotment = json!({"organization_id": organization, "name": "Winter", "origin": "DEL", "destination": "LHR",
                           "date_from": today, "date_to": today + TimeDelta::days(30), "weight_kg": 1000});
    world.admin().await.post("/api/v1/allotments", allotment).await.expect(201);
    let stranger = world.customer().await;
    until("it is kept", async || stranger.room(&flight).await["available"]["weight_kg"] == 0).await;
    let foreign = stranger.post(ALERTS, space(600.0)).await.expect(201);
    assert_eq!(foreign["is_met"], false);
    let own = owner.post(ALERTS, space(600.0)).await.expect(201);
    until("its organization finds it", async || {
        checked(&world).await;
        shown(&owner, &own).await["is_met"] == true
    })
    .await;
    assert_eq!(shown(&stranger, &foreign).await["is_met"], false);
}

#[tokio::test]
async fn space_that_is_set_aside_for_the_waitlist_does_not_count() {
    let world = World::working().await;
    let (flight, staff) = (flight(&world).await, world.admin().await);
    let booking = fill(&staff, &flight).await;
    let entry = join(&staff, wanted(&flight, 500.0)).await;
    let person = Person::new(&world).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    staff.walk(&booking, &["cancel"]).await;
    reached(&staff, &entry, "OFFERED").await;
    checked(&world).await;
    assert_eq!(shown(&person.client, &alert).await["is_met"], false);
    staff.poke(&format!("{}/decline", entry_at(&entry))).await.expect(200);
    checked(&world).await;
    assert_eq!(shown(&person.client, &alert).await["is_met"], true);
}

#[tokio::test]
async fn a_connection_is_an_option_too() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI103", "DEL", "BOM").leaves_in_hours(44)).await;
    let second = world.flight(NewFlight::new("AI131", "BOM", "LHR").leaves_in_hours(54)).await;
    let alert = world.customer().await.post(ALERTS, space(100.0)).await.expect(201);
    assert_eq!((&alert["is_met"], &alert["current"]["option"]), (&json!(true), &json!([first["id"], second["id"]])));
}
