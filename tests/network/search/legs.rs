//! Several legs in one search, each as if it were searched alone.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::with,
    pricing::{TARIFFS, flat, make},
};
use serde_json::{Value, json};

const SEARCH: &str = "/api/v1/routes/search";

fn leg(origin: &str, destination: &str, date: &str) -> Value {
    json!({"origin": origin, "destination": destination, "departure_date": date})
}

/// From Delhi to London, on to New York, and back two days later.
fn legs() -> Value {
    json!([leg("DEL", "LHR", "2026-11-21"), leg("LHR", "JFK", "2026-11-21"), leg("LHR", "DEL", "2026-11-23")])
}

async fn world() -> World {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T08:00:00+05:30").weight(500.0)).await;
    world.flight(NewFlight::new("BA175", "LHR", "JFK").departs("2026-11-21T20:00:00Z").weight(5000.0)).await;
    world
}

/// Tried until all of it came from the cache.
async fn cached(client: &Client, body: &Value) -> Answer {
    for _ in 0..5 {
        let answer = client.post(SEARCH, body.clone()).await;
        if answer.header("cache-status").is_some_and(|status| status.starts_with("loadmaster; hit; ttl=")) {
            return answer;
        }
    }
    panic!("never from the cache");
}

#[tokio::test]
async fn each_leg_is_answered_as_by_a_search_of_its_own_with_the_same_freight() {
    let world = world().await;
    let anyone = world.anonymous();
    let all = json!({"weight_kg": 1000, "volume_m3": 6, "positions": 1, "pieces": 4, "special_handling_codes": ["PER"],
                     "max_stops": 1, "price": true, "product": "GENERAL", "limit": 5});
    for freight in [json!({}), json!({"weight_kg": 400}), all] {
        let found = anyone.post(SEARCH, with(freight.clone(), json!({"legs": legs()}))).await.expect(200);
        let found = found["legs"].as_array().unwrap();
        assert_eq!(found.len(), 3);
        for (leg, found) in legs().as_array().unwrap().iter().zip(found) {
            assert_eq!(*found, anyone.post(SEARCH, with(freight.clone(), leg.clone())).await.expect(200));
        }
    }
    let heavy = anyone.post(SEARCH, json!({"legs": legs(), "weight_kg": 1000})).await.expect(200);
    let is_bookable = |leg: usize| heavy["legs"][leg]["direct_flights"][0]["bookable"].as_bool();
    assert_eq!([0, 1, 2].map(is_bookable), [Some(false), Some(true), None], "{heavy}");
}

#[tokio::test]
async fn each_leg_has_the_prices_of_its_lane_and_its_own_limit() {
    let world = world().await;
    let admin = world.admin().await;
    world.flight(NewFlight::new("AI103", "DEL", "LHR").departs("2026-11-21T09:00:00+05:30").weight(500.0)).await;
    make(&admin, TARIFFS, flat("DELHI", "2", json!({"origin": "DEL"}))).await;
    make(&admin, TARIFFS, flat("LONDON", "3", json!({"origin": "LHR"}))).await;
    let anyone = world.anonymous();
    let priced = json!({"legs": legs(), "weight_kg": 100, "price": true});
    let found = anyone.post(SEARCH, priced.clone()).await.expect(200);
    let totals = |found: &Value, leg: usize| -> Vec<String> {
        let options = found["legs"][leg]["direct_flights"].as_array().unwrap().iter();
        options.map(|option| option["price"]["total"]["amount"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!([0, 1, 2].map(|leg| totals(&found, leg)), [vec!["200.00"; 2], vec!["300.00"], vec![]]);
    let first = anyone.post(SEARCH, with(priced, json!({"limit": 1}))).await.expect(200);
    assert_eq!([0, 1, 2].map(|leg| totals(&first, leg)), [vec!["200.00"], vec!["300.00"], vec![]]);
    assert_eq!(first["legs"][0]["direct_flights"][0], found["legs"][0]["direct_flights"][0]);
}

#[tokio::test]
async fn one_leg_is_a_search_with_legs_and_the_cache_header_covers_all_of_them() {
    let world = world().await;
    let anyone = world.anonymous();
    let one = anyone.post(SEARCH, json!({"legs": [leg("DEL", "LHR", "2026-11-21")], "origin": null})).await.expect(200);
    assert_eq!(one["legs"][0]["direct_flights"][0]["flight_number"], "AI101");
    assert_eq!(one["legs"].as_array().map(Vec::len), Some(1));
    let single = with(leg("DEL", "LHR", "2026-11-21"), json!({"legs": null}));
    assert!(anyone.post(SEARCH, single).await.expect(200)["direct_flights"].is_array());
    let known = json!({"legs": [leg("DEL", "LHR", "2026-11-21"), leg("LHR", "JFK", "2026-11-21")]});
    cached(&anyone, &known).await.expect(200);
    let partly = json!({"legs": [leg("DEL", "LHR", "2026-11-21"), leg("LHR", "JFK", "2026-11-29")]});
    let answer = anyone.post(SEARCH, partly).await;
    assert_eq!(answer.header("cache-status"), Some("loadmaster; fwd=miss"));
    answer.expect(200);
}

#[tokio::test]
async fn faults_of_legs_are_reported_with_their_places() {
    let world = World::working().await;
    let to_london = || leg("DEL", "LHR", "2026-11-21");
    let seven: Vec<Value> = std::iter::repeat_with(to_london).take(7).collect();
    let beside = |member: &str, value: &str| json!({"legs": [to_london()], member: value});
    for (body, faults) in [
        (json!({"legs": seven}), vec![("/legs", "too_long")]),
        (json!({"legs": []}), vec![("/legs", "too_short")]),
        (json!({"legs": "DEL-LHR"}), vec![("/legs", "wrong_type")]),
        (json!({"legs": [to_london(), 5]}), vec![("/legs/1", "wrong_type")]),
        (
            json!({"legs": [to_london(), leg("QQQ", "LHR", "21.11.2026"), leg("DEL", "del", "2026-11-21")]}),
            vec![
                ("/legs/1/departure_date", "invalid_format"),
                ("/legs/1/origin", "unknown_value"),
                ("/legs/2/destination", "same_as_origin"),
            ],
        ),
        (
            json!({"legs": [{}]}),
            vec![
                ("/legs/0/departure_date", "required"),
                ("/legs/0/destination", "required"),
                ("/legs/0/origin", "required"),
            ],
        ),
        (json!({"legs": [with(to_london(), json!({"weight_kg": 5}))]}), vec![("/legs/0/weight_kg", "unknown_field")]),
        (json!({"legs": [to_london()], "price": true}), vec![("/weight_kg", "required")]),
        (json!({"legs": [to_london()], "limit": 0}), vec![("/limit", "too_small")]),
        (beside("origin", "DEL"), vec![("/origin", "invalid_format")]),
        (beside("destination", "LHR"), vec![("/destination", "invalid_format")]),
        (beside("departure_date", "2026-11-21"), vec![("/departure_date", "invalid_format")]),
        (beside("color", "red"), vec![("/color", "unknown_field")]),
    ] {
        let mut told = world.anonymous().post(SEARCH, body.clone()).await.expect_faults();
        told.sort();
        let expected: Vec<_> = faults.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect();
        assert_eq!(told, expected, "{body}");
    }
    let query = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21&legs=1";
    let faults = world.anonymous().get(query).await.expect_faults();
    assert_eq!(faults, [("legs".to_owned(), "unknown_field".to_owned())]);
}

/// The rest of the quota that an answer tells.
fn left(answer: &Answer) -> u32 {
    answer.header("ratelimit-remaining").expect("a quota").parse().unwrap()
}

#[tokio::test]
async fn each_leg_takes_a_request_of_the_quota_with_prices_too() {
    let options = WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let options = options.set("rate_limit.anonymous_per_minute", "5").set("rate_limit.authenticated_per_minute", "7");
    let world = options.start().await;
    for (caller, limit) in [(world.anonymous(), 5), (world.customer().await, 7)] {
        let priced = json!({"legs": legs(), "weight_kg": 100, "price": true, "limit": 1});
        let three = caller.post(SEARCH, priced).await;
        assert_eq!(left(&three), limit - 3);
        three.expect(200);
        let one = caller.post(SEARCH, leg("DEL", "LHR", "2026-11-21")).await;
        assert_eq!(left(&one), limit - 4);
        one.expect(200);
        // A search that cannot be read takes one.
        let unread = caller.post(SEARCH, json!({"legs": [leg("DEL", "LHR", "2026-11-21"), {}]})).await;
        assert_eq!(left(&unread), limit - 5);
        let six: Vec<Value> = (21..=26).map(|day| leg("DEL", "LHR", &format!("2026-11-{day}"))).collect();
        let refused = caller.post(SEARCH, json!({"legs": six})).await;
        assert_eq!(left(&refused), 0);
        assert!(refused.header("retry-after").is_some());
        refused.expect_problem(429, "rate_limited");
    }
}
