//! Reference data.
use serde_json::{Value, json};

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
