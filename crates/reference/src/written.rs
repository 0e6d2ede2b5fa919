use std::collections::HashMap;

use loadmaster_kernel::AirportCode;

use super::{dto::AirportBody, model::Airport};

/// Each airport as it is answered, in JSON: a list of some is put together from these.
#[derive(Debug)]
pub(super) struct WrittenAirports(HashMap<AirportCode, Box<str>>);

impl WrittenAirports {
    pub fn new<'a>(airports: impl Iterator<Item = &'a Airport>) -> serde_json::Result<Self> {
        let written = airports.map(|airport| {
            let text = serde_json::to_string(&AirportBody::from(airport))?;
            Ok((airport.code, text.into_boxed_str()))
        });
        written.collect::<serde_json::Result<_>>().map(Self)
    }

    /// Returns the list of these airports.
    pub fn list(&self, codes: &[AirportCode]) -> String {
        let airports: Vec<&str> = codes.iter().filter_map(|code| self.0.get(code)).map(AsRef::as_ref).collect();
        format!("[{}]", airports.join(","))
    }
}
