//! An import of 100 000 flights through the API, and what searches and bookings notice of it.
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::common::{load::Client, network, site::Site};

/// How long searches and bookings are measured without an import.
const BEFORE: Duration = Duration::from_secs(5);
/// Between two requests of a caller.
const PACE: Duration = Duration::from_millis(10);

fn table(rows: usize) -> String {
    let first: NaiveDate = "2027-06-01".parse().unwrap();
    let mut table = String::from(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes\n",
    );
    let places = ["DEL", "BOM", "LHR", "FRA", "CDG", "JFK", "DXB", "SIN", "HKG", "NRT"];
    for row in 0..rows {
        let (lane, number) = (row % 90, row / 90 % 40);
        let (origin, destination) = (places[lane / 9], places[(lane / 9 + 1 + lane % 9) % 10]);
        let date = first + Days::new((row / 3600) as u64);
        let number = 1 + lane % 9 * 40 + number;
        writeln!(
            table,
            "TK{number},{origin},{destination},{date}T{:02}:15:00Z,{date}T{:02}:45:00Z,,90000.5,600.125,30,60",
            row % 3600 % 14,
            row % 3600 % 14 + 9
        )
        .unwrap();
    }
    table
}

/// Asks one request after the other until it is told to stop; returns the milliseconds that each took.
fn caller(site: &Site, requests: Vec<Vec<u8>>, status: u16, stop: Arc<AtomicBool>) -> JoinHandle<Vec<f64>> {
    let address = site.here;
    tokio::spawn(async move {
        let (mut client, mut times) = (Client::connect(address).await, Vec::new());
        for request in requests.iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let began = Instant::now();
            let (answered, body) = client.ask(request).await;
            assert_eq!(answered, status, "{}", String::from_utf8_lossy(body));
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            tokio::time::sleep(PACE).await;
        }
        times
    })
}

fn quantiles(mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| (times[(times.len() as f64 * part) as usize] * 100.0).round() / 100.0;
    json!({"answers": times.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "slowest_ms": at(0.9999)})
}

/// Searches and bookings for as long as this takes.
async fn beside(site: &Site, orders: &[Vec<u8>], doing: impl Future<Output = ()>) -> (Value, Value) {
    let stop = Arc::new(AtomicBool::new(false));
    let searching = caller(site, network::rankings(), 200, stop.clone());
    let booking = caller(site, orders.to_vec(), 201, stop.clone());
    doing.await;
    stop.store(true, Ordering::Relaxed);
    (quantiles(searching.await.unwrap()), quantiles(booking.await.unwrap()))
}

pub async fn measure(site: &Site, rows: usize) -> Value {
    let orders = network::orders(site).await;
    // What is kept of searches and connections is there before.
    beside(site, &orders, tokio::time::sleep(BEFORE)).await;
    let (searches, bookings) = beside(site, &orders, tokio::time::sleep(BEFORE)).await;
    let table = table(rows);
    let new = import(site, &orders, &table).await;
    let unchanged = import(site, &orders, &table).await;
    // Other times: each flight changes.
    let retimed = import(site, &orders, &table.replace(":45:00Z", ":50:00Z")).await;
    let alone = Instant::now();
    site.import("/api/v1/flights/import", &table.replace(",2027-", ",2028-")).await;
    let alone = alone.elapsed().as_secs_f64();
    let report = json!({"rows": rows, "seconds_alone": alone, "without": {"searches": searches, "bookings": bookings}, "new": new,
        "unchanged": unchanged, "retimed": retimed});
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    site.audit();
    report
}

/// Imports the table beside searches and bookings.
async fn import(site: &Site, orders: &[Vec<u8>], table: &str) -> Value {
    let (before, mut took) = (site.memory("VmRSS"), Duration::ZERO);
    site.forget_peak();
    let importing = async {
        let began = Instant::now();
        site.import("/api/v1/flights/import", table).await;
        took = began.elapsed();
    };
    let (searches, bookings) = beside(site, orders, importing).await;
    let peak = site.memory("VmHWM");
    // What follows an import ends before the next one.
    tokio::time::sleep(BEFORE).await;
    json!({"seconds": took.as_secs_f64(), "resident_before_mib": before, "peak_mib": peak, "searches": searches,
        "bookings": bookings})
}
