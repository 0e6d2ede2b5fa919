//! Searches with one and with fifty lines of dimensions beside searches without, by turns. No question is asked twice, so that no
//! routes are cached.
use serde_json::{Value, json};

use crate::{
    common::{
        load::Client,
        median,
        network::{GOALS_OF_LINES, LINES, dimensions, post, send},
        site::{Site, log_in},
    },
    turns::{Found, compared, rounded},
};

/// The busiest airports, between which is searched: a turn takes a second of processor time, which is counted in hundredths.
const AIRPORTS: usize = 16;
/// Each turn asks for all pairs on one day for each number of lines.
const TURNS: usize = 9;

/// Gives the aircraft types of the flights openings, which take all pieces or some.
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
    let options = |answer: &Value| {
        let lists = ["direct_flights", "transit_routes"];
        lists.iter().map(|list| answer[*list].as_array().unwrap().len()).sum()
    };
    let found = compared::<3>(site, TURNS, |kind, day| questions(LINES[kind], day, places), options).await;
    let ratio = |with: &Found| rounded(median(found[0].spent.iter().zip(&with.spent).map(|(none, with)| with / none)));
    let ratios = [ratio(&found[1]), ratio(&found[2])];
    let [none, one, fifty] = found.map(Found::figures);
    json!({"processor_to_none": ratios, "goals": GOALS_OF_LINES, "none": none, "one": one, "fifty": fifty})
}

/// Returns the searches on this day of the month, one for each pair of airports.
fn questions(lines: usize, day: usize, places: &[String]) -> Vec<Vec<u8>> {
    let mut asked = Vec::new();
    for origin in &places[..AIRPORTS] {
        for destination in places[..AIRPORTS].iter().filter(|destination| *destination != origin) {
            let mut body = json!({"origin": origin, "destination": destination, "weight_kg": 500, "volume_m3": 15.5,
                "departure_date": format!("2027-05-{day:02}")});
            if lines > 0 {
                body["dimensions"] = json!(dimensions(lines));
            }
            asked.push(post("/api/v1/routes/search", None, &body.to_string()));
        }
    }
    asked
}
