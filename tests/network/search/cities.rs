//! Searches between cities: all options of their airports in one order, as those of as many single searches.
use chrono::DateTime;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    flight_verbs::path_to,
    freight::{order, with},
    pricing::{TARIFFS, flat, make},
    until,
};
use serde_json::{Value, json};
use uuid::Uuid;

const SEARCH: &str = "/api/v1/routes/search";
const LONDON: [&str; 6] = ["LHR", "STN", "LGW", "LCY", "LTN", "SEN"];
const NEW_YORK: [&str; 3] = ["JFK", "EWR", "LGA"];

fn question(origin: &str, destination: &str) -> Value {
    json!({"origin": origin, "destination": destination, "departure_date": "2026-11-21"})
}

fn leaving(number: &str, origin: &'static str, destination: &'static str, at: &str, minutes: i64) -> NewFlight {
    NewFlight::new(number, origin, destination).departs(&format!("2026-11-21T{at}:00Z")).takes_minutes(minutes)
}

/// Flights between airports of London and New York, some over Frankfurt, of which two arrive at the same time; one has little
/// space, and lanes from Heathrow have prices.
async fn world() -> World {
    let world = World::start().await;
    for flight in [
        leaving("AI101", "LHR", "JFK", "08:00", 480),
        leaving("AI102", "LHR", "JFK", "07:00", 540),
        leaving("AI103", "LGW", "EWR", "09:00", 420),
        leaving("AI104", "LTN", "LGA", "06:00", 500).weight(100.0),
        leaving("AI105", "STN", "EWR", "11:00", 400),
        leaving("AI106", "LCY", "FRA", "06:30", 90),
        leaving("AI107", "LHR", "FRA", "06:00", 90),
        leaving("AI108", "FRA", "JFK", "11:00", 540),
        leaving("AI109", "FRA", "EWR", "12:00", 530),
    ] {
        world.flight(flight).await;
    }
    let admin = world.admin().await;
    make(&admin, TARIFFS, flat("HEATHROW", "3", json!({"origin": "LHR"}))).await;
    make(&admin, TARIFFS, flat("STANSTED", "2", json!({"origin": "STN"}))).await;
    world
}

/// By what an option is ordered, the lower first.
type Rank = (bool, i64, i64, usize, i64, Vec<String>);

fn instant(option: &Value, member: &str) -> i64 {
    DateTime::parse_from_rfc3339(option[member].as_str().unwrap()).unwrap().timestamp()
}

/// The rank of a direct flight or an option in this order, as the API's text says it.
fn rank(sort: &str, option: &Value) -> Rank {
    let (leaves, lands) = (instant(option, "departure_datetime"), instant(option, "arrival_datetime"));
    let price = option["price"]["total"]["amount"].as_str().map(|amount| amount.replace('.', "").parse().unwrap());
    let key = match sort {
        "duration" => lands - leaves,
        "departure" => leaves,
        "price" => price.unwrap_or(i64::MAX),
        _ => 0,
    };
    let id = |flight: &Value| flight["id"].as_str().unwrap().to_owned();
    let ids: Vec<String> = match option["flights"].as_array() {
        Some(flights) => flights.iter().map(id).collect(),
        None => vec![id(option)],
    };
    (option["bookable"] == false, key, lands, ids.len(), lands - leaves, ids)
}

/// The pairs of different airports.
fn pairs(origins: &[&'static str], destinations: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    let all = origins.iter().flat_map(|origin| destinations.iter().map(move |destination| (*origin, *destination)));
    all.filter(|(origin, destination)| origin != destination).collect()
}

async fn ranked(client: &Client, origin: &str, destination: &str, more: &str) -> Vec<Value> {
    let query = format!("origin={origin}&destination={destination}&departure_date=2026-11-21{more}");
    client.get(&format!("/api/v1/routes?{query}")).await.expect(200).as_array().unwrap().clone()
}

/// The union of the single searches, in this order.
async fn union(client: &Client, pairs: &[(&'static str, &'static str)], sort: &str, more: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for (origin, destination) in pairs {
        all.extend(ranked(client, origin, destination, &format!("{more}&limit=200")).await);
    }
    all.sort_by_key(|option| rank(sort, option));
    all
}

#[tokio::test]
async fn the_ranked_list_between_cities_is_the_union_of_the_single_searches() {
    let world = world().await;
    let anyone = world.anonymous();
    let all = pairs(&LONDON, &NEW_YORK);
    for (sort, more) in [
        ("arrival", ""),
        ("arrival", "&weight_kg=500"),
        ("duration", "&sort=duration&weight_kg=500&max_stops=0"),
        ("departure", "&sort=departure&max_stops=1"),
        ("price", "&sort=price&weight_kg=50"),
        ("price", "&sort=price&weight_kg=500&max_stops=2"),
    ] {
        let expected = union(&anyone, &all, sort, more).await;
        assert!(expected.len() >= 5, "{more}");
        // Twice: the second time all of it is known.
        for _ in 0..2 {
            let found = ranked(&anyone, "LON", "NYC", &format!("{more}&limit=200")).await;
            assert_eq!(found, expected, "{more}");
        }
        let first = ranked(&anyone, "lon", "NYC", &format!("{more}&limit=3")).await;
        assert_eq!(first, expected[..3], "{more}");
    }
    let from_city = union(&anyone, &pairs(&LONDON, &["JFK"]), "arrival", "").await;
    assert_eq!(ranked(&anyone, "LON", "JFK", "").await, from_city);
    let to_city = union(&anyone, &pairs(&["LHR"], &NEW_YORK), "arrival", "").await;
    assert_eq!(ranked(&anyone, "LHR", "NYC", "").await, to_city);
}

#[tokio::test]
async fn the_lists_between_cities_are_those_of_the_single_searches_each_in_its_order() {
    let world = world().await;
    let anyone = world.anonymous();
    for more in [json!({}), json!({"weight_kg": 500, "price": true}), json!({"weight_kg": 500, "max_stops": 0})] {
        let (mut direct, mut transit) = (Vec::new(), Vec::new());
        for (origin, destination) in pairs(&LONDON, &NEW_YORK) {
            let found = anyone.post(SEARCH, with(question(origin, destination), more.clone())).await.expect(200);
            direct.extend(found["direct_flights"].as_array().unwrap().clone());
            transit.extend(found["transit_routes"].as_array().unwrap().clone());
        }
        direct.sort_by_key(|flight| rank("departure", flight));
        transit.sort_by_key(|route| rank("arrival", route));
        let found = anyone.post(SEARCH, with(question("LON", "NYC"), more.clone())).await.expect(200);
        let mut expected = question("LON", "NYC");
        expected["direct_flights"] = direct.clone().into();
        expected["transit_routes"] = transit.into();
        if more["price"] == true {
            expected["products"] = json!(["GENERAL"]);
        }
        assert_eq!(found, expected, "{more}");
        let two = anyone.post(SEARCH, with(question("LON", "NYC"), with(more.clone(), json!({"limit": 2})))).await;
        assert_eq!(two.expect(200)["direct_flights"], Value::from(direct[..2].to_vec()), "{more}");
    }
}

#[tokio::test]
async fn a_code_of_a_city_and_an_airport_searches_the_city_and_no_airport_reaches_itself() {
    let world = World::start().await;
    let anyone = world.anonymous();
    world.flight(leaving("EK1", "DEL", "DXB", "08:00", 240)).await;
    // With routes on one lane alone, its answer is that of the city.
    for (more, is_bookable) in [("", true), ("&weight_kg=2000", false)] {
        let found = ranked(&anyone, "DEL", "DXB", more).await;
        assert_eq!((found.len(), &found[0]["bookable"]), (1, &json!(is_bookable)), "{more}");
        assert_eq!(found[0]["flights"][0]["flight_number"], "EK1", "{more}");
        assert_eq!(ranked(&anyone, "DEL", "DWC", more).await, Vec::<Value>::new(), "{more}");
    }
    let lists = anyone.post(SEARCH, question("DEL", "DXB")).await.expect(200);
    assert_eq!((&lists["destination"], &lists["direct_flights"][0]["flight_number"]), (&json!("DXB"), &json!("EK1")));
    world.flight(leaving("EK2", "DEL", "DWC", "07:00", 240)).await;
    world.flight(leaving("EK3", "DXB", "DWC", "09:00", 60)).await;
    let numbers = |options: &[Value]| -> Vec<String> {
        options.iter().map(|option| option["flights"][0]["flight_number"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(numbers(&ranked(&anyone, "DEL", "DXB", "&max_stops=0").await), ["EK2", "EK1"]);
    assert_eq!(numbers(&ranked(&anyone, "DEL", "DWC", "&max_stops=0").await), ["EK2"]);
    assert_eq!(numbers(&ranked(&anyone, "DXB", "DWC", "").await), ["EK3"]);
}

#[tokio::test]
async fn faults_of_places_are_reported() {
    let world = World::start().await;
    let anyone = world.anonymous();
    for (origin, destination, place, code) in [
        ("LON", "LON", "/destination", "same_as_origin"),
        ("DXB", "DXB", "/destination", "same_as_origin"),
        ("QQQ", "LON", "/origin", "unknown_value"),
        ("LON", "QQQ", "/destination", "unknown_value"),
        ("LOND", "NYC", "/origin", "invalid_format"),
    ] {
        let fault = [(place.to_owned(), code.to_owned())];
        let body = question(origin, destination);
        assert_eq!(anyone.post(SEARCH, body.clone()).await.expect_faults(), fault, "{origin} {destination}");
        let legs = anyone.post(SEARCH, json!({"legs": [body]})).await.expect_faults();
        assert_eq!(legs, [(format!("/legs/0{place}"), code.to_owned())], "{origin} {destination}");
        let fault = [(place[1..].to_owned(), code.to_owned())];
        let ends = format!("origin={origin}&destination={destination}");
        let ranked = anyone.get(&format!("/api/v1/routes?{ends}&departure_date=2026-11-21")).await;
        assert_eq!(ranked.expect_faults(), fault, "{ends}");
        let days = anyone.get(&format!("/api/v1/routes/days?{ends}&from=2026-11-21")).await;
        assert_eq!(days.expect_faults(), fault, "{ends}");
    }
    // Group searches name airports.
    let group =
        json!({"destination": "NYC", "departure_date": "2026-11-21", "parts": [{"origin": "LON", "weight_kg": 1}]});
    let faults = anyone.post("/api/v1/routes/group-search", group).await.expect_faults();
    let unknown = |place: &str| (place.to_owned(), "unknown_value".to_owned());
    assert_eq!(faults, [unknown("/destination"), unknown("/parts/0/origin")]);
}

#[tokio::test]
async fn an_inactive_airport_leaves_the_search_of_its_city_and_a_city_without_any_is_refused() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    world.flight(leaving("AI1", "DEL", "NRT", "08:00", 480)).await;
    world.flight(leaving("AI2", "DEL", "HND", "09:00", 480)).await;
    let found = async || {
        let posted = anyone.post(SEARCH, question("DEL", "TYO")).await.expect(200);
        let ranked = ranked(&anyone, "DEL", "TYO", "&max_stops=0").await.len();
        assert_eq!(
            posted["direct_flights"].as_array().map(Vec::len),
            Some(ranked),
            "the body that was read before is read anew when the city has changed"
        );
        ranked
    };
    assert_eq!(found().await, 2);
    for (code, left) in [("NRT", Some(1)), ("HND", None)] {
        admin.patch(&format!("/api/v1/airports/{code}"), json!({"is_active": false})).await.expect(200);
        if let Some(left) = left {
            assert_eq!(found().await, left);
            continue;
        }
        let refused = anyone.post(SEARCH, question("DEL", "TYO")).await.expect_problem(400, "validation_failed");
        let fault = &refused["errors"][0];
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!("/destination"), &json!("unknown_value")));
        assert!(fault["message"].as_str().unwrap().contains("a city without an active airport"), "{fault}");
    }
    let whole = anyone.post(SEARCH, question("DEL", "NRT")).await.expect(200);
    assert_eq!(whole["direct_flights"].as_array().map(Vec::len), Some(1), "an airport can still be searched itself");
}

#[tokio::test]
async fn each_day_between_cities_has_the_options_of_all_pairs_and_the_lowest_price() {
    let world = world().await;
    let anyone = world.anonymous();
    let later = NewFlight::new("AI201", "STN", "JFK").departs("2026-11-22T08:00:00Z").takes_minutes(400);
    world.flight(later).await;
    let days = "/api/v1/routes/days?origin=LON&destination=NYC&from=2026-11-21&days=3&weight_kg=500&price=true";
    let days = anyone.get(days).await.expect(200);
    let figures: Vec<_> =
        days.as_array().unwrap().iter().map(|day| (day["options"].clone(), day["price"].clone())).collect();
    let all = union(&anyone, &pairs(&LONDON, &NEW_YORK), "price", "&sort=price&weight_kg=500").await;
    let bookable = all.iter().filter(|option| option["bookable"] == true).count();
    assert_eq!((&figures[0].0, &days[0]["bookable"]), (&json!(all.len()), &json!(bookable)));
    assert_eq!(figures[0].1, all[0]["price"]["total"]);
    assert_eq!(figures[1], (json!(1), json!({"amount": "1000.00", "currency": "USD"})));
    assert_eq!(figures[2], (json!(0), Value::Null));
    let arrivals = all
        .iter()
        .filter(|option| option["bookable"] == true)
        .map(|option| option["arrival_datetime"].as_str().unwrap());
    assert_eq!(days[0]["best_arrival_datetime"].as_str(), arrivals.min());
}

#[tokio::test]
async fn a_search_between_cities_with_nothing_to_book_has_the_earliest_alternatives_of_all_pairs() {
    let world = World::start().await;
    let anyone = world.anonymous();
    world.flight(leaving("AI1", "LHR", "JFK", "08:00", 480).weight(100.0)).await;
    for (number, origin, destination, day, minutes) in [
        ("AI2", "LGW", "EWR", "22", 600),
        ("AI3", "STN", "JFK", "22", 500),
        ("AI4", "LHR", "LGA", "22", 400),
        ("AI5", "LHR", "JFK", "22", 700),
    ] {
        let departs = format!("2026-11-{day}T08:00:00Z");
        world.flight(NewFlight::new(number, origin, destination).departs(&departs).takes_minutes(minutes)).await;
    }
    let found = anyone.post(SEARCH, with(question("LON", "NYC"), json!({"weight_kg": 500}))).await.expect(200);
    assert_eq!(found["direct_flights"][0]["reasons"], json!(["weight_exceeded"]));
    assert_eq!(super::names(&found["alternatives"]), ["AI4", "AI3", "AI2"]);
    let bookable = anyone.post(SEARCH, with(question("LON", "NYC"), json!({"weight_kg": 50}))).await.expect(200);
    assert_eq!(bookable.get("alternatives"), None);
}

#[tokio::test]
async fn a_search_between_cities_knows_a_change_of_any_flight_and_says_whether_all_was_kept() {
    let world = world().await;
    let anyone = world.anonymous();
    let path = "/api/v1/routes?origin=LON&destination=NYC&departure_date=2026-11-21&weight_kg=500";
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(anyone.get(path).await.header("cache-status").unwrap().to_owned());
    }
    assert_eq!(statuses[0], "loadmaster; fwd=miss");
    assert!(statuses.iter().any(|status| status.starts_with("loadmaster; hit; ttl=")), "{statuses:?}");
    let new = world.flight(leaving("AI110", "SEN", "LGA", "05:00", 300)).await;
    let found = ranked(&anyone, "LON", "NYC", "&weight_kg=500").await;
    assert_eq!(found[0]["flights"][0]["id"], new["id"], "it arrives first");
    world.customer().await.book(with(order(&[&new]), json!({"weight_kg": 900}))).await;
    let found = ranked(&anyone, "LON", "NYC", "&weight_kg=500&limit=200").await;
    let full = found.iter().find(|option| option["flights"][0]["id"] == new["id"]).unwrap();
    assert_eq!((&full["bookable"], &full["available"]["weight_kg"]), (&json!(false), &json!(100)));
    let numbered = |option: &&Value| option["flights"][0]["flight_number"] == "AI103";
    let other = found.iter().find(numbered).unwrap()["flights"][0].clone();
    world.admin().await.poke(&format!("{}/cancel", path_to(&other))).await.expect(200);
    let found = ranked(&anyone, "LON", "NYC", "&weight_kg=500&limit=200").await;
    assert!(found.iter().all(|option| option["flights"][0]["id"] != other["id"]));
}

#[tokio::test]
async fn what_an_allotment_keeps_is_bookable_between_cities_for_its_organization_alone() {
    let world = World::working().await;
    world.flight(leaving("AI101", "LHR", "JFK", "08:00", 480).weight(1000.0)).await;
    let organization = Uuid::new_v4();
    let own = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let allotment = json!({"organization_id": organization, "name": "Winter", "origin": "LHR", "destination": "JFK",
                           "date_from": "2026-11-19", "date_to": "2026-12-20", "weight_kg": 400,
                           "release_hours": 0});
    world.admin().await.post("/api/v1/allotments", allotment).await.expect(201);
    let bookable = async |client: &Client| ranked(client, "LON", "NYC", "&weight_kg=700").await[0]["bookable"].clone();
    until("the space is kept", async || bookable(&world.anonymous()).await == false).await;
    until("its organization may take it", async || bookable(&own).await == true).await;
    assert_eq!(bookable(&world.customer().await).await, false);
}

/// The rest of the quota that an answer names.
fn left(answer: &Answer) -> u32 {
    answer.header("ratelimit-remaining").expect("a quota").parse().unwrap()
}

#[tokio::test]
async fn every_three_pairs_of_airports_take_a_request_of_the_quota() {
    let options = WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let options = options.set("rate_limit.anonymous_per_minute", "20").set("rate_limit.authenticated_per_minute", "24");
    let world = options.start().await;
    for (caller, limit) in [(world.anonymous(), 20), (world.customer().await, 24)] {
        let lists = caller.post(SEARCH, question("LON", "NYC")).await;
        assert_eq!(left(&lists), limit - 6, "18 pairs");
        lists.expect(200);
        let ranked = caller.get("/api/v1/routes?origin=LON&destination=JFK&departure_date=2026-11-21").await;
        assert_eq!(left(&ranked), limit - 8, "six pairs");
        ranked.expect(200);
        let days = caller.get("/api/v1/routes/days?origin=LHR&destination=NYC&from=2026-11-21&days=15").await;
        assert_eq!(left(&days), limit - 10, "two fortnights of three pairs");
        days.expect(200);
        let legs = caller.post(SEARCH, json!({"legs": [question("LHR", "NYC"), question("DEL", "DXB")]})).await;
        assert_eq!(left(&legs), limit - 12, "three pairs and two");
        legs.expect(200);
        let plain = caller.post(SEARCH, question("LHR", "JFK")).await;
        assert_eq!(left(&plain), limit - 13);
        plain.expect(200);
        let refused = caller.post(SEARCH, json!({"legs": [question("LON", "NYC"), question("NYC", "LON")]})).await;
        let refused = refused.expect_problem(429, "rate_limited");
        assert!(refused["detail"].as_str().unwrap().contains("three pairs of airports"), "{refused}");
    }
}

#[tokio::test]
async fn legs_between_cities_are_answered_as_searches_of_their_own() {
    let world = world().await;
    let anyone = world.anonymous();
    let legs = [question("LON", "NYC"), question("LHR", "FRA"), question("FRA", "NYC")];
    let found = anyone.post(SEARCH, json!({"legs": legs, "weight_kg": 500})).await.expect(200);
    for (leg, found) in legs.into_iter().zip(found["legs"].as_array().unwrap()) {
        assert_eq!(*found, anyone.post(SEARCH, with(leg, json!({"weight_kg": 500}))).await.expect(200));
    }
}
