//! Flights with connections at risk, and with bookings that lost a leg and are to be rerouted.
mod asking;
mod at_risk;
mod bookings;
mod lost;

use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::{long_day, patch},
    flight_verbs::path_to,
    freight::{each, order, text, texts},
};
use serde_json::{Value, json};

const CONNECTIONS: &str = "/api/v1/flights/connections";
/// Four days from the clock's start, 8:00 on 20 November 2026.
const ALL: &str = "from=2026-11-20T08:00:00Z&to=2026-11-24T08:00:00Z";

/// AI101 leaves Delhi at 8:00 and lands in Bombay at 12:00, AI102 leaves there at 20:00 on 21 November 2026. A connection takes two
/// hours.
pub struct Transfer {
    pub world: World,
    pub customer: Client,
    pub operator: Client,
    pub admin: Client,
    pub first: Value,
    pub second: Value,
}

impl Transfer {
    pub async fn start() -> Self {
        Self::of(long_day().await).await
    }

    pub async fn of(world: World) -> Self {
        let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
        let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
        let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
        Self { world, customer, operator, admin, first, second }
    }

    pub async fn book(&self) -> Value {
        self.customer.book(order(&[&self.first, &self.second])).await
    }

    pub async fn lands_at(&self, time: &str) {
        let wish = json!({"arrival_datetime": format!("2026-11-21T{time}Z")});
        patch(&self.admin, &path_to(&self.first), wish).await.expect(200);
    }

    pub async fn leaves_at(&self, time: &str) {
        let wish = json!({"departure_datetime": format!("2026-11-21T{time}Z")});
        patch(&self.admin, &path_to(&self.second), wish).await.expect(200);
    }

    /// Moves the clock to this time of 21 November 2026.
    fn at(&self, time: &str) {
        let then: chrono::DateTime<chrono::Utc> = format!("2026-11-21T{time}Z").parse().expect("an instant");
        self.world.clock.advance(then - self.world.now());
    }

    /// The figures of all flights.
    async fn figures(&self) -> Value {
        self.operator.get(&format!("{CONNECTIONS}?{ALL}")).await.expect(200)
    }

    /// Minutes left and needed of the connections at risk of the first flight; nothing if none is.
    async fn minutes(&self) -> Option<(i64, i64)> {
        let figures = self.figures().await;
        let of_first = figures.as_array().expect("a list").iter().find(|it| it["flight_id"] == self.first["id"])?;
        let onward = of_first["at_risk"]["onward"].as_array().expect("a list").first()?;
        let minutes = |member: &str| onward[member].as_i64().expect("a number");
        Some((minutes("minutes_left"), minutes("minutes_needed")))
    }
}

/// Flight number, number of bookings at risk and to be rerouted.
fn counts(figures: &Value) -> Vec<(String, i64, i64)> {
    let of = |it: &Value| {
        let bookings = |concern: &str| it[concern]["bookings"].as_i64().expect("a number");
        (text(it, "flight_number").to_owned(), bookings("at_risk"), bookings("to_reroute"))
    };
    figures.as_array().expect("a list").iter().map(of).collect()
}

fn count(number: &str, at_risk: i64, to_reroute: i64) -> (String, i64, i64) {
    (number.to_owned(), at_risk, to_reroute)
}

/// The bookings of a flight that need attention, by reference.
async fn concerned(client: &Client, flight: &Value, query: &str) -> Vec<String> {
    let list = client.get(&format!("{}/connections?{query}", path_to(flight))).await.expect(200);
    let bookings = json!(each(&list, "booking"));
    texts(&bookings, "ref_id")
}
