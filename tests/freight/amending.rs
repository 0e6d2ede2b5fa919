//! Amending a booking: what may change, until when, for whom, and what is told of it.
mod cutoff;
mod faults;
mod members;
mod parties;
mod requests;
mod space;
mod states;
mod sweep;
mod waybill;

use loadmaster_testkit::{Client, NewFlight, World, freight::order};
use serde_json::Value;

async fn one_booking() -> (World, Client, Value) {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    (world, customer, booking)
}

/// An air waybill number with its right check digit.
fn awb(serial: u32) -> String {
    format!("020-{serial:07}{}", serial % 7)
}

/// All members of a party: null but for these.
fn party(said: &Value) -> Value {
    let members = ["name", "account_number", "street", "city", "postal_code", "country_code", "phone", "email"];
    members.iter().map(|member| ((*member).to_owned(), said[*member].clone())).collect::<serde_json::Map<_, _>>().into()
}
