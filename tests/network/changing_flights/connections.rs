//! A retimed flight may break the connections of its bookings, and mend them.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    amending::{shown, told_of},
    freight::{BOOKINGS, each, order, text},
};
use serde_json::{Value, json};

use super::change;
use crate::concerns::Transfer;

impl Transfer {
    /// Whether the booking needs another way.
    async fn broken(&self, booking: &Value) -> bool {
        let now = shown(&self.customer, booking).await;
        let list = self.customer.get(&format!("{BOOKINGS}?needs_rerouting=true")).await.expect(200);
        let needs = now["needs_rerouting"].as_bool().expect("a boolean");
        assert_eq!(each(&list, "ref_id").contains(&&booking["ref_id"]), needs);
        needs
    }
}

#[tokio::test]
async fn a_connection_holds_down_to_its_last_minute() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    for (index, (lands, leaves, broken)) in [
        (Some("18:00:00"), None, false),
        (Some("18:00:00.000001"), None, true),
        (Some("18:01:00"), None, true),
        (Some("18:00:00"), None, false),
        (None, Some("19:59:59.999999"), true),
        (None, Some("20:00:00"), false),
        // Before it lands.
        (None, Some("17:00:00"), true),
        (Some("15:00:00"), None, false),
    ]
    .into_iter()
    .enumerate()
    {
        if let Some(lands) = lands {
            transfer.lands_at(lands).await;
        }
        if let Some(leaves) = leaves {
            transfer.leaves_at(leaves).await;
        }
        assert_eq!(transfer.broken(&booking).await, broken, "lands {lands:?}, leaves {leaves:?}");
        let now = shown(&transfer.customer, &booking).await;
        assert_eq!(now["version"], json!(index + 2));
        assert_eq!(json!(each(&now["legs"], "status")), json!(["BOOKED", "BOOKED"]), "no leg is given up for that");
        assert_eq!(now["next_actions"], json!(["depart", "cancel"]));
    }
    let told = told_of(&transfer.customer, &booking).await;
    assert!(told.as_array().unwrap()[1..].iter().all(|kind| kind == "FLIGHT_RETIMED"), "{told}");
    transfer.world.audit().await;
}

#[tokio::test]
async fn only_connecting_bookings_are_affected() {
    let transfer = Transfer::start().await;
    let (first, second) = (&transfer.first, &transfer.second);
    let inbound = transfer.customer.book(order(&[first])).await;
    let onward = transfer.customer.book(order(&[second])).await;
    let both = transfer.book().await;
    transfer.lands_at("19:00:00").await;
    assert!(transfer.broken(&both).await);
    assert!(!transfer.broken(&inbound).await);
    assert!(!transfer.broken(&onward).await);
    assert_eq!(shown(&transfer.customer, &onward).await, onward);
    transfer.world.audit().await;
}

#[tokio::test]
async fn one_flight_number_needs_no_minimum() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI101", "BOM", "LHR").leaves_in_hours(29)).await;
    let booking = customer.book(order(&[&first, &second])).await;
    for (lands, broken) in
        [("2026-11-21T12:55:00Z", false), ("2026-11-21T13:30:00Z", true), ("2026-11-21T12:59:00Z", false)]
    {
        change(&admin, &first, json!({"arrival_datetime": lands})).await.expect(200);
        assert_eq!(shown(&customer, &booking).await["needs_rerouting"], broken, "{lands}");
    }
    world.audit().await;
}

#[tokio::test]
async fn the_minimum_is_the_configured_one() {
    let options = WorldOptions::default()
        .set("search.min_connection_minutes", "200")
        .set("search.connection_minutes_by_airport", "BOM=30");
    let transfer = Transfer::of(options.start().await).await;
    let booking = transfer.book().await;
    for (lands, broken) in [("19:30:00", false), ("19:31:00", true), ("19:00:00", false)] {
        transfer.lands_at(lands).await;
        assert_eq!(transfer.broken(&booking).await, broken, "{lands}");
    }
    transfer.world.audit().await;
}

#[tokio::test]
async fn in_the_air_and_at_the_connection_the_onward_leg_is_judged() {
    let transfer = Transfer::start().await;
    let flying = transfer.book().await;
    transfer.operator.walk(&flying, &["depart"]).await;
    let landed = transfer.book().await;
    transfer.operator.walk(&landed, &["depart", "arrive"]).await;
    let gone = transfer.book().await;
    transfer.operator.walk(&gone, &["depart", "arrive", "depart"]).await;

    transfer.lands_at("19:00:00").await;
    assert!(transfer.broken(&flying).await, "it lands an hour before the onward flight");
    assert!(!transfer.broken(&gone).await, "it is on its way already");
    transfer.lands_at("12:00:00").await;
    assert!(!transfer.broken(&flying).await);

    transfer.leaves_at("13:00:00").await;
    assert!(transfer.broken(&flying).await);
    assert!(!transfer.broken(&gone).await);
    transfer.leaves_at("20:00:00").await;
    assert!(!transfer.broken(&flying).await);
    assert!(!transfer.broken(&landed).await);
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_lost_leg_is_not_mended_by_other_times() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    let offload = json!({"offload": [booking["ref_id"]]});
    change(&transfer.admin, &transfer.second, offload).await.expect(200);
    assert!(transfer.broken(&booking).await);
    transfer.lands_at("11:00:00").await;
    assert!(transfer.broken(&booking).await, "it still has no way on from Bombay");
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_broken_connection_is_rerouted_or_flown_all_the_same() {
    let transfer = Transfer::start().await;
    let (booking, other) = (transfer.book().await, transfer.book().await);
    let later = transfer.world.flight(NewFlight::new("AI103", "BOM", "LHR").leaves_in_hours(48)).await;
    transfer.lands_at("19:00:00").await;
    // The same way again is none.
    let same = json!({"flight_ids": booking["flight_ids"]});
    loadmaster_testkit::amending::refused(&transfer.world, &transfer.customer, &booking, same, "itinerary_invalid")
        .await;
    let way = json!({"flight_ids": [transfer.first["id"], later["id"]]});
    let found = loadmaster_testkit::amending::amend(&transfer.customer, &booking, way).await.expect(200);
    assert_eq!(found["needs_rerouting"], false);
    // The cargo made it in spite of all: once there, nothing is needed.
    let there = transfer.operator.walk(&other, &["depart", "arrive", "depart", "arrive"]).await;
    assert_eq!((&there["at_destination"], &there["needs_rerouting"]), (&json!(true), &json!(false)));
    assert_eq!(text(&there, "status"), "ARRIVED");
    transfer.world.audit().await;
}

#[tokio::test]
async fn a_delay_at_departure_reaches_the_bookings_by_an_arrival_even_an_unchanged_one() {
    let transfer = Transfer::start().await;
    let booking = transfer.book().await;
    // It leaves eleven hours late and so lands at 23:00, which nobody has been told: AI102 has left by then.
    transfer.world.clock.advance(chrono::TimeDelta::hours(35));
    let operator = transfer.world.operator().await;
    let path = format!("/api/v1/flights/{}", text(&transfer.first, "id"));
    let gone = operator.poke(&format!("{path}/depart")).await.expect(200);
    assert_eq!(gone["flight"]["arrival_datetime"], "2026-11-21T23:00:00Z");
    let admin = transfer.world.admin().await;
    let same = json!({"arrival_datetime": gone["flight"]["arrival_datetime"]});
    let told = admin.patch(&path, same).await.expect(200);
    assert_eq!(told["version"], gone["flight"]["version"], "the flight knew");
    let customer = transfer.world.operator().await;
    let now = shown(&customer, &booking).await;
    assert_eq!(
        (&now["needs_rerouting"], &now["legs"][0]["arrival_datetime"]),
        (&json!(true), &told["arrival_datetime"])
    );
    transfer.world.audit().await;
}
