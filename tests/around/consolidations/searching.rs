//! The group search for the parts that are ready.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::with,
    notifications::Person,
    pricing::{TARIFFS, flat, make},
};
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, join, of, part, plan};

const GROUP: &str = "/api/v1/routes/group-search";

/// A flight to London on 21 November 2026.
fn leaving(number: &str, origin: &'static str, hour: u8) -> NewFlight {
    NewFlight::new(number, origin, "LHR").departs(&format!("2026-11-21T{hour:02}:00:00Z")).takes_minutes(600)
}

async fn found(client: &Client, consolidation: &Value, members: Value) -> Value {
    let question = with(json!({"departure_date": "2026-11-21"}), members);
    client.post(&of(consolidation, "search"), question).await.expect(200)
}

/// The flight numbers of the routes of each combination.
fn flights(found: &Value) -> Vec<String> {
    let number = |way: &Value| way["flights"][0]["flight_number"].as_str().unwrap().to_owned();
    let numbers = |option: &Value| option["ways"].as_array().unwrap().iter().map(number).collect::<Vec<_>>().join(" ");
    found.as_array().unwrap().iter().map(numbers).collect()
}

#[tokio::test]
async fn parts_that_are_ready_are_searched_as_the_callers_own_group_search() {
    let world = World::start().await;
    let (owner, member, operator) = (Person::new(&world).await, Person::new(&world).await, world.operator().await);
    world.flight(leaving("AI101", "DEL", 3)).await;
    world.flight(leaving("BA201", "BOM", 4).weight(150.0)).await;
    let admin = world.admin().await;
    make(&admin, TARIFFS, flat("ALL", "9", json!({}))).await;
    let own = json!({"organization_id": owner.organization});
    make(&admin, TARIFFS, flat("OWN", "1", own)).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &member).await;
    let parts = of(&consolidation, "parts");
    owner.client.post(&parts, part("DEL")).await.expect(201);
    for wanted in [part("DEL"), with(part("BOM"), json!({"special_handling_codes": ["PER"]}))] {
        member.client.post(&parts, wanted).await.expect(201);
    }
    for other in [with(part("BOM"), json!({"status": "DRAFT"})), with(part("MAA"), json!({"status": "DRAFT"}))] {
        owner.client.post(&parts, other).await.expect(201);
    }
    let same = json!({
        "destination": "LHR", "departure_date": "2026-11-21", "price": true,
        "parts": [{"origin": "DEL", "weight_kg": 100}, {"origin": "DEL", "weight_kg": 100},
                  {"origin": "BOM", "weight_kg": 100, "special_handling_codes": ["PER"]}],
    });
    for (caller, price) in [(&owner.client, "300.00"), (&member.client, "2700.00"), (&operator, "2700.00")] {
        let mut options = found(caller, &consolidation, json!({"price": true})).await;
        assert_eq!(flights(&options).len(), 1);
        assert_eq!((&options[0]["price"]["amount"], &options[0]["bookable"]), (&json!(price), &json!(true)));
        // Ids of one moment have no order: the origins may come in another one.
        let mut expected = caller.post(GROUP, same.clone()).await.expect(200);
        for option in [&mut options[0], &mut expected[0]] {
            option["ways"].as_array_mut().unwrap().sort_by_key(|way| way["origin"].to_string());
        }
        assert_eq!(options, expected);
    }
    world.customer().await.post(&of(&consolidation, "search"), json!({})).await.expect_problem(404, "not_found");
    // 200 kg from Bombay do not fit.
    owner.client.post(&parts, part("BOM")).await.expect(201);
    assert_eq!(found(&owner.client, &consolidation, json!({})).await[0]["bookable"], false);
}

#[tokio::test]
async fn the_latest_arrival_of_the_plan_and_readiness_leave_routes_out() {
    let world = World::start().await;
    let owner = world.customer().await;
    world.flight(leaving("AI101", "DEL", 3)).await;
    world.flight(leaving("AI103", "DEL", 8)).await;
    let wanted = with(plan(), json!({"latest_arrival": "2026-11-21T14:00:00Z"}));
    let consolidation = owner.post(CONSOLIDATIONS, wanted).await.expect(201);
    owner.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    assert_eq!(flights(&found(&owner, &consolidation, json!({})).await), ["AI101"]);
    let later = json!({"latest_arrival": "2026-11-22T00:00:00Z"});
    assert_eq!(flights(&found(&owner, &consolidation, later.clone()).await), ["AI101", "AI103"]);
    let late = with(part("DEL"), json!({"ready_at": "2026-11-21T04:00:00Z"}));
    owner.post(&of(&consolidation, "parts"), late).await.expect(201);
    assert_eq!(flights(&found(&owner, &consolidation, later).await), ["AI103"]);
    assert_eq!(found(&owner, &consolidation, json!({"hub": "DXB"})).await, json!([]), "both leave from Delhi");
}

#[tokio::test]
async fn each_fault_of_a_search_names_its_member() {
    let world = World::start().await;
    let owner = world.customer().await;
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    let (path, date) = (of(&consolidation, "search"), json!({"departure_date": "2026-11-21"}));
    owner.post(&path, date.clone()).await.expect_problem(409, "hold_incomplete");
    owner.post(&of(&consolidation, "parts"), with(part("DEL"), json!({"status": "DRAFT"}))).await.expect(201);
    owner.post(&path, date.clone()).await.expect_problem(409, "hold_incomplete");
    owner.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    let beside = |members: Value| with(date.clone(), members);
    for (wanted, pointer, code) in [
        (json!({}), "/departure_date", "required"),
        (beside(json!({"departure_date": "21.11.2026"})), "/departure_date", "invalid_format"),
        (beside(json!({"hub": "LHR"})), "/hub", "same_as_origin"),
        (beside(json!({"hub": "QQQ"})), "/hub", "unknown_value"),
        // In Delhi it is still the 20th.
        (beside(json!({"latest_arrival": "2026-11-20T18:00:00Z"})), "/latest_arrival", "out_of_order"),
        (beside(json!({"price": "yes"})), "/price", "wrong_type"),
        (beside(json!({"parts": []})), "/parts", "unknown_field"),
    ] {
        let faults = owner.post(&path, wanted.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{wanted}");
    }
    let faults = owner.post(&format!("{path}?limit=1"), date.clone()).await.expect_faults();
    assert_eq!(faults, [("limit".to_owned(), "unknown_field".to_owned())]);
    world.customer().await.post(&path, json!({"hub": "QQQ"})).await.expect_problem(404, "not_found");
    world.anonymous().post(&path, date).await.expect_problem(401, "unauthenticated");
}

/// The rest of the quota that an answer has.
fn left(answer: &Answer) -> u32 {
    answer.header("ratelimit-remaining").expect("a quota").parse().unwrap()
}

#[tokio::test]
async fn each_origin_of_a_search_takes_a_request_of_the_quota() {
    let options = WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let world = options.set("rate_limit.authenticated_per_minute", "9").start().await;
    let owner = world.customer().await;
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    let parts = of(&consolidation, "parts");
    for origin in ["DEL", "DEL", "BOM"] {
        owner.post(&parts, part(origin)).await.expect(201);
    }
    let before = left(&owner.get(&parts).await);
    let (path, date) = (of(&consolidation, "search"), json!({"departure_date": "2026-11-21"}));
    let search = owner.post(&path, date.clone()).await;
    assert_eq!((before, left(&search)), (4, 2), "of Delhi and Bombay");
    search.expect(200);
    owner.post(&path, date.clone()).await.expect(200);
    let refused = owner.post(&path, date).await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(429, "rate_limited");
}
