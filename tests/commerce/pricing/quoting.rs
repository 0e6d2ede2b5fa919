//! What a quote says, and for how long.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{path_of, with},
    pricing::{QUOTES, SURCHARGES, TARIFFS, asked, at, flat, make, surcharge, tariff, total},
};
use serde_json::{Value, json};

use super::guest;

/// DEL to LHR by way of BOM.
async fn two_legs(world: &World) -> [Value; 2] {
    [
        world.flight(NewFlight::new("AI103", "DEL", "BOM").leaves_in_hours(20)).await,
        world.flight(NewFlight::new("BA131", "BOM", "LHR").leaves_in_hours(30)).await,
    ]
}

#[tokio::test]
async fn the_vectors_of_the_trade_are_quoted() {
    let world = World::start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let rule = make(&admin, TARIFFS, tariff("TACT", json!({}))).await;
    for (weight, amount) in [
        (2.0, "75.00"),
        (10.0, "160.00"),
        (30.0, "450.00"),
        (89.5, "895.00"),
        (90.0, "900.00"),
        (98.0, "900.00"),
        (260.0, "2340.00"),
        (267.0, "2400.00"),
    ] {
        assert_eq!(total(&guest, asked(&[&flight], weight)).await, format!("{amount} USD"), "{weight} kg");
    }
    let answer = guest.post(QUOTES, asked(&[&flight], 98.0)).await;
    let location = answer.header("location").unwrap().to_owned();
    let quote = answer.expect(201);
    let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
    let expected = json!({
        "id": quote["id"], "organization_id": quote["organization_id"], "flight_ids": [flight["id"]], "weight_kg": 98,
        "volume_m3": 0.588, "dimensions": null,
        "special_handling_codes": [], "product": "GENERAL", "discount_code": null, "basis": "THROUGH",
        "chargeable_weight_kg": 98,
        "lines": [{"kind": "WEIGHT", "code": "TACT", "leg": null, "basis": "PER_KG_CHARGEABLE", "quantity": 98, "rate": "9",
                   "rate_class": "Q", "rated_weight_kg": 100, "amount": usd("900.00"),
                   "rule": {"id": rule["id"], "version": 1}, "text": "98 kg as 100 kg at 9 USD"}],
        "weight_charge": usd("900.00"), "discount": usd("0.00"), "surcharges": usd("0.00"), "total": usd("900.00"),
        "emissions": null, "expires_at": "2026-11-20T09:00:00Z", "created_at": "2026-11-20T08:00:00Z",
    });
    assert_eq!(quote, expected);
    assert_eq!(guest.get(&location).await.expect(200), quote);
    // A dense cubic metre counts as weight.
    let dense = with(asked(&[&flight], 100.0), json!({"volume_m3": 1.201}));
    assert_eq!(guest.post(QUOTES, dense).await.expect(201)["chargeable_weight_kg"], 200.5);
    world.audit().await;
}

#[tokio::test]
async fn amounts_have_their_currencys_decimals() {
    let world = World::start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    for (currency, expected) in [("JPY", "123 JPY"), ("KWD", "122.500 KWD"), ("USD", "122.50 USD")] {
        let rule = make(&admin, TARIFFS, flat("T", "12.25", json!({"currency": currency}))).await;
        assert_eq!(total(&guest, asked(&[&flight], 10.0)).await, expected);
        admin.delete(&at(TARIFFS, &rule)).await.expect(200);
    }
    guest.post(QUOTES, asked(&[&flight], 10.0)).await.expect_problem(409, "no_rate");
}

#[tokio::test]
async fn narrower_scopes_precede_and_through_beats_a_lower_sum() {
    let world = World::start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    let [first, second] = two_legs(&world).await;
    for (code, rate, origin, destination) in [("L1", "1", "DEL", "BOM"), ("L2", "1.5", "BOM", "LHR")] {
        make(&admin, TARIFFS, flat(code, rate, json!({"origin": origin, "destination": destination}))).await;
    }
    let way = asked(&[&first, &second], 10.0);
    let by_leg = guest.post(QUOTES, way.clone()).await.expect(201);
    assert_eq!((&by_leg["basis"], &by_leg["total"]["amount"]), (&json!("BY_LEG"), &json!("25.00")));
    let legs: Vec<&Value> = by_leg["lines"].as_array().unwrap().iter().map(|line| &line["leg"]).collect();
    assert_eq!(legs, [1, 2]);
    for (origin, rate) in
        [("*", "90"), ("region:ASIA", "80"), ("country:IN", "70"), ("city:New Delhi,IN", "60"), ("DEL", "50")]
    {
        make(&admin, TARIFFS, flat(rate, rate, json!({"origin": origin, "destination": "LHR"}))).await;
        let quote = guest.post(QUOTES, way.clone()).await.expect(201);
        assert_eq!((&quote["basis"], &quote["lines"][0]["code"]), (&json!("THROUGH"), &json!(rate)));
    }
}

#[tokio::test]
async fn an_organization_has_its_own_tariff_and_others_do_not_see_it() {
    let world = World::start().await;
    let (admin, customer, other) = (world.admin().await, world.customer().await, world.customer().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let own = customer.get("/api/v1/auth/me").await.expect(200)["organization_id"].clone();
    make(&admin, TARIFFS, flat("ALL", "5", json!({}))).await;
    make(&admin, TARIFFS, flat("OWN", "4", json!({"organization_id": own}))).await;
    assert_eq!(total(&customer, asked(&[&flight], 10.0)).await, "40.00 USD");
    assert_eq!(total(&other, asked(&[&flight], 10.0)).await, "50.00 USD");
}

#[tokio::test]
async fn a_quote_stays_as_it_was_whatever_becomes_of_its_rules() {
    let world = World::start().await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let rule = make(&admin, TARIFFS, flat("T", "5", json!({}))).await;
    let fuel = make(&admin, SURCHARGES, surcharge("MYC", json!({"rate": "3"}))).await;
    let quote = customer.post(QUOTES, asked(&[&flight], 10.0)).await.expect(201);
    assert_eq!(quote["total"]["amount"], "53.00");
    admin.patch(&at(TARIFFS, &rule), json!({"normal": "6"})).await.expect(200);
    admin.delete(&at(SURCHARGES, &fuel)).await.expect(200);
    assert_eq!(customer.get(&at(QUOTES, &quote)).await.expect(200), quote);
    assert_eq!(total(&customer, asked(&[&flight], 10.0)).await, "60.00 USD");
    world.audit().await;
}

#[tokio::test]
async fn a_quote_is_shown_to_its_owner_and_to_operators() {
    let world = World::start().await;
    let owner = guest(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    make(&world.admin().await, TARIFFS, flat("T", "5", json!({}))).await;
    let quote = owner.post(QUOTES, asked(&[&flight], 10.0)).await.expect(201);
    let path = at(QUOTES, &quote);
    for stranger in [guest(&world).await, world.customer().await] {
        stranger.get(&path).await.expect_problem(404, "not_found");
        stranger.get(&format!("{path}?all=true")).await.expect_problem(404, "not_found");
    }
    assert_eq!(world.operator().await.get(&path).await.expect(200), quote);
    world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    for unknown in ["/api/v1/quotes/01890000-0000-7000-8000-000000000000", "/api/v1/quotes/none"] {
        owner.get(unknown).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn flights_that_are_no_way_have_no_price() {
    let world = World::start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    make(&admin, TARIFFS, flat("T", "5", json!({}))).await;
    let [first, second] = two_legs(&world).await;
    let closed = NewFlight::new("AI107", "DEL", "LHR").leaves_in_minutes(30);
    let closed = world.flight(closed).await;
    let cancelled = world.flight(NewFlight::new("AI109", "DEL", "LHR")).await;
    admin.poke(&format!("{}/cancel", at("/api/v1/flights", &cancelled))).await.expect(200);
    let unknown = json!({"id": "01890000-0000-7000-8000-000000000000"});
    for (flights, code) in [
        (vec![&first], "itinerary_invalid"),
        (vec![&second, &first], "itinerary_invalid"),
        (vec![&first, &first], "itinerary_invalid"),
        (vec![&unknown], "itinerary_invalid"),
        (vec![&closed], "flight_closed"),
        (vec![&cancelled], "flight_cancelled"),
    ] {
        guest.post(QUOTES, asked(&flights, 10.0)).await.expect_problem(409, code);
    }
    // A full flight has a price.
    let small = world.flight(NewFlight::new("AI111", "DEL", "LHR").weight(5.0)).await;
    assert_eq!(total(&guest, asked(&[&small], 10.0)).await, "50.00 USD");
    assert_eq!(world.count("quotes").await, 1);
}

#[tokio::test]
async fn without_flights_the_cheapest_way_that_can_be_booked_is_quoted() {
    let world = World::start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    let on = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 10});
    guest.post(QUOTES, on.clone()).await.expect_problem(409, "no_bookable_itinerary");
    let direct = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let full = world.flight(NewFlight::new("BA101", "DEL", "LHR").weight(5.0)).await;
    guest.post(QUOTES, on.clone()).await.expect_problem(409, "no_rate");
    make(&admin, TARIFFS, flat("AI", "9", json!({"airline_code": "AI"}))).await;
    make(&admin, TARIFFS, flat("BA", "2", json!({"airline_code": "BA"}))).await;
    let quote = guest.post(QUOTES, on.clone()).await.expect(201);
    assert_eq!((&quote["flight_ids"], &quote["total"]["amount"]), (&json!([direct["id"]]), &json!("90.00")));
    let [first, second] = [
        world.flight(NewFlight::new("BA103", "DEL", "BOM").leaves_in_hours(20)).await,
        world.flight(NewFlight::new("BA131", "BOM", "LHR").leaves_in_hours(30)).await,
    ];
    let quote = guest.post(QUOTES, on).await.expect(201);
    assert_eq!(quote["flight_ids"], json!([first["id"], second["id"]]), "{quote}, not {}", full["id"]);
    assert_eq!(quote["total"]["amount"], "20.00");
}

#[tokio::test]
async fn the_tariff_of_the_settings_applies_where_they_say() {
    let sets = [("demo", None), ("never", None), ("always", Some(["DEFAULT", "MYC", "SCC"]))];
    for (applies, codes) in sets {
        let tariff = format!(r#"{{ applies = "{applies}", currency = "USD", minimum = "75", normal = "6.5" }}"#);
        let world = WorldOptions::default().set("pricing.default_tariff", &tariff).start().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
        let answer = guest(&world).await.post(QUOTES, asked(&[&flight], 100.0)).await;
        let Some(codes) = codes else {
            answer.expect_problem(409, "no_rate");
            continue;
        };
        let quote = answer.expect(201);
        let told: Vec<_> =
            quote["lines"].as_array().unwrap().iter().map(|line| line["code"].as_str().unwrap()).collect();
        assert_eq!(told, codes);
        assert_eq!(quote["total"]["amount"], "750.00");
        assert!(quote["lines"].as_array().unwrap().iter().all(|line| line["rule"].is_null()));
        world.audit().await;
    }
}

#[tokio::test]
async fn of_surcharges_of_the_settings_with_one_code_only_the_first_that_matches_is_charged() {
    let surcharges = [
        r#"{ code = "MYC", basis = "PER_KG_CHARGEABLE", rate = "0.5" }"#,
        r#"{ code = "MYC", basis = "FLAT", rate = "70" }"#,
        r#"{ code = "MYC", basis = "FLAT", rate = "120", handling_codes = ["RCL"] }"#,
        r#"{ code = "MYC", basis = "FLAT", rate = "200", handling_codes = ["RCL", "RFL"] }"#,
    ];
    let surcharges = format!("[{}]", surcharges.join(", "));
    let none: &[&str] = &[];
    let tariff = r#"{ applies = "always", currency = "USD", minimum = "75", normal = "6.5" }"#;
    let options =
        WorldOptions::default().set("pricing.default_surcharges", &surcharges).set("payments.provider", "test");
    let world = options.set("pricing.default_tariff", tariff).start().await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let amounts = |quote: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let line = |line: &Value| (text(&line["code"]), text(&line["amount"]["amount"]));
        quote["lines"].as_array().unwrap().iter().map(line).collect()
    };
    let lines =
        |surcharge: &str| vec![("DEFAULT".to_owned(), "650.00".to_owned()), ("MYC".to_owned(), surcharge.to_owned())];
    // One with handling codes precedes one without, then the one that is named first.
    let wanted = |codes: &[&str]| with(asked(&[&flight], 100.0), json!({"special_handling_codes": codes}));
    for (codes, surcharge) in [(none, "50.00"), (&["RCL"][..], "120.00"), (&["RFL"][..], "200.00")] {
        let quote = customer.post(QUOTES, wanted(codes)).await.expect(201);
        assert_eq!(amounts(&quote), lines(surcharge), "{codes:?}");
    }
    let hold = customer.hold(json!({"flight_ids": [flight["id"]], "weight_kg": 100, "pieces": 1})).await;
    let booking = customer.commit(&hold, json!({})).await;
    assert_eq!(booking["price"]["total"]["amount"], "700.00");
    // None of them has an id: an amendment tells them apart by their terms.
    for (codes, total) in [(&["RCL"][..], "770.00"), (&["RFL"][..], "850.00"), (none, "700.00")] {
        let patch = json!({"special_handling_codes": codes});
        let amended = customer.patch(&path_of(&booking), patch).await.expect(200);
        assert_eq!(amended["price"]["total"]["amount"], total, "{codes:?}");
    }
    world.audit().await;
}

#[tokio::test]
async fn quotes_that_nothing_has_taken_are_deleted_after_seven_days() {
    let world = World::migrated().await;
    let guest = guest(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    make(&world.admin().await, TARIFFS, flat("T", "5", json!({}))).await;
    let mut quotes = Vec::new();
    for _ in 0..2 {
        quotes.push(at(QUOTES, &guest.post(QUOTES, asked(&[&flight], 10.0)).await.expect(201)));
    }
    let taken = quotes[0].rsplit_once('/').unwrap().1;
    world.sql(&format!("update quotes set is_taken = true where id = '{taken}'")).await;
    loadmaster_testkit::jobs::run_again(&world, "old_quotes").await;
    assert_eq!(world.count("quotes").await, 2);
    world.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    loadmaster_testkit::jobs::run_again(&world, "old_quotes").await;
    assert_eq!(world.texts("select id::text from quotes").await, [taken]);
}

#[tokio::test]
async fn a_refusal_names_flights_that_can_be_booked() {
    let world = World::start().await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    make(&admin, TARIFFS, flat("T", "9", json!({}))).await;
    let cancelled = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(48)).await;
    let other = world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(50)).await;
    admin.poke(&format!("/api/v1/flights/{}/cancel", cancelled["id"].as_str().unwrap())).await.expect(200);
    let refused = customer.post(QUOTES, asked(&[&cancelled], 100.0)).await.expect_problem(409, "flight_cancelled");
    assert_eq!(refused["alternatives"][0]["flights"][0]["id"], other["id"], "{refused}");
    let too_much = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-22", "weight_kg": 999_999});
    let refused = customer.post(QUOTES, too_much).await.expect_problem(409, "no_bookable_itinerary");
    assert_eq!(refused["alternatives"], json!([]));
}
