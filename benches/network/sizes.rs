//! Searches with one and with fifty lines of dimensions beside searches without, by turns. No question is asked twice, so that no
//! routes are cached.
use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    cities::{figures, rounded},
    common::{
        load::Client,
        median,
        network::{dimensions, post, send},
        processes::Cpu,
        site::{Site, log_in},
    },
};

/// The busiest airports, between which is searched.
const AIRPORTS: usize = 8;
/// Each turn asks for all pairs on one day for each number of lines.
const TURNS: usize = 9;
const LINES: [usize; 3] = [0, 1, 50];
/// Maximum processor time with one line and with fifty, as a multiple of that without.
pub const GOALS: [f64; 2] = [1.05, 1.3];

#[derive(Default)]
struct Found {
    times: Vec<f64>,
    options: usize,
    hits: usize,
    /// Seconds of processor time of all servers, by turn.
    spent: Vec<f64>,
}

/// The aircraft types of the flights, whose openings take all pieces or some.
pub async fn open_doors(site: &Site) {
    let (mut client, token) = (Client::connect(site.here).await, log_in(site.here).await);
    for (code, height) in [("320", 120), ("77X", 300)] {
        let change = json!({"openings": [{"deck": "LOWER", "door_width_cm": 180, "door_height_cm": height}]});
        let request = send("PATCH", &format!("/api/v1/aircraft/{code}"), Some(&token), &change.to_string());
        let (status, body) = client.ask(&request).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
    }
}

/// Returns the figures of each number of lines, and the ratios of processor time to searches without dimensions.
pub async fn measure(site: &Site, places: &[String]) -> Value {
    let mut client = Client::connect(site.here).await;
    let mut found: [Found; 3] = Default::default();
    for turn in 0..TURNS {
        for at in 0..LINES.len() {
            // None always comes first.
            let kind = (at + turn) % LINES.len();
            let before = Cpu::now();
            for body in questions(LINES[kind], turn * LINES.len() + kind + 1, places) {
                ask(&mut client, &body, &mut found[kind]).await;
            }
            let spent = Cpu::now() - before;
            found[kind].spent.push(spent.server + spent.postgres + spent.redis);
        }
    }
    assert!(found.iter().all(|kind| kind.options > 0), "no search has found an option");
    let ratio = |with: &Found| rounded(median(found[0].spent.iter().zip(&with.spent).map(|(none, with)| with / none)));
    let ratios = [ratio(&found[1]), ratio(&found[2])];
    let [none, one, fifty] = found.map(|kind| {
        let (spent, searches) = (kind.spent.iter().sum(), kind.times.len());
        figures(kind.times, spent, kind.options as f64 / searches as f64, kind.hits)
    });
    json!({"processor_to_none": ratios, "goals": GOALS, "none": none, "one": one, "fifty": fifty})
}

/// Returns the searches on this day of the month, one for each pair of airports.
fn questions(lines: usize, day: usize, places: &[String]) -> Vec<String> {
    let mut bodies = Vec::new();
    for origin in &places[..AIRPORTS] {
        for destination in places[..AIRPORTS].iter().filter(|destination| *destination != origin) {
            let mut body = json!({"origin": origin, "destination": destination, "weight_kg": 500, "volume_m3": 15.5,
                "departure_date": format!("2027-05-{day:02}")});
            if lines > 0 {
                body["dimensions"] = json!(dimensions(lines));
            }
            bodies.push(body.to_string());
        }
    }
    bodies
}

async fn ask(client: &mut Client, body: &str, found: &mut Found) {
    let request = post("/api/v1/routes/search", None, body);
    let began = Instant::now();
    let (status, answer) = client.ask(&request).await;
    found.times.push(began.elapsed().as_secs_f64() * 1000.0);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(answer));
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let lists = ["direct_flights", "transit_routes"].map(|list| answer[list].as_array().map_or(0, Vec::len));
    found.options += lists.iter().sum::<usize>();
    found.hits += usize::from(client.head().contains("cache-status: loadmaster; hit"));
}
