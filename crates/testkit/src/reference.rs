//! Reference data.
use serde_json::{Value, json};

use super::client::Client;

pub fn airport(code: &str) -> Value {
    json!({"iata_code": code, "icao_code": "QQQQ", "name": "Field", "city": "Town", "country_code": "GB", "latitude": 51.5,
           "longitude": -0.5, "elevation_ft": 80, "time_zone": "Europe/London"})
}

pub fn airline(code: &str) -> Value {
    json!({"iata_code": code, "icao_code": "QQQ", "name": "Line", "country_code": "GB", "awb_prefix": "999",
           "alliance": "None", "hub_airports": ["DEL", "BOM"]})
}

pub fn aircraft(code: &str) -> Value {
    json!({"iata_code": code, "icao_code": "QQQQ", "name": "Type", "manufacturer": "Maker", "max_cargo_kg": 1000,
           "max_cargo_m3": 10, "positions": 4})
}

/// Gives an aircraft type one opening of this height.
pub async fn set_door(admin: &Client, aircraft: &str, height_cm: i32) {
    let openings = json!([{"deck": "LOWER", "door_width_cm": 180, "door_height_cm": height_cm}]);
    admin.patch(&format!("/api/v1/aircraft/{aircraft}"), json!({ "openings": openings })).await.expect(200);
}

/// Gives an A320 a door of 120 cm, and a 777F one of 300 cm.
pub async fn set_doors(admin: &Client) {
    set_door(admin, "320", 120).await;
    set_door(admin, "77X", 300).await;
}
