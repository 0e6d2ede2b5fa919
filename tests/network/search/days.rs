//! Several days at once, with the figures of as many searches.
use loadmaster_testkit::{NewFlight, World, freight::order};
use serde_json::{Value, json};

const DAYS: &str = "/api/v1/routes/days?origin=DEL&destination=LHR";

/// What a search of one day says, as a day of the strip says it.
fn summed(date: &str, options: &[Value]) -> Value {
    let bookable: Vec<_> = options.iter().filter(|option| option["bookable"] == true).collect();
    let shown: Vec<_> = if bookable.is_empty() { options.iter().collect() } else { bookable.clone() };
    let weight = |option: &Value| option["available"]["weight_kg"].as_f64().unwrap();
    let roomiest = shown.into_iter().max_by(|a, b| weight(a).total_cmp(&weight(b)));
    let percent = |option: &Value| {
        let flights = option["flights"].as_array().unwrap().iter();
        flights.map(|flight| flight["utilization_percent"].as_f64().unwrap()).fold(0.0, f64::max)
    };
    json!({
        "departure_date": date,
        "options": options.len(),
        "bookable": bookable.len(),
        "best_arrival_datetime": bookable.iter().map(|option| option["arrival_datetime"].as_str().unwrap()).min(),
        "available": roomiest.map(|option| option["available"].clone()),
        "utilization_percent": roomiest.map(percent),
    })
}

#[tokio::test]
async fn the_days_figures_equal_as_many_searches() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T08:00:00Z").weight(1000.0)).await;
    world
        .flight(NewFlight::new("AI102", "DEL", "BOM").departs("2026-11-21T04:00:00Z").takes_minutes(120).weight(3000.0))
        .await;
    world.flight(NewFlight::new("AI103", "BOM", "LHR").departs("2026-11-21T10:00:00Z").weight(2000.0)).await;
    let small = world.flight(NewFlight::new("AI104", "DEL", "LHR").departs("2026-11-23T08:00:00Z").weight(400.0)).await;
    world.customer().await.post("/api/v1/bookings", order(&[&small])).await.expect(201);
    let client = world.anonymous();
    for wanted in ["", "&weight_kg=500", "&weight_kg=1500&max_stops=0", "&special_handling_codes=CAO"] {
        let days = client.get(&format!("{DAYS}&from=2026-11-20&days=5{wanted}")).await.expect(200);
        let dates = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"];
        assert_eq!(days.as_array().unwrap().len(), dates.len());
        for (day, date) in days.as_array().unwrap().iter().zip(dates) {
            let path = format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date={date}{wanted}&limit=200");
            let options = client.get(&path).await.expect(200);
            assert_eq!(*day, summed(date, options.as_array().unwrap()), "{wanted}");
        }
    }
    let all = client.get(&format!("{DAYS}&from=2026-11-21")).await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 7, "the default");
    assert_eq!((&all[0]["options"], &all[1]["options"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn faulty_days_are_refused_each_with_its_fault() {
    let world = World::start().await;
    let client = world.anonymous();
    let faults =
        client.get("/api/v1/routes/days?origin=DEL&destination=DEL&days=15&weight_kg=0&limit=3").await.expect_faults();
    let named: Vec<_> = faults.iter().map(|(name, code)| (name.as_str(), code.as_str())).collect();
    assert_eq!(
        named,
        [
            ("days", "too_large"),
            ("destination", "same_as_origin"),
            ("from", "required"),
            ("limit", "unknown_field"),
            ("weight_kg", "too_small")
        ]
    );
    for (query, name, code) in [
        ("from=yesterday", "from", "invalid_format"),
        ("from=2026-11-20&days=0", "days", "too_small"),
        ("from=2026-11-20&max_stops=9", "max_stops", "too_large"),
        ("from=2026-11-20&special_handling_codes=ZZZ", "special_handling_codes", "unknown_value"),
    ] {
        let faults = client.get(&format!("{DAYS}&{query}")).await.expect_faults();
        assert!(faults.iter().any(|(at, what)| at.starts_with(name) && what == code), "{query}: {faults:?}");
    }
    client.get("/api/v1/routes/days?origin=QQQ&destination=LHR&from=2026-11-20").await.expect_faults();
    let answer = client.post("/api/v1/routes/days", json!({})).await;
    answer.expect_problem(405, "method_not_allowed");
}
