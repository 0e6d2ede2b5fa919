//! Readers of single members of entries.
use loadmaster_kernel::{AirportCode, Fault, FaultCode};
use loadmaster_platform::{
    web::{Fields, Raw, read},
    zones::Zone,
};
use serde_json::Value;

/// The member and the column with an airline's hubs.
pub(super) const HUB_AIRPORTS: &str = "hub_airports";
const MOST_HUBS: usize = 10;

/// Reads an ICAO code of so many letters or digits.
pub(super) fn icao(raw: Raw<'_>, length: usize) -> Result<String, Fault> {
    let code = read::any(raw)?.trim().to_ascii_uppercase();
    let is_code = code.len() == length && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_code.then_some(code).ok_or_else(|| Fault::format(format!("must be an ICAO code of {length} letters or digits")))
}

pub(super) fn awb_prefix(raw: Raw<'_>) -> Result<String, Fault> {
    let prefix = read::any(raw)?.trim().to_owned();
    let is_prefix = prefix.len() == 3 && prefix.bytes().all(|byte| byte.is_ascii_digit());
    is_prefix.then_some(prefix).ok_or_else(|| Fault::format("must be three digits"))
}

pub(super) fn zone(raw: Raw<'_>) -> Result<Zone, Fault> {
    let name = read::any(raw)?;
    Zone::named(name.trim())
        .ok_or_else(|| Fault::new(FaultCode::UnknownValue, "must be an IANA time zone, such as Asia/Kolkata"))
}

pub(super) fn degrees(raw: Raw<'_>, most: f64) -> Result<f64, Fault> {
    let wrong_type = || Fault::new(FaultCode::WrongType, "must be a number of degrees");
    let degrees = match raw {
        Raw::Json(value) => value.as_f64().ok_or_else(wrong_type)?,
        Raw::Text(text) => text.trim().parse().map_err(|_| wrong_type())?,
    };
    match degrees {
        value if !value.is_finite() => Err(wrong_type()),
        value if value < -most => Err(Fault::new(FaultCode::TooSmall, format!("must be at least -{most}"))),
        value if value > most => Err(Fault::new(FaultCode::TooLarge, format!("must be at most {most}"))),
        value => Ok(value),
    }
}

/// Reads the codes of airports, each once: a list, or a cell with blanks between them. Whether they exist is found out in the
/// transaction.
pub(super) fn hub_airports(fields: &mut Fields<'_>) -> Option<Vec<AirportCode>> {
    let mut hubs: Vec<AirportCode> = Vec::new();
    for (index, code) in fields.optional(HUB_AIRPORTS, codes)?.into_iter().enumerate() {
        match code {
            Ok(code) if hubs.contains(&code) => {
                fields.fault_of_entry(HUB_AIRPORTS, index, &Fault::format("names what an earlier entry names"));
            }
            Ok(code) => hubs.push(code),
            Err(fault) => fields.fault_of_entry(HUB_AIRPORTS, index, &fault),
        }
    }
    Some(hubs)
}

fn codes(raw: Raw<'_>) -> Result<Vec<Result<AirportCode, Fault>>, Fault> {
    let codes: Vec<_> = match raw {
        Raw::Json(Value::Array(values)) => values.iter().map(|value| read::code(Raw::Json(value))).collect(),
        Raw::Json(_) => return Err(Fault::new(FaultCode::WrongType, "must be an array")),
        Raw::Text(cell) => cell.split_whitespace().map(|code| read::code(Raw::Text(code))).collect(),
    };
    if codes.len() > MOST_HUBS {
        return Err(Fault::new(FaultCode::TooLong, format!("must have at most {MOST_HUBS} entries")));
    }
    Ok(codes)
}
