//! Route search, told rule by rule; [`property`] compares it with a naive enumeration of random networks.
mod acceptance;
mod cities;
mod connections;
mod corrected;
mod dates;
mod days;
mod differential;
mod dimensions;
mod emissions;
mod form;
mod fresh;
mod group;
mod input;
mod judging;
mod kept;
mod legs;
mod meeting;
mod networks;
mod ordering;
mod property;
mod stops;
mod suspended;

use loadmaster_testkit::{NewFlight, OwnRedis, World};
use serde_json::{Value, json};

/// From Delhi to London, on the day after the start of the clock.
fn question() -> Value {
    json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"})
}

/// The answer of `POST /routes/search`.
async fn search(world: &World, origin: &str, destination: &str, date: &str) -> Value {
    search_for(world, origin, destination, date, json!({})).await
}

/// The same with more members in the body.
async fn search_for(world: &World, origin: &str, destination: &str, date: &str, more: Value) -> Value {
    let mut body = json!({"origin": origin, "destination": destination, "departure_date": date});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.anonymous().post("/api/v1/routes/search", body).await.expect(200)
}

/// The answer of `GET /routes`.
async fn ranked(world: &World, query: &str) -> Value {
    world.anonymous().get(&format!("/api/v1/routes?{query}")).await.expect(200)
}

/// The flight numbers of `direct_flights`.
fn direct(result: &Value) -> Vec<&str> {
    let flights = result["direct_flights"].as_array().unwrap();
    flights.iter().map(|flight| flight["flight_number"].as_str().unwrap()).collect()
}

/// The flight numbers of `transit_routes`, as `AI1+AI2`.
fn transit(result: &Value) -> Vec<String> {
    names(&result["transit_routes"])
}

/// The flight numbers of each option, as `AI1+AI2`.
fn names(options: &Value) -> Vec<String> {
    let name = |option: &Value| {
        let numbers: Vec<_> = option["flights"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flight| flight["flight_number"].as_str().unwrap())
            .collect();
        numbers.join("+")
    };
    options.as_array().unwrap().iter().map(name).collect()
}

/// DEL–BOM, four hours from 08:00 local on 21 November 2026: in BOM at 12:00 local.
fn to_bombay(number: &str) -> NewFlight {
    NewFlight::new(number, "DEL", "BOM").departs("2026-11-21T08:00:00+05:30").takes_minutes(240)
}

/// BOM–LHR at this local time of 21 November 2026.
fn from_bombay(number: &str, local: &str) -> NewFlight {
    NewFlight::new(number, "BOM", "LHR").departs(&format!("2026-11-21T{local}:00+05:30")).takes_minutes(600)
}

/// All that Redis has of routes.
async fn kept(redis: &OwnRedis) -> Vec<(String, Vec<u8>)> {
    let mut connection = redis.connect().await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("route:*").query_async(&mut connection).await.unwrap();
    let mut kept = Vec::new();
    for key in keys {
        let value: Vec<u8> = redis::cmd("GET").arg(&key).query_async(&mut connection).await.unwrap();
        kept.push((key, value));
    }
    kept
}

async fn put_back(redis: &OwnRedis, kept: &[(String, Vec<u8>)]) {
    let mut connection = redis.connect().await;
    for (key, value) in kept {
        redis::cmd("SET").arg(key).arg(value).arg("EX").arg(300).query_async::<()>(&mut connection).await.unwrap();
    }
}
