//! How the model's figures stand in JSON.
use serde_json::{Map, Value, json};

use super::model::{Space, Time};

/// A number as short as it is.
fn short(number: i64, unit: i64) -> Value {
    if number % unit == 0 { (number / unit).into() } else { json!(number as f64 / unit as f64) }
}

pub fn kilograms(hectograms: i64) -> Value {
    short(hectograms, 10)
}

pub fn cubic_metres(litres: i64) -> Value {
    short(litres, 1000)
}

pub fn usd(cents: i64) -> Value {
    json!({"amount": format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100), "currency": "USD"})
}

/// Cents of an amount.
pub fn cents(money: &Value) -> Option<i64> {
    money["amount"].as_str()?.replace('.', "").parse().ok()
}

/// Sets the members of a space.
pub fn put(body: &mut Map<String, Value>, space: Space) {
    body.insert("weight_kg".to_owned(), kilograms(space.weight));
    body.insert("volume_m3".to_owned(), cubic_metres(space.volume));
    body.insert("positions".to_owned(), space.positions.into());
}

/// The space that an answer shows.
pub fn space(shown: &Value) -> Space {
    let units = |member: &str, unit: f64| (shown[member].as_f64().unwrap_or(-1.0) * unit).round() as i64;
    Space { weight: units("weight_kg", 10.0), volume: units("volume_m3", 1000.0), positions: units("positions", 1.0) }
}

pub fn time(shown: &Value) -> Option<Time> {
    shown.as_str()?.parse().ok()
}

/// Compares members; `None` stands for null.
#[derive(Default)]
pub struct Differences(Vec<String>);

impl Differences {
    pub fn same(&mut self, member: &str, shown: &Value, expected: impl Into<Value>) {
        let expected = expected.into();
        if *shown != expected {
            self.0.push(format!("{member} is {shown} instead of {expected}"));
        }
    }

    pub fn same_time(&mut self, member: &str, shown: &Value, expected: Time) {
        if time(shown) != Some(expected) {
            self.0.push(format!("{member} is {shown} instead of {expected}"));
        }
    }

    pub fn same_space(&mut self, shown: &Value, expected: Space) {
        if space(shown) != expected {
            self.0.push(format!("it shows {:?} instead of {expected:?}", space(shown)));
        }
    }

    pub fn judge(self, of: &str) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("{of}: {}", self.0.join("; "))) }
    }
}
