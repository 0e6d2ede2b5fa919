//! Searches with dimensions beside the same search without, by turns: `BENCH_ONLY=dimension cargo bench --bench throughput`.
//!
//! The freight has the same weight and volume each time, and the routes of each lane are cached. In rows named `search again` the
//! finished answer is cached, too, as after a second caller with the same freight: the cost of dimensions weighs most there. In rows
//! named `search anew` each request has another volume, as the freight of each customer has, so that the options are judged and
//! written for each. A search whose routes are not cached costs many times as much, with and without dimensions.
use std::{fmt::Write, sync::Arc};

use serde_json::{Value, json};

use crate::{
    common::{
        load::{Client, Load, find},
        median,
        network::{DESTINATIONS, GOALS_OF_LINES, HUBS, LINES, ORIGINS, dimensions, post},
        site::Site,
    },
    contests::{Against, Bench, Contest, What},
};

pub const NAMES: [&str; 6] = [
    "search again, no dimensions",
    "search again, 1 dimension line",
    "search again, 50 dimension lines",
    "search anew, no dimensions",
    "search anew, 1 dimension line",
    "search anew, 50 dimension lines",
];
/// The rows of a search without dimensions, with one line and with fifty.
const AGAIN: [&str; 3] = [NAMES[0], NAMES[1], NAMES[2]];
const ANEW: [&str; 3] = [NAMES[3], NAMES[4], NAMES[5]];
const CLIENTS: usize = 32;
/// Different volumes: the answers for all of them are many times what the server keeps.
const VOLUMES: usize = 200;
const DATE: &str = "2027-06-01";
const LANES: usize = ORIGINS.len() * DESTINATIONS.len();
/// Openings of aircraft whose own are not published.
const OF_FREIGHTERS: &str = "LOWER:269x170x318 MAIN:340x305";
const OF_OTHERS: &str = "LOWER:269x170x318 BULK:91x114";

/// Returns the rows; none of a release that does not know dimensions.
pub async fn contests(site: &Site) -> Vec<Contest> {
    let mut client = Client::connect(site.here).await;
    let (status, body) = client.ask(&searches(1, 1)[0]).await;
    assert!(matches!(status, 200 | 400), "{}", String::from_utf8_lossy(body));
    if status == 400 {
        return Vec::new();
    }
    site.import("/api/v1/aircraft/import", &aircraft()).await;
    site.import("/api/v1/flights/import", &timetable()).await;
    let contains = Arc::new(vec![br#""direct_flights":[{"#.to_vec()]);
    let mut contests = Vec::new();
    for (names, volumes) in [(AGAIN, 1), (ANEW, VOLUMES)] {
        for (name, lines) in names.into_iter().zip(LINES) {
            let requests = searches(lines, volumes);
            warm(&mut client, &requests[..LANES], lines > 0).await;
            let what = What::Ask(Arc::new(requests), contains.clone(), 200);
            contests.push(Contest::new(name, CLIENTS, what, Against::Nothing, None));
        }
    }
    contests
}

/// Searches each lane once. One of its aircraft, and no other, is too small for the pieces.
async fn warm(client: &mut Client, requests: &[Vec<u8>], has_dimensions: bool) {
    for request in requests {
        let (status, body) = client.ask(request).await;
        let text = String::from_utf8_lossy(body);
        assert_eq!((status, text.matches(r#"["too_large"]"#).count()), (200, usize::from(has_dimensions)), "{text}");
        assert!(find(body, br#""transit_routes":[{"#).is_some(), "{text}");
    }
}

/// The released aircraft types, each with openings, so that each type is judged.
fn aircraft() -> String {
    let released = include_str!("../../data/aircraft.csv");
    let row = |line: &str| {
        let openings = match line.rsplit(',').nth(1) {
            Some("true") if line.ends_with(',') => OF_FREIGHTERS,
            Some("false") if line.ends_with(',') => OF_OTHERS,
            _ => "",
        };
        format!("{line}{openings}\n")
    };
    let rows: Vec<String> = released.lines().map(row).collect();
    rows.concat()
}

/// A day on the lanes of the other searches, with aircraft: four direct flights, one of them of a narrow-body, and eighteen
/// connections for each pair of airports.
fn timetable() -> String {
    let mut table = String::from(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes\n",
    );
    let mut number = 0;
    let mut add = |airline: &str, (origin, destination): (&str, &str), from: usize, hours: usize, aircraft: &str| {
        number += 1;
        let to = from + hours;
        writeln!(
            table,
            "{airline}{number},{origin},{destination},{DATE}T{from:02}:15:00Z,{DATE}T{to:02}:45:00Z,{aircraft},,,,"
        )
        .unwrap();
    };
    for origin in ORIGINS {
        for destination in DESTINATIONS {
            for (turn, aircraft) in ["77X", "74Y", "332", "320"].into_iter().enumerate() {
                add("AI", (origin, destination), 4 + turn, 9, aircraft);
            }
        }
        for hub in HUBS {
            for (turn, aircraft) in ["77W", "333", "77X"].into_iter().enumerate() {
                add("EK", (origin, hub), 3 + turn, 3, aircraft);
            }
        }
    }
    for hub in HUBS {
        for destination in DESTINATIONS {
            for (turn, aircraft) in ["789", "359", "77X"].into_iter().enumerate() {
                add("QR", (hub, destination), 12 + turn, 7, aircraft);
            }
        }
    }
    table
}

/// Returns searches of each lane for each of some volumes; the first ones are those of each lane.
fn searches(lines: usize, volumes: usize) -> Vec<Vec<u8>> {
    let dimensions = dimensions(lines);
    let mut requests = Vec::with_capacity(volumes * LANES);
    for volume in 0..volumes {
        for origin in ORIGINS {
            for destination in DESTINATIONS {
                let mut body = json!({"origin": origin, "destination": destination, "departure_date": DATE, "weight_kg": 500,
                    "volume_m3": (15_500 + volume) as f64 / 1000.0});
                if !dimensions.is_empty() {
                    body["dimensions"] = json!(dimensions);
                }
                requests.push(post("/api/v1/routes/search", None, &body.to_string()));
            }
        }
    }
    requests
}

/// Prints and returns how searches with dimensions compare with those without.
pub fn report(bench: &Bench<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for [none, one, fifty] in [AGAIN, ANEW] {
        for (name, goal) in [one, fifty].into_iter().zip(GOALS_OF_LINES) {
            let (Some(without), Some(with)) = (bench.contest(none), bench.contest(name)) else { continue };
            let rate = median(with.ratios(without, Load::per_second).into_iter());
            let spent = with.ratios_spent(without);
            let server = median(spent.iter().copied());
            let (least, most) = spent.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), it| (a.min(*it), b.max(*it)));
            let p99 = median(with.ratios(without, |load| load.quantile(0.99)).into_iter());
            println!(
                "{name}, to none: rate {rate:.2}, p99 {p99:.2}, server's processor time {server:.3} ({least:.3}, {most:.3}; goal {goal})"
            );
            rows.push(
                json!({"what": name, "rate": rate, "p99": p99, "server": server, "servers": spent, "goal": goal}),
            );
        }
    }
    rows
}
