//! How often one booking can be amended.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{order, path_of},
};
use serde_json::json;

async fn events(world: &World) -> usize {
    world.texts("select event_type from booking_events").await.len()
}

#[tokio::test]
async fn amendments_per_hour_are_limited_and_possible_again_later() {
    let world = WorldOptions::working()
        .set("booking.amendments_per_hour", "3")
        .set("auth.access_token_minutes", "600")
        .start()
        .await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let (booking, other) = (customer.book(order(&[&flight])).await, customer.book(order(&[&flight])).await);
    let path = path_of(&booking);
    for pieces in 3..6 {
        world.clock.advance(chrono::TimeDelta::minutes(10));
        customer.patch(&path, json!({"pieces": pieces})).await.expect(200);
    }
    let before = events(&world).await;
    let refused = customer.patch(&path, json!({"pieces": 6})).await;
    // The first amendment was made twenty minutes ago.
    assert_eq!(refused.header("retry-after"), Some("2401"));
    refused.expect_problem(429, "rate_limited");
    assert_eq!(events(&world).await, before);
    // It is a limit of each booking, and of amendments only.
    customer.patch(&path_of(&other), json!({"pieces": 6})).await.expect(200);
    world.clock.advance(chrono::TimeDelta::minutes(41));
    customer.patch(&path, json!({"pieces": 6})).await.expect(200);
    customer.patch(&path, json!({"pieces": 7})).await.expect_problem(429, "rate_limited");
    customer.walk(&booking, &["cancel"]).await;
    world.audit().await;
}

#[tokio::test]
async fn one_amendment_is_possible_after_the_stated_wait() {
    let options = WorldOptions::working().set("booking.amendments_per_hour", "3");
    let world = options.set("auth.access_token_minutes", "600").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let other = world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let path = path_of(&customer.book(order(&[&flight])).await);
    for pieces in 3..5 {
        customer.patch(&path, json!({"pieces": pieces})).await.expect(200);
        world.clock.advance(chrono::TimeDelta::minutes(10));
    }
    // This one leaves two events: four are within the hour.
    customer.patch(&path, json!({"pieces": 5, "flight_ids": [other["id"]]})).await.expect(200);
    let refused = customer.patch(&path, json!({"pieces": 6})).await;
    assert_eq!(refused.header("retry-after"), Some("3001"));
    refused.expect_problem(429, "rate_limited");
    world.clock.advance(chrono::TimeDelta::seconds(3001));
    customer.patch(&path, json!({"pieces": 6})).await.expect(200);
}

#[tokio::test]
async fn a_repeated_request_is_no_amendment_and_one_that_changes_nothing_neither() {
    let world = WorldOptions::working().set("booking.amendments_per_hour", "2").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let path = path_of(&customer.book(order(&[&flight])).await);
    let amend = async |pieces: u32, key: &str| {
        let body = json!({"pieces": pieces});
        customer.send(reqwest::Method::PATCH, &path, &[("idempotency-key", key)], Some(&body)).await
    };
    for _ in 0..5 {
        amend(3, "first").await.expect(200);
        customer.patch(&path, json!({"pieces": 3})).await.expect(200);
    }
    amend(4, "second").await.expect(200);
    amend(5, "third").await.expect_problem(429, "rate_limited");
    // What was done is told again also when nothing more may be done.
    assert_eq!(amend(4, "second").await.expect(200)["pieces"], 4);
}

#[tokio::test]
async fn no_limit_can_be_set() {
    let world = WorldOptions::working().set("booking.amendments_per_hour", "0").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let path = path_of(&customer.book(order(&[&flight])).await);
    for pieces in 3..20 {
        customer.patch(&path, json!({"pieces": pieces})).await.expect(200);
    }
}
