//! Several days at once, with the figures of as many searches.
use chrono::{Days, NaiveDate};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, Dice, NewFlight, World, WorldOptions,
    embargoes::{embargo, impose},
    freight::order,
    pricing::{TARIFFS, flat, make},
    until,
};
use serde_json::{Value, json};
use uuid::Uuid;

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
        client.get("/api/v1/routes/days?origin=DEL&destination=DEL&days=32&weight_kg=0&limit=3").await.expect_faults();
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

/// A network of a month with prices, in which some freight does not fly on some days, and callers of whom some have tariffs of
/// their own and some room.
async fn market(world: &World, dice: &mut Dice) -> Vec<Client> {
    let first: NaiveDate = "2026-11-20".parse().unwrap();
    for day in 1..25 {
        let date = first + Days::new(day);
        let mut kilograms = || 900.0 + dice.below(600) as f64;
        let (one, other, hop) = (kilograms(), kilograms(), kilograms());
        if day % 4 != 0 {
            world.flight(NewFlight::new("AI101", "DEL", "LHR").departs(&format!("{date}T08:00:00Z")).weight(one)).await;
        }
        if day % 3 != 0 {
            world
                .flight(NewFlight::new("BA142", "DEL", "LHR").departs(&format!("{date}T05:00:00Z")).weight(other))
                .await;
        }
        let hop =
            NewFlight::new("AI102", "DEL", "BOM").departs(&format!("{date}T02:00:00Z")).takes_minutes(120).weight(hop);
        world.flight(hop).await;
        world.flight(NewFlight::new("AI103", "BOM", "LHR").departs(&format!("{date}T09:00:00Z")).weight(3000.0)).await;
    }
    let admin = world.admin().await;
    make(&admin, TARIFFS, flat("AI", "5", json!({"airline_code": "AI"}))).await;
    make(&admin, TARIFFS, flat("BA", "6", json!({"airline_code": "BA"}))).await;
    let late = json!({"airline_code": "BA", "valid_from": "2026-12-01", "origin": "DEL", "destination": "LHR"});
    make(&admin, TARIFFS, flat("LATE", "4.3333", late)).await;
    impose(&admin, embargo(json!({"valid_from": "2026-11-24", "valid_to": "2026-11-25"}))).await;
    impose(&admin, embargo(json!({"handling_codes": ["PER"], "airline_code": "BA", "name": "Heat"}))).await;
    let mut callers = vec![world.anonymous()];
    for number in 1..10_u64 {
        let organization = Uuid::new_v4();
        let caller = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
        if number % 2 == 0 {
            let own = json!({"organization_id": organization, "airline_code": *dice.pick(&["AI", "BA"])});
            make(&admin, TARIFFS, flat(&format!("OWN{number}"), &format!("{}.5", 2 + dice.below(4)), own)).await;
        }
        if number % 3 == 0 {
            let wanted = json!({"organization_id": organization, "name": "Winter", "origin": "DEL", "destination": "LHR",
                                "date_from": "2026-11-21", "date_to": "2026-12-20", "weight_kg": 200,
                                // Those of the next two days are kept too.
                                "release_hours": 0});
            let allotment = admin.post("/api/v1/allotments", wanted).await.expect(201);
            let path = format!("/api/v1/allotments/{}/flights", allotment["id"].as_str().unwrap());
            until("the allotment is kept on all flights", async || {
                let flights = admin.get(&path).await.expect(200);
                let flights = flights.as_array().unwrap();
                flights.len() == 34 && flights.iter().all(|flight| flight["status"] == "KEPT")
            })
            .await;
        }
        callers.push(caller);
    }
    callers
}

/// The total and the currency of the first option by price, if it can be booked.
async fn first_price(client: &Client, date: &Value, freight: &str) -> Value {
    let date = date.as_str().unwrap();
    let path = format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date={date}{freight}&sort=price&limit=1");
    let options = client.get(&path).await.expect(200);
    if options[0]["bookable"] == true { options[0]["price"]["total"].clone() } else { Value::Null }
}

#[tokio::test]
async fn the_prices_of_days_equal_as_many_searches() {
    let world = World::working().await;
    let mut dice = Dice::new(31);
    let callers = market(&world, &mut dice).await;
    let mut different = std::collections::BTreeSet::new();
    for client in &callers {
        let weight = *dice.pick(&[100, 400, 700, 900]);
        let codes = *dice.pick(&["", "&special_handling_codes=PER"]);
        let freight = format!("&weight_kg={weight}{codes}");
        let days = client.get(&format!("{DAYS}&from=2026-11-20&days=31&price=true{freight}")).await.expect(200);
        let days = days.as_array().unwrap();
        assert_eq!(days.len(), 31);
        let amount = |day: &Value| day["price"]["amount"].as_str().map(|amount| amount.parse::<f64>().unwrap());
        let lowest = days.iter().filter_map(amount).fold(f64::MAX, f64::min);
        for day in days {
            let price = first_price(client, &day["departure_date"], &freight).await;
            assert_eq!(day["price"], price, "{freight} on {}", day["departure_date"]);
            assert_eq!(day["is_cheapest"], amount(day).is_some_and(|amount| amount <= lowest), "{day}");
            match amount(day) {
                Some(amount) => {
                    let per_kg: f64 = day["per_kg"].as_str().unwrap().parse().unwrap();
                    assert!((per_kg - amount / f64::from(weight)).abs() < 0.0001, "{day}");
                }
                None => assert!(day["per_kg"].is_null()),
            }
            different.insert(price.to_string());
        }
    }
    assert!(different.len() > 5, "prices differ by caller, date and freight: {different:?}");
}

#[tokio::test]
async fn a_month_lists_its_days_and_prices_them_on_request() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-12-05T08:00:00Z")).await;
    let tariff = flat("ROSES", "3", json!({"product": "ROSES"}));
    make(&world.admin().await, TARIFFS, tariff).await;
    let client = world.anonymous();
    let dates = async |query: &str| {
        let days = client.get(&format!("{DAYS}&{query}")).await.expect(200);
        let days = days.as_array().unwrap();
        let date = |day: Option<&Value>| day.unwrap()["departure_date"].as_str().unwrap().to_owned();
        (days.len(), date(days.first()), date(days.last()))
    };
    let december = (31, "2026-12-01".to_owned(), "2026-12-31".to_owned());
    assert_eq!(dates("month=2026-12").await, december);
    assert_eq!(dates("month=2026-11").await, (30, "2026-11-01".to_owned(), "2026-11-30".to_owned()), "this month");
    assert_eq!(dates("month=2027-02&days=31").await, (28, "2027-02-01".to_owned(), "2027-02-28".to_owned()));
    assert_eq!(dates("month=2026-12&days=2").await, (2, "2026-12-01".to_owned(), "2026-12-02".to_owned()));

    let of_december = async |query: &str| {
        client.get(&format!("{DAYS}&month=2026-12&weight_kg=100&{query}")).await.expect(200)[4].clone()
    };
    let plain = of_december("price=false").await;
    assert!(["price", "per_kg", "is_cheapest"].iter().all(|name| plain.get(name).is_none()), "{plain}");
    let priced = of_december("price=true&product=ROSES&pieces=2").await;
    let figures = (&priced["price"], &priced["per_kg"], &priced["is_cheapest"]);
    assert_eq!(figures, (&json!({"amount": "300.00", "currency": "USD"}), &json!("3"), &json!(true)));
    let unrated = of_december("price=true").await;
    let figures = (&unrated["bookable"], &unrated["price"], &unrated["per_kg"], &unrated["is_cheapest"]);
    assert_eq!(figures, (&json!(1), &json!(null), &json!(null), &json!(false)), "no tariff is for general freight");
}

#[tokio::test]
async fn prices_of_the_past_and_faulty_months_are_refused() {
    let world = World::start().await;
    let client = world.anonymous();
    for (query, faults) in [
        ("days=3", &[("from", "required")][..]),
        ("from=2026-11-20&month=2026-12", &[("month", "invalid_format")]),
        ("month=2026-10", &[("month", "too_small")]),
        ("month=2026-13", &[("month", "invalid_format")]),
        ("month=2026-12-01", &[("month", "invalid_format")]),
        ("month=2026-12&days=32", &[("days", "too_large")]),
        ("from=2026-11-20&price=true", &[("weight_kg", "required")]),
        ("from=2026-11-19&price=true&weight_kg=1", &[("from", "too_small")]),
        ("from=2026-11-20&price=maybe&weight_kg=1", &[("price", "wrong_type")]),
        ("from=2026-11-20&product=no+product", &[("product", "invalid_format")]),
    ] {
        let found = client.get(&format!("{DAYS}&{query}")).await.expect_faults();
        let found: Vec<_> = found.iter().map(|(name, code)| (name.as_str(), code.as_str())).collect();
        assert_eq!(found, faults, "{query}");
    }
    client.get(&format!("{DAYS}&from=2026-11-19")).await.expect(200);
}

#[tokio::test]
async fn every_seven_days_with_prices_or_fourteen_without_take_a_request_of_the_quota() {
    let options = WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let options = options.set("rate_limit.anonymous_per_minute", "10");
    let world = options.start().await;
    let client = world.anonymous();
    let ask = async |query: &str| client.get(&format!("{DAYS}&{query}")).await;
    let left = async |query: &str| {
        let answer = ask(query).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.header("ratelimit-remaining").unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(left("from=2026-11-20&days=14").await, 9, "without prices");
    assert_eq!(left("from=2026-11-20&days=15").await, 7);
    assert_eq!(left("from=2026-11-20&days=7&price=true&weight_kg=1").await, 6);
    assert_eq!(left("from=2026-11-20&days=8&price=true&weight_kg=1").await, 4);
    assert_eq!(left("month=2026-11&price=true&weight_kg=1").await, 2, "of which 19 days are over");
    ask("from=2026-11-20&days=31&price=true&weight_kg=1").await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn days_of_the_past_have_no_price() {
    let world = World::start().await;
    for date in ["2026-11-21", "2026-11-25"] {
        world.flight(NewFlight::new("AI101", "DEL", "LHR").departs(&format!("{date}T08:00:00Z"))).await;
    }
    make(&world.admin().await, TARIFFS, flat("ALL", "3", json!({}))).await;
    world.clock.advance(chrono::TimeDelta::days(3));
    let path = format!("{DAYS}&month=2026-11&price=true&weight_kg=100");
    let days = world.anonymous().get(&path).await.expect(200);
    let past = json!({"departure_date": "2026-11-21", "options": 0, "bookable": 0, "best_arrival_datetime": null,
                      "available": null, "utilization_percent": null, "price": null, "per_kg": null, "is_cheapest": false});
    assert_eq!(days[20], past);
    assert_eq!(days[24]["price"], json!({"amount": "300.00", "currency": "USD"}));
    assert_eq!(days.as_array().unwrap().len(), 30);
}
