//! Prices, by the rules that each walk sets up.
use serde_json::{Value, json};

use super::Freight;

/// The code of a sale that few may use.
pub const FEW: &str = "FEW";
pub const FEW_USES: usize = 2;

/// What the prices of a walk are made of: path and body.
pub fn rules() -> Vec<(&'static str, Value)> {
    let tariff = |code: &str, destination: &str, product: &str, minimum: &str, normal: &str| {
        let body = json!({
            "code": code, "origin": "DEL", "destination": destination, "product": product, "currency": "USD",
            "minimum": minimum, "normal": normal, "breaks": [], "valid_from": "2020-01-01",
        });
        ("/api/v1/tariffs", body)
    };
    let sale = |code: &str, uses: Value| {
        let body = json!({
            "code": code, "percent": "10", "sale_from": "2020-01-01", "sale_to": "2030-01-01", "origin": "*",
            "destination": "*", "valid_from": "2020-01-01", "max_uses": uses,
        });
        ("/api/v1/sales", body)
    };
    let fuel = json!({
        "code": "MYC", "basis": "PER_KG_CHARGEABLE", "rate": "0.85", "currency": "USD", "per": "SHIPMENT", "origin": "*",
        "destination": "*", "valid_from": "2020-01-01",
    });
    let fragile = json!({
        "code": "RAC", "basis": "FLAT", "rate": "40", "currency": "USD", "per": "SHIPMENT", "origin": "*",
        "destination": "*", "valid_from": "2020-01-01", "handling_codes": ["PER"],
    });
    vec![
        tariff("DELLHR", "LHR", "GENERAL", "75.00", "9"),
        tariff("DELLHR-PHARMA", "LHR", "PHARMA", "90.00", "12"),
        tariff("DELBOM", "BOM", "GENERAL", "30.00", "2"),
        sale("SPRING", Value::Null),
        sale(FEW, FEW_USES.into()),
        ("/api/v1/surcharges", fuel),
        ("/api/v1/surcharges", fragile),
    ]
}

/// The total in cents; from Bombay on nothing is rated.
pub fn rate((origin, destination): (&str, &str), freight: &Freight, sale: Option<&str>) -> Option<i64> {
    let (minimum, normal) = match (origin, destination, freight.product) {
        ("DEL", "LHR", Some("PHARMA")) => (9_000, 1_200),
        ("DEL", "LHR", _) => (7_500, 900),
        ("DEL", "BOM", _) => (3_000, 200),
        _ => return None,
    };
    // Chargeable weight in half kilograms: 6 litres are a kilogram.
    let half_kilograms = (freight.space.weight + 4) / 5;
    let half_kilograms = half_kilograms.max((freight.space.volume + 2) / 3);
    let charge = minimum.max(half_kilograms * normal / 2);
    let discount = if sale.is_some() { (charge * 10 + 50) / 100 } else { 0 };
    let fuel = (half_kilograms * 85 + 1) / 2;
    let fragile = if freight.codes.contains("PER") { 4_000 } else { 0 };
    Some(charge - discount + fuel + fragile)
}
