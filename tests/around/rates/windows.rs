use loadmaster_testkit::World;
use serde_json::{Value, json};

use super::WINDOW;

/// An answer about a departure, as a run would have kept it: ten-thousandths for a kilogram, or no price.
async fn point(world: &World, departure: &str, at: &str, per_kg: Option<i64>) {
    let answer = per_kg.map_or_else(
        || "null, null, null, null".to_owned(),
        |per_kg| format!("'USD', {}, {per_kg}, 'AI'", per_kg / 100),
    );
    let statement = format!(
        "insert into rate_points (origin, destination, source, weight_kg, departure_date, sampled_at, currency, amount, per_kg,
                                  airline_code)
         values ('DEL', 'LHR', 'offered', 100, '{departure}', '{at}', {answer})"
    );
    world.sql(&statement).await;
}

async fn in_euros(world: &World, at: &str) {
    world.sql(&format!("update rate_points set currency = 'EUR' where sampled_at = '{at}'")).await;
}

async fn windows(world: &World) -> Vec<Value> {
    world.anonymous().get(WINDOW).await.expect(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn each_day_before_a_departure_has_its_lowest_prices() {
    let world = World::start().await;
    // Dates are those of Delhi, five and a half hours ahead.
    point(&world, "2026-11-10", "2026-11-05T08:00:00Z", Some(50_000)).await;
    point(&world, "2026-11-10", "2026-11-07T19:00:00Z", Some(30_000)).await;
    point(&world, "2026-11-10", "2026-11-10T03:00:00Z", None).await;
    point(&world, "2026-11-12", "2026-11-09T08:00:00Z", Some(40_000)).await;
    point(&world, "2026-11-12", "2026-11-10T08:00:00Z", None).await;
    // Never offered, and not yet gone.
    point(&world, "2026-11-14", "2026-11-09T08:00:00Z", None).await;
    point(&world, "2026-11-20", "2026-11-09T08:00:00Z", Some(10_000)).await;
    let found = windows(&world).await;
    assert_eq!(found.len(), 31);
    let entry = |days: usize, percent: Value, low: Value, average: Value| {
        let currency = if low.is_null() { json!(null) } else { json!("USD") };
        json!({"days_before": days, "bookable_percent": percent, "currency": currency, "low": low, "average": average})
    };
    assert_eq!(found[30], entry(30, json!(null), json!(null), json!(null)), "none was asked for");
    assert_eq!(found[5], entry(5, json!(100), json!("5"), json!("5")));
    assert_eq!(found[3], entry(3, json!(100), json!("4"), json!("4.5")), "of the 7th and the 9th");
    assert_eq!(found[2], entry(2, json!(100), json!("3"), json!("3.5")), "until the answer of that day it was offered");
    assert_eq!(found[1], entry(1, json!(50), json!("3"), json!("3")), "the other one was full");
    assert_eq!(found[0], entry(0, json!(50), json!("3"), json!("3")), "in the morning it could be booked");
}

#[tokio::test]
async fn a_lane_without_departures_has_windows_without_prices() {
    let world = World::start().await;
    let found = windows(&world).await;
    assert_eq!(found.len(), 31);
    assert!(found.iter().all(|entry| entry["bookable_percent"].is_null() && entry["low"].is_null()));
}

#[tokio::test]
async fn prices_of_different_currencies_are_never_compared() {
    let world = World::start().await;
    // Three days before, first three euros, which are not less than five dollars.
    point(&world, "2026-11-10", "2026-11-06T08:00:00Z", Some(60_000)).await;
    point(&world, "2026-11-10", "2026-11-07T04:00:00Z", Some(30_000)).await;
    in_euros(&world, "2026-11-07T04:00:00Z").await;
    point(&world, "2026-11-10", "2026-11-07T08:00:00Z", Some(50_000)).await;
    // Two days before it is sold out at last.
    point(&world, "2026-11-10", "2026-11-08T08:00:00Z", None).await;
    let found = windows(&world).await;
    for (days, low) in [(4, json!("6")), (3, json!("5")), (2, json!("5"))] {
        assert_eq!((&found[days]["currency"], &found[days]["low"]), (&json!("USD"), &low), "{days} days before");
    }
    assert_eq!((&found[1]["currency"], &found[1]["bookable_percent"]), (&json!(null), &json!(0)));
}

#[tokio::test]
async fn the_first_departure_has_the_answers_of_thirty_days_before() {
    let world = World::start().await;
    // Half an hour into the 23rd in Delhi.
    point(&world, "2026-08-22", "2026-07-22T19:00:00Z", Some(50_000)).await;
    world.state().background.run_now("old_rates").await.unwrap();
    let found = windows(&world).await;
    assert_eq!((&found[30]["low"], &found[30]["bookable_percent"]), (&json!("5"), &json!(100)));
}
