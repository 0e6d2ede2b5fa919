//! Readers of single members of entries.
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{
    web::{Raw, read},
    zones::Zone,
};

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
