//! What booked, held and quoted freight emits: by its legs, its weight and the aircraft as they are.
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    claims::guest,
    emissions::{factors_of, set_factor},
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, text, with},
    holds::{HOLDS, at, hold_on},
    pricing::{QUOTES, TARIFFS, asked, flat, make},
};
use serde_json::{Value, json};

async fn world() -> World {
    World::with(WorldOptions::default().with_factors()).await
}

/// Delhi to Bombay, and on to London by a freighter.
async fn flights(world: &World) -> [Value; 2] {
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let onward = NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36).aircraft("77X");
    [first, world.flight(onward).await]
}

async fn now(client: &Client, booking: &Value) -> Value {
    client.get(&path_of(booking)).await.expect(200)
}

fn by_class(factor: f64) -> (f64, String) {
    (factor, "CLASS".to_owned())
}

#[tokio::test]
async fn options_quotes_holds_and_bookings_have_the_same_emissions() {
    let world = world().await;
    let [first, onward] = flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    make(&admin, TARIFFS, flat("T", "2", json!({}))).await;
    let date = text(&first, "departure_datetime").split_once('T').unwrap().0;
    let query = format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date={date}&weight_kg=100");
    let expected = customer.get(&query).await.expect(200)[0]["emissions"].clone();
    assert_eq!(factors_of(&expected, 100.0), [by_class(1.1), by_class(0.5)]);

    let quote = customer.post(QUOTES, asked(&[&first, &onward], 100.0)).await.expect(201);
    assert_eq!(quote["emissions"], expected);
    assert_eq!(customer.get(&at_of(QUOTES, &quote)).await.expect(200)["emissions"], expected);
    assert_eq!(customer.get(QUOTES).await.expect(200)[0]["emissions"], expected);
    let hold = customer.hold(hold_on(&[&first, &onward])).await;
    assert_eq!((&hold["emissions"], &hold["quote"]["emissions"]), (&expected, &expected));
    assert_eq!(customer.get(&at(&hold)).await.expect(200)["emissions"], expected);
    assert_eq!(customer.get(HOLDS).await.expect(200)[0]["emissions"], expected);
    let booking = customer.book(order(&[&first, &onward])).await;
    assert_eq!(booking["emissions"], expected);
    assert_eq!(now(&customer, &booking).await["emissions"], expected);
    assert_eq!(customer.get(BOOKINGS).await.expect(200)[0]["emissions"], expected);
    let history = customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    assert_eq!(history["booking"]["emissions"], expected);
    // Neither another organization nor anyone without an account gets to see them.
    world.customer().await.get(&path_of(&booking)).await.expect_problem(404, "not_found");
    world.anonymous().get(&path_of(&booking)).await.expect_problem(401, "unauthenticated");
    world.audit().await;
}

fn at_of(list: &str, entry: &Value) -> String {
    format!("{list}/{}", text(entry, "id"))
}

#[tokio::test]
async fn a_guest_sees_the_emissions_of_its_hold_and_its_booking() {
    let world = world().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let guest = guest(&world).await;
    let booking = guest.book_by_hold(&flight).await;
    assert_eq!(factors_of(&booking["emissions"], 100.0), [by_class(0.75)]);
    assert_eq!(now(&guest, &booking).await["emissions"], booking["emissions"]);
}

#[tokio::test]
async fn emissions_follow_the_weight_and_the_legs_in_force() {
    let world = world().await;
    let [first, onward] = flights(&world).await;
    let straight = world.flight(NewFlight::new("AI103", "DEL", "LHR").aircraft("77W")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&first, &onward])).await;
    let amend = async |change: Value| {
        let amended = customer.patch(&path_of(&booking), change).await.expect(200);
        assert_eq!(now(&customer, &booking).await["emissions"], amended["emissions"]);
        amended["emissions"].clone()
    };
    let heavier = amend(json!({"weight_kg": 250.5})).await;
    assert_eq!(factors_of(&heavier, 250.5), [by_class(1.1), by_class(0.5)]);
    let rerouted = amend(json!({"flight_ids": [straight["id"]]})).await;
    assert_eq!(factors_of(&rerouted, 250.5), [by_class(0.75)]);
    let cancelled = customer.walk(&booking, &["cancel"]).await;
    assert_eq!((&cancelled["emissions"], &now(&customer, &booking).await["emissions"]), (&Value::Null, &Value::Null));
    world.audit().await;
}

#[tokio::test]
async fn emissions_follow_the_aircraft_and_its_factor_without_a_new_version() {
    let world = world().await;
    let flight = world.flight(NewFlight::new("AI103", "DEL", "LHR").aircraft("77W")).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&flight])).await;
    let hold = customer.hold(hold_on(&[&flight])).await;
    let expect = async |factor: f64, basis: &str| {
        for shown in [now(&customer, &booking).await, customer.get(&at(&hold)).await.expect(200)] {
            assert_eq!(factors_of(&shown["emissions"], 100.0), [(factor, basis.to_owned())], "{shown}");
            assert_eq!(shown["version"], 1);
        }
    };
    expect(0.75, "CLASS").await;
    let change = json!({"aircraft_code": "77X", "capacity": {"weight_kg": 1000, "volume_m3": 1000, "positions": 10}});
    admin.patch(&path_to(&flight), change).await.expect(200);
    expect(0.5, "CLASS").await;
    set_factor(&admin, "77X", json!(0.4321)).await;
    expect(0.4321, "TYPE").await;
    set_factor(&admin, "77X", Value::Null).await;
    expect(0.5, "CLASS").await;
    world.audit().await;
}

#[tokio::test]
async fn a_leg_of_unknown_emissions_leaves_the_whole_unknown() {
    let world = World::start().await;
    let [first, onward] = flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    set_factor(&admin, "77X", json!(0.5)).await;
    let booking = customer.book(order(&[&first, &onward])).await;
    assert_eq!(booking["emissions"], Value::Null);
    let alone = customer.book(with(order(&[&onward]), json!({"weight_kg": 0.1}))).await;
    assert_eq!(factors_of(&alone["emissions"], 0.1), [(0.5, "TYPE".to_owned())]);
}
