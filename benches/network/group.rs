//! Group searches with prices: a hundred parts from ten origins to one destination, one search after the other.
use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    common::{
        load::Client,
        network::{post, send},
        site::{Site, log_in},
    },
    turns::quantiles,
};

const SEARCHES: u64 = 300;
const ORIGINS: usize = 10;
const PARTS: usize = 100;
/// The airports, the busiest ones, among which origins and destinations are.
const AIRPORTS: usize = 40;
const TARIFF: &str = "code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,minimum,\
                      normal,breaks,valid_from,valid_to\nGROUPS,,*,*,,,,,USD,75.00,5.10,45=4.20;100=3.90;500=3.10,2027-01-01,\n";

/// Returns the quantiles of the times (goal: p99 500 ms with 100 000 flights).
pub async fn measure(site: &Site, places: &[String]) -> Value {
    let token = log_in(site.here).await;
    let mut client = Client::connect(site.here).await;
    let import = String::from_utf8(send("POST", "/api/v1/tariffs/import", Some(&token), TARIFF)).unwrap();
    let (status, body) = client.ask(import.replacen("application/json", "text/csv", 1).as_bytes()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
    let (mut times, mut combinations) = (Vec::new(), 0);
    for number in 0..SEARCHES {
        let question = question(places, usize::try_from(number).unwrap());
        let began = Instant::now();
        let (status, body) = client.ask(&post("/api/v1/routes/group-search", None, &question.to_string())).await;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        combinations += serde_json::from_slice::<Value>(body).unwrap().as_array().unwrap().len();
    }
    assert!(combinations > 0, "no search has found a combination");
    let mut figures = quantiles(times);
    figures["combinations"] = json!(combinations as f64 / SEARCHES as f64);
    figures
}

/// Each has another destination, other origins or another day.
fn question(places: &[String], number: usize) -> Value {
    let airport = |place: usize| &places[place % AIRPORTS];
    let destination = airport(number);
    let part = |place: usize| {
        let origin = airport(number + 1 + place % ORIGINS * 3);
        json!({"origin": origin, "weight_kg": 20 + place * 3, "volume_m3": (1 + place % 7) as f64 / 10.0})
    };
    let parts: Vec<Value> = (0..PARTS).map(part).collect();
    let day = 1 + number / AIRPORTS;
    json!({"destination": destination, "departure_date": format!("2027-05-{day:02}"), "parts": parts, "price": true})
}
