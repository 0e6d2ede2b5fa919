use loadmaster_testkit::{
    NewFlight, World,
    amending::long_day,
    billing::{Market, usd},
    freight::{order, path_of, text, with},
    pricing::{TARIFFS, flat, make},
};
use serde_json::{Value, json};

use super::{VOLUME, adds_up, any_flight, at, firm, of_weight, report, rows};

const ADDITIVE: [&str; 5] = ["bookings", "cancelled", "pieces", "weight_kg", "chargeable_weight_kg"];

#[tokio::test]
async fn figures_are_those_of_the_bookings_that_were_made() {
    let world = long_day().await;
    let [london, bombay] =
        [any_flight(&world, "AI101", "DEL", "LHR").await, any_flight(&world, "EK501", "BOM", "DXB").await];
    let ((first, _), (second, _)) = (firm(&world).await, firm(&world).await);
    first.book(of_weight(&london, 40.0)).await;
    at(&world, "2026-11-22T08:00:00Z");
    first.book(with(order(&[&london]), json!({"weight_kg": 100.5, "volume_m3": 1, "pieces": 2}))).await;
    first.book(of_weight(&bombay, 12.3)).await;
    let cancelled = first.book(of_weight(&london, 1000.0)).await;
    first.walk(&cancelled, &["cancel"]).await;
    second.book(of_weight(&london, 7.0)).await;

    let own = report(&first, VOLUME, "from=2026-11-22&to=2026-11-23").await;
    assert_eq!((text(&own, "from"), text(&own, "to")), ("2026-11-22", "2026-11-23"));
    assert_eq!(text(&own, "as_of"), "2026-11-22T08:00:00Z");
    // 1 m³ and 0.1 m³ are 166.667 and 16.667 kg: each to the next half kilogram. Before were 40 kg.
    let figures = json!({"bookings": 3, "cancelled": 1, "pieces": 5, "weight_kg": 112.8, "chargeable_weight_kg": 184,
                         "co2e_kg": null, "revenue": [], "yield_per_kg": [], "change_percent": 182});
    assert_eq!(own["total"], figures);
    assert_eq!(own["rows"], json!([with(figures, json!({"period": "2026-11-22", "key": null}))]));
    assert_eq!(own["other"], Value::Null);

    let all = report(&world.operator().await, VOLUME, "from=2026-11-22&to=2026-11-23&group=airline").await;
    assert_eq!(all["total"]["weight_kg"], 119.8);
    let expected = [("2026-11-22", "AI", &json!(107.5)), ("2026-11-22", "EK", &json!(12.3))];
    assert_eq!(rows(&all, "weight_kg"), expected);
    assert_eq!(rows(&all, "change_percent"), [("2026-11-22", "AI", &json!(168.8)), ("2026-11-22", "EK", &Value::Null)]);
    world.audit().await;
}

#[tokio::test]
async fn customers_see_their_own_figures_alone() {
    let world = long_day().await;
    let flight = any_flight(&world, "AI101", "DEL", "LHR").await;
    let ((first, one), (second, other)) = (firm(&world).await, firm(&world).await);
    first.book(of_weight(&flight, 10.0)).await;
    second.book(of_weight(&flight, 30.0)).await;
    for (customer, organization, weight) in [(&first, one, 10), (&second, other, 30)] {
        let own = report(customer, VOLUME, "group=organization").await;
        let organization = organization.to_string();
        assert_eq!(rows(&own, "weight_kg"), [("2026-11-20", organization.as_str(), &json!(weight))]);
        assert_eq!(own["total"]["weight_kg"], weight);
    }
    let naming = format!("{VOLUME}?organization_id={other}");
    let expected = [("organization_id".to_owned(), "unknown_value".to_owned())];
    assert_eq!(first.get(&naming).await.expect_faults(), expected);
    let operator = world.operator().await;
    let (one, other) = (one.to_string(), other.to_string());
    let all = report(&operator, VOLUME, "group=organization").await;
    assert_eq!(
        rows(&all, "weight_kg"),
        [("2026-11-20", other.as_str(), &json!(30)), ("2026-11-20", one.as_str(), &json!(10))]
    );
    let named = report(&operator, VOLUME, &format!("organization_id={one}")).await;
    assert_eq!(named["total"]["weight_kg"], 10);
}

#[tokio::test]
async fn a_booking_counts_on_the_date_at_its_origin() {
    let world = long_day().await;
    let mut flights = Vec::new();
    for (number, origin) in [("AI101", "DEL"), ("AI102", "JFK"), ("AI103", "CXI"), ("AI104", "PPG")] {
        flights.push(any_flight(&world, number, origin, "LHR").await);
    }
    let (customer, _) = firm(&world).await;
    // In Delhi 01:30 of the 21st, in New York 15:00 of the 20th, on Kiritimati 10:00 of the 21st, in Pago Pago 09:00.
    at(&world, "2026-11-20T20:00:00Z");
    for flight in &flights {
        customer.book(of_weight(flight, 10.0)).await;
    }
    let lanes = report(&customer, VOLUME, "from=2026-11-20&to=2026-11-21&group=lane").await;
    let found: Vec<_> = rows(&lanes, "bookings").into_iter().map(|(date, lane, _)| (date, lane)).collect();
    let (first, second) = ("2026-11-20", "2026-11-21");
    assert_eq!(found, [(first, "JFK-LHR"), (first, "PPG-LHR"), (second, "CXI-LHR"), (second, "DEL-LHR")]);
    let days = report(&customer, VOLUME, "from=2026-11-21&to=2026-11-21").await;
    assert_eq!(days["total"]["bookings"], 2, "the other two are of the day before");
    assert_eq!(days["total"]["change_percent"], 0);
    // One minute before and at midnight on the date line.
    at(&world, "2026-11-21T09:59:00Z");
    customer.book(of_weight(&flights[2], 1.0)).await;
    at(&world, "2026-11-21T10:00:00Z");
    customer.book(of_weight(&flights[2], 2.0)).await;
    at(&world, "2026-11-21T10:59:00Z");
    customer.book(of_weight(&flights[3], 3.0)).await;
    let day = async |date: &str, origin: &str| {
        let query = format!("from={date}&to={date}&origin={origin}");
        report(&customer, VOLUME, &query).await["total"]["weight_kg"].clone()
    };
    assert_eq!((day("2026-11-21", "CXI").await, day("2026-11-22", "CXI").await), (json!(11), json!(2)));
    assert_eq!((day("2026-11-20", "PPG").await, day("2026-11-21", "PPG").await), (json!(13), json!(0)));
}

#[tokio::test]
async fn rows_are_about_days_weeks_from_monday_or_months() {
    let world = long_day().await;
    let flight = any_flight(&world, "AI101", "DEL", "LHR").await;
    let (customer, _) = firm(&world).await;
    // A Friday, the Sunday and the Monday after it, and a Tuesday in December.
    for instant in ["2026-11-20T08:00:00Z", "2026-11-22T08:00:00Z", "2026-11-23T08:00:00Z", "2026-12-01T08:00:00Z"] {
        at(&world, instant);
        customer.book(of_weight(&flight, 10.0)).await;
    }
    for (by, expected) in [
        ("day", vec![("2026-11-20", 1), ("2026-11-22", 1), ("2026-11-23", 1), ("2026-12-01", 1)]),
        ("week", vec![("2026-11-16", 2), ("2026-11-23", 1), ("2026-11-30", 1)]),
        ("month", vec![("2026-11-01", 3), ("2026-12-01", 1)]),
    ] {
        let found = report(&customer, VOLUME, &format!("by={by}")).await;
        let found: Vec<_> =
            rows(&found, "bookings").iter().map(|(date, _, count)| (*date, count.as_i64().unwrap())).collect();
        assert_eq!(found, expected, "{by}");
    }
    let part = report(&customer, VOLUME, "by=month&from=2026-11-22&to=2026-11-30").await;
    assert_eq!(rows(&part, "bookings"), [("2026-11-01", "-", &json!(2))], "only the dates of the span count");
}

#[tokio::test]
async fn a_row_is_compared_with_its_dates_in_the_span_before() {
    let world = long_day().await;
    let flight = any_flight(&world, "AI101", "DEL", "LHR").await;
    let (customer, _) = firm(&world).await;
    for (instant, weight) in [
        ("2026-11-21T08:00:00Z", 10.0),
        ("2026-11-22T08:00:00Z", 20.0),
        ("2026-11-23T08:00:00Z", 30.0),
        ("2026-11-24T08:00:00Z", 5.0),
    ] {
        at(&world, instant);
        customer.book(of_weight(&flight, weight)).await;
    }
    let found = report(&customer, VOLUME, "from=2026-11-23&to=2026-11-24").await;
    let expected = [("2026-11-23", "-", &json!(200)), ("2026-11-24", "-", &json!(-75))];
    assert_eq!(rows(&found, "change_percent"), expected);
    assert_eq!(found["total"]["change_percent"], 16.7);
    let gone = report(&customer, VOLUME, "from=2026-11-25&to=2026-11-26").await;
    assert_eq!((&gone["total"]["change_percent"], &gone["rows"]), (&json!(-100), &json!([])));
    assert_eq!(
        report(&customer, VOLUME, "from=2026-12-25&to=2026-12-26").await["total"]["change_percent"],
        Value::Null
    );
}

#[tokio::test]
async fn what_the_limit_leaves_out_is_in_other() {
    let world = long_day().await;
    let (customer, admin) = (firm(&world).await.0, world.admin().await);
    make(&admin, TARIFFS, flat("DOLLARS", "2", json!({"origin": "DEL"}))).await;
    make(&admin, TARIFFS, flat("EUROS", "3", json!({"origin": "CDG", "currency": "EUR"}))).await;
    let lanes = [
        ("AI101", "DEL", "LHR", 10.0),
        ("AI102", "CDG", "LHR", 50.5),
        ("AI103", "DEL", "DXB", 30.0),
        ("AI104", "CDG", "JFK", 20.0),
    ];
    for day in ["2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z"] {
        at(&world, day);
        for (number, origin, destination, weight) in lanes {
            let number = format!("{number}{}", if day.contains("-20T") { "A" } else { "B" });
            let flight = any_flight(&world, &number, origin, destination).await;
            priced(&customer, &flight, weight).await;
        }
    }
    let usd_and_eur =
        |usd: &str, eur: &str| json!([{"amount": eur, "currency": "EUR"}, {"amount": usd, "currency": "USD"}]);
    let all = report(&customer, VOLUME, "group=lane").await;
    assert_eq!((all["rows"].as_array().unwrap().len(), &all["other"]), (8, &Value::Null));
    assert_eq!(all["total"]["revenue"], usd_and_eur("160.00", "423.00"));
    let first: Vec<_> = rows(&all, "weight_kg").into_iter().take(4).map(|(_, lane, _)| lane).collect();
    assert_eq!(first, ["CDG-LHR", "DEL-DXB", "CDG-JFK", "DEL-LHR"], "the largest first");
    adds_up(&all, &ADDITIVE);

    let two = report(&customer, VOLUME, "group=lane&limit=2").await;
    assert_eq!(two["total"], all["total"]);
    assert_eq!(two["rows"].as_array().unwrap().len(), 4);
    assert_eq!(two["other"]["bookings"], 4);
    assert_eq!(two["other"]["revenue"], usd_and_eur("40.00", "120.00"));
    adds_up(&two, &ADDITIVE);
    let named = rows(&two, "revenue/0/amount");
    let expected = [
        ("2026-11-20", "CDG-LHR", &json!("151.50")),
        ("2026-11-20", "DEL-DXB", &json!("60.00")),
        ("2026-11-21", "CDG-LHR", &json!("151.50")),
        ("2026-11-21", "DEL-DXB", &json!("60.00")),
    ];
    assert_eq!(named, expected);
    for (filter, weight) in
        [("destination=LHR", json!(121)), ("origin=DEL&destination=DXB", json!(60)), ("airline=EK", json!(0))]
    {
        assert_eq!(report(&customer, VOLUME, filter).await["total"]["weight_kg"], weight, "{filter}");
    }
    world.audit().await;
}

/// Books by a quote.
async fn priced(customer: &loadmaster_testkit::Client, flight: &Value, weight: f64) -> Value {
    let asked = json!({"origin": flight["origin"], "destination": flight["destination"], "flight_ids": [flight["id"]],
                       "weight_kg": weight});
    let quote = customer.post("/api/v1/quotes", asked).await.expect(201);
    let wanted = with(order(&[flight]), json!({"weight_kg": weight, "quote_id": quote["id"]}));
    let wanted = loadmaster_testkit::freight::without(wanted, "volume_m3");
    customer.book(wanted).await
}

#[tokio::test]
async fn revenue_is_what_is_agreed_now_and_of_cancelled_bookings_the_fee() {
    let mut market = Market::open().await;
    let (kept, cancelled) = (market.paid().await, market.paid().await);
    let total = async |market: &Market| report(&market.customer, VOLUME, "").await["total"]["revenue"].clone();
    assert_eq!(total(&market).await, json!([usd("1800.00")]));
    market.wait_hours(60);
    market.customer.poke(&format!("{}/cancel", path_of(&cancelled))).await.expect(200);
    assert_eq!(total(&market).await, json!([usd("1125.00")]), "a quarter of 900 is the fee");
    let change = json!({"weight_kg": 50});
    market.customer.patch(&path_of(&kept), change).await.expect(200);
    assert_eq!(total(&market).await, json!([usd("675.00")]));
    market.audit().await;
}

#[tokio::test]
async fn a_booking_has_the_product_that_was_named_for_it() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let (customer, _) = firm(&world).await;
    customer.book(of_weight(&flight, 10.0)).await;
    customer.book(with(of_weight(&flight, 20.0), json!({"product": "express"}))).await;
    let products = report(&customer, VOLUME, "group=product").await;
    let expected = [("2026-11-20", "EXPRESS", &json!(20)), ("2026-11-20", "GENERAL", &json!(10))];
    assert_eq!(rows(&products, "weight_kg"), expected);
    for (product, weight) in [("GENERAL", 10), ("express", 20), ("OTHER", 0)] {
        let found = report(&customer, VOLUME, &format!("product={product}")).await;
        assert_eq!(found["total"]["weight_kg"], weight, "{product}");
    }
}

#[tokio::test]
async fn a_booking_is_of_the_airline_of_its_first_flight() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("EK502", "BOM", "LHR").leaves_in_hours(36)).await;
    let (customer, _) = firm(&world).await;
    let booking = customer.book(order(&[&first, &second])).await;
    let key = async || {
        let found = report(&customer, VOLUME, "group=airline").await;
        found["rows"][0]["key"].clone()
    };
    assert_eq!(key().await, "AI");
    let direct = world.flight(NewFlight::new("BA142", "DEL", "LHR")).await;
    customer.patch(&path_of(&booking), json!({"flight_ids": [direct["id"]]})).await.expect(200);
    assert_eq!(key().await, "BA", "of those that are in force");
    customer.walk(&booking, &["cancel"]).await;
    assert_eq!(key().await, "BA", "that it had when it was cancelled");
    let found = report(&customer, VOLUME, "airline=EK").await;
    assert_eq!(found["total"]["bookings"], 0);
}
