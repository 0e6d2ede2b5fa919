//! Searches between two cities of six airports each, beside searches between two airports of the same cities, by turns. No question
//! is asked twice, so that no routes are cached.
use std::time::Instant;

use serde_json::{Value, json};

use crate::common::{load::Client, network::get, processes::Cpu, site::Site};

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

#[derive(Default)]
struct Found {
    times: Vec<f64>,
    options: usize,
    /// Searches whose routes were cached all the same.
    hits: usize,
    /// Seconds of processor time of all servers.
    spent: f64,
}

/// Returns the figures of each kind, and the ratios of searches between cities to the others (goals: 12, and a p99 of 60 ms with
/// 100 000 flights).
pub async fn measure(site: &Site, places: &[String]) -> Value {
    let mut client = Client::connect(site.here).await;
    for city in CITIES {
        let (status, body) = client.ask(&get(&format!("/api/v1/cities/{city}"))).await;
        let shown: Value = serde_json::from_slice(body).unwrap();
        assert_eq!((status, shown["airports"].as_array().map(Vec::len)), (200, Some(AIRPORTS)), "{shown}");
    }
    let mut found: [Found; 3] = Default::default();
    for turn in 0..TURNS {
        for at in 0..KINDS.len() {
            // None always comes first.
            let kind = (at + turn) % KINDS.len();
            let before = Cpu::now();
            for path in questions(KINDS[kind], turn * KINDS.len() + kind + 1, places) {
                ask(&mut client, &path, &mut found[kind]).await;
            }
            let spent = Cpu::now() - before;
            found[kind].spent += spent.server + spent.postgres + spent.redis;
        }
    }
    assert!(found.iter().all(|kind| kind.options > 0), "no search has found an option");
    let [cities, busiest, any] = found.map(|kind| {
        let searches = kind.times.len() as f64;
        figures(kind.times, kind.spent, kind.options as f64 / searches, kind.hits)
    });
    let ratio = |other: &Value, name: &str| rounded(cities[name].as_f64().unwrap() / other[name].as_f64().unwrap());
    let ratios = |other: &Value| json!({"p50": ratio(other, "p50_ms"), "p99": ratio(other, "p99_ms"), "processor": ratio(other, "processor_ms")});
    json!({"to_busiest": ratios(&busiest), "to_any": ratios(&any), "cities": cities, "busiest": busiest, "any": any})
}

/// Returns the searches of a kind on this day of the month, one for each pair of cities.
fn questions(kind: Kind, day: usize, places: &[String]) -> Vec<String> {
    let mut paths = Vec::new();
    for (from, from_city) in CITIES.iter().enumerate() {
        for (to, to_city) in CITIES.iter().enumerate().filter(|(to, _)| *to != from) {
            let airport = |city: usize, number: usize| places[number % AIRPORTS * CITIES.len() + city].as_str();
            let (origin, destination) = match kind {
                Kind::Cities => (*from_city, *to_city),
                Kind::Busiest => (airport(from, 0), airport(to, 0)),
                // Over the pairs of cities and the days, each pair of places in them has its turn.
                Kind::Any => (airport(from, paths.len() + day), airport(to, (paths.len() + day) / AIRPORTS)),
            };
            paths.push(format!(
                "/api/v1/routes?origin={origin}&destination={destination}&departure_date=2027-05-{day:02}"
            ));
        }
    }
    paths
}

async fn ask(client: &mut Client, path: &str, found: &mut Found) {
    let request = get(path);
    let began = Instant::now();
    let (status, body) = client.ask(&request).await;
    found.times.push(began.elapsed().as_secs_f64() * 1000.0);
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(body));
    let options: Vec<Value> = serde_json::from_slice(body).unwrap();
    found.options += options.len();
    found.hits += usize::from(client.head().contains("cache-status: loadmaster; hit"));
}

/// Returns the quantiles of times and the means of the rest.
pub fn figures(mut times: Vec<f64>, spent: f64, options: f64, hits: usize) -> Value {
    times.sort_by(f64::total_cmp);
    let searches = times.len();
    let quantile = |part: f64| rounded(times[(searches as f64 * part) as usize]);
    json!({"p50_ms": quantile(0.5), "p99_ms": quantile(0.99), "slowest_ms": quantile(0.9999),
        "processor_ms": rounded(spent * 1000.0 / searches as f64), "options": rounded(options), "hits": hits})
}

pub fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
