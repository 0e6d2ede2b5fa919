//! The list of alerts, and what making one takes of a quota.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World, WorldOptions,
    freight::{text, with},
};
use serde_json::json;

use super::{ALERTS, at, price, space};

#[tokio::test]
async fn alerts_are_listed_in_both_orders_and_counted() {
    let world = World::start().await;
    let (customer, stranger) = (world.customer().await, world.customer().await);
    let mut made = Vec::new();
    for kilograms in [1.0, 2.0, 3.0] {
        made.push(text(&customer.post(ALERTS, space(kilograms)).await.expect(201), "id").to_owned());
    }
    customer.post(ALERTS, price()).await.expect(201);
    let deleted = customer.post(ALERTS, space(9.0)).await.expect(201);
    customer.delete(&at(&deleted)).await.expect(204);
    let oldest = customer.whole_list(&format!("{ALERTS}?kind=SPACE&sort=created_at"), "id").await;
    assert_eq!(oldest, made);
    made.reverse();
    for sort in ["", "&sort=-created_at"] {
        assert_eq!(customer.whole_list(&format!("{ALERTS}?kind=SPACE{sort}"), "id").await, made, "{sort}");
    }
    let counted = customer.get(&format!("{ALERTS}?limit=2&count=true")).await;
    assert_eq!(counted.header("total-count"), Some("4"));
    assert_eq!(counted.expect(200).as_array().unwrap().len(), 2);
    let uncounted = customer.get(ALERTS).await;
    assert_eq!(uncounted.header("total-count"), None);
    let foreign = stranger.get(&format!("{ALERTS}?count=true")).await;
    assert_eq!(foreign.header("total-count"), Some("0"));
    let faults = customer.get(&format!("{ALERTS}?sort=weight_kg")).await.expect_faults();
    assert_eq!(faults, [("sort".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn every_fourteen_dates_of_an_alert_or_seven_with_prices_take_a_request_of_the_quota() {
    let options = WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let world = options.set("rate_limit.authenticated_per_minute", "15").start().await;
    let customer = world.customer().await;
    let left = async || customer.get(ALERTS).await.header("ratelimit-remaining").unwrap().parse::<u32>().unwrap();
    let today = world.now().date_naive();
    let on = |days: i64| json!({"date_from": today, "date_to": today + TimeDelta::days(days - 1)});
    customer.post(ALERTS, with(space(1.0), on(14))).await.expect(201);
    assert_eq!(left().await, 13, "one, and that of the list");
    customer.post(ALERTS, with(space(1.0), on(15))).await.expect(201);
    assert_eq!(left().await, 10);
    // The next thirty days.
    customer.post(ALERTS, price()).await.expect(201);
    assert_eq!(left().await, 4);
    customer.post(ALERTS, price()).await.expect_problem(429, "rate_limited");
    assert_eq!(world.count("alerts").await, 3);
}
