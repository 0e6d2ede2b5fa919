//! Many callers at once: no flight is oversold, an itinerary is booked whole or not at all, and of two that want the same
//! thing one gets it.
mod audit;
mod changes;
mod flight_changes;
mod itineraries;
mod last_space;
mod status;

use std::sync::Arc;

use loadmaster_testkit::{Answer, Client};
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// Runs so many clients, all set off at the same moment.
async fn at_once<T, F>(clients: usize, work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(clients));
    let run = |number| {
        let (start, work) = (start.clone(), work(number));
        tokio::spawn(async move {
            start.wait().await;
            work.await
        })
    };
    let running: Vec<_> = (0..clients).map(run).collect();
    let mut done = Vec::with_capacity(clients);
    for task in running {
        done.push(task.await.unwrap());
    }
    done
}

/// The same caller on a connection of its own.
fn reconnected(client: &Client) -> Client {
    Client { token: client.token.clone(), ..Client::anonymous(&client.base) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// An order of this weight from the first airport to the last, on these flights.
fn order(origin: &str, destination: &str, flights: &[&Value], weight_kg: u64) -> Value {
    let ids: Vec<_> = flights.iter().map(|flight| &flight["id"]).collect();
    json!({"origin": origin, "destination": destination, "pieces": 1, "weight_kg": weight_kg, "flight_ids": ids})
}

/// How much of a flight is booked, in kilograms.
async fn booked_kg(client: &Client, flight: &Value) -> f64 {
    let path = format!("/api/v1/flights/{}/availability", flight["id"].as_str().unwrap());
    client.get(&path).await.expect(200)["booked"]["weight_kg"].as_f64().unwrap()
}

/// The answers parted into what was booked and what was refused for want of room.
fn parted(answers: Vec<Answer>) -> (Vec<Value>, Vec<Value>) {
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    let refused = lost.into_iter().map(|answer| answer.expect_problem(409, "capacity_exceeded")).collect();
    (won.into_iter().map(|answer| answer.body).collect(), refused)
}

fn kilograms(value: &Value) -> u64 {
    let figure = value.as_f64().unwrap();
    assert!(figure.fract() == 0.0 && figure >= 0.0, "{figure} is no whole weight");
    format!("{figure}").parse().unwrap()
}
