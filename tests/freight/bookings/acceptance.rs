//! By when the station takes the freight of holds and bookings: by its rules, their product, their codes and the first flight as
//! they are.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    claims::{claim_of, guest},
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, with},
    holds::{HOLDS, at, hold_on},
    stations::accept,
    until,
};
use reqwest::Method;
use serde_json::{Value, json};

/// Leaves at 08:00Z on 21 November 2026, and takes bookings until 07:00Z.
async fn flight(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await
}

fn latest(shown: &Value) -> &Value {
    &shown["latest_acceptance_datetime"]
}

async fn now(client: &Client, booking: &Value) -> Value {
    client.get(&path_of(booking)).await.expect(200)
}

#[tokio::test]
async fn options_holds_and_bookings_say_the_same() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let customer = world.customer().await;
    let rules = json!([{"minutes_before": 120}, {"minutes_before": 300, "product": "EXPRESS", "handling_code": "PER"}]);
    accept(&world.operator().await, "DEL", 0, rules).await;
    for (freight, query, expected) in [
        (json!({}), "", "2026-11-21T06:00:00Z"),
        (json!({"special_handling_codes": ["PER"]}), "&special_handling_codes=PER", "2026-11-21T06:00:00Z"),
        (
            json!({"product": "EXPRESS", "special_handling_codes": ["COL", "PER"]}),
            "&product=EXPRESS&special_handling_codes=PER",
            "2026-11-21T03:00:00Z",
        ),
    ] {
        let query = format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21{query}");
        assert_eq!(latest(&customer.get(&query).await.expect(200)[0]), expected, "{freight}");
        let hold = customer.hold(with(hold_on(&[&flight]), freight.clone())).await;
        assert_eq!(latest(&hold), expected, "{freight}");
        assert_eq!(latest(&customer.held(&hold).await), expected, "{freight}");
        assert_eq!(latest(&customer.get(HOLDS).await.expect(200)[0]), expected, "{freight}");
        let committed = customer.commit(&hold, json!({"pieces": 1})).await;
        let booked = customer.book(with(order(&[&flight]), freight.clone())).await;
        for booking in [committed, booked] {
            assert_eq!(latest(&booking), expected, "{freight}");
            assert_eq!(latest(&now(&customer, &booking).await), expected, "{freight}");
            let history = customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
            assert_eq!(latest(&history["booking"]), expected, "{freight}");
        }
        assert_eq!(latest(&customer.get(BOOKINGS).await.expect(200)[0]), expected, "{freight}");
    }
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn without_a_rule_for_the_freight_there_is_none() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let customer = world.customer().await;
    accept(&world.operator().await, "DEL", 0, json!([{"minutes_before": 300, "product": "EXPRESS"}])).await;
    let (hold, booking) = (customer.hold(hold_on(&[&flight])).await, customer.book(order(&[&flight])).await);
    assert_eq!((latest(&hold), latest(&booking)), (&Value::Null, &Value::Null));
    let express = customer.patch(&at(&hold), json!({"product": "EXPRESS"})).await.expect(200);
    assert_eq!(latest(&express), "2026-11-21T03:00:00Z");
}

#[tokio::test]
async fn a_guest_and_whoever_has_the_claim_see_it_and_strangers_do_not() {
    let world = World::start().await;
    let flight = flight(&world).await;
    accept(&world.operator().await, "DEL", 0, json!([{"minutes_before": 120}])).await;
    let guest = guest(&world).await;
    let booking = guest.book_by_hold(&flight).await;
    assert_eq!(latest(&booking), "2026-11-21T06:00:00Z");
    let claim = claim_of(&booking);
    let opened = world.anonymous().post("/api/v1/bookings/guest", claim).await.expect(200);
    assert_eq!(latest(&opened["booking"]), "2026-11-21T06:00:00Z");
    world.customer().await.get(&path_of(&booking)).await.expect_problem(404, "not_found");
    world.anonymous().get(&path_of(&booking)).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn it_follows_the_first_flight_and_is_never_after_its_cut_off() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let admin = world.admin().await;
    accept(&operator, "DEL", 0, json!([{"minutes_before": 120}])).await;
    let (hold, booking) = (customer.hold(hold_on(&[&flight])).await, customer.book(order(&[&flight])).await);
    let expect = async |change: Value, expected: &str| {
        admin.patch(&path_to(&flight), change).await.expect(200);
        assert_eq!(latest(&customer.held(&hold).await), expected, "the hold");
        assert_eq!(latest(&now(&customer, &booking).await), expected, "the booking");
    };
    expect(json!({"cutoff_minutes": 180}), "2026-11-21T05:00:00Z").await;
    expect(json!({"cutoff_minutes": 0}), "2026-11-21T06:00:00Z").await;
    let later = json!({"departure_datetime": "2026-11-21T09:30:00Z", "arrival_datetime": "2026-11-21T13:30:00Z"});
    expect(later, "2026-11-21T07:30:00Z").await;
    let onward = world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(48)).await;
    let rerouted = customer.patch(&path_of(&booking), json!({"flight_ids": [onward["id"]]})).await.expect(200);
    assert_eq!(latest(&rerouted), "2026-11-22T06:00:00Z");
    assert_eq!(latest(&now(&customer, &booking).await), "2026-11-22T06:00:00Z");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn of_two_flights_the_station_of_the_first_decides() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    accept(&operator, "BOM", 0, json!([{"minutes_before": 600}])).await;
    let booking = customer.book(order(&[&first, &second])).await;
    assert_eq!(latest(&booking), &Value::Null);
    accept(&operator, "DEL", 0, json!([{"minutes_before": 240}])).await;
    assert_eq!(latest(&now(&customer, &booking).await), "2026-11-21T04:00:00Z");
}

#[tokio::test]
async fn what_has_left_or_keeps_no_room_has_none() {
    let world = World::with(WorldOptions::default().set("auth.access_token_minutes", "60")).await;
    let flight = flight(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    accept(&operator, "DEL", 0, json!([{"minutes_before": 120}])).await;
    let [departed, cancelled] = [customer.book(order(&[&flight])).await, customer.book(order(&[&flight])).await];
    let [released, expired] = [customer.hold(hold_on(&[&flight])).await, customer.hold(hold_on(&[&flight])).await];
    let gone = [
        (operator.walk(&departed, &["depart"]).await, path_of(&departed)),
        (customer.walk(&cancelled, &["cancel"]).await, path_of(&cancelled)),
        (customer.poke(&format!("{}/release", at(&released))).await.expect(200), at(&released)),
    ];
    for (shown, path) in gone {
        assert_eq!(latest(&shown), &Value::Null, "{path}");
        assert_eq!(latest(&customer.get(&path).await.expect(200)), &Value::Null, "{path}");
    }
    assert_eq!(latest(&customer.held(&expired).await), "2026-11-21T06:00:00Z");
    world.clock.advance(TimeDelta::seconds(901));
    let late = customer.get(&at(&expired)).await;
    assert_eq!(late.header("etag"), Some("\"1-expired\""));
    assert_eq!(latest(&late.expect(200)), &Value::Null);
}

#[tokio::test]
async fn a_departure_that_is_taken_back_gives_it_back() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    accept(&operator, "DEL", 0, json!([{"minutes_before": 120}])).await;
    let booking = customer.book(order(&[&flight])).await;
    operator.walk(&booking, &["depart"]).await;
    let correction = json!({"reason": "It stands in the hall."});
    let corrected = operator.post(&format!("{}/correct", path_of(&booking)), correction).await.expect(200);
    assert_eq!(latest(&corrected), "2026-11-21T06:00:00Z");
    assert_eq!(latest(&now(&customer, &booking).await), "2026-11-21T06:00:00Z");
}

#[tokio::test]
async fn a_changed_rule_changes_the_tag_and_not_the_version() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let (hold, booking) = (customer.hold(hold_on(&[&flight])).await, customer.book(order(&[&flight])).await);
    for path in [at(&hold), path_of(&booking)] {
        assert_eq!(customer.get(&path).await.header("etag"), Some("\"1\""), "{path}");
    }
    let mut version = 0;
    for path in [at(&hold), path_of(&booking)] {
        let mut known = customer.get(&path).await.header("etag").unwrap().to_owned();
        for minutes in [120, 240] {
            let unchanged = customer.send(Method::GET, &path, &[("if-none-match", &known)], None).await;
            assert_eq!(unchanged.status, 304, "{path}");
            accept(&operator, "DEL", version, json!([{"minutes_before": minutes}])).await;
            version += 1;
            let changed = customer.send(Method::GET, &path, &[("if-none-match", &known)], None).await;
            let tag = changed.header("etag").unwrap().to_owned();
            assert_ne!(tag, known, "{path}");
            let shown = changed.expect(200);
            assert_eq!((&shown["version"], latest(&shown).is_string()), (&json!(1), true), "{path}");
            // Changes are for the version, which is the same by both tags.
            known = tag;
        }
    }
    for (path, tag) in [(at(&hold), "\"1\""), (path_of(&booking), "\"1-1\"")] {
        let changed = customer.change_if(Method::PATCH, &path, tag, json!({"customer_reference": "PO 1"})).await;
        let shown = customer.get(&path).await;
        assert_eq!(changed.header("etag"), shown.header("etag"), "{path}");
        assert_eq!(changed.expect(200), shown.expect(200), "{path}");
        let stale = customer.change_if(Method::PATCH, &path, tag, json!({"customer_reference": "PO 2"})).await;
        stale.expect_problem(412, "version_mismatch");
    }
}

#[tokio::test]
async fn a_rule_that_another_process_has_changed_counts_soon() {
    let [here, there] = World::two(WorldOptions::working()).await;
    let flight = flight(&here).await;
    let customer = here.customer().await;
    let (hold, booking) = (customer.hold(hold_on(&[&flight])).await, customer.book(order(&[&flight])).await);
    let (elsewhere, operator) = (there.same(&customer), here.operator().await);
    for (version, (minutes, expected)) in
        [(120, "2026-11-21T06:00:00Z"), (240, "2026-11-21T04:00:00Z")].into_iter().enumerate()
    {
        accept(&operator, "DEL", i32::try_from(version).unwrap(), json!([{"minutes_before": minutes}])).await;
        for path in [at(&hold), path_of(&booking)] {
            assert_eq!(latest(&customer.get(&path).await.expect(200)), expected, "at once where it was changed");
            until("the rule counts there", async || latest(&elsewhere.get(&path).await.expect(200)) == expected).await;
        }
    }
}
