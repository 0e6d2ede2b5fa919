//! Amending a booking: what may change, until when, for whom, and what is told of it.
mod cutoff;
mod faults;
mod members;
mod parties;
mod requests;
mod room;
mod states;
mod sweep;
mod waybill;

use serde_json::Value;

/// An air waybill number with its right check digit.
fn awb(serial: u32) -> String {
    format!("020-{serial:07}{}", serial % 7)
}

/// All members of a party: null but for these.
fn party(said: &Value) -> Value {
    let members = ["name", "account_number", "street", "city", "postal_code", "country_code", "phone", "email"];
    members.iter().map(|member| ((*member).to_owned(), said[*member].clone())).collect::<serde_json::Map<_, _>>().into()
}
