//! The booking desk under load that grows: `BENCH_ONLY=desk cargo bench --bench throughput`. A flight is filled to its last
//! kilogram by one process and by two; then the number of clients doubles, and the tables grow to `BENCH_BOOKINGS` (a
//! million).
use std::{sync::Arc, time::Duration, time::Instant};

use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};

use crate::{
    callers::{Booker, References},
    common::{
        load::{self, Client, Load, play},
        median,
        network::{self, post},
        setting,
        site::Site,
    },
};

/// Clients that fill a flight, and its capacity in kilograms.
const CLIENTS: usize = 256;
const KILOGRAMS: u32 = 100_000;

pub async fn measure(site: &Site, time: Duration) {
    for processes in 1..=site.addresses.len() {
        fill(site, processes).await;
        site.audit();
    }
    let orders = Arc::new(network::orders(site).await);
    println!("\nclients    per s   p50 ms   p99 ms  longest");
    for clients in (0..9).map(|power| 1 << power) {
        let load = create(site, &orders, clients, time).await;
        let (p50, p99, longest) = (load.quantile(0.5), load.quantile(0.99), load.quantile(1.0));
        println!("{clients:>7} {:>8.0} {p50:>8.2} {p99:>8.2} {longest:>8.1}", load.per_second());
    }
    site.audit();
    grow(site, &orders, time).await;
    site.audit();
}

async fn create(site: &Site, orders: &Arc<Vec<Vec<u8>>>, clients: usize, time: Duration) -> Load {
    let step = orders.len() / clients.min(orders.len());
    let booker = |number| Booker { orders: orders.clone(), at: number * step, made: References::default() };
    play(site.here, (0..clients).map(booker), time).await
}

/// The throughput at 64 clients in tables of growing size, each the median of five runs.
async fn grow(site: &Site, orders: &Arc<Vec<Vec<u8>>>, time: Duration) {
    println!("\nbookings    per s");
    let most = usize::try_from(setting("BENCH_BOOKINGS", 1_000_000)).unwrap();
    let mut bookings = 0;
    for size in [1_000, 10_000, 100_000, 300_000, 1_000_000] {
        if size > most {
            return;
        }
        while bookings < size {
            bookings += create(site, orders, 128, Duration::from_secs(1)).await.answers;
        }
        at_rest(site).await;
        let mut rates = Vec::new();
        for _ in 0..5 {
            let load = create(site, orders, 64, time).await;
            bookings += load.answers;
            rates.push(load.per_second());
        }
        println!("{bookings:>8} {:>8.0}", median(rates.into_iter()));
    }
}

/// Vacuums and writes the pages to disk, which would otherwise happen while the load after the growth is measured.
async fn at_rest(site: &Site) {
    let mut owner = PgConnection::connect(&site.stores.url("loadmaster")).await.unwrap();
    owner.execute("vacuum (analyze)").await.unwrap();
    owner.execute("checkpoint").await.unwrap();
    owner.close().await.unwrap();
}

/// What became of one client's requests.
struct Filled {
    kilograms: u32,
    bookings: usize,
    refused: usize,
    longest: Duration,
}

async fn fill(site: &Site, processes: usize) {
    let flight = flight(site, processes).await;
    let began = Instant::now();
    let filling: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (address, token, flight) = (site.addresses[number % processes], site.token.clone(), flight.clone());
            tokio::spawn(async move { Filler { token, flight, dice: number as u64 }.fill(address).await })
        })
        .collect();
    let mut sum = Filled { kilograms: 0, bookings: 0, refused: 0, longest: Duration::ZERO };
    for filling in filling {
        let filled = filling.await.unwrap();
        sum.kilograms += filled.kilograms;
        sum.bookings += filled.bookings;
        sum.refused += filled.refused;
        sum.longest = sum.longest.max(filled.longest);
    }
    assert_eq!(sum.kilograms, KILOGRAMS, "full to the last kilogram");
    println!(
        "{CLIENTS} clients at {processes} process(es) fill a flight with {} bookings and {} refusals in {:.2} s; longest wait {:.0} ms",
        sum.bookings,
        sum.refused,
        began.elapsed().as_secs_f64(),
        sum.longest.as_secs_f64() * 1000.0,
    );
}

async fn flight(site: &Site, number: usize) -> String {
    let new = json!({
        "flight_number": format!("SQ{}", 9000 + number),
        "origin": "SIN",
        "destination": "NRT",
        "departure_datetime": "2027-06-20T02:00:00Z",
        "arrival_datetime": "2027-06-20T09:00:00Z",
        "capacity": {"weight_kg": KILOGRAMS, "volume_m3": 10_000, "positions": 40},
    });
    let mut client = Client::connect(site.here).await;
    let (status, body) = client.ask(&post("/api/v1/flights", Some(&site.token), &new.to_string())).await;
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(body));
    let flight: Value = serde_json::from_slice(body).unwrap();
    flight["id"].as_str().unwrap().to_owned()
}

/// A client that books until there is not one kilogram left, and wants less after each refusal.
struct Filler {
    token: String,
    flight: String,
    dice: u64,
}

impl Filler {
    fn kilograms(&mut self, most: u32) -> u32 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + u32::try_from(self.dice >> 33).unwrap() % most
    }

    async fn fill(mut self, address: std::net::SocketAddr) -> Filled {
        let mut client = Client::connect(address).await;
        let mut filled = Filled { kilograms: 0, bookings: 0, refused: 0, longest: Duration::ZERO };
        let mut most = 20;
        loop {
            let kilograms = self.kilograms(most);
            let body = json!({"origin": "SIN", "destination": "NRT", "pieces": 1, "weight_kg": kilograms,
                              "volume_m3": 0.001, "flight_ids": [self.flight]});
            let request = post("/api/v1/bookings", Some(&self.token), &body.to_string());
            let asked = Instant::now();
            let (status, body) = client.ask(&request).await;
            filled.longest = filled.longest.max(asked.elapsed());
            match status {
                201 => {
                    filled.kilograms += kilograms;
                    filled.bookings += 1;
                }
                409 if load::find(body, b"capacity_exceeded").is_some() => {
                    filled.refused += 1;
                    if kilograms == 1 {
                        return filled;
                    }
                    most = kilograms / 2;
                }
                _ => panic!("{status} {}", String::from_utf8_lossy(body)),
            }
        }
    }
}
