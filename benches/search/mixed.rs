//! A day in half a minute: searches, and beside them, in the proportions of a day, bookings on what was found, flights that
//! leave, are retimed or are new. How many of the searches find their network part kept?
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{
    load::Client,
    network::{self, get, post, send},
    site::Site,
};

const SEARCHES: usize = 15_000;
/// One of each after so many searches.
const BOOKING: usize = 15;
const DEPARTURE: usize = 105;
const RETIMED: usize = 750;
const CREATED: usize = 3_000;

pub async fn measure(site: &Site) -> Value {
    let mut client = Client::connect(site.here).await;
    let searches = network::rankings();
    let before = counts(&mut client, site).await;
    let (began, mut changes, mut dice) = (Instant::now(), [0_usize; 4], 7_u64);
    for number in 1..=SEARCHES {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let search = &searches[(dice >> 33) as usize % searches.len()];
        let (status, body) = client.ask(search).await;
        assert_eq!(status, 200);
        if !number.is_multiple_of(BOOKING) {
            continue;
        }
        let found: Value = serde_json::from_slice(body).unwrap();
        let flight = found[(dice >> 20) as usize % found.as_array().unwrap().len()]["flights"][0].clone();
        let done = [
            Some(post("/api/v1/bookings", Some(&site.token), &order(&flight))),
            number.is_multiple_of(DEPARTURE).then(|| act(site, &flight, "POST", "/depart", &json!({}))),
            number.is_multiple_of(RETIMED).then(|| act(site, &flight, "PATCH", "", &later(&flight))),
            number.is_multiple_of(CREATED).then(|| post("/api/v1/flights", Some(&site.token), &new(&flight, number))),
        ];
        for (count, request) in changes.iter_mut().zip(done) {
            if let Some(request) = request {
                let (status, _) = client.ask(&request).await;
                *count += usize::from(status < 300);
            }
        }
    }
    let after = counts(&mut client, site).await;
    let (hits, misses) = (after.0 - before.0, after.1 - before.1);
    let ratio = hits as f64 / (hits + misses) as f64;
    let seconds = began.elapsed().as_secs_f64();
    let [booked, departed, retimed, created] = changes;
    println!(
        "\nmixed day: {SEARCHES} searches of {} keys in {seconds:.0} s, {booked} bookings, {departed} departures, \
              {retimed} retimed, {created} new flights: {:.1} % hits",
        searches.len(),
        ratio * 100.0
    );
    json!({"searches": SEARCHES, "keys": searches.len(), "bookings": booked, "departures": departed, "retimed": retimed,
        "created": created, "hit_ratio": ratio})
}

async fn counts(client: &mut Client, site: &Site) -> (u64, u64) {
    let request = String::from_utf8(get("/api/metrics/summary")).unwrap();
    let request = request.replacen("\r\n\r\n", &format!("\r\nAuthorization: Bearer {}\r\n\r\n", site.token), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (status, body) = client.ask(request.as_bytes()).await;
    assert_eq!(status, 200);
    let summary: Value = serde_json::from_slice(body).unwrap();
    (summary["cache"]["hits"].as_u64().unwrap(), summary["cache"]["misses"].as_u64().unwrap())
}

fn order(flight: &Value) -> String {
    json!({"origin": flight["origin"], "destination": flight["destination"], "pieces": 1, "weight_kg": 10,
        "flight_ids": [flight["id"]]})
    .to_string()
}

fn act(site: &Site, flight: &Value, method: &str, verb: &str, body: &Value) -> Vec<u8> {
    let path = format!("/api/v1/flights/{}{verb}", flight["id"].as_str().unwrap());
    send(method, &path, Some(&site.token), &body.to_string())
}

/// Lands a quarter of an hour later.
fn later(flight: &Value) -> Value {
    let arrival: chrono::DateTime<chrono::Utc> = flight["arrival_datetime"].as_str().unwrap().parse().unwrap();
    json!({"arrival_datetime": arrival + chrono::TimeDelta::minutes(15)})
}

fn new(flight: &Value, number: usize) -> String {
    json!({"flight_number": format!("TK{}", number / CREATED), "origin": flight["origin"],
        "destination": flight["destination"], "departure_datetime": flight["departure_datetime"],
        "arrival_datetime": flight["arrival_datetime"], "capacity": {"weight_kg": 5000}})
    .to_string()
}
