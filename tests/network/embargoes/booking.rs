//! A booking is judged leg by leg, after its flights and before their space.
use loadmaster_testkit::{
    Client, NewFlight, World,
    embargoes::{carrying, embargo, impose, only_with, path_of},
    flight_verbs::{done, path_to},
    freight::{BOOKINGS, open_order, order, with},
};
use serde_json::{Value, json};

async fn refused(client: &Client, order: Value, code: &str, embargo: &Value, flight: &Value) -> Value {
    let problem = client.post(BOOKINGS, order).await.expect_problem(409, code);
    assert_eq!((&problem["embargo_id"], &problem["flight_id"]), (&embargo["id"], &flight["id"]), "{problem}");
    problem
}

#[tokio::test]
async fn forbidden_freight_is_refused_to_all_callers_until_the_embargo_ends() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let animals = carrying(order(&[&flight]), &["AVI", "HEA"]);
    let customer = world.customer().await;
    let stands = customer.book(animals.clone()).await;
    let forbidden = impose(&admin, embargo(json!({"handling_codes": ["AVI", "HUM"]}))).await;
    for client in [&customer, &world.operator().await, &admin] {
        let problem = refused(client, animals.clone(), "embargoed", &forbidden, &flight).await;
        assert_eq!(problem["detail"], "AI101 does not carry this freight: Strike.");
        client.book(carrying(order(&[&flight]), &["HEA"])).await;
    }
    let path = format!("{BOOKINGS}/{}", stands["ref_id"].as_str().unwrap());
    assert_eq!(customer.get(&path).await.expect(200)["status"], "BOOKED");

    admin.patch(&path_of(&forbidden), json!({"handling_codes": ["HUM"]})).await.expect(200);
    customer.book(animals.clone()).await;
    admin.patch(&path_of(&forbidden), json!({"handling_codes": null})).await.expect(200);
    refused(&customer, order(&[&flight]), "embargoed", &forbidden, &flight).await;
    admin.delete(&path_of(&forbidden)).await.expect(200);
    customer.book(animals).await;
    world.audit().await;
}

#[tokio::test]
async fn freight_that_needs_a_code_flies_with_one_of_them() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let cool = only_with(&["FRO", "COL"], json!({"handling_codes": ["PER"], "origin": "country:IN"}));
    let cool = impose(&world.admin().await, cool).await;
    let problem = refused(&customer, carrying(order(&[&flight]), &["PER"]), "handling_required", &cool, &flight).await;
    assert_eq!(problem["require_any"], json!(["COL", "FRO"]));
    assert_eq!(problem["detail"], "AI101 carries this freight only with COL or FRO: Cool chain.");
    customer.book(carrying(order(&[&flight]), &["PER", "FRO"])).await;
    customer.book(order(&[&flight])).await;
    world.audit().await;
}

#[tokio::test]
async fn each_leg_is_judged_and_the_first_in_the_way_is_named() {
    let world = World::start().await;
    let admin = world.admin().await;
    let first = world.flight(NewFlight::new("AI102", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("BA103", "BOM", "LHR").leaves_in_hours(36)).await;
    let customer = world.customer().await;
    // From Delhi to London is no leg.
    impose(&admin, embargo(json!({"origin": "DEL", "destination": "LHR"}))).await;
    customer.book(order(&[&first, &second])).await;
    let british = impose(&admin, embargo(json!({"airline_code": "BA"}))).await;
    refused(&customer, order(&[&first, &second]), "embargoed", &british, &second).await;
    customer.book(order(&[&first])).await;
    let number = impose(&admin, embargo(json!({"flight_numbers": ["AI102"]}))).await;
    refused(&customer, order(&[&first, &second]), "embargoed", &number, &first).await;
    // On one leg the narrower is named.
    let narrow = impose(&admin, embargo(json!({"origin": "country:IN", "destination": "BOM"}))).await;
    refused(&customer, order(&[&first]), "embargoed", &narrow, &first).await;
    let narrower = impose(&admin, embargo(json!({"origin": "city:New Delhi,IN"}))).await;
    refused(&customer, order(&[&first]), "embargoed", &narrower, &first).await;
    world.audit().await;
}

#[tokio::test]
async fn aircraft_and_freighters_are_distinguished() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = |number: &'static str| NewFlight::new(number, "DEL", "LHR");
    let passenger = world.flight(flight("AI101").aircraft("77W")).await;
    let freighter = world.flight(flight("AI102").aircraft("77X")).await;
    let other = world.flight(flight("AI103")).await;
    let customer = world.customer().await;
    let flammable = carrying(order(&[&passenger]), &["RFL"]);
    let belly = impose(&admin, embargo(json!({"handling_codes": ["RFL"], "is_freighter": false}))).await;
    refused(&customer, flammable.clone(), "embargoed", &belly, &passenger).await;
    refused(&customer, carrying(order(&[&other]), &["RFL"]), "embargoed", &belly, &other).await;
    customer.book(carrying(order(&[&freighter]), &["RFL"])).await;
    admin.patch(&path_of(&belly), json!({"is_freighter": null, "aircraft_code": "77W"})).await.expect(200);
    refused(&customer, flammable, "embargoed", &belly, &passenger).await;
    customer.book(carrying(order(&[&other]), &["RFL"])).await;
    world.audit().await;
}

#[tokio::test]
async fn the_local_date_and_weekday_of_the_departure_count() {
    let world = World::start().await;
    let admin = world.admin().await;
    // Saturday in Greenwich, Sunday at 05:00 in Delhi.
    let late = world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T23:30:00Z")).await;
    let customer = world.customer().await;
    let on = |day: &str| json!({"valid_from": day, "valid_to": day});
    for members in [on("2026-11-21"), on("2026-11-23"), json!({"weekdays": [1, 2, 3, 4, 5, 6]})] {
        impose(&admin, embargo(members)).await;
        customer.book(order(&[&late])).await;
    }
    for members in [on("2026-11-22"), json!({"weekdays": [7]})] {
        let embargo = impose(&admin, embargo(members)).await;
        refused(&customer, order(&[&late]), "embargoed", &embargo, &late).await;
        admin.delete(&path_of(&embargo)).await.expect(200);
    }
    // A flight that leaves at another time leaves on another date.
    let sunday = impose(&admin, embargo(on("2026-11-22"))).await;
    let early = json!({"departure_datetime": "2026-11-21T17:30:00Z"});
    admin.patch(&path_to(&late), early).await.expect(200);
    admin.patch(&path_of(&sunday), json!({"weekdays": [7]})).await.expect(200);
    // It is on the embargoed dates of the first one now.
    let problem = customer.post(BOOKINGS, order(&[&late])).await.expect_problem(409, "embargoed");
    assert_ne!(problem["embargo_id"], sunday["id"]);
    world.audit().await;
}

#[tokio::test]
async fn the_flights_are_judged_before_the_embargoes_and_these_before_the_space() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = |number: &'static str| NewFlight::new(number, "DEL", "LHR");
    let open = world.flight(flight("AI101")).await;
    let closed = world.flight(flight("AI102").leaves_in_hours(0).takes_minutes(600)).await;
    let cancelled = world.flight(flight("AI103")).await;
    done(&admin, &cancelled, "cancel").await;
    let all = impose(&admin, embargo(json!({}))).await;
    let customer = world.customer().await;
    let heavy = |flight: &Value| with(order(&[flight]), json!({"weight_kg": 5000}));
    refused(&customer, heavy(&open), "embargoed", &all, &open).await;
    for (order, code) in [
        (with(heavy(&open), json!({"destination": "JFK"})), "itinerary_invalid"),
        (carrying(heavy(&open), &["CAO"]), "itinerary_invalid"),
        (heavy(&closed), "flight_closed"),
        (heavy(&cancelled), "flight_cancelled"),
    ] {
        customer.post(BOOKINGS, order).await.expect_problem(409, code);
    }
    admin.delete(&path_of(&all)).await.expect(200);
    customer.post(BOOKINGS, heavy(&open)).await.expect_problem(409, "capacity_exceeded");
    world.audit().await;
}

#[tokio::test]
async fn a_booking_without_flights_avoids_embargoed_ones() {
    let world = World::start().await;
    let admin = world.admin().await;
    let direct = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let [first, second] = [
        world.flight(NewFlight::new("AI102", "DEL", "BOM").leaves_in_hours(20)).await,
        world.flight(NewFlight::new("AI103", "BOM", "LHR").leaves_in_hours(30)).await,
    ];
    let customer = world.customer().await;
    let animals = carrying(open_order("DEL", "LHR"), &["AVI"]);
    assert_eq!(customer.book(animals.clone()).await["flight_ids"], json!([direct["id"]]));
    impose(&admin, embargo(json!({"destination": "LHR", "origin": "DEL", "handling_codes": ["AVI"]}))).await;
    assert_eq!(customer.book(animals.clone()).await["flight_ids"], json!([first["id"], second["id"]]));
    impose(&admin, only_with(&["CRT"], json!({"origin": "BOM", "handling_codes": ["AVI"]}))).await;
    customer.post(BOOKINGS, animals).await.expect_problem(409, "no_bookable_itinerary");
    let warm = carrying(open_order("DEL", "LHR"), &["AVI", "CRT"]);
    assert_eq!(customer.book(warm).await["flight_ids"], json!([first["id"], second["id"]]));
    assert_eq!(customer.book(open_order("DEL", "LHR")).await["flight_ids"], json!([direct["id"]]));
    world.audit().await;
}
