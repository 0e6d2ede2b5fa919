//! A network in which every pair of airports has four direct flights and eighteen connections a day.
use std::fmt::Write;

use serde_json::{Value, json};

use super::{load::Client, site::Site};

pub const ORIGINS: [&str; 10] = ["DEL", "BOM", "BLR", "MAA", "CCU", "HYD", "AMD", "COK", "PNQ", "GOI"];
pub const DESTINATIONS: [&str; 10] = ["LHR", "FRA", "CDG", "AMS", "JFK", "ORD", "MAD", "FCO", "ZRH", "VIE"];
pub const HUBS: [&str; 2] = ["DXB", "DOH"];
const DAYS: u32 = 5;
/// Flights from SIN to NRT, which no search of [`rankings`] finds: they are for bookings.
pub const APART: usize = 1000;

/// For the import.
pub fn timetable() -> String {
    let mut table = String::from(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes\n",
    );
    let mut number = 0;
    let mut add = |airline: &str, origin: &str, destination: &str, day: u32, from: u32, to: u32| {
        number += 1;
        let number = number % 9000 + 1;
        writeln!(
            table,
            "{airline}{number},{origin},{destination},2027-05-{day:02}T{from:02}:15:00Z,2027-05-{day:02}T{to:02}:45:00Z,,90000.5,600.125,30,60"
        )
        .unwrap();
    };
    for day in 1..=DAYS {
        for origin in ORIGINS {
            for destination in DESTINATIONS {
                for hour in 4..8 {
                    add("AI", origin, destination, day, hour, hour + 9);
                }
            }
            for hub in HUBS {
                for hour in 3..6 {
                    add("EK", origin, hub, day, hour, hour + 3);
                }
            }
        }
        for hub in HUBS {
            for destination in DESTINATIONS {
                for hour in 12..15 {
                    add("QR", hub, destination, day, hour, hour + 7);
                }
            }
        }
    }
    for number in 0..APART as u32 {
        add("LH", "SIN", "NRT", 10 + number % 5, number % 12, number % 12 + 7);
    }
    table
}

fn keys() -> impl Iterator<Item = (&'static str, &'static str, u32)> {
    (1..=DAYS).flat_map(|day| {
        ORIGINS.iter().flat_map(move |origin| DESTINATIONS.iter().map(move |destination| (*origin, *destination, day)))
    })
}

/// Rules of the origins: four hours before departure, and six for perishables.
pub fn acceptances() -> String {
    let rows: Vec<String> = ORIGINS.iter().map(|origin| format!("{origin},240; 360 code=PER\n")).collect();
    format!("iata_code,acceptance\n{}", rows.concat())
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

pub fn post(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    send("POST", path, token, body)
}

pub fn send(method: &str, path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{authorization}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub fn rankings() -> Vec<Vec<u8>> {
    let path = |(origin, destination, day)| {
        get(&format!(
            "/api/v1/routes?origin={origin}&destination={destination}&departure_date=2027-05-{day:02}&weight_kg=500"
        ))
    };
    keys().map(path).collect()
}

pub fn searches() -> Vec<Vec<u8>> {
    let body = |(origin, destination, day)| {
        let body = format!(
            r#"{{"origin":"{origin}","destination":"{destination}","departure_date":"2027-05-{day:02}","weight_kg":500}}"#
        );
        post("/api/v1/routes/search", None, &body)
    };
    keys().map(body).collect()
}

pub fn completions() -> Vec<Vec<u8>> {
    let words =
        ["lon", "new", "par", "del", "san", "fra", "mu", "tok", "be", "sin", "x", "hong", "am", "mil", "ber", "st"];
    words.iter().map(|word| get(&format!("/api/v1/airports/search?q={word}"))).collect()
}

/// How many options the first search finds.
pub async fn options(site: &Site) -> usize {
    let mut client = Client::connect(site.here).await;
    let (_, body) = client.ask(&rankings()[0]).await;
    serde_json::from_slice::<serde_json::Value>(body).unwrap().as_array().unwrap().len()
}

/// The ids of the flights that are apart.
pub async fn apart(site: &Site) -> Vec<String> {
    let mut client = Client::connect(site.here).await;
    let mut flights: Vec<String> = Vec::new();
    for offset in (0..APART).step_by(100) {
        let page = format!("/api/v1/flights?origin=SIN&destination=NRT&limit=100&offset={offset}");
        let (_, body) = client.ask(&get(&page)).await;
        let page: Value = serde_json::from_slice(body).unwrap();
        flights.extend(page.as_array().unwrap().iter().map(|flight| flight["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(flights.len(), APART);
    flights
}

/// Orders for so little that they always fit, one for each of the flights that are apart.
pub async fn orders(site: &Site) -> Vec<Vec<u8>> {
    apart(site).await.iter().map(|id| order(site, id, "SIN", "NRT")).collect()
}

/// A hold on the flight of the first order, of as little room. Nothing releases it, and it lasts longer than a run.
pub async fn hold(site: &Site) -> Vec<u8> {
    let body = json!({"weight_kg": 0.1, "volume_m3": 0.001, "flight_ids": [apart(site).await[0]]});
    post("/api/v1/holds", Some(&site.token), &body.to_string())
}

pub fn order(site: &Site, flight: &str, origin: &str, destination: &str) -> Vec<u8> {
    let body = json!({"origin": origin, "destination": destination, "pieces": 1, "weight_kg": 0.1, "volume_m3": 0.001,
        "flight_ids": [flight]});
    post("/api/v1/bookings", Some(&site.token), &body.to_string())
}

/// Lines of dimensions of the searches that are compared.
pub const LINES: [usize; 3] = [0, 1, 50];
/// Maximum processor time with one line and with fifty, as a multiple of that without.
pub const GOALS_OF_LINES: [f64; 2] = [1.05, 1.3];

/// Returns lines of 500 kg together. Some pieces are higher than the door of the narrow-body.
pub fn dimensions(lines: usize) -> Vec<Value> {
    if lines == 1 {
        return vec![json!({"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": 150, "weight_kg": 125})];
    }
    let line = |number: usize| json!({"pieces": 1, "length_cm": 60, "width_cm": 40, "height_cm": 101 + number, "weight_kg": 10});
    (0..lines).map(line).collect()
}
