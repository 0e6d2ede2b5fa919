//! A steady load with all that listens: `BENCH_ONLY=steady BENCH_SECONDS=600 cargo bench --bench throughput`. A hundred
//! organizations, each with a webhook that answers, an open stream of a flight and a contact that is named on each booking, make a
//! thousand bookings a second. Each second, it looks at what the sinks of the outbox and the webhooks have not taken yet.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{JoinHandle, JoinSet},
};

use crate::{
    callers::authorized,
    common::{
        load::Client,
        network::{self, post},
        site::{Site, Variant},
    },
    messages::{Receiver, Shipper, rested, shippers, switch_webhooks, undelivered, with_mail},
};

/// Bookings per second.
const PACE: f64 = 1000.0;
const CLIENTS: usize = 64;
/// Bookings of the beginning that do not count: connections open, plans are made.
const WARM_UP: Duration = Duration::from_secs(5);

/// The server, which keeps its letters.
pub fn variant() -> Variant {
    with_mail([("LOADMASTER_MAIL__TRANSPORT", "mailbox".to_owned())])
}

pub async fn measure(site: &Site, time: Duration) {
    let receiver = Receiver::start(false).await;
    let shippers = shippers(site, &receiver).await;
    switch_webhooks(site, &shippers, true).await;
    rested(site).await;
    let events = Arc::new(AtomicUsize::new(0));
    let flights = network::apart(site).await;
    let mut listeners = JoinSet::new();
    for (shipper, flight) in shippers.iter().zip(&flights) {
        let request = authorized(&format!("/api/v1/flights/{flight}/stream"), &shipper.token);
        listeners.spawn(listen(site.here, request, events.clone()));
    }
    let (before, stop) = (receiver.count(), Arc::new(AtomicBool::new(false)));
    let began = Instant::now();
    let booking = book(site, &shippers, &flights, &stop);
    let mut queues = Vec::new();
    while began.elapsed() < time {
        tokio::time::sleep(Duration::from_secs(1)).await;
        queues.push(undelivered(site).await);
    }
    stop.store(true, Ordering::Relaxed);
    let mut took = Vec::new();
    for booking in booking {
        took.extend(booking.await.unwrap());
    }
    let seconds = began.elapsed().as_secs_f64();
    assert!(events.load(Ordering::Relaxed) > 0, "no stream has shown an event");
    report(seconds, took, &queues, receiver.count() - before, events.load(Ordering::Relaxed));
    rested(site).await;
    assert!(listeners.try_join_next().is_none(), "a stream has ended");
    println!("all taken {:.1} s after the last booking", began.elapsed().as_secs_f64() - seconds);
    site.audit();
}

fn report(seconds: f64, mut took: Vec<f64>, queues: &[u64], received: usize, events: usize) {
    took.sort_by(f64::total_cmp);
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
    println!("{} bookings, {:.0} per second", took.len(), took.len() as f64 / seconds);
    println!("ms: p50 {:.1}, p99 {:.1}, p99.9 {:.1}, longest {:.1}", at(0.5), at(0.99), at(0.999), at(1.0));
    let mean = |part: &[u64]| part.iter().sum::<u64>() as f64 / part.len().max(1) as f64;
    let tenths: Vec<String> =
        queues.chunks(queues.len().div_ceil(10)).map(|part| format!("{:.0}", mean(part))).collect();
    println!("messages not taken, means of ten parts of the time: {}", tenths.join(", "));
    println!("most: {}", queues.iter().max().copied().unwrap_or_default());
    println!("received by webhooks: {received}; by streams: {events}");
}

/// Begins bookings at their times, whether or not the ones before were slow; returns the milliseconds from each one's time to its answer.
fn book(site: &Site, shippers: &[Shipper], flights: &[String], stop: &Arc<AtomicBool>) -> Vec<JoinHandle<Vec<f64>>> {
    let order = |((number, shipper), flight): ((usize, &Shipper), &String)| {
        let body = json!({"origin": "SIN", "destination": "NRT", "pieces": 1, "weight_kg": 0.1, "volume_m3": 0.001,
            "flight_ids": [flight], "contacts": [{"name": "Consignee", "role": "consignee", "email": format!("consignee-{}@example.com", number % 100)}]});
        post("/api/v1/bookings", Some(&shipper.token), &body.to_string())
    };
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(shippers.iter().enumerate().cycle().zip(flights).map(order).collect());
    let (begun, start) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let bookers = (0..CLIENTS).map(|_| {
        let (requests, begun, stop, address) = (requests.clone(), begun.clone(), stop.clone(), site.here);
        tokio::spawn(async move {
            let (mut client, mut took) = (Client::connect(address).await, Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                let due = start + Duration::from_secs_f64(number as f64 / PACE);
                tokio::time::sleep_until(due.into()).await;
                let (status, body) = client.ask(&requests[number % requests.len()]).await;
                assert_eq!(status, 201, "{}", String::from_utf8_lossy(body));
                if due - start > WARM_UP {
                    took.push(due.elapsed().as_secs_f64() * 1000.0);
                }
            }
            took
        })
    });
    bookers.collect()
}

/// Reads the events of a flight as they come, and counts them.
async fn listen(address: std::net::SocketAddr, request: Vec<u8>, events: Arc<AtomicUsize>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut read = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut read).await {
        events.fetch_add(read[..length].windows(7).filter(|text| text == b"\nevent:").count(), Ordering::Relaxed);
    }
}
