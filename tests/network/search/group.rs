//! Searches for the freight of several origins, which may meet on the way.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    embargoes::{embargo, impose},
    freight::{each, text, with},
    pricing::{QUOTES, SURCHARGES, TARIFFS, flat, make, surcharge, tariff},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::names;

const GROUP: &str = "/api/v1/routes/group-search";

/// From Delhi and Bombay to London on 21 November 2026: each has a direct flight, and one to Dubai, where both meet EK1.
struct Network {
    world: World,
    /// From Dubai to London.
    onward: Value,
}

fn from_dubai() -> NewFlight {
    NewFlight::new("EK1", "DXB", "LHR").departs("2026-11-21T09:00:00Z").takes_minutes(420)
}

/// Bookings for it close at 02:00 UTC, as for the one from Bombay at 03:00.
fn direct(number: &str, origin: &'static str, hour: u8) -> NewFlight {
    NewFlight::new(number, origin, "LHR").departs(&format!("2026-11-21T{hour:02}:00:00Z")).takes_minutes(600)
}

fn to_dubai(number: &str, origin: &'static str) -> NewFlight {
    NewFlight::new(number, origin, "DXB").departs("2026-11-21T02:00:00Z").takes_minutes(180)
}

async fn network(onward: NewFlight) -> Network {
    let world = World::start().await;
    world.flight(direct("AI101", "DEL", 3)).await;
    world.flight(direct("BA201", "BOM", 4)).await;
    world.flight(to_dubai("EK501", "DEL")).await;
    world.flight(to_dubai("EK601", "BOM")).await;
    let onward = world.flight(onward).await;
    Network { world, onward }
}

fn part(origin: &str, kilograms: f64, members: Value) -> Value {
    with(json!({"origin": origin, "weight_kg": kilograms, "volume_m3": 0.1}), members)
}

fn question(parts: &[Value], members: Value) -> Value {
    with(json!({"destination": "LHR", "departure_date": "2026-11-21", "parts": parts}), members)
}

async fn found(client: &Client, parts: &[Value], members: Value) -> Value {
    client.post(GROUP, question(parts, members)).await.expect(200)
}

/// Delhi and Bombay, 100 kg each.
fn two() -> [Value; 2] {
    [part("DEL", 100.0, json!({})), part("BOM", 100.0, json!({}))]
}

/// The flight numbers of the routes of each option, as `EK501+EK1 EK601+EK1`.
fn routes(found: &Value) -> Vec<String> {
    found.as_array().unwrap().iter().map(|option| names(&option["ways"]).join(" ")).collect()
}

fn amounts(option: &Value) -> [Option<&str>; 3] {
    ["price", "apart", "saving"].map(|member| option[member]["amount"].as_str())
}

#[tokio::test]
async fn origins_that_meet_on_one_last_flight_come_first() {
    let Network { world, onward } = network(from_dubai()).await;
    let parts = [part("DEL", 60.0, json!({"pieces": 3})), part("BOM", 100.0, json!({})), part("DEL", 40.0, json!({}))];
    let found = found(&world.anonymous(), &parts, json!({})).await;
    let expected = ["EK501+EK1 EK601+EK1", "AI101 BA201", "EK501+EK1 BA201", "AI101 EK601+EK1"];
    let mut last = routes(&found).split_off(2);
    last.sort();
    assert_eq!(routes(&found)[..2], expected[..2]);
    assert_eq!(last, [expected[3], expected[2]]);
    let (met, apart) = (&found[0], &found[1]);
    assert_eq!((&met["hub"], &met["common_flight"]), (&json!("DXB"), &onward["id"]));
    assert_eq!((&met["last_arrival"], &met["spread_minutes"]), (&json!("2026-11-21T16:00:00Z"), &json!(0)));
    assert_eq!((&apart["hub"], &apart["common_flight"]), (&Value::Null, &Value::Null));
    assert_eq!((&apart["last_arrival"], &apart["spread_minutes"]), (&json!("2026-11-21T14:00:00Z"), &json!(60)));
    assert_eq!(each(&met["ways"], "origin"), ["DEL", "BOM"]);
    assert!(each(&found, "bookable").iter().all(|bookable| **bookable == true));
    assert!(met.get("price").is_none() && met.get("saving").is_none(), "no prices are asked for");
}

#[tokio::test]
async fn each_route_is_an_option_of_a_search_for_the_sum_of_its_parts() {
    let Network { world, .. } = network(from_dubai()).await;
    let (anyone, admin) = (world.anonymous(), world.admin().await);
    make(&admin, TARIFFS, tariff("ALL", json!({}))).await;
    let parts = [
        part("DEL", 60.0, json!({"positions": 1, "special_handling_codes": ["PER"]})),
        part("DEL", 40.0, json!({"positions": 2, "special_handling_codes": ["COL", "PER"]})),
        part("BOM", 100.0, json!({})),
    ];
    let found = found(&anyone, &parts, json!({"price": true})).await;
    let query = "origin=DEL&destination=LHR&departure_date=2026-11-21&weight_kg=100&volume_m3=0.2&positions=3&price=true\
                 &special_handling_codes=COL,PER";
    let options = anyone.get(&format!("/api/v1/routes?{query}")).await.expect(200);
    let options: Vec<Value> =
        options.as_array().unwrap().iter().map(|option| with(option.clone(), json!({"origin": "DEL"}))).collect();
    assert_eq!(options.len(), 2);
    assert!(found.as_array().unwrap().iter().all(|it| options.contains(&it["ways"][0])), "{found} of {options:?}");
}

#[tokio::test]
async fn freight_that_fits_alone_and_not_together_is_refused_where_it_meets() {
    let Network { world, .. } = network(from_dubai().weight(250.0).volume(3.0).positions(3)).await;
    let anyone = world.anonymous();
    for (first, second, reason) in [
        (json!({"weight_kg": 200}), json!({"weight_kg": 51}), "weight_exceeded"),
        (json!({"volume_m3": 2}), json!({"volume_m3": 1.001}), "volume_exceeded"),
        (json!({"positions": 2}), json!({"positions": 2}), "positions_exceeded"),
    ] {
        let parts = [part("DEL", 10.0, first.clone()), part("BOM", 10.0, second)];
        let options = found(&anyone, &parts, json!({})).await;
        let met = options.as_array().unwrap().iter().find(|it| it["common_flight"].is_string()).unwrap();
        assert_eq!(met["bookable"], false, "{reason}");
        for way in met["ways"].as_array().unwrap() {
            assert_eq!((&way["bookable"], &way["reasons"]), (&json!(false), &json!([reason])));
        }
        assert_eq!(routes(&options)[0], "AI101 BA201");
        // One of the two fits on the flight.
        assert_eq!(each(&options, "bookable"), [true, true, true, false]);
        let fitting = [part("DEL", 10.0, first), part("BOM", 10.0, json!({}))];
        assert_eq!(each(&found(&anyone, &fitting, json!({})).await, "bookable"), [true; 4]);
    }
}

#[tokio::test]
async fn parts_of_an_origin_are_judged_by_their_sum() {
    let Network { world, onward } = network(from_dubai().weight(250.0)).await;
    let (anyone, customer) = (world.anonymous(), world.customer().await);
    let two = [part("DEL", 150.0, json!({})), part("DEL", 150.0, json!({}))];
    let options = found(&anyone, &two, json!({})).await;
    assert_eq!(routes(&options), ["AI101", "EK501+EK1"]);
    assert_eq!(options[1]["ways"][0]["reasons"], json!(["weight_exceeded"]));
    assert_eq!(routes(&found(&anyone, &two[..1], json!({})).await), ["AI101", "EK501+EK1"]);
    // A booking of the rest fills the flight.
    let order = json!({"origin": "DXB", "destination": "LHR", "pieces": 1, "weight_kg": 250, "volume_m3": 1,
                       "flight_ids": [onward["id"]]});
    customer.book(order).await;
    let options = found(&anyone, &[part("DEL", 0.1, json!({}))], json!({"hub": "DXB"})).await;
    assert_eq!(
        (&options[0]["bookable"], &options[0]["ways"][0]["reasons"]),
        (&json!(false), &json!(["weight_exceeded"]))
    );
    world.audit().await;
}

#[tokio::test]
async fn an_embargo_on_the_codes_of_one_part_concerns_its_origin_alone() {
    let Network { world, .. } = network(from_dubai()).await;
    let admin = world.admin().await;
    impose(&admin, embargo(json!({"destination": "DXB", "handling_codes": ["AVI"]}))).await;
    let parts = [
        part("DEL", 10.0, json!({"special_handling_codes": ["AVI"]})),
        part("DEL", 10.0, json!({})),
        part("BOM", 10.0, json!({})),
    ];
    let options = found(&world.anonymous(), &parts, json!({})).await;
    assert_eq!(each(&options, "bookable"), [true, true, false, false]);
    assert_eq!(routes(&options)[..2], ["AI101 BA201", "AI101 EK601+EK1"]);
    assert_eq!(options[2]["ways"][0]["reasons"], json!(["embargoed"]));
    assert_eq!(options[2]["ways"][1]["reasons"], json!([]));
}

#[tokio::test]
async fn a_dense_part_beside_a_bulky_one_costs_less_than_both_apart() {
    let Network { world, .. } = network(from_dubai()).await;
    let (anyone, admin) = (world.anonymous(), world.admin().await);
    make(&admin, TARIFFS, tariff("ALL", json!({}))).await;
    // Chargeable are 60 and 100 kg apart, and 110 kg together.
    let parts = [part("DEL", 60.0, json!({"volume_m3": 0.06})), part("DEL", 20.0, json!({"volume_m3": 0.6}))];
    let options = found(&anyone, &parts, json!({"price": true})).await;
    assert_eq!(amounts(&options[0]), ["990.00", "1500.00", "510.00"].map(Some));
    let flights: Vec<&Value> = each(&options[0]["ways"][0]["flights"], "id");
    let master =
        json!({"origin": "DEL", "destination": "LHR", "flight_ids": flights, "weight_kg": 80, "volume_m3": 0.66});
    let quote = world.customer().await.post(QUOTES, master).await.expect(201);
    assert_eq!(options[0]["price"], quote["total"]);
    // 60 kg each: alone at 10, together at the rate from 100 kg.
    let alike = [part("DEL", 60.0, json!({})), part("DEL", 60.0, json!({}))];
    let options = found(&anyone, &alike, json!({"price": true})).await;
    assert_eq!(amounts(&options[0]), ["1080.00", "1200.00", "120.00"].map(Some));
}

#[tokio::test]
async fn a_surcharge_for_a_code_of_one_part_can_cost_more_together() {
    let Network { world, .. } = network(from_dubai()).await;
    let admin = world.admin().await;
    make(&admin, TARIFFS, flat("ALL", "2", json!({}))).await;
    let per_kg = json!({"basis": "PER_KG_ACTUAL", "rate": "1", "handling_codes": ["PER"]});
    make(&admin, SURCHARGES, surcharge("MYC", per_kg)).await;
    let parts = [part("DEL", 100.0, json!({"special_handling_codes": ["PER"]})), part("DEL", 100.0, json!({}))];
    let options = found(&world.anonymous(), &parts, json!({"price": true})).await;
    assert_eq!(amounts(&options[0]), ["600.00", "500.00", "-100.00"].map(Some));
}

#[tokio::test]
async fn the_lower_sum_comes_first_and_without_a_rate_or_in_two_currencies_there_is_none() {
    let Network { world, .. } = network(from_dubai()).await;
    let (anyone, admin) = (world.anonymous(), world.admin().await);
    let priced = || json!({"price": true});
    make(&admin, TARIFFS, flat("DEL", "2", json!({"origin": "DEL", "destination": "LHR"}))).await;
    let unrated = found(&anyone, &two(), priced()).await;
    for member in ["price", "apart", "saving"] {
        assert!(unrated[0].get(member).is_some_and(Value::is_null), "{member}");
    }
    assert_eq!(unrated[0]["ways"][0]["price"]["total"]["amount"], "200.00");
    assert_eq!(unrated[0]["ways"][1]["price"], Value::Null);
    let euros = json!({"origin": "BOM", "destination": "LHR", "currency": "EUR"});
    let euros = make(&admin, TARIFFS, flat("BOM", "3", euros)).await;
    let mixed = found(&anyone, &two(), priced()).await;
    assert_eq!(
        (&mixed[0]["price"], &mixed[0]["apart"], &mixed[0]["saving"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(mixed[0]["ways"][1]["price"]["total"], json!({"amount": "300.00", "currency": "EUR"}));
    admin.delete(&format!("{TARIFFS}/{}", text(&euros, "id"))).await.expect(200);
    make(&admin, TARIFFS, flat("BOM2", "3", json!({"origin": "BOM", "destination": "LHR"}))).await;
    make(&admin, TARIFFS, flat("BA", "1", json!({"origin": "BOM", "destination": "LHR", "airline_code": "BA"}))).await;
    let options = found(&anyone, &two(), priced()).await;
    // On one last flight it costs 500; apart, the direct flight of BA saves 200.
    let sums: Vec<Option<&str>> =
        options.as_array().unwrap().iter().map(|option| option["price"]["amount"].as_str()).collect();
    assert_eq!(sums, ["500.00", "300.00", "300.00", "500.00"].map(Some));
    assert_eq!(routes(&options)[..3], ["EK501+EK1 EK601+EK1", "AI101 BA201", "EK501+EK1 BA201"]);
}

#[tokio::test]
async fn an_organization_sees_prices_by_its_own_tariffs() {
    let Network { world, .. } = network(from_dubai()).await;
    let (admin, organization) = (world.admin().await, Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    make(&admin, TARIFFS, flat("ALL", "2", json!({}))).await;
    make(&admin, TARIFFS, flat("OWN", "1", json!({"organization_id": organization}))).await;
    for (caller, price) in [(world.anonymous(), "400.00"), (world.customer().await, "400.00"), (customer, "200.00")] {
        let options = found(&caller, &two(), json!({"price": true})).await;
        assert_eq!(amounts(&options[0]), [Some(price), Some(price), Some("0.00")]);
    }
}

#[tokio::test]
async fn hub_latest_arrival_and_readiness_leave_routes_out() {
    let Network { world, .. } = network(from_dubai()).await;
    let anyone = world.anonymous();
    let met = ["EK501+EK1 EK601+EK1"];
    assert_eq!(routes(&found(&anyone, &two(), json!({"hub": "DXB", "price": false})).await), met);
    assert!(routes(&found(&anyone, &two(), json!({"hub": "DEL"})).await).is_empty(), "nothing goes there from Bombay");
    for (latest, expected) in [
        ("2026-11-21T16:00:00Z", 4),
        ("2026-11-21T15:59:59Z", 1),
        ("2026-11-21T14:00:00Z", 1),
        ("2026-11-21T13:59:59Z", 0),
    ] {
        let options = found(&anyone, &two(), json!({"latest_arrival": latest})).await;
        assert_eq!(options.as_array().map(Vec::len), Some(expected), "{latest}");
    }
    // Bookings for EK501 close at 01:00, for AI101 at 02:00.
    for (ready_at, expected) in [("01:00:00", 4), ("01:00:01", 2), ("02:00:00", 2), ("02:00:01", 0)] {
        let ready_at = json!({"ready_at": format!("2026-11-21T{ready_at}Z")});
        let parts = [part("DEL", 10.0, ready_at.clone()), part("DEL", 10.0, json!({})), part("BOM", 10.0, json!({}))];
        let options = found(&anyone, &parts, json!({})).await;
        assert_eq!(options.as_array().map(Vec::len), Some(expected), "{ready_at}");
    }
    let with_unserved = [part("DEL", 10.0, json!({})), part("SYD", 10.0, json!({}))];
    assert!(routes(&found(&anyone, &with_unserved, json!({})).await).is_empty(), "nothing leaves Sydney");
}

#[tokio::test]
async fn faults_of_parts_are_reported_with_their_places() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let origins = ["DEL", "BOM", "BLR", "MAA", "CCU", "HYD", "JFK", "FRA", "CDG", "SIN", "DXB"];
    let of_each: Vec<Value> = origins.iter().map(|origin| part(origin, 10.0, json!({}))).collect();
    let of_one = |number: usize| vec![part("DEL", 10.0, json!({})); number];
    let codes = |codes: &[&str]| part("DEL", 10.0, json!({"special_handling_codes": codes}));
    let nine = ["ACT", "AOG", "ATT", "AVI", "BIG", "BUP", "CAO", "CAT", "CIC"];
    let one = |members: Value| question(&[part("DEL", 10.0, members)], json!({}));
    let beside = |members: Value| question(&two(), members);
    for (body, faults) in [
        (json!({}), vec![("/departure_date", "required"), ("/destination", "required"), ("/parts", "required")]),
        (beside(json!({"parts": []})), vec![("/parts", "too_short")]),
        (beside(json!({"parts": "DEL"})), vec![("/parts", "wrong_type")]),
        (beside(json!({"parts": [5]})), vec![("/parts/0", "wrong_type")]),
        (question(&of_one(101), json!({})), vec![("/parts", "too_long")]),
        (question(&of_each, json!({})), vec![("/parts", "too_long")]),
        (beside(json!({"parts": [{}]})), vec![("/parts/0/origin", "required"), ("/parts/0/weight_kg", "required")]),
        (one(json!({"origin": "lhr"})), vec![("/parts/0/origin", "same_as_origin")]),
        (one(json!({"origin": "QQQ"})), vec![("/parts/0/origin", "unknown_value")]),
        (one(json!({"weight_kg": 0})), vec![("/parts/0/weight_kg", "too_small")]),
        (one(json!({"color": "red"})), vec![("/parts/0/color", "unknown_field")]),
        (one(json!({"special_handling_codes": ["QQQ"]})), vec![("/parts/0/special_handling_codes/0", "unknown_value")]),
        // In Delhi it is already the 22nd.
        (one(json!({"ready_at": "2026-11-21T18:30:00Z"})), vec![("/parts/0/ready_at", "out_of_order")]),
        (
            question(&[codes(&nine), codes(&["AVI", "COL"])], json!({})),
            vec![("/parts/1/special_handling_codes", "too_long")],
        ),
        (
            question(&[part("DEL", 9_999_999.9, json!({})), part("DEL", 0.1, json!({}))], json!({})),
            vec![("/parts/1/weight_kg", "too_large")],
        ),
        (
            question(
                &[part("DEL", 1.0, json!({"positions": 9999})), part("DEL", 1.0, json!({"positions": 1}))],
                json!({}),
            ),
            vec![("/parts/1/positions", "too_large")],
        ),
        (beside(json!({"hub": "LHR"})), vec![("/hub", "same_as_origin")]),
        (beside(json!({"hub": "QQQ"})), vec![("/hub", "unknown_value")]),
        (beside(json!({"departure_date": "21.11.2026"})), vec![("/departure_date", "invalid_format")]),
        (beside(json!({"latest_arrival": "2026-11-21"})), vec![("/latest_arrival", "invalid_format")]),
        (beside(json!({"latest_arrival": "2026-11-20T18:00:00Z"})), vec![("/latest_arrival", "out_of_order")]),
        (beside(json!({"price": "yes"})), vec![("/price", "wrong_type")]),
        (beside(json!({"origin": "DEL"})), vec![("/origin", "unknown_field")]),
    ] {
        let reported = anyone.post(GROUP, body.clone()).await.expect_faults();
        let expected: Vec<_> = faults.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect();
        assert_eq!(reported, expected, "{body}");
    }
    let faults = anyone.post(&format!("{GROUP}?limit=1"), beside(json!({}))).await.expect_faults();
    assert_eq!(faults, [("limit".to_owned(), "unknown_field".to_owned())]);
    let largest = [codes(&nine), part("DEL", 9_999_989.9, json!({"positions": 9999}))];
    assert_eq!(found(&anyone, &largest, json!({})).await, json!([]), "as much as a booking may have");
}

/// The rest of the quota that an answer has.
fn left(answer: &Answer) -> u32 {
    answer.header("ratelimit-remaining").expect("a quota").parse().unwrap()
}

#[tokio::test]
async fn each_origin_takes_a_request_of_the_quota() {
    let options = WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let options = options.set("rate_limit.anonymous_per_minute", "5").set("rate_limit.authenticated_per_minute", "7");
    let world = options.start().await;
    for (caller, limit) in [(world.anonymous(), 5), (world.customer().await, 7)] {
        let three = [part("DEL", 10.0, json!({})), part("DEL", 10.0, json!({})), part("BOM", 10.0, json!({}))];
        let two_origins = caller.post(GROUP, question(&three, json!({"price": true}))).await;
        assert_eq!(left(&two_origins), limit - 2);
        two_origins.expect(200);
        // A search that cannot be read takes one.
        let unread = caller.post(GROUP, question(&[json!({})], json!({}))).await;
        assert_eq!(left(&unread), limit - 3);
        let many: Vec<Value> =
            ["DEL", "BOM", "BLR", "MAA", "CCU", "HYD"].iter().map(|origin| part(origin, 10.0, json!({}))).collect();
        let refused = caller.post(GROUP, question(&many, json!({}))).await;
        assert!(refused.header("retry-after").is_some());
        refused.expect_problem(429, "rate_limited");
    }
}
