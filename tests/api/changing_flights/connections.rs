//! A retimed flight may break the connections of its bookings, and mend them.
use serde_json::{Value, json};

use super::change;
use crate::{
    amending::{shown, told_of},
    support::{
        Client, NewFlight, World, WorldOptions,
        freight::{BOOKINGS, each, order, text},
    },
};

/// AI101 lands in Bombay at 12:00, AI102 leaves there at 20:00 on 21 November 2026.
struct Connection {
    world: World,
    customer: Client,
    operator: Client,
    admin: Client,
    first: Value,
    second: Value,
}

impl Connection {
    async fn start() -> Self {
        Self::of(World::start().await).await
    }

    async fn of(world: World) -> Self {
        let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
        let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
        let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
        Self { world, customer, operator, admin, first, second }
    }

    async fn book(&self) -> Value {
        self.customer.book(order(&[&self.first, &self.second])).await
    }

    /// Whether the booking needs another way.
    async fn broken(&self, booking: &Value) -> bool {
        let now = shown(&self.customer, booking).await;
        let list = self.customer.get(&format!("{BOOKINGS}?needs_rerouting=true")).await.expect(200);
        let needs = now["needs_rerouting"].as_bool().expect("a boolean");
        assert_eq!(each(&list, "ref_id").contains(&&booking["ref_id"]), needs);
        needs
    }

    async fn lands_at(&self, time: &str) {
        let wish = json!({"arrival_datetime": format!("2026-11-21T{time}Z")});
        change(&self.admin, &self.first, wish).await.expect(200);
    }

    async fn leaves_at(&self, time: &str) {
        let wish = json!({"departure_datetime": format!("2026-11-21T{time}Z")});
        change(&self.admin, &self.second, wish).await.expect(200);
    }
}

#[tokio::test]
async fn a_connection_holds_down_to_its_last_minute() {
    let connection = Connection::start().await;
    let booking = connection.book().await;
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
            connection.lands_at(lands).await;
        }
        if let Some(leaves) = leaves {
            connection.leaves_at(leaves).await;
        }
        assert_eq!(connection.broken(&booking).await, broken, "lands {lands:?}, leaves {leaves:?}");
        let now = shown(&connection.customer, &booking).await;
        assert_eq!(now["version"], json!(index + 2));
        assert_eq!(json!(each(&now["legs"], "status")), json!(["BOOKED", "BOOKED"]), "no leg is given up for that");
        assert_eq!(now["next_actions"], json!(["depart", "cancel"]));
    }
    let told = told_of(&connection.customer, &booking).await;
    assert!(told.as_array().unwrap()[1..].iter().all(|kind| kind == "FLIGHT_RETIMED"), "{told}");
    connection.world.audit().await;
}

#[tokio::test]
async fn only_connecting_bookings_are_affected() {
    let connection = Connection::start().await;
    let (first, second) = (&connection.first, &connection.second);
    let inbound = connection.customer.book(order(&[first])).await;
    let onward = connection.customer.book(order(&[second])).await;
    let both = connection.book().await;
    connection.lands_at("19:00:00").await;
    assert!(connection.broken(&both).await);
    assert!(!connection.broken(&inbound).await);
    assert!(!connection.broken(&onward).await);
    assert_eq!(shown(&connection.customer, &onward).await, onward);
    connection.world.audit().await;
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
    let connection = Connection::of(options.start().await).await;
    let booking = connection.book().await;
    for (lands, broken) in [("19:30:00", false), ("19:31:00", true), ("19:00:00", false)] {
        connection.lands_at(lands).await;
        assert_eq!(connection.broken(&booking).await, broken, "{lands}");
    }
    connection.world.audit().await;
}

#[tokio::test]
async fn in_the_air_and_at_the_connection_the_onward_leg_is_judged() {
    let connection = Connection::start().await;
    let flying = connection.book().await;
    connection.operator.walk(&flying, &["depart"]).await;
    let landed = connection.book().await;
    connection.operator.walk(&landed, &["depart", "arrive"]).await;
    let gone = connection.book().await;
    connection.operator.walk(&gone, &["depart", "arrive", "depart"]).await;

    connection.lands_at("19:00:00").await;
    assert!(connection.broken(&flying).await, "it lands an hour before the onward flight");
    assert!(!connection.broken(&gone).await, "it is on its way already");
    connection.lands_at("12:00:00").await;
    assert!(!connection.broken(&flying).await);

    connection.leaves_at("13:00:00").await;
    assert!(connection.broken(&flying).await);
    assert!(!connection.broken(&gone).await);
    connection.leaves_at("20:00:00").await;
    assert!(!connection.broken(&flying).await);
    assert!(!connection.broken(&landed).await);
    connection.world.audit().await;
}

#[tokio::test]
async fn a_lost_leg_is_not_mended_by_other_times() {
    let connection = Connection::start().await;
    let booking = connection.book().await;
    let offload = json!({"offload": [booking["ref_id"]]});
    change(&connection.admin, &connection.second, offload).await.expect(200);
    assert!(connection.broken(&booking).await);
    connection.lands_at("11:00:00").await;
    assert!(connection.broken(&booking).await, "it still has no way on from Bombay");
    connection.world.audit().await;
}

#[tokio::test]
async fn a_broken_connection_is_rerouted_or_flown_all_the_same() {
    let connection = Connection::start().await;
    let (booking, other) = (connection.book().await, connection.book().await);
    let later = connection.world.flight(NewFlight::new("AI103", "BOM", "LHR").leaves_in_hours(48)).await;
    connection.lands_at("19:00:00").await;
    // The same way again is none.
    let same = json!({"flight_ids": booking["flight_ids"]});
    crate::amending::refused(&connection.world, &connection.customer, &booking, same, "itinerary_invalid").await;
    let way = json!({"flight_ids": [connection.first["id"], later["id"]]});
    let found = crate::amending::amend(&connection.customer, &booking, way).await.expect(200);
    assert_eq!(found["needs_rerouting"], false);
    // The cargo made it in spite of all: once there, nothing is needed.
    let there = connection.operator.walk(&other, &["depart", "arrive", "depart", "arrive"]).await;
    assert_eq!((&there["at_destination"], &there["needs_rerouting"]), (&json!(true), &json!(false)));
    assert_eq!(text(&there, "status"), "ARRIVED");
    connection.world.audit().await;
}

#[tokio::test]
async fn a_delay_at_departure_is_told_to_the_bookings_by_naming_the_arrival_even_the_known_one() {
    let connection = Connection::start().await;
    let booking = connection.book().await;
    // It leaves eleven hours late and so lands at 23:00, which nobody has been told: AI102 has left by then.
    connection.world.clock.advance(chrono::TimeDelta::hours(35));
    let operator = connection.world.operator().await;
    let path = format!("/api/v1/flights/{}", text(&connection.first, "id"));
    let gone = operator.poke(&format!("{path}/depart")).await.expect(200);
    assert_eq!(gone["flight"]["arrival_datetime"], "2026-11-21T23:00:00Z");
    let admin = connection.world.admin().await;
    let same = json!({"arrival_datetime": gone["flight"]["arrival_datetime"]});
    let told = admin.patch(&path, same).await.expect(200);
    assert_eq!(told["version"], gone["flight"]["version"], "the flight knew");
    let customer = connection.world.operator().await;
    let now = shown(&customer, &booking).await;
    assert_eq!(
        (&now["needs_rerouting"], &now["legs"][0]["arrival_datetime"]),
        (&json!(true), &told["arrival_datetime"])
    );
    connection.world.audit().await;
}
