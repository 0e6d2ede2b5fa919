//! Prices of routes.
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    freight::with,
    pricing::{QUOTES, SALES, SURCHARGES, TARIFFS, asked, at, flat, make, sale, surcharge},
};
use serde_json::{Value, json};

use super::guest;

const RANKED: &str = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21&weight_kg=10";
const SEARCH: &str = "/api/v1/routes/search";

fn search(members: Value) -> Value {
    with(json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 10}), members)
}

/// Three ways: a direct one of AI, a full one of BA, and by way of BOM.
async fn network(world: &World) -> [Value; 4] {
    [
        world.flight(NewFlight::new("AI101", "DEL", "LHR")).await,
        world.flight(NewFlight::new("BA101", "DEL", "LHR").weight(5.0)).await,
        world.flight(NewFlight::new("EK103", "DEL", "BOM").leaves_in_hours(20)).await,
        world.flight(NewFlight::new("EK131", "BOM", "LHR").leaves_in_hours(30)).await,
    ]
}

/// The first flight number of each option, and its total; `-`: it has no price.
async fn ranked(client: &Client, query: &str) -> Vec<String> {
    let found = client.get(&format!("{RANKED}{query}")).await.expect(200);
    let told = |option: &Value| {
        let total = option["price"]["total"]["amount"].as_str().unwrap_or("-");
        format!("{} {total}", option["flights"][0]["flight_number"].as_str().unwrap())
    };
    found.as_array().unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn options_have_the_price_that_a_quote_would_have() {
    let world = World::start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    let [direct, _, first, second] = network(&world).await;
    make(&admin, TARIFFS, flat("AI", "9", json!({"airline_code": "AI"}))).await;
    make(&admin, TARIFFS, flat("LEG1", "1", json!({"origin": "DEL", "destination": "BOM"}))).await;
    make(&admin, TARIFFS, flat("LEG2", "2", json!({"origin": "BOM", "destination": "LHR"}))).await;
    make(&admin, SURCHARGES, surcharge("MYC", json!({"per": "LEG"}))).await;
    make(&admin, SALES, sale(json!({}))).await;
    make(&admin, SALES, sale(json!({"code": "HALF", "percent": "50"}))).await;
    let found = guest.post(SEARCH, search(json!({"price": true}))).await.expect(200);
    let of = |flights: &[&Value]| guest.post(QUOTES, asked(flights, 10.0));
    for (option, quote) in [
        (&found["direct_flights"][0], of(&[&direct]).await.expect(201)),
        (&found["transit_routes"][0], of(&[&first, &second]).await.expect(201)),
    ] {
        let expected = json!({"total": quote["total"], "weight_charge": quote["weight_charge"],
                              "surcharges": quote["surcharges"], "basis": quote["basis"]});
        assert_eq!(option["price"], expected);
    }
    assert_eq!(found["transit_routes"][0]["price"]["total"]["amount"], "29.00");
    assert_eq!(found["direct_flights"][1]["price"], Value::Null);
    assert!(found["direct_flights"][1].as_object().unwrap().contains_key("price"));
    let without = guest.post(SEARCH, search(json!({}))).await.expect(200);
    assert!(!without["direct_flights"][0].as_object().unwrap().contains_key("price"));
}

#[tokio::test]
async fn the_cheapest_comes_first_after_what_can_be_booked() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    network(&world).await;
    world.flight(NewFlight::new("QR101", "DEL", "LHR")).await;
    for (airline, rate) in [("AI", "9"), ("BA", "1"), ("EK", "2")] {
        make(&admin, TARIFFS, flat(airline, rate, json!({"airline_code": airline}))).await;
    }
    assert_eq!(ranked(&anyone, "&sort=price").await, ["EK103 20.00", "AI101 90.00", "QR101 -", "BA101 10.00"]);
    assert_eq!(ranked(&anyone, "&sort=price&max_stops=0").await, ["AI101 90.00", "QR101 -", "BA101 10.00"]);
    assert_eq!(ranked(&anyone, "&price=true&limit=1").await.len(), 1);
    assert!(ranked(&anyone, "").await.iter().all(|told| told.ends_with('-')));
}

#[tokio::test]
async fn a_price_needs_a_weight() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let bare = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21";
    for query in ["&price=true", "&sort=price", "&sort=price&price=true", "&sort=price&price=false"] {
        let faults = anyone.get(&format!("{bare}{query}")).await.expect_faults();
        assert_eq!(faults, [("weight_kg".to_owned(), "required".to_owned())], "{query}");
    }
    let mut body = search(json!({"price": true}));
    body.as_object_mut().unwrap().remove("weight_kg");
    assert_eq!(anyone.post(SEARCH, body).await.expect_faults(), [("/weight_kg".to_owned(), "required".to_owned())]);
    let faults = anyone.post(SEARCH, search(json!({"price": "yes"}))).await.expect_faults();
    assert_eq!(faults, [("/price".to_owned(), "wrong_type".to_owned())]);
}

#[tokio::test]
async fn kept_answers_follow_the_rules_the_day_and_the_caller() {
    let world = World::working().await;
    let (admin, customer, anyone) = (world.admin().await, world.customer().await, world.anonymous());
    world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(30)).await;
    let own = customer.get("/api/v1/auth/me").await.expect(200)["organization_id"].clone();
    let rule = make(&admin, TARIFFS, flat("ALL", "9", json!({}))).await;
    let on_sale = json!({"sale_from": "2026-11-21", "sale_to": "2026-11-21"});
    make(&admin, SALES, sale(on_sale)).await;
    for _ in 0..2 {
        assert_eq!(ranked(&anyone, "&price=true").await, ["AI101 90.00"]);
        assert_eq!(ranked(&customer, "&price=true").await, ["AI101 90.00"]);
    }
    make(&admin, TARIFFS, flat("OWN", "4", json!({"organization_id": own}))).await;
    for _ in 0..2 {
        assert_eq!(ranked(&anyone, "&price=true").await, ["AI101 90.00"]);
        assert_eq!(ranked(&customer, "&price=true").await, ["AI101 40.00"]);
    }
    admin.patch(&at(TARIFFS, &rule), json!({"normal": "8"})).await.expect(200);
    assert_eq!(ranked(&anyone, "&price=true").await, ["AI101 80.00"]);
    assert_eq!(ranked(&anyone, "&price=true&special_handling_codes=PER").await, ["AI101 80.00"]);
    make(&admin, TARIFFS, flat("PER", "20", json!({"handling_code": "PER"}))).await;
    assert_eq!(ranked(&anyone, "&price=true&special_handling_codes=PER").await, ["AI101 200.00"]);
    assert_eq!(ranked(&anyone, "&price=true&special_handling_codes=COL").await, ["AI101 80.00"]);
    world.clock.advance(chrono::TimeDelta::hours(17));
    assert_eq!(ranked(&anyone, "&price=true").await, ["AI101 72.00"]);
}

#[tokio::test]
async fn answers_from_the_cache_and_from_the_tables_are_the_same() {
    let cached = World::start().await;
    let plain = WorldOptions::default().on(&cached.database).set("search.cache_ttl_seconds", "0").start().await;
    network(&cached).await;
    let admin = cached.admin().await;
    make(&admin, TARIFFS, flat("AI", "9", json!({"airline_code": "AI"}))).await;
    make(&admin, TARIFFS, flat("EK", "9.5", json!({"airline_code": "EK"}))).await;
    for query in ["&sort=price", "&price=true", "&price=true&sort=duration", "&sort=price&special_handling_codes=PER"] {
        let path = format!("{RANKED}{query}");
        let answers = [cached.anonymous().get(&path).await, cached.anonymous().get(&path).await];
        let expected = plain.anonymous().get(&path).await;
        assert!(answers.iter().all(|answer| answer.text == expected.text), "{query}: {}", expected.text);
    }
    let body = search(json!({"price": true, "limit": 1}));
    let (one, other) =
        (cached.anonymous().post(SEARCH, body.clone()).await, plain.anonymous().post(SEARCH, body).await);
    assert_eq!(one.text, other.text);
}

#[tokio::test]
async fn a_search_lists_the_products_of_its_lane_and_prices_the_requested_one() {
    let world = World::start().await;
    let (admin, customer, anyone) = (world.admin().await, world.customer().await, world.anonymous());
    network(&world).await;
    let own = customer.get("/api/v1/auth/me").await.expect(200)["organization_id"].clone();
    make(&admin, TARIFFS, flat("ALL", "9", json!({}))).await;
    let priced = async |client: &Client, members: Value| {
        client.post(SEARCH, search(with(json!({"price": true}), members))).await.expect(200)
    };
    assert_eq!(priced(&anyone, json!({})).await["products"], json!(["GENERAL"]));
    let mut made = Vec::new();
    for (code, rate, members) in [
        ("EXP", "12", json!({"product": "EXPRESS", "airline_code": "AI"})),
        ("OWN", "3", json!({"product": "BULK", "organization_id": own})),
        ("OTHER", "3", json!({"product": "ROSES", "origin": "BOM"})),
    ] {
        made.push(make(&admin, TARIFFS, flat(code, rate, members)).await);
    }
    assert_eq!(priced(&anyone, json!({})).await["products"], json!(["GENERAL", "EXPRESS"]));
    assert_eq!(priced(&customer, json!({})).await["products"], json!(["GENERAL", "BULK", "EXPRESS"]));
    for (client, product, expected) in [
        (&anyone, "GENERAL", "90.00"),
        (&anyone, "express", "120.00"),
        (&anyone, "BULK", "90.00"),
        (&customer, "BULK", "30.00"),
        (&customer, "GENERAL", "90.00"),
    ] {
        // The second answer may be a kept one.
        for _ in 0..2 {
            let found = priced(client, json!({"product": product})).await;
            assert_eq!(found["direct_flights"][0]["price"]["total"]["amount"], expected, "{product}");
        }
        let all = ranked(client, &format!("&price=true&product={product}")).await;
        assert!(all.contains(&format!("AI101 {expected}")), "{product}: {all:?}");
    }
    let without = anyone.post(SEARCH, search(json!({"product": "EXPRESS"}))).await.expect(200);
    assert!(!without.as_object().unwrap().contains_key("products"));
    let made = made.iter().find(|rule| rule["product"] == "EXPRESS").unwrap();
    admin.delete(&at(TARIFFS, made)).await.expect(200);
    assert_eq!(priced(&anyone, json!({})).await["products"], json!(["GENERAL"]));
}

#[tokio::test]
async fn products_are_the_same_from_the_cache_and_from_the_tables_and_twenty_at_most() {
    let cached = World::start().await;
    let plain = WorldOptions::default().on(&cached.database).set("search.cache_ttl_seconds", "0").start().await;
    network(&cached).await;
    let admin = cached.admin().await;
    for number in 10..32 {
        make(&admin, TARIFFS, flat(&format!("T{number}"), "9", json!({"product": format!("P{number}")}))).await;
    }
    let body = search(json!({"price": true, "product": "P12"}));
    let (one, other) =
        (cached.anonymous().post(SEARCH, body.clone()).await, plain.anonymous().post(SEARCH, body).await);
    assert_eq!(one.text, other.text);
    let products = one.expect(200)["products"].clone();
    let expected: Vec<String> =
        std::iter::once("GENERAL".to_owned()).chain((10..29).map(|number| format!("P{number}"))).collect();
    assert_eq!(products, json!(expected));
}

#[tokio::test]
async fn a_product_that_is_none_is_a_fault() {
    let world = World::start().await;
    let anyone = world.anonymous();
    for (product, code) in [
        (json!(""), "too_short"),
        (json!("x".repeat(21)), "too_long"),
        (json!("RO SES"), "invalid_format"),
        (json!(7), "wrong_type"),
    ] {
        let faults = anyone.post(SEARCH, search(json!({"price": true, "product": product}))).await.expect_faults();
        assert_eq!(faults, [("/product".to_owned(), code.to_owned())], "{product}");
    }
    let faults = anyone.get(&format!("{RANKED}&price=true&product=RO_SES")).await.expect_faults();
    assert_eq!(faults, [("product".to_owned(), "invalid_format".to_owned())]);
}
