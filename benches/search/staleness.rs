//! How soon a search tells of what was booked or changed, while a thousand bookings a second are made.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::common::{
    load::Client,
    network::{get, order, orders, send},
    site::Site,
};

const PACE: f64 = 1000.0;
const BOOKERS: usize = 64;
const PROBES: usize = 60;

/// What is booked and changed while it is looked at.
const PROBED: &str = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2027-05-01&max_stops=0&limit=1";

pub async fn measure(site: &Site) -> Value {
    let stop = Arc::new(AtomicBool::new(false));
    let booked = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let booking = book_all_the_while(site, &stop, &booked).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (mut room, mut network, mut own) = (Vec::new(), Vec::new(), 0);
    let mut worst = 0.0_f64;
    for probe in 0..PROBES {
        let (seen, is_late_here) = probe_booking(site).await;
        room.push(seen);
        own += usize::from(is_late_here);
        if probe % 3 == 0 {
            let (seen, is_late_here) = probe_flight(site, probe).await;
            network.push(seen);
            own += usize::from(is_late_here);
        }
        worst = worst.max(told_staleness(site).await);
        tokio::time::sleep(Duration::from_millis(37)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let rate = booked.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    for booking in booking {
        booking.await.unwrap();
    }
    report(rate, &mut room, &mut network, own, worst)
}

fn report(rate: f64, room: &mut [f64], network: &mut [f64], own: usize, worst: f64) -> Value {
    println!("\nat {rate:.0} bookings/s, milliseconds until another instance tells:");
    println!("{:28} {:>7} {:>8} {:>8} {:>8}", "", "probes", "p50", "p95", "most");
    let line = |name: &str, times: &mut [f64]| {
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        println!("{name:28} {:>7} {:>8.0} {:>8.0} {:>8.0}", times.len(), at(0.5), at(0.95), at(1.0));
        json!({"probes": times.len(), "p50_ms": at(0.5), "p95_ms": at(0.95), "most_ms": at(1.0)})
    };
    let (room, network) = (line("a booking", room), line("a changed flight", network));
    println!("told late by the instance itself: {own}");
    println!("staleness of the index, as its metric tells it: at most {:.0} ms", worst * 1000.0);
    json!({"bookings_per_second": rate.round(), "booking": room, "flight": network, "late_on_own_instance": own,
        "most_told_by_metric_ms": worst * 1000.0})
}

async fn book_all_the_while(
    site: &Site,
    stop: &Arc<AtomicBool>,
    booked: &Arc<AtomicUsize>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let requests = orders(site).await;
    let (requests, begun, start) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)), Instant::now());
    let bookers = (0..BOOKERS).map(|_| {
        let (requests, begun, stop, booked) = (requests.clone(), begun.clone(), stop.clone(), booked.clone());
        let address = site.here;
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            while !stop.load(Ordering::Relaxed) {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                let due = start + Duration::from_secs_f64(number as f64 / PACE);
                tokio::time::sleep_until(due.into()).await;
                let (status, _) = client.ask(&requests[number % requests.len()]).await;
                booked.fetch_add(usize::from(status == 201), Ordering::Relaxed);
            }
        })
    });
    bookers.collect()
}

/// The probed flight as a search tells it.
async fn told(client: &mut Client) -> Value {
    let (status, body) = client.ask(&get(PROBED)).await;
    assert_eq!(status, 200);
    serde_json::from_slice::<Value>(body).unwrap()[0]["flights"][0].clone()
}

/// Does it here; answers how long it took until it was told there, and whether it was told late here.
async fn probe(site: &Site, request: &[u8], member: &str) -> (f64, bool) {
    let (mut here, mut there) = (Client::connect(site.here).await, Client::connect(site.there).await);
    let before = told(&mut here).await[member].clone();
    while told(&mut there).await[member] != before {}
    let (status, body) = here.ask(request).await;
    assert!(status < 300, "{}", String::from_utf8_lossy(body));
    let done = Instant::now();
    let is_late_here = told(&mut here).await[member] == before;
    while told(&mut there).await[member] == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (done.elapsed().as_secs_f64() * 1000.0, is_late_here)
}

async fn probe_booking(site: &Site) -> (f64, bool) {
    let flight = told(&mut Client::connect(site.here).await).await;
    probe(site, &order(site, flight["id"].as_str().unwrap(), "DEL", "LHR"), "available").await
}

/// Lands at another minute each time, and before all others.
async fn probe_flight(site: &Site, number: usize) -> (f64, bool) {
    let flight = told(&mut Client::connect(site.here).await).await;
    let arrival = format!("2027-05-01T12:{:02}:00Z", number % 60);
    let path = format!("/api/v1/flights/{}", flight["id"].as_str().unwrap());
    let body = json!({"arrival_datetime": arrival}).to_string();
    probe(site, &send("PATCH", &path, Some(&site.token), &body), "arrival_datetime").await
}

/// Seconds, by the metric of the other instance.
async fn told_staleness(site: &Site) -> f64 {
    let mut client = Client::connect(site.there).await;
    let (_, body) = client.ask(&get("/metrics")).await;
    let text = String::from_utf8_lossy(body);
    let line = text.lines().find_map(|line| line.strip_prefix("loadmaster_availability_staleness_seconds "));
    line.and_then(|figure| figure.parse().ok()).expect("the metric is there")
}
