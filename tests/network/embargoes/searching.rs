//! A search shows what embargoes forbid, also where the routes and whole answers are kept.
use loadmaster_testkit::{
    Answer, NewFlight, World, WorldOptions,
    embargoes::{embargo, impose, only_with, path_of},
};
use serde_json::{Value, json};

const LISTS: &str = "/api/v1/routes/search";

fn question(codes: &[&str]) -> Value {
    json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 100,
           "special_handling_codes": codes})
}

/// Number and reasons of each option, in the order of `GET /routes`.
fn ranking(answer: &Answer) -> Vec<(String, Vec<String>)> {
    let options = answer.body.as_array().unwrap_or_else(|| panic!("{}", answer.text)).iter();
    let told = options.map(|option| {
        let numbers: Vec<&str> =
            option["flights"].as_array().unwrap().iter().map(|it| it["flight_number"].as_str().unwrap()).collect();
        let reasons: Vec<String> = serde_json::from_value(option["reasons"].clone()).unwrap();
        assert_eq!(option["bookable"] == true, reasons.is_empty());
        (numbers.join(" "), reasons)
    });
    told.collect()
}

async fn ranked(world: &World, codes: &str) -> Vec<(String, Vec<String>)> {
    let codes = if codes.is_empty() { String::new() } else { format!("&special_handling_codes={codes}") };
    let path = format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21{codes}");
    ranking(&world.anonymous().get(&path).await)
}

fn options(told: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    told.iter()
        .map(|(numbers, reasons)| ((*numbers).to_owned(), reasons.iter().map(|it| (*it).to_owned()).collect()))
        .collect()
}

/// Direct with AI101, and by Bombay with AI102 and AI103.
async fn schedule(world: &World) {
    world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77W")).await;
    world.flight(NewFlight::new("AI102", "DEL", "BOM").leaves_in_hours(20)).await;
    world.flight(NewFlight::new("AI103", "BOM", "LHR").leaves_in_hours(30)).await;
}

async fn the_reasons_are_told(world: &World) {
    let admin = world.admin().await;
    schedule(world).await;
    let bookable = options(&[("AI101", &[]), ("AI102 AI103", &[])]);
    for _ in 0..2 {
        assert_eq!(ranked(world, "").await, bookable);
        assert_eq!(ranked(world, "PER").await, bookable);
        assert_eq!(ranked(world, "AVI,PER").await, bookable);
    }
    let animals =
        impose(&admin, embargo(json!({"destination": "city:London,GB", "origin": "DEL", "handling_codes": ["AVI"]})));
    let animals = animals.await;
    // Whatever is bookable comes first.
    let embargoed = options(&[("AI102 AI103", &[]), ("AI101", &["embargoed"])]);
    for _ in 0..2 {
        assert_eq!(ranked(world, "AVI").await, embargoed);
        assert_eq!(ranked(world, "").await, bookable);
    }
    impose(&admin, only_with(&["COL", "FRO"], json!({"handling_codes": ["PER"]}))).await;
    for _ in 0..2 {
        assert_eq!(
            ranked(world, "AVI,PER").await,
            options(&[("AI101", &["embargoed", "handling_required"]), ("AI102 AI103", &["handling_required"])])
        );
        assert_eq!(ranked(world, "AVI,COL,PER").await, embargoed);
        assert_eq!(ranked(world, "AVI").await, embargoed);
    }
    let cargo = options(&[("AI101", &["cargo_aircraft_only", "embargoed"]), ("AI102 AI103", &["cargo_aircraft_only"])]);
    assert_eq!(ranked(world, "AVI,CAO").await, cargo);
    let lists = world.anonymous().post(LISTS, question(&["AVI", "PER"])).await.expect(200);
    assert_eq!(lists["direct_flights"][0]["reasons"], json!(["embargoed", "handling_required"]));
    assert_eq!(lists["transit_routes"][0]["reasons"], json!(["handling_required"]));
    assert_eq!(lists["transit_routes"][0]["bookable"], false);

    admin.patch(&path_of(&animals), json!({"origin": "BOM"})).await.expect(200);
    let onward = options(&[("AI101", &[]), ("AI102 AI103", &["embargoed"])]);
    assert_eq!(ranked(world, "AVI").await, onward);
    admin.delete(&path_of(&animals)).await.expect(200);
    assert_eq!(ranked(world, "AVI").await, bookable);
}

#[tokio::test]
async fn an_embargo_is_a_reason_also_through_the_cache() {
    the_reasons_are_told(&World::working().await).await;
}

#[tokio::test]
async fn an_embargo_is_a_reason_without_a_cache() {
    let world = WorldOptions::working().set("search.cache_ttl_seconds", "0").start().await;
    the_reasons_are_told(&world).await;
}

#[tokio::test]
async fn an_embargo_is_a_reason_while_the_process_follows_no_outbox() {
    the_reasons_are_told(&World::start().await).await;
}

#[tokio::test]
async fn kept_routes_stay_kept_when_an_embargo_changes() {
    let world = World::working().await;
    schedule(&world).await;
    let client = world.anonymous();
    let first = client.post(LISTS, question(&["AVI"])).await;
    assert_eq!(first.header("cache-status"), Some("loadmaster; fwd=miss"));
    impose(&world.admin().await, embargo(json!({"handling_codes": ["AVI"]}))).await;
    for _ in 0..2 {
        let answer = client.post(LISTS, question(&["AVI"])).await;
        assert!(answer.header("cache-status").unwrap().contains("hit"));
        assert_eq!(answer.body["direct_flights"][0]["reasons"], json!(["embargoed"]));
    }
    assert_eq!(client.post(LISTS, question(&[])).await.body, first.body, "other freight flies");
}

#[tokio::test]
async fn a_search_judges_by_the_local_departure_of_each_leg() {
    let world = World::working().await;
    // On Sunday in Delhi; the connection leaves Bombay on Monday.
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T23:30:00Z")).await;
    world.flight(NewFlight::new("AI102", "DEL", "BOM").departs("2026-11-21T22:00:00Z").takes_minutes(120)).await;
    world.flight(NewFlight::new("AI103", "BOM", "LHR").departs("2026-11-22T19:00:00Z")).await;
    let admin = world.admin().await;
    let path = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-22";
    let embargo = impose(&admin, embargo(json!({"weekdays": [1]}))).await;
    let told = ranking(&world.anonymous().get(path).await);
    assert_eq!(told, options(&[("AI101", &[]), ("AI102 AI103", &["embargoed"])]));
    admin.patch(&path_of(&embargo), json!({"weekdays": [7], "destination": "LHR"})).await.expect(200);
    let told = ranking(&world.anonymous().get(path).await);
    assert_eq!(told, options(&[("AI102 AI103", &[]), ("AI101", &["embargoed"])]));
}
