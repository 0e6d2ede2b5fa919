use loadmaster_testkit::{NewFlight, World};
use serde_json::{Value, json};

use super::{HISTORY, WINDOW, history, lane, next_slot, rate, rates, until};

/// Sums of a day, as a run would have kept them.
async fn day(world: &World, day: &str, currency: &str, low: i64, high: i64) {
    let statement = format!(
        "insert into rate_days (origin, destination, weight_kg, source, currency, day, low, high, sum, samples)
         values ('DEL', 'LHR', 100, 'offered', '{currency}', '{day}', {low}, {high}, {low} + {high}, 2)"
    );
    world.sql(&statement).await;
}

#[tokio::test]
async fn days_are_added_up_to_weeks_and_months() {
    let world = World::start().await;
    day(&world, "2026-10-31", "USD", 10_000, 20_000).await;
    day(&world, "2026-11-01", "USD", 30_000, 40_000).await;
    day(&world, "2026-11-02", "USD", 50_000, 60_000).await;
    day(&world, "2026-11-02", "EUR", 70_000, 80_000).await;
    let points = async |query: &str| {
        let found = history(&world, query).await;
        let point =
            |point: &Value| format!("{} {} {} {}", point["period"], point["low"], point["high"], point["samples"]);
        let series = |series: &Value| {
            let points: Vec<_> = series["points"].as_array().unwrap().iter().map(point).collect();
            format!("{}: {}", series["currency"], points.join(", "))
        };
        found["series"].as_array().unwrap().iter().map(series).collect::<Vec<_>>().join("; ").replace('"', "")
    };
    assert_eq!(
        points("").await,
        "EUR: 2026-11-02 7 8 2; USD: 2026-10-31 1 2 2, 2026-11-01 3 4 2, 2026-11-02 5 6 2",
        "days, by source and currency"
    );
    assert_eq!(points("&by=week&currency=USD").await, "USD: 2026-10-26 1 4 4, 2026-11-02 5 6 2", "from Monday");
    assert_eq!(points("&by=month&currency=USD").await, "USD: 2026-10-01 1 2 2, 2026-11-01 3 6 4");
    assert_eq!(points("&currency=USD&from=2026-11-01&to=2026-11-01").await, "USD: 2026-11-01 3 4 2");
    assert_eq!(points("&currency=JPY").await, "");
}

#[tokio::test]
async fn the_price_of_now_is_compared_with_the_days_before() {
    let (world, _) = lane().await;
    // 28 days at four dollars, and 28 at two; today at three.
    for ago in 1..=56 {
        let at = if ago <= 27 { 40_000 } else { 20_000 };
        let date = world.now().date_naive() - chrono::Days::new(ago);
        day(&world, &date.to_string(), "USD", at, at).await;
    }
    rates(&world).sample().await.unwrap();
    let found = history(&world, "&currency=USD").await;
    let series = &found["series"][0];
    assert_eq!((&series["now"], &series["level"]), (&json!("3"), &json!("TYPICAL")));
    // 27 days of two samples at 4, one sample at 3, on 2.
    assert_eq!(series["change_percent"], json!(99.1));
    world.sql("update rate_days set low = 35000, high = 35000 where day < '2026-11-20'").await;
    assert_eq!(history(&world, "").await["series"][0]["level"], "LOW");
    world.sql("update rate_days set low = 25000, high = 25000 where day < '2026-11-20'").await;
    assert_eq!(history(&world, "").await["series"][0]["level"], "HIGH");
    world.sql("delete from rate_days where day < '2026-11-08'").await;
    assert_eq!(history(&world, "").await["series"][0]["level"], json!(null), "13 days");
}

#[tokio::test]
async fn an_airlines_route_has_a_typical_rate() {
    let (world, tariff) = lane().await;
    world.flight(NewFlight::new("AI102", "DEL", "BOM")).await;
    let rate_of = async |destination: &str| {
        let path = format!("/api/v1/airlines/routes/search?origin=DEL&destination={destination}");
        let routes = world.anonymous().get(&path).await.expect(200);
        assert_eq!(routes.as_array().unwrap().len(), 1, "{routes}");
        routes[0]["typical_rate"].clone()
    };
    assert_eq!(rate_of("LHR").await, json!(null));
    rates(&world).sample().await.unwrap();
    next_slot(&world);
    rate(&world, &tariff, 2).await;
    rates(&world).sample().await.unwrap();
    let typical = json!({"low": "2", "average": "2.5", "high": "3", "currency": "USD"});
    assert_eq!(rate_of("LHR").await, typical);
    let of_airline = world.anonymous().get("/api/v1/airlines/AI/routes").await.expect(200);
    assert!(of_airline.as_array().unwrap().iter().any(|route| route["typical_rate"] == typical), "{of_airline}");
    assert_eq!(rate_of("BOM").await, json!(null), "no answer about it");
    world.sql("alter table rate_days rename to lost").await;
    assert_eq!(rate_of("LHR").await, json!(null), "a failure costs no more than the rates");
    world.sql("alter table lost rename to rate_days").await;
    assert_eq!(rate_of("LHR").await, typical);
    until(&world, "2027-02-20T08:00:00Z");
    assert_eq!(rate_of("LHR").await, json!(null), "not for ever");
}

#[tokio::test]
async fn a_lane_that_was_never_sampled_has_no_history() {
    let world = World::start().await;
    let empty = json!({"origin": "DEL", "destination": "LHR", "weight_kg": 100, "as_of": null, "series": []});
    assert_eq!(history(&world, "").await, empty);
    let with_changes = history(&world, "&departure_date=2026-11-22").await;
    assert_eq!(with_changes["changes"], json!([]));
}

#[tokio::test]
async fn a_departure_that_cannot_be_booked_any_more_has_no_price() {
    let (world, _) = lane().await;
    rates(&world).sample().await.unwrap();
    until(&world, "2026-11-22T09:59:00Z");
    rates(&world).sample().await.unwrap();
    let found = history(&world, "&departure_date=2026-11-22").await;
    let none = json!({"sampled_at": "2026-11-22T09:59:00Z", "price": null, "per_kg": null, "airline_code": null});
    assert_eq!(found["changes"][1], none);
    assert_eq!(found["series"][0]["now"], json!(null), "no other departure is offered");
}

#[tokio::test]
async fn each_fault_of_a_question_about_prices_has_its_place() {
    let world = World::start().await;
    let client = world.anonymous();
    for (query, name, code) in [
        ("by=year", "by", "unknown_value"),
        ("weight_kg=0", "weight_kg", "too_small"),
        ("currency=ABC", "currency", "unknown_value"),
        ("from=2026-11-20&to=2026-11-19", "to", "out_of_order"),
        ("from=2026-11-20&to=2030-11-20", "to", "out_of_order"),
        ("from=2022-11-20", "from", "too_small"),
        ("departure_date=tomorrow", "departure_date", "invalid_format"),
        ("limit=3", "limit", "unknown_field"),
    ] {
        let faults = client.get(&format!("{HISTORY}&{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
    for (query, name, code) in [("weight_kg=0", "weight_kg", "too_small"), ("by=day", "by", "unknown_field")] {
        let faults = client.get(&format!("{WINDOW}&{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
    for path in ["/api/v1/rates/history", "/api/v1/rates/booking-window"] {
        let faults = client.get(&format!("{path}?origin=DEL&destination=DEL")).await.expect_faults();
        assert_eq!(faults, [("destination".to_owned(), "same_as_origin".to_owned())]);
        let faults = client.get(&format!("{path}?origin=QQQ")).await.expect_faults();
        let named: Vec<_> = faults.iter().map(|(name, code)| (name.as_str(), code.as_str())).collect();
        assert_eq!(named, [("destination", "required"), ("origin", "unknown_value")]);
        client.post(path, json!({})).await.expect_problem(405, "method_not_allowed");
    }
    client.with_token("nonsense").get(HISTORY).await.expect_problem(401, "unauthenticated");
}
