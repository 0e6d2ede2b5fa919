//! Other flights for a booking: all that has not departed is replaced at once, from where the cargo is or will land.
mod itineraries;
mod legs;
mod many;
mod needs;
mod space;
mod who;

use loadmaster_testkit::{Answer, Client, NewFlight, World, amending::amend, freight::order};
use serde_json::{Value, json};

/// The ways from Delhi to London. In hours after the clock's start:
///
/// | flight | from | to  | leaves | lands |
/// |--------|------|-----|--------|-------|
/// | AI101  | DEL  | BOM | 24     | 28    |
/// | AI102  | BOM  | LHR | 36     | 40    |
/// | AI103  | BOM  | LHR | 48     | 52    |
/// | AI104  | DEL  | LHR | 30     | 34    |
/// | AI105  | BOM  | DXB | 32     | 36    |
/// | AI106  | DXB  | LHR | 40     | 44    |
struct Network {
    to_bombay: Value,
    onward: Value,
    later: Value,
    direct: Value,
    to_dubai: Value,
    from_dubai: Value,
}

impl Network {
    async fn of(world: &World) -> Self {
        let flight = async |number: &str, origin, destination, hours| {
            world.flight(NewFlight::new(number, origin, destination).leaves_in_hours(hours)).await
        };
        Self {
            to_bombay: flight("AI101", "DEL", "BOM", 24).await,
            onward: flight("AI102", "BOM", "LHR", 36).await,
            later: flight("AI103", "BOM", "LHR", 48).await,
            direct: flight("AI104", "DEL", "LHR", 30).await,
            to_dubai: flight("AI105", "BOM", "DXB", 32).await,
            from_dubai: flight("AI106", "DXB", "LHR", 40).await,
        }
    }

    /// Over Bombay.
    async fn book(&self, client: &Client) -> Value {
        client.book(order(&[&self.to_bombay, &self.onward])).await
    }

    /// How many kilograms are booked on each flight, in the order of the table.
    async fn booked(&self, world: &World) -> Vec<u64> {
        let flights = [&self.to_bombay, &self.onward, &self.later, &self.direct, &self.to_dubai, &self.from_dubai];
        let mut booked = Vec::new();
        for flight in flights {
            booked.push(1000 - world.available(flight).await["weight_kg"].as_u64().expect("whole kilograms"));
        }
        booked
    }
}

fn ids(flights: &[&Value]) -> Value {
    flights.iter().map(|flight| flight["id"].clone()).collect()
}

/// Names the flights on which the booking is to go on.
async fn reroute(client: &Client, booking: &Value, flights: &[&Value]) -> Answer {
    amend(client, booking, json!({"flight_ids": ids(flights)})).await
}

/// The legs in force as (sequence, flight number, status).
fn in_force(booking: &Value) -> Vec<(u64, &str, &str)> {
    told(booking, |status| ["BOOKED", "DEPARTED", "ARRIVED"].contains(&status))
}

/// The legs no longer in force.
fn past(booking: &Value) -> Vec<(&str, &str)> {
    let mut past: Vec<_> = told(booking, |status| !["BOOKED", "DEPARTED", "ARRIVED"].contains(&status))
        .into_iter()
        .map(|(_, number, status)| (number, status))
        .collect();
    past.sort_unstable();
    past
}

fn told(booking: &Value, which: impl Fn(&str) -> bool) -> Vec<(u64, &str, &str)> {
    let legs = booking["legs"].as_array().expect("legs").iter();
    legs.map(|leg| {
        let text = |member: &str| leg[member].as_str().expect("a text");
        (leg["sequence"].as_u64().expect("a number"), text("flight_number"), text("status"))
    })
    .filter(|(_, _, status)| which(status))
    .collect()
}
