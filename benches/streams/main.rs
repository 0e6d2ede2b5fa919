//! What open streams cost: `cargo bench --bench streams`.
//!
//! Starts a PostgreSQL and a Redis of its own (`fsync` on) and a release server on them, opens streams of flights, and
//! measures the memory that they take, the processor time while nothing happens, and the time from the start of a booking
//! until every stream of its flight has shown it. Prints a table, and leaves the figures in `target/bench/streams.json`.
//! `BENCH_STREAMS` is how many there are (10 000), `BENCH_SECONDS` how long nothing happens (60), `BENCH_RUNS` how many
//! bookings there are (20). Client and servers share the machine.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::large_futures,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a bench prints figures, and fails by panicking"
)]
#[path = "../common/mod.rs"]
mod common;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use loadmaster_platform::descriptors;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    sync::watch,
    task::JoinSet,
};

use common::{
    load::{Client, find},
    network::{self, post},
    processes::Cpu,
    setting,
    site::{Site, Variant},
};

/// Streams that are opened at the same time.
const OPENED_AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_mins(1);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

fn variant(streams: usize) -> Variant {
    let most = (streams + 1_000).to_string();
    let environment = vec![
        ("LOADMASTER_STREAM__MAX_PER_CALLER", most.clone()),
        ("LOADMASTER_STREAM__MAX_PER_PROCESS", most.clone()),
        ("LOADMASTER_SERVER__MAX_CONNECTIONS", (2 * streams + 2_000).to_string()),
        ("LOADMASTER_SERVER__MAX_CONNECTIONS_PER_ADDRESS", most),
        ("LOADMASTER_TELEMETRY__LOG_FILTER", "warn".to_owned()),
    ];
    Variant { environment, ..Variant::plain("streams") }
}

async fn measure() {
    let directory = std::env::current_dir().unwrap().join("target/bench");
    std::fs::create_dir_all(&directory).unwrap();
    let streams = setting("BENCH_STREAMS", 10_000) as usize;
    let quiet = Duration::from_secs(setting("BENCH_SECONDS", 60));
    let runs = setting("BENCH_RUNS", 20);
    let limit = descriptors::raise().soft;
    // One address gets half of the connections that a server can take at most.
    assert!(
        limit > 2 * streams as u64 + 1_200,
        "{limit} open files are too few for {streams} streams: set BENCH_STREAMS"
    );
    println!(
        "{:24} {:>12} {:>12} {:>12} {:>10} {:>10} {:>10}",
        "streams", "open MiB", "KiB each", "idle core %", "p50 ms", "p99 ms", "all ms"
    );
    let mut report = Vec::new();
    for flights in [1, 1_000] {
        let figures = of_flights(&directory, streams, flights, quiet, runs).await;
        println!(
            "{:24} {:>12.1} {:>12.2} {:>12.2} {:>10.1} {:>10.1} {:>10.1}",
            format!("{streams} of {flights} flight(s)"),
            number(&figures["memory_mib"]),
            number(&figures["memory_kib_each"]),
            number(&figures["idle_core_percent"]),
            number(&figures["p50_ms"]),
            number(&figures["p99_ms"]),
            number(&figures["all_ms"]),
        );
        report.push(figures);
    }
    std::fs::write(directory.join("streams.json"), serde_json::to_string_pretty(&report).unwrap()).unwrap();
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Of a server with so many streams, evenly of so many flights.
async fn of_flights(directory: &Path, streams: usize, flights: usize, quiet: Duration, runs: u64) -> Value {
    let site = Site::start(directory, &[variant(streams)]).await;
    let ids = network::apart(&site).await;
    let mut client = Client::connect(site.here).await;
    let orders: Vec<Vec<u8>> =
        ids.iter().take(flights).map(|id| post("/api/v1/bookings", Some(&site.token), &order(id))).collect();
    // Whatever a server keeps of its first requests is there before.
    for order in orders.iter().cycle().take(200) {
        let (status, body) = client.ask(order).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(body));
    }
    let server = server();
    let before = resident(server);
    let audience = Audience::open(site.here, &ids[..flights], streams).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let memory = resident(server) - before;
    let cpu = Cpu::now();
    let began = Instant::now();
    tokio::time::sleep(quiet).await;
    let idle = (Cpu::now() - cpu).server / began.elapsed().as_secs_f64();
    let (mut latencies, mut slowest) = (Vec::new(), 0.0_f64);
    for run in 0..runs as usize {
        let flight = run % flights;
        let heard = audience.hear(flight);
        let began = Instant::now();
        let (status, _) = client.ask(&orders[flight]).await;
        assert_eq!(status, 201);
        let mut times = tokio::time::timeout(PATIENCE, heard).await.expect("all streams show the booking");
        latencies.extend(times.drain(..).map(|at| (at - began).as_secs_f64() * 1000.0));
        slowest = latencies.iter().copied().fold(slowest, f64::max);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    audience.close();
    site.audit();
    site.stop().await;
    latencies.sort_by(f64::total_cmp);
    let quantile = |part: f64| latencies[((latencies.len() as f64 * part) as usize).min(latencies.len() - 1)];
    json!({
        "streams": streams, "flights": flights, "memory_mib": memory / 1024.0, "memory_kib_each": memory / streams as f64,
        "idle_core_percent": idle * 100.0, "p50_ms": quantile(0.5), "p99_ms": quantile(0.99), "all_ms": slowest,
    })
}

fn order(flight: &str) -> String {
    json!({"origin": "SIN", "destination": "NRT", "pieces": 1, "weight_kg": 1, "flight_ids": [flight]}).to_string()
}

/// The process of the server.
fn server() -> u32 {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let own = std::process::id().to_string();
    pids.find(|pid| {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
        let Some((name, rest)) = stat.rsplit_once(')') else { return false };
        name.ends_with("(loadmaster") && rest.split_ascii_whitespace().nth(1) == Some(own.as_str())
    })
    .expect("the server runs")
}

/// Its memory in KiB.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Those who read streams.
struct Audience {
    readers: JoinSet<()>,
    of_flight: Vec<Arc<Readers>>,
}

/// Those of one flight.
struct Readers {
    count: usize,
    heard: std::sync::Mutex<Vec<Instant>>,
    all: watch::Sender<usize>,
}

impl Audience {
    async fn open(address: SocketAddr, flights: &[String], streams: usize) -> Self {
        let count = streams / flights.len();
        let reader = || Readers { count, heard: std::sync::Mutex::default(), all: watch::channel(0).0 };
        let of_flight: Vec<Arc<Readers>> = flights.iter().map(|_| Arc::new(reader())).collect();
        let mut readers = JoinSet::new();
        let opened = Arc::new(AtomicUsize::new(0));
        let turn = Arc::new(tokio::sync::Semaphore::new(OPENED_AT_ONCE));
        for number in 0..count * flights.len() {
            let path = format!("/api/v1/flights/{}/stream", flights[number % flights.len()]);
            let (mine, opened) = (of_flight[number % flights.len()].clone(), opened.clone());
            let turn = turn.clone().acquire_owned().await.unwrap();
            readers.spawn(async move {
                let socket = TcpSocket::new_v4().unwrap();
                let mut stream = socket.connect(address).await.unwrap();
                let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let mut buffer = Vec::with_capacity(4096);
                while find(&buffer, b"event: availability").is_none() {
                    assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&buffer));
                }
                assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer));
                opened.fetch_add(1, Relaxed);
                drop(turn);
                let mut buffer = [0; 4096];
                loop {
                    let length = stream.read(&mut buffer).await.unwrap();
                    assert!(length > 0, "a stream has ended");
                    if find(&buffer[..length], b"event: availability").is_some() {
                        mine.has_heard();
                    }
                }
            });
        }
        while opened.load(Relaxed) < count * flights.len() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { readers, of_flight }
    }

    /// Waits until all who follow this flight have heard, and returns when each has.
    fn hear(&self, flight: usize) -> impl Future<Output = Vec<Instant>> + use<> {
        let readers = self.of_flight[flight].clone();
        readers.heard.lock().unwrap().clear();
        readers.all.send_replace(0);
        let mut heard = readers.all.subscribe();
        async move {
            heard.wait_for(|count| *count >= readers.count).await.unwrap();
            std::mem::take(&mut *readers.heard.lock().unwrap())
        }
    }

    fn close(mut self) {
        self.readers.abort_all();
    }
}

impl Readers {
    fn has_heard(&self) {
        let mut heard = self.heard.lock().unwrap();
        heard.push(Instant::now());
        let count = heard.len();
        drop(heard);
        if count >= self.count {
            self.all.send_replace(count);
        }
    }
}
