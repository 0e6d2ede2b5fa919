//! Searches between two cities of six airports each, beside searches between two airports of the same cities, by turns. No question
//! is asked twice, so that no routes are cached.
use serde_json::{Value, json};

use crate::{
    common::{load::Client, network::get, site::Site},
    turns::{Found, compared, rounded},
};

/// The codes of the cities in `fill.sql`, the n-th of which has the n-th airport of each eight, the busiest first.
const CITIES: [&str; 8] = ["ZQA", "ZQB", "ZQC", "ZQD", "ZQE", "ZQF", "ZQG", "ZQH"];
const AIRPORTS: usize = 6;
/// Each turn asks for all pairs of cities on one day for each kind of search.
const TURNS: usize = 8;

#[derive(Clone, Copy)]
enum Kind {
    /// Between the cities: 36 pairs of airports.
    Cities,
    /// Between the busiest airports of the cities, which have the most routes.
    Busiest,
    /// Between any airports of the cities, another pair each time.
    Any,
}

const KINDS: [Kind; 3] = [Kind::Cities, Kind::Busiest, Kind::Any];

/// Returns the figures of each kind, and the ratios of searches between cities to the others (goals: 12, and a p99 of 60 ms with
/// 100 000 flights).
pub async fn measure(site: &Site, places: &[String]) -> Value {
    let mut client = Client::connect(site.here).await;
    for city in CITIES {
        let (status, body) = client.ask(&get(&format!("/api/v1/cities/{city}"))).await;
        let shown: Value = serde_json::from_slice(body).unwrap();
        assert_eq!((status, shown["airports"].as_array().map(Vec::len)), (200, Some(AIRPORTS)), "{shown}");
    }
    let questions = |kind: usize, day| questions(KINDS[kind], day, places);
    let options = |answer: &Value| answer.as_array().unwrap().len();
    let found = compared(site, TURNS, questions, options).await;
    let [cities, busiest, any] = found.map(Found::figures);
    let ratio = |other: &Value, name: &str| rounded(cities[name].as_f64().unwrap() / other[name].as_f64().unwrap());
    let ratios = |other: &Value| json!({"p50": ratio(other, "p50_ms"), "p99": ratio(other, "p99_ms"), "processor": ratio(other, "processor_ms")});
    json!({"to_busiest": ratios(&busiest), "to_any": ratios(&any), "cities": cities, "busiest": busiest, "any": any})
}

/// Returns the searches of a kind on this day of the month, one for each pair of cities.
fn questions(kind: Kind, day: usize, places: &[String]) -> Vec<Vec<u8>> {
    let mut asked = Vec::new();
    for (from, from_city) in CITIES.iter().enumerate() {
        for (to, to_city) in CITIES.iter().enumerate().filter(|(to, _)| *to != from) {
            let airport = |city: usize, number: usize| places[number % AIRPORTS * CITIES.len() + city].as_str();
            let (origin, destination) = match kind {
                Kind::Cities => (*from_city, *to_city),
                Kind::Busiest => (airport(from, 0), airport(to, 0)),
                // Over the pairs of cities and the days, each pair of places in them has its turn.
                Kind::Any => (airport(from, asked.len() + day), airport(to, (asked.len() + day) / AIRPORTS)),
            };
            asked.push(get(&format!(
                "/api/v1/routes?origin={origin}&destination={destination}&departure_date=2027-05-{day:02}"
            )));
        }
    }
    asked
}
