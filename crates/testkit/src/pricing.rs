//! Rules of prices, and quotes.
use serde_json::{Value, json};

use crate::{Client, freight::with};

pub const TARIFFS: &str = "/api/v1/tariffs";
pub const DEFAULT: &str = "/api/v1/tariffs/default";
pub const SURCHARGES: &str = "/api/v1/surcharges";
pub const SALES: &str = "/api/v1/sales";
pub const QUOTES: &str = "/api/v1/quotes";

/// The trade's example, for everything from 2026 on.
pub fn tariff(code: &str, members: Value) -> Value {
    let breaks = [("45", "10"), ("100", "9"), ("300", "8")];
    let breaks: Vec<Value> =
        breaks.iter().map(|(from, rate)| json!({"from_kg": from.parse::<i32>().unwrap(), "rate": rate})).collect();
    let all = json!({"code": code, "origin": "*", "destination": "*", "currency": "USD", "minimum": "75.00",
                     "normal": "16", "breaks": breaks, "valid_from": "2026-01-01"});
    with(all, members)
}

/// A tariff with one rate.
pub fn flat(code: &str, rate: &str, members: Value) -> Value {
    with(tariff(code, json!({"minimum": "0", "normal": rate, "breaks": []})), members)
}

/// One dollar for the shipment.
pub fn surcharge(code: &str, members: Value) -> Value {
    let all = json!({"code": code, "basis": "FLAT", "rate": "1", "currency": "USD", "per": "SHIPMENT", "origin": "*",
                     "destination": "*", "valid_from": "2026-01-01"});
    with(all, members)
}

/// Ten percent in November 2026.
pub fn sale(members: Value) -> Value {
    let all = json!({"percent": "10", "sale_from": "2026-11-01", "sale_to": "2026-11-30", "origin": "*",
                     "destination": "*", "valid_from": "2026-01-01"});
    with(all, members)
}

pub async fn make(admin: &Client, list: &str, rule: Value) -> Value {
    admin.post(list, rule).await.expect(201)
}

pub fn at(list: &str, rule: &Value) -> String {
    format!("{list}/{}", rule["id"].as_str().expect("an id"))
}

/// Freight from Delhi to London on these flights.
pub fn asked(flights: &[&Value], weight: f64) -> Value {
    let ids: Vec<&Value> = flights.iter().map(|flight| &flight["id"]).collect();
    json!({"origin": "DEL", "destination": "LHR", "flight_ids": ids, "weight_kg": weight})
}

/// The total as a text.
pub async fn total(client: &Client, asked: Value) -> String {
    let quote = client.post(QUOTES, asked).await.expect(201);
    format!("{} {}", quote["total"]["amount"].as_str().unwrap(), quote["total"]["currency"].as_str().unwrap())
}
